"""Making the nodes of a cluster one Slurm: checked in the call that starts the agent, mended if needed."""

from __future__ import annotations

import base64
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from executors.agent_queue import AgentQueue
from executors.api import Transport
from executors.errors import AgentUnreachable, Unsupported
from executors.gang.slurm_setup import GangShape, applied_digest, digest_of, files

_log = logging.getLogger("sky.executors")

INSTALL = Path(__file__).with_name("install.sh")
_READY_TIMEOUT_S = 30.0
_KEY_BYTES = 128
_NOT_ALLOWED, _NO_APT = 3, 4
_PACKAGES = "slurmctld slurmd slurm-client munge"


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a node's agent says of it, and of Slurm there; ``digest`` is empty unless its daemons all run."""

    hostname: str
    user: str
    uid: int
    home: str
    cpus_milli: int
    memory_mib: int
    missing: Sequence[str]
    version: str
    digest: str


Step = Callable[[int, Transport, AgentQueue], Any]
"""What is done on one node: gets its rank, the way to it and its agent."""

Each = Callable[[str, Step], dict[int, Any]]
"""Does a step, named for messages, on every node at once; returns what each rank's returned."""


def facts_of(answer: Mapping[str, Any]) -> NodeFacts:
    """Return the facts in the answer to the call that starts the agent."""
    return NodeFacts(**answer["slurm"])


def ensure_gang(
    facts: Mapping[int, NodeFacts],
    config: Mapping[str, Any],
    each: Each,
) -> None:
    """Make the nodes one Slurm with today's addresses and capacity; nothing is done where they are.

    ``each`` does a step on every node at once. Raises ``Unsupported`` where a node cannot be made part of it,
    saying what to do there, and ``AgentUnreachable`` when it does not come up.
    """
    if any(node.missing for node in facts.values()):
        addresses, found = config["addresses"], facts
        each("installing Slurm", lambda rank, way, _: install(way, addresses[rank], found[rank]))
        answers = each("starting the agent", lambda _rank, _way, queue: queue.ensure_agent())
        facts = {rank: facts_of(answer) for rank, answer in answers.items()}
    _check_alike(facts, config["addresses"])
    texts = files(_shape(facts[0], config))
    digests = {node.digest for node in facts.values()}
    if len(digests) == 1 and digests.pop().startswith(digest_of(texts)):
        return
    key = each("reading the key", lambda rank, _, queue: "" if rank else queue.slurm_key())[0] or _new_key()
    request = {
        "files": texts,
        "key": key,
        "digest": applied_digest(texts, key),
        "devices": int(config["capacity"].get("accelerators", 0)),
    }
    each("starting Slurm", lambda rank, _, queue: queue.slurm_apply({**request, "node": rank}))
    waited = each("reaching all", lambda rank, _, queue: [] if rank else queue.slurm_wait(_READY_TIMEOUT_S))
    missing = waited[0]
    if missing:
        named = ", ".join(f"rank {rank} ({config['addresses'][rank]})" for rank in missing)
        raise AgentUnreachable(
            f"Slurm does not reach {named} within {_READY_TIMEOUT_S:g} s; the nodes must reach each other by "
            "these addresses on every port, and their clocks must agree to some minutes "
            "(see ~/.sky_agent/slurm/slurmd.log there)"
        )
    _log.info("Slurm runs on the %d nodes and reaches them all", len(facts))


def install(transport: Transport, address: str, node: NodeFacts) -> None:
    """Install what is missing on a node. Raises ``Unsupported`` that says what to do by hand."""
    if not node.missing:
        return
    _log.info("Installing Slurm on %s", address)
    done = transport.run(["sh", "-s"], stdin=INSTALL.read_bytes())
    if done.returncode == 0:
        return
    reason = {
        _NOT_ALLOWED: f"{node.user} is not root there and sudo asks for a password",
        _NO_APT: "it has no apt-get",
    }.get(done.returncode, done.stderr.strip()[-300:])
    raise Unsupported(
        f"a cluster of several nodes needs Slurm and munge on each, and they cannot be installed on "
        f"{address}: {reason}. Run there: sudo apt-get install {_PACKAGES}"
    )


def _check_alike(facts: Mapping[int, NodeFacts], addresses: Sequence[str]) -> None:
    """Raise ``Unsupported`` where a node differs in what a job needs to be the same on all."""
    head = facts[0]
    for rank, node in facts.items():
        if (node.user, node.uid, node.home) != (head.user, head.uid, head.home):
            raise Unsupported(
                f"the login user must be the same on all nodes: {addresses[0]} has {head.user} "
                f"(uid {head.uid}, {head.home}), {addresses[rank]} has {node.user} "
                f"(uid {node.uid}, {node.home})"
            )
        if _release(node.version) != _release(head.version):
            raise Unsupported(
                f"Slurm must be the same release on all nodes: {addresses[0]} has {head.version}, "
                f"{addresses[rank]} has {node.version}"
            )


def _release(version: str) -> list[str]:
    return version.split(".")[:2]


def _shape(head: NodeFacts, config: Mapping[str, Any]) -> GangShape:
    return GangShape(
        addresses=tuple(config["addresses"]),
        cpus_milli=head.cpus_milli,
        memory_mib=head.memory_mib,
        accelerators=int(config["capacity"].get("accelerators", 0)),
        folder=f"{head.home}/.sky_agent/slurm",
        user=head.user,
        hostname=head.hostname,
        version=head.version,
    )


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode("ascii")
