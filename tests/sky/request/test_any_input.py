"""Whatever a task file holds, the answer is a task or an error that is the user's to fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import UserError
from sky import resources_yaml, service, storage, task_yaml
from sky.fields import estimate
from sky.fields.estimate import Estimate
from sky.resources import Resources
from sky.service import PoolSpec, ServiceSpec
from sky.storage import Storage
from sky.task import Task
from sky.yaml_io import load_tasks

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(["aws", "A100", "1+"])
)
KEYS = st.one_of(
    st.text(max_size=3), st.integers(0, 3), st.none(), st.sampled_from(["name", "path", "source", "s3://a"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)


def _config(fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(sorted(fields)), VALUES, max_size=4)


READERS = {
    "task": (Task.from_yaml_config, _config(task_yaml.FIELDS)),
    "resources": (Resources.from_yaml_config, _config(resources_yaml.FIELDS)),
    "storage": (Storage.from_yaml_config, _config(storage.FIELDS)),
    "service": (ServiceSpec.from_yaml_config, _config(service.FIELDS)),
    "pool": (PoolSpec.from_yaml_config, _config(["workers", "min_workers", "max_workers"])),
    "estimate": (Estimate.from_yaml_config, _config(estimate.FIELDS)),
}


@pytest.mark.parametrize("kind", READERS)
@given(data=st.data())
def test_a_value_or_a_user_error(kind: str, data: st.DataObject) -> None:
    read, configs = READERS[kind]
    config = data.draw(configs)
    assert _problem_of(lambda: read(config)) != ""


@given(st.text(alphabet=" \n:-[]{}&*!|>'\"#abc0,?%@\t", max_size=40))
def test_any_text_is_a_dag_or_a_user_error(text: str) -> None:
    problem = _problem_of(lambda: load_tasks("\n" + text))
    assert problem is None or problem.startswith("<text>")


def _problem_of(read: Callable[[], object]) -> str | None:
    """Return the text of the user's error, ``None`` where there was none; any other error is a bug."""
    try:
        read()
    except UserError as error:
        return str(error)
    return None
