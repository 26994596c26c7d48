"""Contexts as offers: every share of a node in every allowed context, as its API server says right now."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from catalog.errors import UserError
from executors.fanout import Answer, in_parallel
from executors.kubernetes import contexts
from executors.kubernetes.client import client_of
from executors.kubernetes.contexts import Context
from executors.kubernetes.nodes import NodeClass, classes
from executors.kubernetes.share import Share, room_for, shares_of
from executors.owned import Look, OwnedOffer

_log = logging.getLogger("sky.executors.kubernetes")

LIMIT_S = 4.0
"""How long a plan waits for contexts to say what they have; those that do not are left out."""
_FRESH_S = 30.0


def look(wanted: Sequence[Context], limit_s: float = LIMIT_S) -> list[Answer[tuple[NodeClass, ...]]]:
    """Return what each context has, or why it does not say, within ``limit_s``."""
    return in_parallel(wanted, lambda context: classes(client_of(context.name), limit_s), limit_s=limit_s)


def _all() -> Iterator[OwnedOffer]:
    try:
        wanted = list(contexts.allowed().values())
    except UserError as error:
        _log.warning("%s", error)
        return
    for context, answer in zip(wanted, look(wanted), strict=True):
        if answer.error is not None:
            _log.warning("%s is left out: %s", context.place, answer.error)
            continue
        yield from of_context(context, answer.got())


def of_context(context: Context, found: Sequence[NodeClass]) -> Iterator[OwnedOffer]:
    """Yield the shares of the context's nodes, with how many pods of each it has room for."""
    by_name: dict[str, tuple[Share, int, int]] = {}
    for node in found:
        for share in shares_of(node):
            first, room, nodes = by_name.get(share.name, (share, 0, 0))
            by_name[share.name] = (first, room + room_for(share, node), nodes + len(node.free))
    for name, (share, room, nodes) in by_name.items():
        yield OwnedOffer(
            share.offer(context.name),
            room,
            f"{nodes} node(s) have {name}, with room for {room} pod(s) of it now",
        )


shares = Look(_all, _FRESH_S)
"""What can be had, as it is now or was some seconds ago."""
