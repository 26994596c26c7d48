"""What ``import sky`` adds to the start of Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.sample import Sample, bare_python, python


@contextmanager
def _prepare(_home: Path) -> Iterator[Pair]:
    yield _import_sky, bare_python


def _import_sky() -> Sample:
    sample, out = python("import sky; print(sky.__version__)")
    assert out.strip(), "sky has no version"
    return sample


CASE = Case("import sky", "bare Python start-up", _prepare, rounds=21, target_s=0.072)
