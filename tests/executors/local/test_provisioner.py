"""Clusters as folders: what can go wrong with folders does not hurt anyone else's files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from catalog.errors import UserError
from catalog.scope import Scope
from executors import local
from executors.api import Handle, NodeRequest, NodeState
from executors.errors import CleanupIncomplete, NotFound, OutOfCapacity, Unsupported
from executors.fake import Call, FakeProvisioner, Script
from executors.local import provisioner as module
from executors.local.bundle import bundle
from executors.local.provisioner import LocalProvisioner


@pytest.fixture
def provisioner(tmp_path: Path) -> LocalProvisioner:
    return LocalProvisioner(tmp_path / "clusters")


def request(cluster_id: str = "c-1", num_nodes: int = 1) -> NodeRequest:
    return NodeRequest(cluster_id, "c", local.offer(), num_nodes)


@pytest.mark.parametrize("cluster_id", ["", "..", "../x", "a/b", ".hidden", "a\n"])
def test_an_id_that_is_no_plain_name_is_refused(provisioner: LocalProvisioner, cluster_id: str) -> None:
    with pytest.raises(UserError, match="cluster id"):
        provisioner.create(request(cluster_id))


def test_more_than_one_node_is_refused(provisioner: LocalProvisioner) -> None:
    with pytest.raises(Unsupported, match="num_nodes: 2"):
        provisioner.create(request(num_nodes=2))
    assert list(provisioner.list()) == []


def test_a_failed_creation_leaves_nothing(
    provisioner: LocalProvisioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(module, "_write", full)
    with pytest.raises(OSError, match="disk full"):
        provisioner.create(request())
    assert list(provisioner.list()) == []


def test_a_killed_creation_is_seen_and_can_be_finished_or_removed(
    provisioner: LocalProvisioner, tmp_path: Path
) -> None:
    (tmp_path / "clusters" / "c-1").mkdir(parents=True)
    [view] = provisioner.list()
    assert (view.cluster_id, view.state) == ("c-1", NodeState.DEGRADED)
    handle = provisioner.create(request())
    assert provisioner.describe(handle).state is NodeState.PENDING
    provisioner.delete(handle)
    assert list(provisioner.list()) == []


def test_removal_follows_no_link_and_opens_closed_folders(
    provisioner: LocalProvisioner, tmp_path: Path
) -> None:
    handle = provisioner.create(request())
    home = Path(handle.data["folder"]) / "home"
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (home / "link").symlink_to(tmp_path / "precious")
    (home / "closed" / "deep").mkdir(parents=True)
    (home / "closed" / "deep" / "file").touch()
    (home / "closed" / "deep").chmod(0o500)
    provisioner.delete(handle)
    assert (tmp_path / "precious" / "file").exists()
    assert list((tmp_path / "clusters").iterdir()) == []


def test_a_folder_that_became_a_link_is_not_removed(provisioner: LocalProvisioner, tmp_path: Path) -> None:
    handle = provisioner.create(request())
    folder = Path(handle.data["folder"])
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CleanupIncomplete, match="is a link"):
        provisioner.delete(handle)
    assert (tmp_path / "elsewhere" / "home").exists()


def test_stop_and_start_of_what_is_gone_say_so(provisioner: LocalProvisioner) -> None:
    handle = provisioner.create(request())
    provisioner.delete(handle)
    for verb in (provisioner.stop, provisioner.start):
        with pytest.raises(NotFound, match="gone"):
            verb(handle)
    assert provisioner.describe(Handle("local", "c-1", "c", handle.data)).state is NodeState.GONE


def test_a_script_fails_before_or_after_the_effect(provisioner: LocalProvisioner) -> None:
    script = Script()
    fake = FakeProvisioner("aws", provisioner, script)
    script.fail("create", OutOfCapacity("none left", Scope(cloud="aws"), 60))
    with pytest.raises(OutOfCapacity):
        fake.create(request())
    assert list(fake.list()) == []
    script.crash("create", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        fake.create(request())
    assert [view.cluster_id for view in fake.list()] == ["c-1"]
    assert fake.create(request()).executor == "aws"
    assert [call.method for call in script.calls] == ["create", "list", "create", "list", "create"]
    assert script.calls[0] == Call("create", "c-1", script.calls[0].request)


def test_clusters_of_the_same_id_under_two_roots_do_not_end_each_other(tmp_path: Path) -> None:
    one, other = bundle(tmp_path / "one"), bundle(tmp_path / "other")
    handles = [made.provisioner.create(request()) for made in (one, other)]
    fifo = Path(handles[1].data["folder"]) / "home" / "fifo"
    os.mkfifo(fifo)
    follower = other.connect(handles[1]).follow(["sh", "-c", "echo up; read line < ~/fifo; echo $line"])
    assert next(follower) == b"up\n"
    one.provisioner.delete(handles[0])
    fifo.write_text("still here\n")
    assert b"".join(follower) == b"still here\n"
