"""docs/task-yaml.md names every field that a task file may have."""

from __future__ import annotations

from pathlib import Path

import pytest

from sky import resources_yaml, service, storage, task_yaml, yaml_io
from sky.fields import estimate
from sky.fields.schema import Table

PAGE = (Path(__file__).parents[3] / "docs" / "task-yaml.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "table",
    [
        task_yaml.FIELDS,
        resources_yaml.FIELDS,
        storage.FIELDS,
        service.FIELDS,
        estimate.FIELDS,
        yaml_io.HEADER_FIELDS,
    ],
)
def test_every_field_is_on_the_page(table: Table) -> None:
    assert [name for name in table if not name.startswith("_") and f"`{name}`" not in PAGE] == []
