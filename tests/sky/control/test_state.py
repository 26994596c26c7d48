from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import SkyError, UserError
from catalog.offer import Market, Offer, OfferKey
from catalog.scope import Scope
from sky.control.database import META, _prepare, connect, open_database
from sky.control.records import (
    TRANSITIONS,
    Attempt,
    IllegalTransition,
    offer_from_json,
    offer_to_json,
    scope_from_json,
    scope_to_json,
)
from sky.control.state import Store, open_store
from sky.statuses import ClusterStatus
from tests.sky.control.store_suite import Clock, StoreSuite, record

TEXT = st.text(max_size=8)
COUNT = st.integers(0, 2**40)
KEYS = st.builds(OfferKey, TEXT, TEXT, TEXT, TEXT, TEXT, COUNT, st.sampled_from(Market))
MAYBE = st.none() | TEXT


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Store:
    return Store(open_database(), clock=clock)


class TestSqlite(StoreSuite):
    """The default database."""


def test_state_is_the_users_alone(home: Path) -> None:
    open_store().add(record())
    with open_store().lock("dev"):
        pass
    folder = home / ".sky"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_newer_schema_is_refused_by_name(home: Path) -> None:
    database = open_database()
    META.update({META.c.value: "99"}).where(META.c.key == "schema_version").execute(database)
    code = "from sky.control.state import open_store; open_store()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path.cwd(), check=False
    )
    assert "has schema version 99" in done.stderr
    assert "upgrade sky" in done.stderr


def test_an_older_schema_is_migrated_with_its_records(home: Path) -> None:
    path = home / "old.db"
    old = Store(connect(str(path)), clock=Clock(5_000))
    _prepare(old._database, str(path))
    kept = old.add(record(owner="ada", handle={"id": "i-1"}))
    old.close(old.add(record("past", handle={"id": "i-2"}, last_use="sky launch")))
    lived = old.lifetimes()
    refused = Attempt("dev", "dev-0", 900, "OutOfCapacity", Scope("aws"), 300, "none left")
    old.add_attempt(refused)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("ALTER TABLE clusters DROP COLUMN reason")
        raw.execute("DROP TABLE lifetimes")
        raw.execute("ALTER TABLE attempts DROP COLUMN num_nodes")
        raw.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
    for _ in range(2):
        migrated = connect(str(path))
        _prepare(migrated, str(path))
        assert Store(migrated).get("dev") == kept
        assert Store(migrated).lifetimes() == [lived[0], replace(lived[1], owner="", last_use="")]
        assert Store(migrated).attempts("dev-0") == [refused]


def test_an_unknown_url_is_a_users_mistake() -> None:
    with pytest.raises(UserError, match="postgresql://"):
        connect("mysql://root@localhost/x")


def test_a_file_that_is_no_database_is_one_message(home: Path) -> None:
    (home / ".sky").mkdir()
    (home / ".sky" / "state.db").write_text("not a database, but long enough to be read as one" * 20)
    with pytest.raises(SkyError, match="cannot be opened"):
        open_store()


def test_the_lock_of_a_killed_process_is_free(home: Path) -> None:
    code = (
        "import os, sys, time\nfrom sky.control.state import open_store\n"
        "with open_store().lock('dev'):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path.cwd()) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        with open_store().lock("dev", timeout_s=0):
            pass


@pytest.mark.parametrize("before", ClusterStatus)
@pytest.mark.parametrize("after", ClusterStatus)
def test_transition_table(before: ClusterStatus, after: ClusterStatus) -> None:
    legal = before is after or (before, after) != (ClusterStatus.STOPPED, ClusterStatus.UP)
    assert (after in TRANSITIONS[before]) == legal
    if not legal:
        with pytest.raises(IllegalTransition):
            record(status=before).check_transition(after)


@given(KEYS, COUNT, COUNT, COUNT, TEXT, COUNT)
def test_offers_survive_json(key: OfferKey, vcpus: int, memory: int, gpu: int, arch: str, price: int) -> None:
    offer = Offer(key, vcpus, memory, gpu, arch, price)
    assert offer_from_json(offer_to_json(offer)) == offer


@given(MAYBE, MAYBE, st.none() | st.sampled_from(Market), st.none() | COUNT)
def test_scopes_survive_json(
    region: str | None, kind: str | None, market: Market | None, count: int | None
) -> None:
    scope = Scope("aws", region, None, kind, None, count, market)
    text = scope_to_json(scope)
    assert scope_from_json(text) == scope
    assert None not in json.loads(text).values()
