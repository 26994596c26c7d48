"""Google's own description of Compute Engine: which requests there are, and what each may hold.

It is the discovery document that the package google-api-python-client carries, so nothing here is from
memory: a route, a parameter or a field that is not in it is refused as Google refuses it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Method:
    """One request: ``compute.instances.insert``, say."""

    id: str
    verb: str
    pattern: re.Pattern[str]
    parameters: Json
    body: str

    @property
    def name(self) -> str:
        """Its id without the service: ``instances.insert``."""
        return self.id.partition(".")[2]


class Invalid(ValueError):
    """What was sent is not what the description allows."""


class Discovery:
    """One service's document."""

    def __init__(self, document: Json) -> None:
        self._schemas: Json = document["schemas"]
        self._common: Json = document["parameters"]
        self.base = "/" + document["servicePath"]
        self._methods = list(_methods(document["resources"]))

    @classmethod
    def of(cls, service: str) -> Discovery:
        """Return that of ``compute.v1``, say."""
        return _read(service)

    def route(self, verb: str, path: str) -> tuple[Method, dict[str, str]] | None:
        """Return the method that is meant and its path parameters; ``path`` is without the base."""
        for method in self._methods:
            found = method.pattern.fullmatch(path) if method.verb == verb else None
            if found is not None:
                return method, found.groupdict()
        return None

    def check(self, method: Method, parameters: Json, body: Json | None) -> None:
        """Raise ``Invalid``, in Google's words, for what the method does not take."""
        for name, value in parameters.items():
            rule = method.parameters.get(name) or self._common.get(name)
            if rule is None:
                raise Invalid(
                    f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
                    f"Field '{name}' could not be found in request message."
                )
            _check_text(name, str(value), rule)
        lacking = [name for name, rule in method.parameters.items() if rule.get("required")]
        for name in lacking:
            if name not in parameters:
                raise Invalid(f"Required parameter '{name}' is missing")
        if body is not None and not method.body:
            raise Invalid(f"{method.id} takes no body")
        if method.body:
            self._check(body or {}, {"$ref": method.body}, "resource")
            self._check_required(body or {}, {"$ref": method.body}, method.id, "resource")

    def _check(self, value: Any, rule: Json, where: str) -> None:
        rule = self._schemas[rule["$ref"]] if "$ref" in rule else rule
        kind = rule.get("type")
        if kind == "object":
            self._check_object(value, rule, where)
        elif kind == "array":
            if not isinstance(value, list):
                raise Invalid(f"Invalid value at '{where}': Proto field is repeating, cannot start list.")
            for position, each in enumerate(value):
                self._check(each, rule["items"], f"{where}[{position}]")
        elif kind == "boolean":
            if not isinstance(value, bool):
                raise Invalid(f"Invalid value at '{where}' (TYPE_BOOL), {json.dumps(value)}")
        elif kind in {"integer", "number"}:
            if isinstance(value, bool) or not re.fullmatch(r"-?\d+(\.\d+)?", str(value)):
                raise Invalid(f"Invalid value at '{where}' (TYPE_INT32), {json.dumps(value)}")
        elif kind == "string":
            whole = rule.get("format") in {"int64", "uint64"} and isinstance(value, int)
            if not isinstance(value, str) and not whole:
                raise Invalid(f"Invalid value at '{where}' (TYPE_STRING), {json.dumps(value)}")
            _check_text(where, str(value), rule)

    def _check_object(self, value: Any, rule: Json, where: str) -> None:
        if not isinstance(value, dict):
            raise Invalid(f"Invalid value at '{where}', {json.dumps(value)}")
        properties, others = rule.get("properties", {}), rule.get("additionalProperties")
        for name, each in value.items():
            known = properties.get(name, others)
            if known is None:
                raise Invalid(
                    f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field."
                )
            self._check(each, known, f"{where}.{name}")

    def _check_required(self, value: Any, rule: Json, method: str, where: str) -> None:
        """Check what the document annotates as required by this very method."""
        rule = self._schemas[rule["$ref"]] if "$ref" in rule else rule
        if isinstance(value, list):
            for position, each in enumerate(value):
                self._check_required(each, rule.get("items", {}), method, f"{where}[{position}]")
        if not isinstance(value, dict):
            return
        for name, known in rule.get("properties", {}).items():
            if name in value:
                self._check_required(value[name], known, method, f"{where}.{name}")
            elif method in known.get("annotations", {}).get("required", ()):
                raise Invalid(f"Required field '{where}.{name}' not specified")


def _check_text(where: str, text: str, rule: Json) -> None:
    pattern, choices = rule.get("pattern"), rule.get("enum")
    if pattern and not re.fullmatch(pattern, text):
        raise Invalid(f"Invalid value for field '{where}': '{text}'. Must be a match of regex '{pattern}'")
    if choices and text not in choices:
        raise Invalid(f"Invalid value at '{where}' (TYPE_ENUM), \"{text}\"")
    if rule.get("type") == "boolean" and text not in {"true", "false"}:
        raise Invalid(f"Invalid value at '{where}' (TYPE_BOOL), \"{text}\"")
    if rule.get("type") == "integer" and not re.fullmatch(r"-?\d+", text):
        raise Invalid(f"Invalid value at '{where}' (TYPE_UINT32), \"{text}\"")


def _methods(resources: Json) -> Iterator[Method]:
    for resource in resources.values():
        for method in resource.get("methods", {}).values():
            yield Method(
                method["id"],
                method["httpMethod"],
                _pattern(method["path"], method.get("parameters", {})),
                method.get("parameters", {}),
                method.get("request", {}).get("$ref", ""),
            )
        yield from _methods(resource.get("resources", {}))


def _pattern(path: str, parameters: Json) -> re.Pattern[str]:
    """Return what matches the path; each parameter is one segment, or as many as its own pattern says."""
    parts = re.split(r"(\{\+?\w+\})", path)
    written = [
        _segment(part, parameters) if number % 2 else re.escape(part) for number, part in enumerate(parts)
    ]
    return re.compile("".join(written))


def _segment(part: str, parameters: Json) -> str:
    name = part.strip("{+}")
    shape = parameters[name].get("pattern", "").strip("^$") if part.startswith("{+") else ""
    return f"(?P<{name}>{shape.replace('[^/]+', '[^/:]+') or '[^/:]+'})"


@cache
def _read(service: str) -> Discovery:
    spec = find_spec("googleapiclient")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "discovery_cache" / "documents" / f"{service}.json"
    return Discovery(json.loads(path.read_text("utf-8")))
