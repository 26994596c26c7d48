"""Tries: bringing up one record, or several of which the first that is up stays; what refuses is removed.

Every racer has a record, a tag and a lock of its own before the first call of any, under a name that no user
can give. So whatever ends the launcher, what a racer made is in ``sky status``, and the next launch of the
cluster, or ``sky down``, removes it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from threading import Event

from catalog.errors import ExecutorError
from executors.docker_login import DockerLogin
from executors.errors import AuthError, ScopedError
from sky.control import access, ssh_config
from sky.control.bringup import bring_up, clean_up
from sky.control.failures import public_errors
from sky.control.losers import Losers
from sky.control.place import key_text
from sky.control.records import ClusterRecord
from sky.control.refusals import REFUSED, Refusal
from sky.control.state import StaleRecord, Store
from sky.exceptions import StopFailoverError

_log = logging.getLogger("sky.launch")


class _Overtaken(Exception):
    """Another racer is up."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it: the record that is up, if any, and the places that refused."""

    up: ClusterRecord | None
    refusals: tuple[Refusal, ...]


def try_alone(store: Store, record: ClusterRecord, docker_login: DockerLogin | None) -> Tried:
    """Bring ``record`` up, or remove what its place left when it refuses. The caller holds its lock.

    Any other error passes, and the record stays for another launch to complete. Raises ``StopFailoverError``
    when something could not be removed.
    """
    started = time.monotonic()
    try:
        with public_errors():
            return Tried(bring_up(store, record, docker_login), ())
    except REFUSED as error:
        refusal = _refusal(store, record, error, started)
    _give_up_on(store, record, refusal)
    return Tried(None, (refusal,))


def race(
    store: Store, records: Sequence[ClusterRecord], docker_login: DockerLogin | None, losers: Losers
) -> Tried:
    """Bring all of ``records`` up at once; the first that is up takes the cluster's name, the others go.

    A racer that gets its nodes when another one is up goes no further. Returns with the first; the others
    are among ``losers`` then, as all are after Ctrl-C. The caller holds the lock of the cluster's name. Where
    none comes up, the first error that is no refusal passes. Raises ``StopFailoverError`` when something of
    these could not be removed.
    """
    over = Event()
    pool = ThreadPoolExecutor(len(records), thread_name_prefix="sky-race")
    runs: list[Future[_Ran]] = []

    def start_others() -> None:
        runs.extend(pool.submit(_run, store, record, docker_login, over) for record in records[len(runs) :])

    try:
        start_others()
        up = next((record for run in as_completed(runs) if (record := _up(run)) is not None), None)
    except KeyboardInterrupt:
        over.set()
        start_others()  # those only remove their records now
        losers.add(runs)
        _log.info("Ending the race: what it made is being removed")
        raise
    finally:
        pool.shutdown(wait=False)
    results = [run.result() for run in runs if run.done() and run.exception() is None]
    refusals = tuple(result for result in results if isinstance(result, Refusal))
    if up is not None:
        losers.add(runs)
        return Tried(up, refusals)
    errors = [error for run in runs if (error := run.exception()) is not None]
    for error in sorted(errors, key=lambda error: not isinstance(error, StopFailoverError)):
        raise error
    return Tried(None, refusals)


_Ran = ClusterRecord | Refusal | None


def _up(run: Future[_Ran]) -> ClusterRecord | None:
    """Return the record of a run that came first."""
    result = None if run.exception() is not None else run.result()
    return result if isinstance(result, ClusterRecord) else None


def _run(store: Store, record: ClusterRecord, docker_login: DockerLogin | None, over: Event) -> _Ran:
    """Return the record, UP and renamed, if it is the first, else why not; what is not first is removed."""

    def still_on() -> None:
        if over.is_set():
            raise _Overtaken

    started = time.monotonic()
    with store.thread(), store.lock(record.name):
        try:
            still_on()
            with public_errors():
                made = bring_up(store, record, docker_login, still_on)
            won = store.rename(made, record.cluster_name)  # which the database gives once
        except (_Overtaken, StaleRecord):
            _remove(store, record, "another place was faster")
            return None
        except REFUSED as error:
            refusal = _refusal(store, record, error, started)
            _give_up_on(store, record, refusal)
            return refusal
        except BaseException as error:
            _remove(store, record, str(error))
            raise
        over.set()
        _log.info("%s is up first; removing what else was made", key_text(won.offer.key))
        ssh_config.add(won)
        return won


def _refusal(store: Store, record: ClusterRecord, error: ScopedError, started: float) -> Refusal:
    """Return the refusal; without its traceback, since a launch may meet thousands."""
    if isinstance(error, AuthError):
        access.forget(record.executor)
    seconds = time.monotonic() - started
    return Refusal(record.offer, record.num_nodes, error.with_traceback(None), store.now(), seconds)


def _give_up_on(store: Store, record: ClusterRecord, refusal: Refusal) -> None:
    """Append what was learnt; then remove what the attempt left, and its record."""
    store.add_attempt(refusal.attempt(record))
    _remove(store, record, str(refusal.error))


def _remove(store: Store, record: ClusterRecord, why: str) -> None:
    current = store.get(record.name)
    assert current is not None
    try:
        clean_up(current)
    except ExecutorError as failure:
        raise StopFailoverError(
            f"cluster {record.cluster_name}: the attempt at {key_text(record.offer.key)} ended ({why}), "
            f"and its clean-up failed: {failure}. Something may still bill. Run sky down '{record.name}'; "
            "it is tried nowhere else until then"
        ) from failure
    store.close(current)
