"""``sky optimize examples/train.yaml --dryrun`` as a whole process: time and peak memory."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.facts import cheapest_usd_per_hour
from bench.sample import Sample, bare_python, sky


@contextmanager
def _prepare(_home: Path) -> Iterator[Pair]:
    cheapest = cheapest_usd_per_hour("A100", 8)

    def optimize() -> Sample:
        sample, out = sky("optimize", "examples/train.yaml", "--dryrun", "--json")
        plan = json.loads(out)
        assert plan["status"] == "OPTIMAL", plan["status"]
        assert math.isclose(plan["tasks"][0]["price_usd_per_hour"], cheapest, abs_tol=1e-6), cheapest
        return sample

    yield optimize, bare_python


CASE = Case(
    "sky optimize --dryrun of one task", "bare Python start-up", _prepare, target_s=0.9, target_mib=300
)
