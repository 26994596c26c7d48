"""What providers hold against what the records say: what bills unseen, and what is recorded in vain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import Enum
from functools import partial

from catalog.errors import SkyError, UserError
from catalog.offer import Offer
from executors import registry
from executors.api import ClusterView, Handle, NodeState
from sky.control import access
from sky.control.clusters import tear_down
from sky.control.connection import view_of
from sky.control.failures import effect_on
from sky.control.identity import check_cluster_name, is_me, is_mine
from sky.control.locks import ClusterBusy
from sky.control.polls import TIME_LIMIT_S, poll, said
from sky.control.reconcile import decide
from sky.control.records import ASIDE, ClusterRecord, Lifetime
from sky.control.state import Store, open_store
from sky.statuses import ClusterStatus

YOUNG_S = 600
"""What has no record, and began or ended within this time, is left alone: it may be another machine's launch,
or a teardown that its provider does not show yet."""


class Kind(str, Enum):
    """What is wrong with a cluster."""

    ORPHAN = "orphan"
    """Its record was closed, and its provider still has it."""
    UNKNOWN = "unknown"
    """It carries our tag, and no record here ever was of it: another machine's, or of a lost ``SKY_HOME``."""
    GONE = "gone"
    """Its record says that it is there, and its provider has no node of it."""
    INTERRUPTED = "interrupted"
    """Its launch ended before it was up, so that nothing of the user's is on what it made."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One cluster that is not as it should be, and the command that mends it.

    ``created_at`` is in epoch seconds, 0 where nobody knows; ``hourly_micro_usd`` is what its running nodes
    cost, 0 where that is not known.
    """

    kind: Kind
    infra: str
    cluster_id: str
    name: str
    state: str
    place: str
    created_at: int
    hourly_micro_usd: int
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found, which infra did not say what they hold and why, and what was left alone and why."""

    findings: tuple[Finding, ...]
    silent: Mapping[str, str]
    left_alone: Mapping[str, str]


def survey(limit_s: float = TIME_LIMIT_S) -> Survey:
    """Compare what every infra within reach holds of this user with the records; nothing is changed.

    All are asked at once. They are asked before the records are read, so that a launch that begins meanwhile
    has its record.
    """
    store = open_store()
    used = sorted({life.offer.key.cloud for life in store.lifetimes()})
    silent = {name: reason for name in used if (reason := _hindrance(name))}
    held: dict[str, Sequence[ClusterView]] = {}
    lists = {name: registry.load(name).provisioner.list for name in registry.names() if not _hindrance(name)}
    for name, answer in poll(lists, limit_s).items():
        if isinstance(answer, Exception):
            silent[name] = said(answer)
        else:
            held[name] = [view for view in answer if view.state is not NodeState.GONE]
    left_alone: dict[str, str] = {}
    found = [*_unrecorded(store, held, left_alone), *_in_vain(store, held, left_alone, limit_s)]
    return Survey(tuple(found), silent, left_alone)


def _hindrance(name: str) -> str:
    """Return why that infra cannot be asked from here, ``""`` if it can."""
    try:
        guarded = access.checkable(name)
    except UserError as error:
        return str(error)
    if guarded is None or guarded.configured():
        return ""
    return f"there are no credentials for it; run: sky check {name}"


def _unrecorded(
    store: Store, held: Mapping[str, Sequence[ClusterView]], left_alone: dict[str, str]
) -> Iterator[Finding]:
    """Yield what is held and has no record: neither others' nor what may be being made or removed now."""
    recorded = {record.cluster_id for record in store.records()}
    lives = {life.cluster_id: life for life in store.lifetimes()}
    for infra, views in held.items():
        for view in views:
            life = lives.get(view.cluster_id)
            if view.cluster_id in recorded or not (life is None or is_me(life.owner, infra)):
                continue
            found = _orphan(infra, view, life) if life else _unknown(infra, view)
            changed_at = max(view.created_at, (life and life.closed_at) or 0)
            if reason := _at_work(store, found.name, changed_at):
                left_alone[view.cluster_id] = reason
            else:
                yield found


def _orphan(infra: str, view: ClusterView, life: Lifetime) -> Finding:
    return Finding(
        Kind.ORPHAN,
        infra,
        view.cluster_id,
        life.name,
        view.state.value,
        view.place or _place(life.offer),
        view.created_at or life.created_at,
        life.offer.price_micro_usd * life.num_nodes,
        _why("its record was closed, and it is there", view),
        f"sky gc {view.cluster_id} --yes",
    )


def _unknown(infra: str, view: ClusterView) -> Finding:
    return Finding(
        Kind.UNKNOWN,
        infra,
        view.cluster_id,
        view.cluster_id.rpartition("-")[0] or view.cluster_id,
        view.state.value,
        view.place or infra,
        view.created_at,
        0,
        _why("it carries this user's tag, and no record here was ever of it", view),
        f"sky gc {view.cluster_id} --yes",
    )


def _why(sentence: str, view: ClusterView) -> str:
    return f"{sentence}: {view.reason}" if view.reason else sentence


def _in_vain(
    store: Store, held: Mapping[str, Sequence[ClusterView]], left_alone: dict[str, str], limit_s: float
) -> Iterator[Finding]:
    """Yield records of clusters that are gone, and of launches that did not come to their end."""
    with_nodes = {view.cluster_id for views in held.values() for view in views if not view.nodeless}
    suspects: dict[str, ClusterRecord] = {}
    for listed in store.records():
        begun = _begun(listed)
        missing = listed.executor in held and listed.cluster_id not in with_nodes
        if not (begun or missing) or not is_mine(listed):
            continue
        try:
            with _lock(store, listed.name):
                record = _again(store, listed)
        except ClusterBusy as error:
            left_alone[listed.cluster_id] = str(error)
            continue
        if record is not None and _begun(record):
            detail = record.reason or "its launch did not come to its end"
            yield _recorded(Kind.INTERRUPTED, record, detail)
        elif record is not None and missing:
            suspects[record.name] = record
    answers = poll({name: partial(view_of, record) for name, record in suspects.items()}, limit_s)
    for name, answer in answers.items():
        if isinstance(answer, Exception):
            left_alone[suspects[name].cluster_id] = said(answer)
        elif _is_gone(answer):
            yield _recorded(Kind.GONE, suspects[name], decide(suspects[name], answer, store.now()).reason)


def _begun(record: ClusterRecord) -> bool:
    """Return whether its launch began and never came to its end; one that is under way holds the lock."""
    return record.status is ClusterStatus.INIT and not record.ever_up


def _again(store: Store, record: ClusterRecord) -> ClusterRecord | None:
    """Return the record as it is by now, ``None`` for a cluster that has none any more."""
    return next((each for each in store.records() if each.cluster_id == record.cluster_id), None)


def _is_gone(view: ClusterView) -> bool:
    return view.state is NodeState.GONE or view.nodeless


def _recorded(kind: Kind, record: ClusterRecord, detail: str) -> Finding:
    return Finding(
        kind,
        record.executor,
        record.cluster_id,
        record.name,
        record.status.name,
        _place(record.offer),
        record.launched_at or record.intent_at,
        record.offer.price_micro_usd * record.num_nodes,
        detail,
        f"sky gc {record.cluster_id} --yes",
    )


def _at_work(store: Store, name: str, changed_at: int) -> str:
    """Return why a command may be at work on a cluster, ``""`` if that can be ruled out."""
    if store.now() - changed_at < YOUNG_S:
        return f"it is younger than {YOUNG_S // 60} minutes: it may be being made, or removed"
    try:
        with _lock(store, name):
            pass
    except ClusterBusy as error:
        return str(error)
    return ""


def _place(offer: Offer) -> str:
    return "/".join(filter(None, (offer.key.region, offer.key.zone)))


def remove(finding: Finding) -> None:
    """Delete what a provider holds and close its record; done already is success.

    Raises ``ClusterBusy``, ``UserError`` for what changed since it was found, and ``RuntimeError`` when
    something may still exist.
    """
    store = open_store()
    with _lock(store, finding.name):
        record = next((each for each in store.records() if each.cluster_id == finding.cluster_id), None)
        if finding.kind in _RECORDED:
            if record is not None:
                _remove_recorded(store, record, finding.kind)
            return
        if record is not None:
            raise UserError(f"{finding.cluster_id} has a record again; run: sky down {record.name}")
        handle = Handle(finding.infra, finding.cluster_id, finding.name)
        with effect_on(finding.cluster_id, "gc", forgive=False):
            registry.load(finding.infra).provisioner.delete(handle)


_RECORDED = {Kind.GONE, Kind.INTERRUPTED}


def _remove_recorded(store: Store, record: ClusterRecord, kind: Kind) -> None:
    """Tear down what is as it was found; the caller holds the cluster's lock."""
    since = 0
    changed = not _begun(record)
    if kind is Kind.GONE:
        view = view_of(record)
        changed, since = not _is_gone(view), view.since
    if changed:
        raise UserError(f"cluster {record.name} changed meanwhile; run sky gc again")
    tear_down(store, record, since=since)


def _lock(store: Store, name: str) -> AbstractContextManager[None]:
    """Return the lock that a launch of the cluster takes, of a race's too, if it is a name of ours."""
    base = name.partition(ASIDE)[0]
    try:
        check_cluster_name(base)
    except SkyError:
        return nullcontext()
    return store.lock(base, timeout_s=0)
