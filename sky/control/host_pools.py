"""Pools of hosts from here: bringing them up, how they are, and forgetting them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from catalog.errors import UserError
from executors import registry
from executors.api import Handle, Transport
from executors.errors import CleanupIncomplete, HostKeyUnknown
from executors.fanout import Answer, in_parallel
from executors.ssh import claims, pools
from executors.ssh.contact import why
from executors.ssh.facts import Found, detect
from executors.ssh.host import HostView, look
from executors.ssh.places import pool_names
from executors.ssh.pools import Facts, Host, Pool
from executors.ssh.reservation import me
from executors.ssh.standing import Standing, standings
from executors.transports import host_keys
from executors.transports.address import Address
from executors.transports.host_key import HostKey
from executors.transports.ssh import ask
from sky.control.pool_file import HostEntry, PoolEntry, entry, no_pools, path, read
from sky.control.records import ClusterRecord
from sky.control.state import open_store
from sky.exceptions import NotSupportedError

_DETECT_S = 20.0


@dataclass(frozen=True, slots=True)
class HostState:
    """One host of a pool as a table shows it; ``facts`` are ``None`` where it never said them."""

    pool: str
    host: str
    state: str
    facts: Facts | None = None
    held_by: str = ""
    reason: str = ""


class SameHost(UserError):
    """Two entries of a pool are one host."""


Confirm = Callable[[Address, HostKey], bool]
"""Asks whether a key that was never seen is the one of that host."""


def chosen(name: str | None) -> list[PoolEntry]:
    """Return the pool of that name, or all in the pools file. Raises ``UserError`` where there is none."""
    if name is not None:
        return [entry(name)]
    found = list(read().values())
    if not found:
        raise UserError(f"{path()} {no_pools()}")
    return found


def bring_up(wanted: PoolEntry, confirm: Confirm) -> list[HostState]:
    """Learn what the pool's hosts have, and keep it; hosts whose key is not known are asked about first.

    A host that cannot be used now keeps what was known of it, and its state says why.
    """
    trusted = _trusted(wanted, confirm)
    before = {host.name: host for host in (pools.load(wanted.name) or Pool(wanted.name, ())).hosts}
    reached = [each for each in wanted.hosts if trusted[each].error is None]
    answers = dict(zip(reached, ask([each.address for each in reached], _inspect, _DETECT_S), strict=True))
    met: dict[str, HostEntry] = {}
    hosts, rows = [], []
    for each in wanted.hosts:
        answer = _once(each, answers.get(each) or Answer(error=trusted[each].error), met)
        known = before.get(each.name)
        if answer.value is not None:
            found, view = answer.value
            hosts.append(_host(each, found))
            rows.append(_row(wanted.name, Standing(hosts[-1], view)))
        elif isinstance(answer.error, SameHost) or known is None:
            rows.append(HostState(wanted.name, each.name, "unusable", reason=why(answer.error)))
        else:
            hosts.append(_renewed(known, each))
            rows.append(
                HostState(wanted.name, each.name, "unusable", hosts[-1].facts, reason=why(answer.error))
            )
    pools.save(Pool(wanted.name, tuple(hosts)))
    return rows


def release_forgotten() -> list[str]:
    """Let go what clusters hold that were forgotten (``--purge``) while their hosts did not answer.

    Returns their ids; what still does not answer is left for the next time.
    """
    known = {record.cluster_id for record in open_store().records()}
    released = []
    for cluster_id in claims.cluster_ids():
        if cluster_id not in known:
            with suppress(CleanupIncomplete):
                registry.load("ssh").provisioner.delete(Handle("ssh", cluster_id, cluster_id))
                released.append(cluster_id)
    return released


def states(name: str | None) -> list[HostState]:
    """Return how the hosts of a pool that is up (of all, for ``None``) are now. Raises ``UserError``."""
    found = pools.load_all() if name is None else (_up(name),)
    standing = iter(standings([host for pool in found for host in pool.hosts]))
    return [_row(pool.name, next(standing)) for pool in found for _ in pool.hosts]


def take_down(name: str) -> None:
    """Forget a pool and the keys of its hosts.

    Raises ``NotSupportedError`` while clusters of ours are on them.
    """
    pool = _up(name)
    holders = {record.name for record in open_store().records() if _is_on(record, pool)}
    holders |= {
        each.cluster_name
        for standing in standings(pool.hosts)
        if standing.view is not None
        for each in (standing.view.reservation, *standing.view.stopped)
        if each is not None and each.owner == me()
    }
    if holders:
        named = " ".join(sorted(holders))
        raise NotSupportedError(f"pool {name} has clusters; end them first: sky down {named}")
    pools.forget(name)
    used = {host.address for other in pools.load_all() for host in other.hosts}
    for host in pool.hosts:
        if host.address not in used:
            host_keys.forget(host.address)


def _up(name: str) -> Pool:
    pool = pools.load(name)
    if pool is None:
        known = ", ".join(pool_names())
        raise UserError(
            f"pool {name} is not up; bring it up with: sky ssh up {name}"
            + (f" (up: {known})" if known else "")
        )
    return pool


def _is_on(record: ClusterRecord, pool: Pool) -> bool:
    key = record.offer.key
    return record.executor == "ssh" and key.region == pool.name


def _trusted(wanted: PoolEntry, confirm: Confirm) -> dict[HostEntry, Answer[bool]]:
    """Return for every host whether its key is known now, those of its jump hosts too.

    The unknown are asked about one by one and pinned. Whether a known key is still the one that the host
    shows is for the connection to see.
    """
    trusted: dict[HostEntry, Answer[bool]] = {}
    declined: set[str] = set()
    waiting = list(wanted.hosts)
    while waiting:
        shown = zip(waiting, in_parallel(waiting, _first_unknown), strict=True)
        waiting = []
        for each, answer in shown:
            if answer.value is None:
                trusted[each] = Answer(True, answer.error)
                continue
            hop, key = answer.value
            if key.host not in declined and (host_keys.pinned(hop) or confirm(hop, key)):
                host_keys.pin(key)
                waiting.append(each)
            else:
                declined.add(key.host)
                trusted[each] = Answer(error=HostKeyUnknown(f"you did not trust the key of {hop}", hop.host))
    return trusted


def _first_unknown(each: HostEntry) -> tuple[Address, HostKey] | None:
    """Return the first host on the way to a host whose key is not known, and the key that it shows."""
    for hop in host_keys.route(each.address):
        if not host_keys.known(hop):
            return hop, host_keys.scan(hop)
    return None


def _once(
    each: HostEntry, answer: Answer[tuple[Found, HostView]], met: dict[str, HostEntry]
) -> Answer[tuple[Found, HostView]]:
    """Return the answer, or that another entry is this very host; ``met`` is by whom hosts log in."""
    if answer.value is None:
        return answer
    first = met.setdefault(answer.value[0].login, each)
    if first is each:
        return answer
    return Answer(error=SameHost(f"it is the same host as {first.name}, for the same user; remove one"))


def _inspect(transport: Transport) -> tuple[Found, HostView]:
    return detect(transport, _DETECT_S), look(transport, _DETECT_S)


def _host(each: HostEntry, found: Found) -> Host:
    address = replace(each.address, internal_ip=found.internal_ip)
    return Host(each.name, address, each.overrides.over(found.facts), each.price_micro_usd)


def _renewed(known: Host, each: HostEntry) -> Host:
    """Return what was known of a host with what the file says now."""
    address = replace(each.address, internal_ip=known.address.internal_ip)
    return Host(each.name, address, each.overrides.over(known.facts), each.price_micro_usd)


def _row(pool: str, standing: Standing) -> HostState:
    view = standing.view
    held_by = str(view.reservation) if view is not None and view.reservation is not None else ""
    reason = "" if standing.error is None else why(standing.error)
    return HostState(pool, standing.host.name, standing.state, standing.host.facts, held_by, reason)
