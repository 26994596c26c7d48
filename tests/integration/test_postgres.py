"""The cluster store on a real PostgreSQL server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from catalog.errors import SkyError
from sky.control.database import _prepare, connect, open_database
from sky.control.state import Store, open_store
from tests.integration.postgres_server import server
from tests.sky.control.store_suite import Clock, StoreSuite, record


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with server() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("SKY_STATE_URL", url)
    database = open_database()
    yield Store(database, url, clock)
    for table in ("clusters", "usage_intervals", "lifetimes", "attempts"):
        database.execute_sql(f"DELETE FROM {table}")
    database.close()


class TestPostgres(StoreSuite):
    """The same behaviour as on SQLite."""


def test_the_lock_of_a_killed_process_is_free(store: Store) -> None:
    code = (
        "import time\nfrom sky.control.state import open_store\n"
        "with open_store().lock('dev'):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        with store.lock("dev", timeout_s=20):
            pass


def test_processes_share_one_state(store: Store) -> None:
    store.add(record())
    code = (
        "from sky.control.state import open_store\n"
        "store = open_store()\n"
        "store.update(store.get('dev'), last_use='elsewhere')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    found = store.get("dev")
    assert found is not None
    assert (found.last_use, found.version) == ("elsewhere", 2)


def test_an_older_schema_is_migrated(store: Store, url: str) -> None:
    kept = store.add(record(handle={"id": "i-1"}))
    store.close(store.add(record("past", handle={"id": "i-2"})))
    lived = store.lifetimes()
    store._database.execute_sql("DROP TABLE lifetimes")
    store._database.execute_sql("ALTER TABLE attempts DROP COLUMN num_nodes")
    store._database.execute_sql("UPDATE meta SET value = '2' WHERE key = 'schema_version'")
    another = connect(url)
    with another.connection_context():
        _prepare(another, url)
    assert store.lifetimes() == lived
    assert store.get("dev") == kept


def test_an_unreachable_server_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKY_STATE_URL", "postgresql://me:secret@127.0.0.1:1/none")
    with pytest.raises(SkyError, match=r"127\.0\.0\.1:1/none") as caught:
        open_store()
    assert "secret" not in str(caught.value)


def test_the_driver_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SkyError, match=r"pip install 'skysolve\[postgres\]'"):
        connect("postgresql://localhost/x")
