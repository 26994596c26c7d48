"""Reading an EC2 offer file of 2 GB down to its prices, against a bare streaming parse of the same file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.offer_file import write_offer_file
from bench.sample import Sample, timed_process

SIZE_BYTES = 2_000_000_000

_OURS = (
    "import sys; from pathlib import Path; from catalog.sources.aws import prices_in;"
    "print(prices_in(Path(sys.argv[1])).num_rows)"
)
_BARE = (
    "import sys, ijson; print(sum(1 for _ in ijson.basic_parse(open(sys.argv[1], 'rb'), buf_size=1 << 20)))"
)


@contextmanager
def _prepare(home: Path) -> Iterator[Pair]:
    path = home / "offers.json"
    prices = write_offer_file(path, SIZE_BYTES)
    assert path.stat().st_size >= SIZE_BYTES

    def ours() -> Sample:
        sample, rows = timed_process([sys.executable, "-c", _OURS, str(path)])
        assert int(rows) == prices > 1_000, (rows, prices)
        return sample

    def bare() -> Sample:
        sample, events = timed_process([sys.executable, "-c", _BARE, str(path)])
        assert int(events) > 10_000_000, events
        return sample

    yield ours, bare


CASE = Case(
    "a 2 GB offer file to prices",
    "ijson's bare events",
    _prepare,
    rounds=2,
    target_ratio=1 / 0.6,
    target_mib=300,
)
