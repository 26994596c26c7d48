"""The package on docs/adding_an_executor.md is whole: it imports, its prices conform, its sizes are true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.clouds.acme import page

PROGRAM = """
import sys
from catalog.build import offers
from catalog.sources import registry as sources
from catalog.sources.work import Work
from executors import registry
from executors.api import Checkable, SelfActing, Stoppable
from sky import clouds
from pathlib import Path

provisioner = registry.load("acme").provisioner
assert all(isinstance(provisioner, each) for each in (Checkable, SelfActing, Stoppable))
assert clouds.from_str("acme").canonical_name() == "acme"
found = offers(sources.load("acme").fetch(Work("acme", Path(sys.argv[1]))))
print(found.num_rows)
"""


def test_it_is_found_by_its_entry_points_and_its_prices_conform(tmp_path: Path) -> None:
    page.install(tmp_path / "site")
    path = os.pathsep.join([str(page.PAGE.parents[1]), str(tmp_path / "site")])
    argv = [sys.executable, "-c", PROGRAM, str(tmp_path / "work")]
    done = subprocess.run(
        argv, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("4\n", "")


def test_the_table_tells_how_long_each_file_is() -> None:
    text = page.PAGE.read_text("utf-8")
    lines = {path: content.count("\n") for path, content in page.files().items()}
    told = dict(re.findall(r"^\| `([\w/.]+)` \| (\d+) \|", text, re.MULTILINE))
    assert told == {path: str(count) for path, count in lines.items()}
    assert f"| all of them | {sum(lines.values())} |" in text
