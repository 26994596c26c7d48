"""What every executor does with files and setup: all in its place, the same again, what fails said."""

from __future__ import annotations

from pathlib import Path

import pytest

from executors import lifecycle, node_setup
from executors.errors import SetupFailed, SyncFailed, Unsupported
from tests.conformance.conftest import Subject


@pytest.fixture
def keeps_machines() -> bool:
    """Nothing here is about machines, so each test may have those of the one before."""
    return True


def test_setup_is_streamed_logged_and_its_failure_carries_the_exit_code(subject: Subject) -> None:
    seen: list[bytes] = []
    env = {"SECRET": "täst 'quoted' $HOME"}

    def run(script: str) -> None:
        node_setup.run_setup(
            subject.executor, subject.handle, script, env=env, run_timestamp="sky-s", on_output=seen.append
        )

    run('printf "%s\\n" "$SECRET"; echo err >&2; basename "$PWD"; echo "${CUDA_VISIBLE_DEVICES-unset}"')
    assert b"".join(seen).decode() == f"{env['SECRET']}\nerr\nsky_workdir\nunset\n"
    with pytest.raises(SetupFailed) as caught:
        run("kill -9 $$")
    assert caught.value.returncode == 137
    logged, _ = subject.run("cat ~/sky_logs/sky-s/setup-*.log; stat -c %a ~/sky_logs/sky-s/setup-*.log")
    assert logged == b"".join(seen).decode() + "600\n"


def test_workdir_and_mounts_arrive_and_ignored_files_do_not(subject: Subject, tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "pkg").mkdir(parents=True)
    for name in ("keep.txt", "skip.log", "pkg/ünï cödé.py", "-dash", 'quo"te $x'):
        (work / name).write_text(name)
    (work / ".gitignore").write_text("*.log\n")
    (work / "link").symlink_to("keep.txt")
    assert lifecycle.sync_workdir(subject.executor, subject.handle, work) == 6
    assert lifecycle.sync_workdir(subject.executor, subject.handle, work) == 0
    mounts = {"~/data/one.txt": str(work / "keep.txt"), "inside": str(work / "pkg")}
    assert lifecycle.sync_file_mounts(subject.executor, subject.handle, mounts) == 2
    output, _ = subject.run("ls -A; readlink link; cat ~/data/one.txt; ls inside; touch made; rm -- -dash")
    assert sorted(output.split("\n")) == sorted(
        [
            "",
            "-dash",
            ".gitignore",
            "inside",
            "keep.txt",
            "keep.txt",
            "keep.txtünï cödé.py",
            "link",
            "pkg",
            'quo"te $x',
        ]
    )
    (work / "keep.txt").unlink()
    assert lifecycle.sync_workdir(subject.executor, subject.handle, work) == 1
    output, _ = subject.run("ls")
    assert output.split("\n") == ["-dash", "inside", "link", "made", "pkg", 'quo"te $x', ""]


def test_a_source_in_a_bucket_or_missing_is_refused(subject: Subject, tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="s3://bucket/x"):
        lifecycle.sync_file_mounts(subject.executor, subject.handle, {"~/x": "s3://bucket/x"})
    with pytest.raises(SyncFailed, match="does not exist"):
        lifecycle.sync_file_mounts(subject.executor, subject.handle, {"~/x": str(tmp_path / "nothing")})
