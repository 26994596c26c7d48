"""What every container that is a node has, whoever runs it: a first process, and a Python for the agent."""

from __future__ import annotations

from pathlib import Path

from executors.errors import Unsupported
from executors.transports.commands import Commands

INIT = """\
end() {
    [ $$ = 1 ] || exit 0
    kill -TERM -1
    while kill -0 -1; do sleep 0.1 || sleep 1; done 2>/dev/null
    exit 0
}
trap end TERM INT
[ ! -r ~/.sky_agent/boot ] || sh ~/.sky_agent/boot >/dev/null &
while :; do sleep 86400 & wait $!; done
"""
"""The shell script that it runs: starts the agent where one was before, reaps what loses its parent; told to
end, it tells everything, and waits."""

_PREPARE = Path(__file__).with_name("prepare.sh")


def prepared(container: Commands, example: str) -> str:
    """Install what the agent needs in ``container`` where it is missing; returns the path of its Python.

    Raises ``Unsupported``, naming the image ``example`` as one that has it, where that cannot be done.
    """
    done = container.run(["sh", "-s"], stdin=_PREPARE.read_bytes())
    if done.returncode:
        lacking = done.stderr.strip()[-300:]
        raise Unsupported(
            f"the image has no {lacking}, and it cannot be installed there with apt-get: take an image "
            f"that has it, such as {example}"
        )
    return done.stdout.strip().removeprefix("python ")
