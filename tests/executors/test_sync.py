"""What is copied and what is left out."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executors.sync.ignore import walk
from executors.sync.mirror import mirror


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _paths(root: Path) -> set[str]:
    return {path for path, status in walk(root) if not stat.S_ISDIR(status.st_mode)}


def test_nested_gitignore_files_apply_below_their_folder(source: Path) -> None:
    _write(
        source,
        {
            ".gitignore": "*.log\n/build/\n",
            "a.log": "",
            "build/x": "",
            "sub/build/x": "",
            "sub/.gitignore": "!keep.log\ndata\n",
            "sub/keep.log": "",
            "sub/data/x": "",
            "data/x": "",
            "sub/deep/keep.log": "",
        },
    )
    assert _paths(source) == {
        *(".gitignore", "sub/build/x", "sub/.gitignore", "sub/keep.log", "data/x", "sub/deep/keep.log"),
    }


def test_skyignore_replaces_gitignore(source: Path) -> None:
    _write(
        source,
        {
            ".gitignore": "a\n",
            ".skyignore": "b\n.git\n",
            "a": "",
            "b": "",
            ".git/HEAD": "",
            "c/.gitignore": "d",
            "c/d": "",
        },
    )
    assert _paths(source) == {".gitignore", ".skyignore", "a", "c/.gitignore", "c/d"}


def test_git_files_are_copied_whole_whatever_is_ignored(source: Path) -> None:
    _write(
        source,
        {
            ".gitignore": "logs/\nHEAD\n",
            ".git/HEAD": "",
            ".git/logs/x": "",
            ".git/info/exclude": "local\n",
            "local": "",
        },
    )
    assert _paths(source) == {".gitignore", ".git/HEAD", ".git/logs/x", ".git/info/exclude"}


_NAMES = st.sampled_from(["a", "b", "a.log", "build", "x y", "ü", "keep.log"])
_PATHS = st.lists(st.lists(_NAMES, min_size=1, max_size=3).map("/".join), min_size=1, max_size=12)
_RULES = st.lists(
    st.sampled_from(["*.log", "!keep.log", "build/", "/a", "a/b", "**/b", "x y", "#a", "ü", "!a"]), max_size=4
)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle")
@settings(max_examples=25, deadline=None)
@given(paths=_PATHS, top=_RULES, nested=_RULES)
def test_what_is_left_out_is_what_git_ignores(
    tmp_path_factory: pytest.TempPathFactory, paths: list[str], top: list[str], nested: list[str]
) -> None:
    root = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for path in paths:
        if not any((root / parent).is_file() for parent in Path(path).parents) and not (root / path).is_dir():
            _write(root, {path: ""})
    _write(root, {".gitignore": "\n".join(top)})
    if (root / "build").is_dir():
        _write(root, {"build/.gitignore": "\n".join(nested)})
    argv = ["git", "-C", str(root), "ls-files", "-z", "--others", "--exclude-standard"]
    listed = subprocess.run(argv, check=True, capture_output=True).stdout.decode().split("\0")
    assert {path for path in _paths(root) if not path.startswith(".git/")} == set(filter(None, listed))


def test_kinds_modes_times_and_odd_names_are_kept(source: Path, tmp_path: Path) -> None:
    _write(source, {"run.sh": "#!/bin/sh\n", "dir/new\nline": "1", "-rf": "2"})
    (source / os.fsdecode(b"latin-\xff")).write_text("3")
    (source / "run.sh").chmod(0o750)
    (source / "empty").mkdir(mode=0o700)
    (source / "dangling").symlink_to("nowhere")
    (source / "to-folder").symlink_to("dir")
    os.mkfifo(source / "pipe")
    target = tmp_path / "target"
    assert mirror(source, target) == 6
    assert (target / "run.sh").stat().st_mtime_ns == (source / "run.sh").stat().st_mtime_ns
    assert stat.S_IMODE((target / "run.sh").stat().st_mode) == 0o750
    assert stat.S_IMODE((target / "empty").stat().st_mode) == 0o700
    assert (target / "dangling").readlink() == Path("nowhere")
    assert (target / "to-folder").is_symlink()
    assert (target / os.fsdecode(b"latin-\xff")).read_text() == "3"
    assert not (target / "pipe").exists()
    assert mirror(source, target) == 0


def test_only_what_changed_is_copied_and_a_changed_copy_is_put_right(source: Path, tmp_path: Path) -> None:
    _write(source, {"a": "1", "b": "1"})
    target = tmp_path / "target"
    mirror(source, target)
    (source / "a").write_text("22")
    (target / "b").write_text("job was here")
    assert mirror(source, target) == 2
    assert ((target / "a").read_text(), (target / "b").read_text()) == ("22", "1")


def test_what_the_source_lost_is_removed_and_what_jobs_made_stays(source: Path, tmp_path: Path) -> None:
    _write(source, {"old/one": "", "old/two": "", "kept": ""})
    target, memory = tmp_path / "target", tmp_path / "memory"
    mirror(source, target, memory=memory)
    _write(target, {"old/result": "", "checkpoint": ""})
    shutil.rmtree(source / "old")
    mirror(source, target, memory=memory)
    assert {str(path.relative_to(target)) for path in target.rglob("*")} == {
        "old",
        "old/result",
        "checkpoint",
        "kept",
    }


def test_a_folder_can_become_a_file_and_a_file_a_folder(source: Path, tmp_path: Path) -> None:
    _write(source, {"one/deep/x": "1", "two": "2"})
    target, memory = tmp_path / "target", tmp_path / "memory"
    mirror(source, target, memory=memory)
    shutil.rmtree(source / "one")
    (source / "two").unlink()
    _write(source, {"one": "file now", "two/deep": "folder now"})
    mirror(source, target, memory=memory)
    assert (target / "one").read_text() == "file now"
    assert (target / "two" / "deep").read_text() == "folder now"


def test_nothing_is_written_or_removed_through_a_link_that_a_job_made(source: Path, tmp_path: Path) -> None:
    _write(source, {"data/x": "mine"})
    outside, target, memory = tmp_path / "outside", tmp_path / "target", tmp_path / "memory"
    _write(outside, {"x": "theirs"})
    mirror(source, target, memory=memory)
    shutil.rmtree(target / "data")
    (target / "data").symlink_to(outside)
    shutil.rmtree(source / "data")
    mirror(source, target, memory=memory)
    _write(source, {"data/x": "mine"})
    mirror(source, target, memory=memory)
    assert (outside / "x").read_text() == "theirs"
    assert (target / "data" / "x").read_text() == "mine"


def test_a_single_file_and_a_linked_folder_can_be_sources(source: Path, tmp_path: Path) -> None:
    _write(source, {"a": "1"})
    (tmp_path / "link").symlink_to(source)
    assert mirror(source / "a", tmp_path / "deep" / "b") == 1
    assert mirror(tmp_path / "link", tmp_path / "target") == 1
    assert (tmp_path / "deep" / "b").read_text() == (tmp_path / "target" / "a").read_text() == "1"
