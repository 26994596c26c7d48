"""What can be asked of one host, over its transport: who holds it, and the steps of ``host.sh``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from executors.api import Completed, Transport
from executors.errors import AgentUnreachable, CleanupIncomplete, NotFound
from executors.ssh.reservation import Reservation

SCRIPT = Path(__file__).with_name("host.sh")
MARKER = "SKY_SSH_CLUSTER"
_NOT_HELD = 3
_INCOMPLETE = 4


@dataclass(frozen=True, slots=True)
class HostView:
    """How a host is: who holds it, whose folders are in place, which clusters are stopped on it, its agent.

    ``agent`` is ``"running"``, ``"ended"``, or ``""`` where none was started.
    """

    reservation: Reservation | None = None
    prepared: str = ""
    stopped: tuple[Reservation, ...] = ()
    agent: str = ""

    def of(self, cluster_id: str) -> Reservation | None:
        """Return the cluster's reservation here, of now or from when it was stopped."""
        held = self.reservation
        if held is not None and held.cluster_id == cluster_id:
            return held
        return next((each for each in self.stopped if each.cluster_id == cluster_id), None)

    def held_by(self, cluster_id: str) -> bool:
        """Return whether the cluster holds the host now."""
        return self.reservation is not None and self.reservation.cluster_id == cluster_id

    def parked(self, cluster_id: str) -> bool:
        """Return whether a stopped cluster's folders lie here."""
        return any(each.cluster_id == cluster_id for each in self.stopped)


def look(transport: Transport, timeout_s: float) -> HostView:
    """Return how the host is. Raises ``Transient`` when it does not answer in time."""
    done = _run(transport, "look", timeout_s=timeout_s)
    held, prepared, agent = None, "", ""
    stopped = []
    for line in done.stdout.splitlines():
        name, _, value = line.partition(" ")
        if name == "reservation":
            held = Reservation.from_json(value)
        elif name == "stopped":
            stopped.append(Reservation.from_json(value))
        elif name == "prepared":
            prepared = value
        elif name == "agent":
            agent = value
    return HostView(held, prepared, tuple(stopped), agent)


def reserve(transport: Transport, reservation: Reservation) -> Reservation:
    """Take the host unless it is taken; return who holds it then."""
    done = _run(transport, "reserve", reservation.cluster_id, reservation.to_json())
    return Reservation.from_json(done.stdout.strip())


def prepare(transport: Transport, cluster_id: str) -> list[str]:
    """Put the cluster's folders in place, those of a stopped one with their content.

    Returns the names of what was there before and was moved aside, to come back when the cluster goes.
    """
    done = _run(transport, "prepare", cluster_id)
    return [line.removeprefix("aside ") for line in done.stdout.splitlines() if line.startswith("aside ")]


def release(transport: Transport, cluster_id: str) -> None:
    """Let the host go, its folders as they are; held by another or nobody is success."""
    _run(transport, "release", cluster_id)


def stop(transport: Transport, cluster_id: str) -> None:
    """End the cluster's processes, put its folders away and let the host go."""
    _run(transport, "stop", cluster_id)


def remove(transport: Transport, cluster_id: str) -> None:
    """End the cluster's processes, remove its folders and let the host go; nothing there is success."""
    _run(transport, "down", cluster_id)


def self_commands(cluster_id: str) -> Mapping[str, Sequence[str]]:
    """Return what a host itself runs, without the cluster's mark, to put the cluster away or remove it."""
    shell = ["env", "-u", MARKER, "/bin/sh", "-c", _script(), "sky-host"]
    return {action: [*shell, f"self-{action}", cluster_id] for action in ("stop", "down")}


@cache
def _script() -> str:
    return SCRIPT.read_text("utf-8")


def _run(transport: Transport, verb: str, *words: str, timeout_s: float | None = None) -> Completed:
    argv = ["sh", "-s", "--", verb, *words]
    done = transport.run(argv, stdin=_script().encode(), timeout_s=timeout_s)
    said = (done.stderr.strip() or done.stdout.strip())[-500:]
    if done.returncode == _NOT_HELD:
        raise NotFound(said)
    if done.returncode == _INCOMPLETE:
        raise CleanupIncomplete(said)
    if done.returncode:
        raise AgentUnreachable(f"{verb} failed on the host (exit code {done.returncode}): {said}")
    return done
