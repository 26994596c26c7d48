"""A launch that 100 zones refuse one after another: all that is not the providers' own work."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.refusing_cloud import refusing_clouds
from bench.sample import Sample, bare_python, timed

ZONES = 100


@contextmanager
def _prepare(_home: Path) -> Iterator[Pair]:
    logging.getLogger("sky").setLevel(logging.ERROR)
    yield _exhaust, bare_python


def _exhaust() -> Sample:
    import sky
    from sky.control import shortages
    from sky.control.state import open_store
    from sky.exceptions import ResourcesUnavailableError

    def launch() -> ResourcesUnavailableError:
        try:
            sky.launch(sky.Task(run="true").set_resources(sky.Resources(cpus="8+")), "dev")
        except ResourcesUnavailableError as error:
            return error
        raise AssertionError("a refusing cloud made a cluster")

    store = open_store()
    shortages.forget(store, store.standing_attempts())
    with refusing_clouds(ZONES):
        sample, error = timed(launch)
    refused = [each for each in error.attempts if each["reason"] == "no capacity"]
    assert len({(each["cloud"], each["region"], each["zone"]) for each in refused}) == ZONES
    assert store.records() == []
    return sample


CASE = Case("sky.launch refused in 100 zones", "bare Python start-up", _prepare, rounds=5, target_s=5.0)
