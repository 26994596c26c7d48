"""An executor of another package under test: ``SKY_TEST_PLACE=acme.conformance:place pytest ... -k acme``."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from typing import Any

import pytest

PLACE = "SKY_TEST_PLACE"
"""``module:function`` of what takes a test's ``request`` and returns its ``Place`` (conftest.py)."""


def places() -> Sequence[Any]:
    """Return the place that the environment names, as a parameter called by its package; none by default."""
    named = os.environ.get(PLACE)
    if not named:
        return ()
    module, _, function = named.partition(":")
    return [pytest.param(getattr(importlib.import_module(module), function), id=module.partition(".")[0])]
