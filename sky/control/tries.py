"""Tries: bringing up one record, or several of which the first that is up stays; what refuses is removed.

Every racer has a record, a tag and a lock of its own before the first call of any, under a name that no user
can give. So whatever ends the launcher, what a racer made is in ``sky status``, and the next launch of the
cluster, or ``sky down``, removes it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event

from catalog.errors import ExecutorError
from executors.docker_login import DockerLogin
from executors.errors import AuthError, ScopedError
from sky.control import access, ssh_config
from sky.control.bringup import bring_up, clean_up
from sky.control.failures import public_errors
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


def race(store: Store, records: Sequence[ClusterRecord], docker_login: DockerLogin | None) -> Tried:
    """Bring all of ``records`` up at once; the first that is up takes the cluster's name, the others go.

    A racer that gets its nodes when another one is up goes no further. Returns when nothing of the others is
    left. The caller holds the lock of the cluster's name. Where none comes up, the first error that is no
    refusal passes. Raises ``StopFailoverError`` when something could not be removed.
    """
    over = Event()
    with ThreadPoolExecutor(len(records), thread_name_prefix="sky-race") as pool:
        runs = [pool.submit(_run, store, record, docker_login, over) for record in records]
        try:
            wait(runs)
        except KeyboardInterrupt:
            over.set()
            _log.info("Ending the race: what it made is being removed")
            raise
    errors = [error for run in runs if (error := run.exception()) is not None]
    results = [run.result() for run in runs if run.exception() is None]
    up = next((result for result in results if isinstance(result, ClusterRecord)), None)
    for error in sorted(errors, key=lambda error: not isinstance(error, StopFailoverError)):
        if up is None or isinstance(error, StopFailoverError):
            raise error
        _log.warning("%s", error)
    return Tried(up, tuple(result for result in results if isinstance(result, Refusal)))


def _run(
    store: Store, record: ClusterRecord, docker_login: DockerLogin | None, over: Event
) -> ClusterRecord | Refusal | None:
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
