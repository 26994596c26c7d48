"""Copying through commands alone, over the transport of this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from executors.api import Progress
from executors.errors import SyncFailed
from executors.sync import blocks
from executors.transports.local import LocalTransport


@pytest.fixture
def node(tmp_path: Path) -> LocalTransport:
    (tmp_path / "node").mkdir()
    return LocalTransport(tmp_path / "node")


def put(node: LocalTransport, source: Path, target: str = "~/there", **options: object) -> int:
    values = {"ignore": (), "delete": False, "on_progress": None, **options}
    return blocks.put(node, "python3", source, target, **values)  # type: ignore[arg-type]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    (work / "deep" / "empty").mkdir(parents=True)
    (work / "deep" / "ünï cödé.py").write_text("x")
    (work / os.fsdecode(b"raw-\xff")).write_bytes(b"\0\1")
    (work / "empty").write_text("")
    (work / "run.sh").write_text("#!/bin/sh\n")
    (work / "run.sh").chmod(0o755)
    (work / "link").symlink_to("deep/none")
    return work


def tree(root: Path) -> dict[str, tuple[int, object]]:
    def content(path: Path) -> object:
        if path.is_symlink():
            return path.readlink()
        return None if path.is_dir() else (path.read_bytes(), path.stat().st_mtime_ns)

    return {str(p.relative_to(root)): (p.lstat().st_mode, content(p)) for p in root.rglob("*")}


def test_a_folder_arrives_as_it_is_and_what_is_there_is_not_copied_again(
    node: LocalTransport, work: Path, tmp_path: Path
) -> None:
    assert put(node, work) == 5
    assert tree(tmp_path / "node" / "there") == tree(work)
    assert put(node, work) == 0
    (work / "empty").write_text("no more")
    (work / "deep").chmod(0o555)
    assert put(node, work) == 1
    assert put(node, work) == 0
    assert tree(tmp_path / "node" / "there") == tree(work)
    (work / "deep").chmod(0o755)
    blocks.get(node, "python3", "~/there", tmp_path / "back")
    got = tree(tmp_path / "back")
    assert {name: each[1] for name, each in got.items() if "link" not in name}.keys() == {
        name for name in tree(work) if "link" not in name
    }
    assert (tmp_path / "back" / "empty").read_text() == "no more"
    assert (tmp_path / "back" / "link").readlink() == Path("deep/none")


def test_what_is_in_the_way_makes_room_and_what_jobs_made_stays(
    node: LocalTransport, work: Path, tmp_path: Path
) -> None:
    put(node, work, delete=True)
    there = tmp_path / "node" / "there"
    (there / "made-by-a-job").write_text("keep")
    (there / "link").unlink()
    (there / "link").mkdir()
    (there / "empty").unlink()
    (there / "empty").symlink_to("/nowhere")
    (work / "run.sh").unlink()
    assert put(node, work, delete=True) == 2
    assert tree(there) == {**tree(work), "made-by-a-job": tree(there)["made-by-a-job"]}


def test_large_files_go_in_pieces_and_progress_ends_at_all(
    node: LocalTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "_CALL", 1000)
    work = tmp_path / "work"
    work.mkdir()
    sizes = (0, 1, 999, 1000, 1001, 5000)
    for size in sizes:
        (work / str(size)).write_bytes(os.urandom(size))
    seen: list[Progress] = []
    assert put(node, work, on_progress=seen.append) == len(sizes)
    assert tree(tmp_path / "node" / "there") == tree(work)
    assert seen[-1] == Progress(len(sizes), len(sizes), sum(sizes), sum(sizes))


def test_one_file_goes_under_its_target_and_comes_back(
    node: LocalTransport, work: Path, tmp_path: Path
) -> None:
    assert put(node, work / "run.sh", "~/a/b") == 1
    assert put(node, work / "run.sh", "~/a/b") == 0
    assert (tmp_path / "node" / "a" / "b").stat().st_mode & 0o777 == 0o755
    blocks.get(node, "python3", "a/b", tmp_path / "fetched" / "c")
    assert (tmp_path / "fetched" / "c").read_text() == "#!/bin/sh\n"
    with pytest.raises(SyncFailed, match="does not exist"):
        blocks.get(node, "python3", "~/none", tmp_path / "x")


def test_a_target_that_cannot_be_written_is_said(node: LocalTransport, work: Path, tmp_path: Path) -> None:
    (tmp_path / "node" / "there").mkdir()
    (tmp_path / "node" / "there" / "link").mkdir()
    (tmp_path / "node" / "there" / "link" / "full").touch()
    with pytest.raises(SyncFailed, match=r"cannot copy .*not empty"):
        put(node, work)
