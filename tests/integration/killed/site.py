"""A provider and a laptop whose commands are killed: what is run, what gc does then, and what must agree."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from click.testing import CliRunner

from catalog.home import sky_home
from sky import core
from sky.cli.main import cli
from sky.control.state import open_store

NAME = "dev"
_ID = re.compile(rf"{NAME}-[0-9a-f]{{8}}")

_LIMIT_S = 600
"""How long a command may take on a machine that is busy."""
_TIMES = 10
"""How often gc is asked again where the provider did not answer in time."""

BEFORE = {"launch": None, "stop": "UP", "start": "STOPPED", "down": "UP"}
"""The status that a cluster has before each verb, ``None`` for no cluster."""
AFTER = {"launch": "UP", "stop": "STOPPED", "start": "UP", "down": None}


@dataclass(frozen=True)
class Site:
    """A provider, and what it holds: each node's cluster id, and the ids of clusters with anything beside.

    ``call`` is the function that every call to it goes through, ``place`` what a launch says of the place.
    """

    name: str
    call: str
    place: tuple[str, ...]
    nodes: Callable[[], list[str]]
    others: Callable[[], set[str]]

    def words(self, verb: str) -> list[str]:
        """Return the command, a user's."""
        if verb == "launch":
            return ["launch", "-y", "-d", "-c", NAME, *self.place, "true"]
        return [verb, "-y", NAME]

    def killed(self, verb: str, nth: int) -> bool:
        """Run the command until the so-manieth call is answered; false if it came to its end before."""
        process = self.doomed(verb, nth)
        _, told = process.communicate(timeout=_LIMIT_S)
        assert process.returncode in {0, -signal.SIGKILL}, told
        return process.returncode != 0

    def doomed(self, verb: str, nth: int) -> subprocess.Popen[str]:
        """Begin the command, which dies once the so-manieth call is answered."""
        argv = [sys.executable, "-m", "tests.integration.killed.cli", self.call, str(nth), *self.words(verb)]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def do(self, *words: str) -> str:
        """Run a command unharmed, in this process, which is quicker; returns what it told where it failed."""
        done = CliRunner().invoke(cli, list(words), standalone_mode=False)
        assert (done.exception, done.return_value or 0) in {(None, 0), (None, 1)}, done.output
        return done.output if done.return_value else ""

    def reach(self, status: str | None) -> None:
        """Bring the cluster to a status."""
        while (now := status_of()) != status:
            if status is None or now is None:
                self.do(*self.words("launch" if now is None else "down"))
            else:
                self.do(*self.words("stop" if status == "STOPPED" else "start"))

    def recover(self, verb: str) -> None:
        """Let gc put things right, as a user would; then do the verb again on what is left.

        Where nothing at all is left all is as it was before the first launch, which need not be done again.
        """
        for _ in range(_TIMES):
            if "did not say what it holds" not in (told := self.do("gc", "--yes")):
                break
        assert not told
        self.assert_agreed()
        if status_of() is None:
            assert verb in {"launch", "down"}, "gc removed a cluster that was in use"
            return
        self.do(*self.words(verb))
        assert status_of(refresh=True) == AFTER[verb]
        self.assert_agreed()

    def assert_agreed(self) -> None:
        """No node without a record, no record without a node, and nothing else of what has no record."""
        recorded = [record.cluster_id for record in open_store().records()]
        assert self.nodes() == recorded, "a cluster of one node has one"
        assert self.others() <= set(recorded)
        kept = {found for path in sky_home().rglob("*") for found in _ID.findall(path.name)}
        assert kept <= set(recorded), "files of a cluster that has no record any more"


def status_of(*, refresh: bool = False) -> str | None:
    """Return the cluster's status, ``None`` where there is none."""
    return next((each["status"].name for each in core.status(NAME, refresh=refresh)), None)
