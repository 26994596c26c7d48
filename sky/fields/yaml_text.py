"""YAML text to plain values that remember where they stood.

``read`` refuses duplicate keys, and keys that are not text or numbers. ``Document.locating`` gives errors
raised while the values are being read their ``file:line:column``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from catalog.errors import UserError
from sky.exceptions import SpecError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a YAML file: its value (``None`` when empty) and its source name."""

    value: Any
    source: str
    _node: yaml.Node | None = field(repr=False)

    def where(self, path: Sequence[str | int]) -> str:
        """Return ``file:line:column`` of the deepest part of ``path`` that was written."""
        if self._node is None:
            return self.source
        mark = self._node.start_mark
        node: yaml.Node | None = self._node
        for part in path:
            mark, node = _step(node, part, mark)
            if node is None:
                break
        return f"{self.source}:{mark.line + 1}:{mark.column + 1}"

    @contextmanager
    def locating(self) -> Iterator[None]:
        """Give every user error raised inside its place in this document."""
        try:
            yield
        except SpecError as error:
            error.location = error.location or self.where(error.path)
            raise
        except UserError as error:
            raise SpecError(str(error), location=self.where(())) from error


def read(text: str, source: str) -> list[Document]:
    """Return the documents of ``text``. Raises ``SpecError`` placing a syntax error or a duplicate key."""
    constructor: Any = yaml.SafeLoader("")
    documents = []
    try:
        for node in yaml.compose_all(text, Loader=_Loader):
            _check_keys(node, source, set(), ())
            documents.append(Document(constructor.construct_document(node), source, node))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        raise SpecError(f"not valid YAML: {error.problem or error.context}", location=place) from None
    except yaml.YAMLError as error:
        raise SpecError(f"not valid YAML: {error}", location=source) from None
    except RecursionError:
        raise SpecError("is nested too deeply; is this a task file?", location=source) from None
    except (ValueError, KeyError, AttributeError) as error:
        if isinstance(error, UserError):
            raise
        raise SpecError(
            "a value is not the number or date that it looks like; quote it", location=source
        ) from None
    return documents


def read_one(path: Path, what: str) -> Document | None:
    """Return the one document of a file, ``None`` without a file or where it says nothing.

    ``what`` it holds, in the plural, goes into messages. Raises ``SpecError`` with the place in the file.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise SpecError("is not UTF-8 text", location=str(path)) from None
    documents = [each for each in read(text, str(path)) if each.value is not None]
    if len(documents) > 1:
        raise SpecError(f"holds several documents; write all {what} in one", location=str(path))
    return documents[0] if documents else None


def _check_keys(node: yaml.Node, source: str, seen: set[int], above: tuple[int, ...]) -> None:
    if id(node) in above:
        raise SpecError("an alias contains itself", location=_place(node, source))
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _check_keys(child, source, seen, (*above, id(node)))
    if isinstance(node, yaml.MappingNode):
        first: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise SpecError("a key must be text", location=_place(key, source))
            if key.value in first and key.tag != "tag:yaml.org,2002:merge":
                line = first[key.value].start_mark.line + 1
                raise SpecError(
                    f"duplicate key {key.value!r}, first given on line {line}; remove one",
                    location=_place(key, source),
                )
            first[key.value] = key
            _check_keys(value, source, seen, (*above, id(node)))


def _place(node: yaml.Node, source: str) -> str:
    return f"{source}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def _step(node: yaml.Node | None, part: str | int, mark: Any) -> tuple[Any, yaml.Node | None]:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        child = node.value[part]
        return child.start_mark, child
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark, value
    return mark, None
