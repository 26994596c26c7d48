"""Clouds that refuse as a test says, in the place of the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from executors import registry
from tests.sky.control.fake_infra import FakeCloud


@contextmanager
def _in_the_place_of(name: str) -> Iterator[FakeCloud]:
    cloud = FakeCloud(name)
    registry.register(name, cloud.executor)
    yield cloud
    registry.unregister(name)


@pytest.fixture
def aws() -> Iterator[FakeCloud]:
    with _in_the_place_of("aws") as cloud:
        yield cloud


@pytest.fixture
def gcp() -> Iterator[FakeCloud]:
    with _in_the_place_of("gcp") as cloud:
        yield cloud
