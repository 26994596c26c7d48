"""What arrives when files are copied, the same over every transport."""

from __future__ import annotations

import os
import re
import shutil
import stat
import unicodedata
from pathlib import Path

import pytest

from executors.api import Progress
from executors.errors import SyncFailed
from tests.executors.transports.conftest import Reached

ODD = [
    "-rf",
    " lead",
    "trail ",
    "new\nline",
    "#hash",
    "; semi",
    "a'b",
    'a"b',
    "$HOME",
    "back\\slash",
    "%s",
    "*",
    ":x",
]
ODD += [
    unicodedata.normalize("NFC", "é"),
    unicodedata.normalize("NFD", "é"),
    os.fsdecode(b"latin-\xff"),
    "x" * 200,
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def tree(root: Path, *without: str) -> dict[str, object]:
    """Everything below ``root``: path -> what a file holds, where a link points, a folder's mode."""
    found: dict[str, object] = {}
    for path in root.rglob("*"):
        status = path.lstat()
        name = str(path.relative_to(root))
        if name.split("/", maxsplit=1)[0] in without:
            continue
        if stat.S_ISLNK(status.st_mode):
            found[name] = ("link", str(path.readlink()))
        elif stat.S_ISDIR(status.st_mode):
            found[name] = ("folder", stat.S_IMODE(status.st_mode))
        else:
            found[name] = (path.read_bytes(), stat.S_IMODE(status.st_mode), int(status.st_mtime))
    return found


def settle(root: Path) -> None:
    """Make every file old enough that nobody asks whether it changes again within its second."""
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (1_600_000_000, 1_600_000_000 + len(path.name)))


def test_kinds_modes_times_and_names_are_kept(reached: Reached, source: Path) -> None:
    write(source, {name: f"content of {name!r}" for name in ODD})
    write(source, {f"folder {name}/file": "x" for name in ODD})
    write(source, {"run.sh": "#!/bin/sh\n", "secret": "x", "empty file": ""})
    (source / "run.sh").chmod(0o755)
    (source / "secret").chmod(0o600)
    (source / "empty").mkdir(mode=0o700)
    (source / "dangling").symlink_to("nowhere")
    (source / "to-folder").symlink_to("empty")
    (source / "outside").symlink_to("/etc/passwd")
    os.mkfifo(source / "pipe")
    settle(source)
    files = len(ODD) * 2 + 6
    assert reached.transport.put(source, "~/target") == files
    assert tree(reached.home / "target") == tree(source, "pipe")
    assert reached.transport.put(source, "target/../target/") == 0


def test_only_what_differs_is_copied(reached: Reached, source: Path) -> None:
    write(source, {"same": "1", "longer": "1", "touched": "1", "mode": "1", "sub/changed there": "1"})
    settle(source)
    assert reached.transport.put(source, "~/target") == 5
    (source / "longer").write_text("22")
    os.utime(source / "touched", (1_700_000_000, 1_700_000_000))
    (source / "mode").chmod(0o755)
    (reached.home / "target" / "sub" / "changed there").write_text("by a job")
    write(source, {"new": "x"})
    assert reached.transport.put(source, "~/target") == 5
    assert tree(reached.home / "target").keys() == tree(source).keys()
    assert (reached.home / "target" / "sub" / "changed there").read_text() == "1"
    assert (reached.home / "target" / "mode").stat().st_mode & 0o111


def test_a_change_within_the_same_second_of_the_same_size_is_seen(reached: Reached, source: Path) -> None:
    write(source, {"x": "one"})
    reached.transport.put(source, "~/target")
    before = (source / "x").stat()
    (source / "x").write_text("two")
    second = before.st_mtime_ns // 10**9 * 10**9
    os.utime(source / "x", ns=(second, second + (before.st_mtime_ns + 1) % 10**9))
    reached.transport.put(source, "~/target")
    assert (reached.home / "target" / "x").read_text() == "two"


def test_what_the_source_lost_goes_and_what_jobs_made_stays(reached: Reached, source: Path) -> None:
    write(source, {"old/one": "", "old/deep/two": "", "new\nline": "", "kept": "", "gone/x": ""})
    (source / "link").symlink_to("kept")
    reached.transport.put(source, "~/w", delete=True)
    target = reached.home / "w"
    reached.transport.run(["sh", "-c", "touch w/old/result w/checkpoint; mkdir w/made"])
    for name in ("old", "gone"):
        shutil.rmtree(source / name)
    (source / "new\nline").unlink()
    (source / "link").unlink()
    reached.transport.put(source, "~/w", delete=True)
    assert tree(target).keys() == {"old", "old/result", "checkpoint", "made", "kept"}
    reached.transport.put(source, "~/w")
    write(source, {"later": ""})
    reached.transport.put(source, "~/w", delete=True)
    assert tree(target).keys() == {"old", "old/result", "checkpoint", "made", "kept", "later"}


def test_nothing_goes_without_delete(reached: Reached, source: Path) -> None:
    write(source, {"a": "", "b/c": ""})
    reached.transport.put(source, "~/w")
    shutil.rmtree(source / "b")
    reached.transport.put(source, "~/w")
    assert tree(reached.home / "w").keys() == {"a", "b", "b/c"}


def test_ignored_files_stay_here(reached: Reached, source: Path) -> None:
    write(source, {".gitignore": "*.log\n/build/\n", "a.log": "", "build/x": "", "sub/build/x": "", "b": ""})
    write(source, {"sub/.gitignore": "!keep.log\n", "sub/keep.log": "", ".git/HEAD": "ref", ".git/x.log": ""})
    reached.transport.put(source, "~/w", ignore=["b"], delete=True)
    kept = {".gitignore", "sub", "sub/build", "sub/build/x", "sub/.gitignore", "sub/keep.log"}
    assert tree(reached.home / "w").keys() == kept | {".git", ".git/HEAD", ".git/x.log"}
    write(source, {".skyignore": ".git\nsub\n"})
    reached.transport.put(source, "~/w", delete=True)
    assert tree(reached.home / "w").keys() == {".gitignore", ".skyignore", "a.log", "build", "build/x", "b"}


@pytest.mark.parametrize("more", [0, 600])
def test_ignored_names_are_taken_literally(reached: Reached, source: Path, more: int) -> None:
    """However many they are, and whatever else their characters would match."""
    ignored = [
        "a*b",
        "a?b",
        "[ab]",
        "back\\slash",
        "back\\s*",
        "new\nline",
        "#x",
        "sub/a*b",
        "deep/#x",
        " lead",
    ]
    kept = ["axb", "axxb", "a", "b", "back\\sla", "newline", "x", "sub/axb", "deep/x", "lead", "sub/a*", "*"]
    write(source, dict.fromkeys((*ignored, *kept), ""))
    write(source, {f"many/{number}.pyc": "" for number in range(more)})
    rules = [re.sub(r"([\\*?\[#!])", r"\\\1", f"/{name}") for name in ignored if "\n" not in name]
    reached.transport.put(source, "~/w", ignore=[*rules, "new?line", "*.pyc"])
    found = {name for name, what in tree(reached.home / "w").items() if what[0] != "folder"}  # type: ignore[index]
    assert found == set(kept)
    assert (reached.home / "w" / "many").exists() is bool(more)


def test_the_mode_of_the_target_itself_is_not_touched(reached: Reached, source: Path) -> None:
    write(source, {"a": "", "#b": ""})
    source.chmod(0o755)
    reached.transport.run(["mkdir", "-m", "700", "w"])
    reached.transport.put(source, "~/w", delete=True)
    assert stat.S_IMODE((reached.home / "w").stat().st_mode) == 0o700


def test_files_and_folders_change_places(reached: Reached, source: Path) -> None:
    write(source, {"one/deep/x": "1", "two": "2"})
    (source / "three").symlink_to("two")
    (source / "four").mkdir()
    reached.transport.put(source, "~/w", delete=True)
    shutil.rmtree(source / "one")
    (source / "two").unlink()
    (source / "three").unlink()
    (source / "four").rmdir()
    write(source, {"one": "file", "two/deep": "folder", "three/x": "folder"})
    (source / "four").symlink_to("one")
    settle(source)
    reached.transport.put(source, "~/w", delete=True)
    assert tree(reached.home / "w") == tree(source)


def test_a_folder_with_a_jobs_file_does_not_become_a_file(reached: Reached, source: Path) -> None:
    write(source, {"x/y": ""})
    reached.transport.put(source, "~/w", delete=True)
    reached.transport.run(["touch", "w/x/result"])
    shutil.rmtree(source / "x")
    write(source, {"x": "file"})
    with pytest.raises(SyncFailed, match="cannot copy"):
        reached.transport.put(source, "~/w", delete=True)
    assert (reached.home / "w" / "x" / "result").exists()


def test_nothing_is_written_or_removed_through_a_link_that_a_job_made(reached: Reached, source: Path) -> None:
    write(source, {"data/x": "mine", "data/sub/y": "mine"})
    reached.transport.put(source, "~/w", delete=True)
    script = (
        "mkdir -p theirs/sub; echo theirs | tee theirs/x > theirs/sub/y; rm -r w/data; ln -s ../theirs w/data"
    )
    assert reached.transport.run(["sh", "-c", script]).returncode == 0
    kept = shutil.move(source / "data", source.parent / "kept")
    reached.transport.put(source, "~/w", delete=True)
    assert tree(reached.home / "theirs").keys() == {"x", "sub", "sub/y"}
    shutil.move(kept, source / "data")
    reached.transport.put(source, "~/w", delete=True)
    assert (reached.home / "theirs" / "x").read_text() == "theirs\n"
    assert (reached.home / "w" / "data" / "sub" / "y").read_text() == "mine"
    assert not (reached.home / "w" / "data").is_symlink()


def test_read_only_folders_are_filled_emptied_and_read_only_again(reached: Reached, source: Path) -> None:
    write(source, {"sealed/a": "1", "sealed/deep/b": "1"})
    for folder in ("sealed/deep", "sealed"):
        (source / folder).chmod(0o555)
    settle(source)
    reached.transport.put(source, "~/w", delete=True)
    assert tree(reached.home / "w") == tree(source)
    (source / "sealed").chmod(0o755)
    (source / "sealed" / "a").unlink()
    write(source, {"sealed/c": "1"})
    (source / "sealed").chmod(0o555)
    settle(source)
    reached.transport.put(source, "~/w", delete=True)
    assert tree(reached.home / "w") == tree(source)
    reached.transport.run(["chmod", "-R", "u+w", "w"])
    for folder in ("sealed", "sealed/deep"):
        (source / folder).chmod(0o755)


def test_one_file_goes_to_exactly_its_path(reached: Reached, source: Path) -> None:
    write(source, {"a": "1", "d/x": ""})
    settle(source)
    (source / "link").symlink_to("a")
    assert reached.transport.put(source / "a", "~/deep/er/b") == 1
    assert reached.transport.put(source / "link", "deep/er/b") == 0
    assert (reached.home / "deep" / "er" / "b").read_text() == "1"
    reached.transport.run(["mkdir", "empty"])
    reached.transport.put(source / "a", "~/empty")
    assert (reached.home / "empty").read_text() == "1"
    with pytest.raises(SyncFailed):
        reached.transport.put(source / "a", "~/deep")


def test_an_empty_folder_and_a_linked_one_can_be_sources(reached: Reached, source: Path) -> None:
    assert reached.transport.put(source, "~/w/v", delete=True) == 0
    assert (reached.home / "w" / "v").is_dir()
    write(source, {"a": "1"})
    (source.parent / "link").symlink_to(source)
    assert reached.transport.put(source.parent / "link", "~/w/v", delete=True) == 1
    assert tree(reached.home / "w" / "v").keys() == {"a"}


def test_progress_counts_to_the_end(reached: Reached, source: Path) -> None:
    write(source, {f"{n // 10}/{n}": "x" * n for n in range(50)})
    seen: list[Progress] = []
    reached.transport.put(source, "~/w", on_progress=seen.append)
    assert seen[-1] == Progress(50, 50, sum(range(50)), sum(range(50)))
    assert [each.files for each in seen] == sorted(each.files for each in seen)


def test_a_hook_that_raises_stops_the_copy(reached: Reached, source: Path) -> None:
    def refuse(_: Progress) -> None:
        raise KeyError("stop")

    write(source, {"x": "1"})
    with pytest.raises(KeyError):
        reached.transport.put(source, "~/w", on_progress=refuse)


def test_a_source_that_is_not_there(reached: Reached, source: Path) -> None:
    with pytest.raises(SyncFailed, match="nothing"):
        reached.transport.put(source / "nothing", "~/w")
    with pytest.raises(SyncFailed, match="nothing"):
        reached.transport.get("~/nothing", source / "x")


def test_what_was_made_there_comes_back(reached: Reached, tmp_path: Path) -> None:
    script = (
        "mkdir -p logs/deep logs/empty; printf out > 'logs/run log'; printf x > 'logs/deep/new\nline'; "
        "ln -s 'run log' logs/last; chmod 600 'logs/run log'; touch -d @1600000000 'logs/run log' logs/deep/*"
    )
    assert reached.transport.run(["bash", "-c", script]).returncode == 0
    reached.transport.get("~/logs", tmp_path / "all")
    assert tree(tmp_path / "all") == tree(reached.home / "logs")
    reached.transport.get("logs/run log", tmp_path / "deep" / "one")
    assert (tmp_path / "deep" / "one").read_text() == "out"
    reached.transport.get("logs/last", tmp_path / "followed")
    assert (tmp_path / "followed").read_text() == "out"
    (tmp_path / "all" / "mine").touch()
    reached.transport.get("~/logs", tmp_path / "all")
    assert (tmp_path / "all" / "mine").exists()
