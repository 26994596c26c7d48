"""A copied disk brings another cluster's agent along; what that was about to do does not happen again."""

from __future__ import annotations

import shutil

from executors import lifecycle, local
from executors.api import Autostop, NodeRequest
from executors.job import Demand
from tests.executors.conftest import Node, spec


def test_jobs_and_autostop_of_the_cluster_that_a_disk_was_copied_from_stay_behind(node: Node) -> None:
    whole = Demand(cpus_milli=2_000)
    node.queue.submit_many(
        [
            spec("sleep 300", demand=whole, run_timestamp="sky-1"),
            spec("touch ~/ran-again", demand=whole, run_timestamp="sky-2"),
        ]
    )
    node.queue.set_autostop(Autostop(600))
    (node.home / "data").write_text("kept\n")
    lifecycle.stop(node.executor, node.handle)
    handle = node.executor.provisioner.create(NodeRequest("c-2", "c2", local.offer()))
    copy = Node(node.executor, handle)
    try:
        shutil.copytree(
            node.home, copy.home, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock")
        )
        lifecycle.ensure_agent(node.executor, handle)
        assert copy.queue.jobs() == []
        assert copy.queue.autostop() is None
        assert copy.queue.submit(spec("true", run_timestamp="sky-3")) == 1
        assert (copy.home / "data").read_text() == "kept\n"
        assert not (copy.home / "ran-again").exists()
    finally:
        lifecycle.tear_down(node.executor, handle)
