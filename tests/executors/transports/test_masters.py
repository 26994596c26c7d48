"""Several callers that want a connection to the same host at once."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from executors.errors import HostUnreachable
from tests.executors.transports.conftest import Connect, address_of, pin
from tests.hosts.fixtures import TakeMachines

pytestmark = pytest.mark.needs("time")

CALLERS = 4
COUNTED = """#!/bin/sh
case " $* " in *" -M "*) echo started >>{log} ;; esac
exec {ssh} "$@"
"""


def test_a_hung_host_is_tried_once_for_all_who_wait_for_their_turn(
    machines: TakeMachines, connections: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (host,) = machines(1)
    pin(host)
    log, program = tmp_path / "log", tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(COUNTED.format(log=log, ssh=shutil.which("ssh")))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    together = threading.Barrier(CALLERS)

    def call(_: int) -> str:
        together.wait(10)
        with pytest.raises(HostUnreachable) as caught:
            connections(address_of(host)).run(["true"])
        return str(caught.value)

    host.freeze()
    with ThreadPoolExecutor(CALLERS) as pool:
        told = set(pool.map(call, range(CALLERS)))
    assert len(told) == 1
    assert f"{host.ip} cannot be reached" in told.pop()
    assert log.read_text() == "started\n"
    host.thaw()
    assert connections(address_of(host)).run(["echo", "well"]).stdout == "well\n"
