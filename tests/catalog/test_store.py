"""Opening, publishing and verifying snapshots."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import threading
from multiprocessing.synchronize import Event
from pathlib import Path

import pyarrow as pa
import pytest

from catalog.errors import CatalogError
from catalog.names import names
from catalog.places import CURRENT, EMBEDDED, MANIFEST, NAMES, OFFERS_FILE
from catalog.snapshot import read_snapshot
from catalog.store import open_snapshot, publish, verify


@pytest.fixture(scope="module")
def embedded() -> pa.Table:
    return open_snapshot(Path("/nonexistent")).table


def test_the_embedded_snapshot_is_sound_and_mapped(embedded: pa.Table) -> None:
    snapshot = open_snapshot()
    verify(snapshot)
    assert snapshot.rows == embedded.num_rows == 136_844
    assert len(snapshot.snapshot_id) == 64
    assert open_snapshot() is snapshot
    allocated = pa.total_allocated_bytes()
    fresh = read_snapshot(EMBEDDED)
    assert fresh is not snapshot
    assert pa.total_allocated_bytes() == allocated


def test_opening_loads_no_heavy_library() -> None:
    script = (
        "import sys; from catalog.store import open_snapshot; from catalog import query\n"
        "from catalog.names import names\n"
        "table = open_snapshot().table; names()\n"
        "assert query.mask_equal(table, 'cloud', 'aws').sum() == 43516\n"
        "print([name for name in ('pandas', 'pyarrow.compute', 'pyarrow.dataset') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_name_index_loads_no_arrow() -> None:
    script = (
        "import sys; import catalog.accelerators, catalog.transfer; from catalog.names import names\n"
        "names()\n"
        "print([name for name in ('pandas', 'pyarrow', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_published_snapshot_becomes_the_one_in_use(home: Path, embedded: pa.Table) -> None:
    root = home / ".sky"
    published = publish(embedded.slice(0, 100))
    assert open_snapshot() is published
    assert open_snapshot(root) is published
    assert published.rows == 100
    assert published.table["price_micro_usd"].to_pylist() == embedded["price_micro_usd"].to_pylist()[:100]
    assert names().clouds == ("aws",)
    verify(published)


def test_older_snapshots_stay_readable(embedded: pa.Table) -> None:
    first = publish(embedded.slice(0, 100))
    second = publish(embedded.slice(100, 100))
    assert open_snapshot() is second
    assert first.table["region"].to_pylist() == embedded["region"].to_pylist()[:100]
    verify(first)


def test_publishing_the_same_content_again_changes_nothing(home: Path, embedded: pa.Table) -> None:
    first = publish(embedded.slice(0, 50))
    assert publish(embedded.slice(0, 50)) is first
    assert sorted(entry.name for entry in (home / ".sky/catalog").iterdir()) == sorted(
        [CURRENT, first.snapshot_id]
    )


def test_row_order_does_not_change_the_id(embedded: pa.Table) -> None:
    rows = embedded.slice(0, 200)
    shuffled = pa.concat_tables([rows.slice(150), rows.slice(0, 150)])
    assert publish(shuffled).snapshot_id == publish(rows).snapshot_id


def test_publishing_over_a_damaged_copy_repairs_it(home: Path, embedded: pa.Table) -> None:
    first = publish(embedded.slice(0, 50))
    path = first.folder / OFFERS_FILE
    os.truncate(path, 100)
    with pytest.raises(CatalogError, match="100 bytes instead of"):
        open_snapshot()
    assert publish(embedded.slice(0, 50)).rows == 50
    assert open_snapshot().rows == 50


def test_a_flipped_byte_is_found_by_verify(embedded: pa.Table) -> None:
    snapshot = publish(embedded.slice(0, 50))
    path = snapshot.folder / OFFERS_FILE
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(CatalogError, match=r"is damaged.*sky catalog use embedded"):
        verify(snapshot)


def test_an_empty_offers_file_names_the_fix(embedded: pa.Table) -> None:
    snapshot = publish(embedded.slice(0, 50))
    (snapshot.folder / OFFERS_FILE).unlink()
    with pytest.raises(CatalogError, match=r"cannot be read.*sky catalog use embedded"):
        open_snapshot()


def test_garbage_of_the_right_size_is_refused(embedded: pa.Table) -> None:
    snapshot = publish(embedded.slice(0, 50))
    path = snapshot.folder / OFFERS_FILE
    path.write_bytes(b"\0" * path.stat().st_size)
    with pytest.raises(CatalogError, match="cannot be read"):
        open_snapshot()


@pytest.mark.parametrize("file", [MANIFEST, NAMES])
@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}"])
def test_damaged_json_names_the_file_and_the_fix(embedded: pa.Table, file: str, content: str) -> None:
    snapshot = publish(embedded.slice(0, 50))
    path = snapshot.folder / file
    path.write_text(content)
    os.utime(snapshot.folder / OFFERS_FILE, (1, 1))
    with pytest.raises(CatalogError, match=f"{file}.*sky catalog use embedded"):
        open_snapshot() if file == MANIFEST else names()


def test_another_schema_version_is_refused(embedded: pa.Table) -> None:
    snapshot = publish(embedded.slice(0, 50))
    path = snapshot.folder / MANIFEST
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "schema_version": 999}))
    os.utime(snapshot.folder / OFFERS_FILE, (1, 1))
    with pytest.raises(CatalogError, match="schema version 999"):
        open_snapshot()
    with pytest.raises(CatalogError, match="schema version 999"):
        verify(snapshot)


@pytest.mark.parametrize("pointer", ["0" * 64, "../../etc", "", "é"])
def test_a_pointer_to_nowhere_names_the_fix(home: Path, pointer: str) -> None:
    root = home / ".sky" / "catalog"
    root.mkdir(parents=True)
    (root / CURRENT).write_text(pointer, encoding="utf-8")
    with pytest.raises(CatalogError, match="sky catalog use embedded"):
        open_snapshot()


def test_a_table_that_does_not_conform_leaves_no_trace(home: Path, embedded: pa.Table) -> None:
    with pytest.raises(CatalogError, match="lacks price_micro_usd"):
        publish(embedded.drop_columns(["price_micro_usd"]))
    twice = pa.concat_tables([embedded.slice(0, 5), embedded.slice(0, 1)])
    with pytest.raises(CatalogError, match="1 rows have a key"):
        publish(twice)
    assert list((home / ".sky" / "catalog").iterdir()) == []
    assert open_snapshot().rows == 136_844


def _read_until(home: str, stop: Event, failures: multiprocessing.Queue[str]) -> None:
    read = 0
    try:
        while not stop.is_set():
            snapshot = open_snapshot(Path(home))
            verify(snapshot)
            read += 1
            assert snapshot.rows in {10, 20, 30}, snapshot.rows
            assert names(Path(home)).clouds == ("aws",)
    except Exception as error:
        failures.put(repr(error))
    if not read:
        failures.put("a reader read nothing")


def test_concurrent_readers_never_see_a_broken_snapshot(tmp_path: Path, embedded: pa.Table) -> None:
    publish(embedded.slice(0, 10), tmp_path)
    context = multiprocessing.get_context("spawn")
    stop, failures = context.Event(), context.Queue()
    processes = [context.Process(target=_read_until, args=(str(tmp_path), stop, failures)) for _ in range(2)]
    for process in processes:
        process.start()
    threads = [threading.Thread(target=_read_until, args=(str(tmp_path), stop, failures)) for _ in range(18)]
    for thread in threads:
        thread.start()
    for turn in range(30):
        publish(embedded.slice(0, 10 * (turn % 3 + 1)), tmp_path)
    stop.set()
    for worker in (*threads, *processes):
        worker.join(60)
    assert failures.empty(), failures.get()


def test_two_writers_of_the_same_content_both_succeed(tmp_path: Path, embedded: pa.Table) -> None:
    rows = embedded.slice(0, 30)
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(publish(rows, tmp_path).snapshot_id)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 6
    assert set(found) == {open_snapshot(tmp_path).snapshot_id}
