"""The section ``docker`` of a task's ``config`` and of the user's configuration."""

from __future__ import annotations

from typing import Any

from executors.container.run_options import words
from sky.exceptions import within
from sky.fields.schema import Kind, Table, checked

RUN_OPTIONS = "run_options"
_FIELDS: Table = {RUN_OPTIONS: (Kind.LIST, Kind.TEXT)}


def parse(section: object) -> dict[str, Any]:
    """Return the section as it is written, once it is right. Raises ``SpecError``."""
    with within("docker"):
        fields = checked(section, _FIELDS, "the configuration of docker")
        run_options(fields)
        return fields


def run_options(section: dict[str, Any]) -> tuple[str, ...]:
    """Return the words that the section adds to ``docker run``. Raises ``SpecError``."""
    with within(RUN_OPTIONS):
        return words(section.get(RUN_OPTIONS, ()))
