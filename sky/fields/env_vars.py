"""Environment variables of a task: names, values, overrides, and ``${VAR}`` in a few other fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from executors.docker_login import DockerLogin
from sky.exceptions import SpecError

Pairs = Mapping[str, Any] | Iterable[tuple[str, Any]] | None

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_REFERENCE = re.compile(r"\$(?:\{([a-zA-Z_][a-zA-Z0-9_]*)\}|([a-zA-Z_][a-zA-Z0-9_]*))")
_DOCKER = {part: f"SKYPILOT_DOCKER_{part.upper()}" for part in ("username", "password", "server")}


def checked_pairs(pairs: Pairs, field: str) -> dict[str, str]:
    """Return ``pairs`` as a dict of text. Raises ``SpecError`` for bad names, and shows no value."""
    if pairs is None:
        return {}
    listed = list(pairs.items()) if isinstance(pairs, Mapping) else _pairs(pairs, field)
    values: dict[str, str] = {}
    for name, value in listed:
        if not isinstance(name, str):
            raise SpecError(f"the name {name!r} must be text", field)
        if _NAME.fullmatch(name) is None:
            raise SpecError("a name has only letters, digits and _, and starts with no digit", field, name)
        if name in values:
            raise SpecError("is given twice", field, name)
        if value is None:
            raise SpecError(
                f"has no value; give one here, or on the command line as {_option(field)} {name}=VALUE",
                field,
                name,
            )
        values[name] = str(value)
    return values


def merged(written: Mapping[str, Any] | None, overrides: Pairs, field: str) -> dict[str, str]:
    """Return ``written`` with ``overrides`` over it. Raises ``SpecError`` for a null left over."""
    named = {} if written is None else dict(written)
    return checked_pairs({**named, **checked_pairs(overrides, field)}, field)


def substituted(value: Any, variables: Mapping[str, str]) -> Any:
    """Return ``value`` with ``$VAR`` and ``${VAR}`` of known names replaced in every text inside it."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: variables.get(match[1] or match[2], match[0]), value)
    if isinstance(value, Mapping):
        return {substituted(key, variables): substituted(each, variables) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [substituted(each, variables) for each in value]
    return value


@contextmanager
def hiding(secrets: Mapping[str, str]) -> Iterator[None]:
    """Put ``$NAME`` in the place of each value of ``secrets`` in a ``SpecError`` raised inside."""
    try:
        yield
    except SpecError as error:
        error.problem = _hidden(error.problem, secrets)
        error.path = tuple(_hidden(part, secrets) if isinstance(part, str) else part for part in error.path)
        error.args = (error.problem,)
        raise


def _hidden(text: str, secrets: Mapping[str, str]) -> str:
    for name, value in sorted(secrets.items(), key=lambda pair: -len(pair[1])):
        for written in (value, repr(value)[1:-1]) if value else ():
            text = text.replace(written, f"${name}")
    return text


def docker_login(variables: Mapping[str, str]) -> DockerLogin | None:
    """Return the registry login that the three ``SKYPILOT_DOCKER_*`` variables give, ``None`` without any.

    Raises ``SpecError`` when only some are set.
    """
    given = {part: variables[name] for part, name in _DOCKER.items() if name in variables}
    if not given:
        return None
    missing = [name for part, name in _DOCKER.items() if part not in given]
    if missing:
        raise SpecError(f"a registry login needs {', '.join(missing)} too", "envs")
    return DockerLogin(**given)


def _pairs(pairs: object, field: str) -> list[tuple[Any, Any]]:
    listed = list(pairs) if isinstance(pairs, Iterable) and not isinstance(pairs, str) else None
    if listed is None or not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in listed):
        raise SpecError("must be a mapping, or a list of (name, value)", field)
    return [(name, value) for name, value in listed]


def _option(field: str) -> str:
    return "--secret" if field == "secrets" else "--env"
