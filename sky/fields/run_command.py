"""What ``setup`` and ``run`` may be: a script, lines of one, or (run) a function of rank and addresses."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from sky.exceptions import SpecError

CommandGenerator = Callable[[int, list[str]], str | None]
Run = str | CommandGenerator | None

_RANK_TYPES = ("int",)
_ADDRESSES_TYPES = ("List[str]", "list[str]", "typing.List[str]")


def script(value: str | list[str] | tuple[str, ...] | None, field: str) -> str | None:
    """Return a script, or the lines of one joined. Raises ``SpecError``."""
    if isinstance(value, (list, tuple)) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    if value is not None and not isinstance(value, str):
        raise SpecError(f"must be text or a list of lines, not {value!r}", field)
    return value


def checked_run(run: object) -> Run:
    """Return ``run`` when it is a script, lines of one, or a function of its own. Raises ``SpecError``."""
    if isinstance(run, FunctionType):
        _check_function(run)
        return run
    if callable(run):
        raise SpecError(
            "a callable must be a function or lambda of its own, so that it can be checked", "run"
        )
    return script(run, "run")  # type: ignore[arg-type]  # any other value is what script() refuses


def _check_function(run: FunctionType) -> None:
    import inspect

    parameters = list(inspect.signature(run).parameters.values())
    if len(parameters) != 2:
        raise SpecError(f"a function must take two parameters (rank, ips), not {len(parameters)}", "run")
    for parameter, wanted in zip(parameters, (_RANK_TYPES, _ADDRESSES_TYPES), strict=True):
        if parameter.annotation is not parameter.empty and _written(parameter.annotation) not in wanted:
            raise SpecError(
                f"parameter {parameter.name!r} must be annotated {wanted[0]}, or not at all", "run"
            )
    outside = [*run.__code__.co_freevars, *sorted(_globals(run.__code__, run.__globals__))]
    if outside:
        raise SpecError(
            f"a function must be self-contained, but it uses {', '.join(outside)} from outside", "run"
        )


def _written(annotation: Any) -> str:
    if isinstance(annotation, str):
        return annotation
    return (
        annotation.__name__
        if isinstance(annotation, type) and not hasattr(annotation, "__args__")
        else str(annotation)
    )


def _globals(code: CodeType, known: dict[str, Any]) -> Iterator[str]:
    """Yield the module names that ``code``, or a function inside it, reads."""
    import dis

    for instruction in dis.get_instructions(code):
        name = instruction.argval
        if instruction.opname == "LOAD_GLOBAL" and (name in known or not hasattr(builtins, name)):
            yield name
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals(constant, known)
