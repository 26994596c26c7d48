"""The job queue of a node that runs our agent: each call runs the agent's file over the transport."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from catalog.errors import ExecutorError, UserError
from executors.agent_archive import agent_archive, agent_version
from executors.api import Autostop, Transport, WaitFor
from executors.errors import AgentMissing, AgentUnreachable, NotFound, Transient, Unsupported
from executors.job import JobRecord, JobSpec, JobState

_log = logging.getLogger("sky.executors")

STATE_DIR = ".sky_agent"
_SIGNALLED = 128
_NO_SUCH_JOB = 3
_NO_FILE = "agent.pyz': [Errno 2]"
_KINDS: Mapping[str, type[ExecutorError] | type[UserError]] = {
    "unsupported": Unsupported,
    "invalid": UserError,
    "not-found": NotFound,
    "stopping": Transient,
    "broken": AgentUnreachable,
}


class AgentQueue:
    """Runs jobs through the agent on the cluster's head.

    ``python`` is the interpreter on the node, ``env`` (``NAME=value``) what everything there is started with.
    Demands beyond the node raise ``Unsupported``, calls while
    the cluster stops raise ``Transient``, and a node without a working agent raises ``AgentUnreachable``.
    """

    def __init__(self, transport: Transport, python: str = "python3", env: Sequence[str] = ()) -> None:
        self._transport = transport
        self._interpreter = ["env", *env, python, "-I"] if env else [python, "-I"]

    def submit(self, spec: JobSpec) -> int:
        """Queue a job and return its id."""
        return self.submit_many([spec])[0]

    def submit_many(self, specs: Sequence[JobSpec]) -> list[int]:
        """Queue jobs in this order, all or none, in one call; returns their ids."""
        if not specs:
            return []
        return list(self._call("submit", stdin=json.dumps([asdict(spec) for spec in specs])))

    def jobs(self, job_ids: Sequence[int] | None = None) -> list[JobRecord]:
        """Return the named jobs (all for ``None``), newest first; unknown ids are left out."""
        if job_ids is not None and not job_ids:
            return []
        rows = self._call("jobs", *(str(job_id) for job_id in job_ids or ()))
        return [JobRecord(**{**row, "state": JobState(row["state"])}) for row in rows]

    def cancel(self, job_ids: Sequence[int]) -> list[int]:
        """End these jobs and wait until they are over; returns those that were not over yet, oldest first."""
        return list(self._call("cancel", *(str(job_id) for job_id in job_ids))) if job_ids else []

    def tail(self, job_id: int, *, follow: bool = True, lines: int = 0) -> Iterator[bytes]:
        """Yield the job's output (the last ``lines`` only, 0 for all), to its end when ``follow``.

        Waits for a job that has not started. Closing the iterator ends the reading, not the job.
        Raises ``NotFound`` for an unknown job.
        """
        words = ["tail", str(job_id), "--lines", str(lines), *(["--follow"] if follow else [])]
        return self._tail(job_id, self._argv(*words))

    def _tail(self, job_id: int, argv: Sequence[str]) -> Generator[bytes, None, None]:
        code = yield from self._transport.follow(argv)
        if code == _NO_SUCH_JOB:
            raise NotFound(f"this cluster has no job {job_id}")
        if code:
            raise AgentUnreachable(f"reading the log of job {job_id} ended with exit code {code}")

    def idle_since(self) -> float | None:
        """Return since when (epoch seconds) nothing runs or waits; ``None`` while something does."""
        since: float | None = self._call("idle")["idle_since"]
        return since

    def autostop(self) -> Autostop | None:
        """Return the active autostop setting."""
        setting = self._call("idle")["autostop"]
        if setting is None:
            return None
        return Autostop(setting["idle_minutes"], setting["down"], WaitFor(setting.get("wait_for", "jobs")))

    def set_autostop(self, setting: Autostop) -> None:
        """Replace the autostop setting; an unset or cancelled one restarts the idle clock."""
        words = ["--down"] if setting.down else []
        if setting.wait_for is not WaitFor.JOBS:
            words += ["--wait-for", setting.wait_for.value]
        self._call("autostop", *words, "--", str(setting.idle_minutes))

    def ensure_agent(self, config: Mapping[str, object] | None = None) -> Mapping[str, Any]:
        """Make sure that this release's agent is on the node and its daemon runs; restarts the idle clock.

        One call where it is so already. ``config`` is laid over the node's settings (see docs/agent.md).
        Returns the agent's answer: its ``version``, and, of one of several nodes, what ``slurm`` it has.
        """
        settings = json.dumps(config or {})
        try:
            answer: Mapping[str, Any] = self._call("start", stdin=settings)
            if answer["version"] == agent_version():
                return answer
        except AgentUnreachable:
            _log.debug("the node has no agent that answers; it gets one")
        answer = self._install(settings)
        if answer["version"] != agent_version():
            raise AgentUnreachable(f"the node runs {answer['version']} after {agent_version()} was installed")
        return answer

    def _install(self, settings: str) -> Any:
        """Put this release's agent on the node and start it; again where a signal ended that half-way."""
        archive = f"{STATE_DIR}/{agent_version()}.pyz"
        self._transport.put(agent_archive(), archive)
        argv, stdin = [*self._interpreter, archive, "install"], settings.encode()
        done = self._transport.run(argv, stdin=stdin)
        if done.returncode > _SIGNALLED:
            done = self._transport.run(argv, stdin=stdin)
        return self._answer(done)

    def stop_agent(self) -> list[int]:
        """End the jobs that run, the agent, and its Slurm; returns the jobs' ids. Waiting jobs stay."""
        return list(self._call("stop"))

    @contextmanager
    def held(self) -> Generator[None, None, None]:
        """Keep the cluster from being idle over the block, whatever runs on its other nodes."""
        dots = self._transport.follow(self._argv("hold"))
        try:
            next(dots, b"")
            yield
        finally:
            dots.close()

    def slurm_key(self) -> str:
        """Return the cluster's key, as base64; ``""`` where the node has none. It is a secret."""
        return str(self._call("slurm-key"))

    def slurm_apply(self, request: Mapping[str, object]) -> None:
        """Configure the node's part of the cluster's Slurm and start it."""
        self._call("slurm-apply", stdin=json.dumps(request))

    def slurm_wait(self, seconds: float) -> list[int]:
        """Wait at the head until all nodes can take jobs; returns the ranks of those that cannot."""
        return list(self._call("slurm-wait", str(seconds)))

    def slurm_down(self) -> None:
        """End the node's part of the cluster's Slurm; none is fine."""
        self._call("slurm-down")

    def setup(
        self, script: str, env: Mapping[str, str], run_timestamp: str, on_output: Any, rank: int = 0
    ) -> int:
        """Run setup commands on the node, outside the queue; returns their exit code."""
        request = {"script": script, "env": dict(env), "run_timestamp": run_timestamp, "rank": rank}
        return self._transport.stream(self._argv("setup"), on_output, stdin=json.dumps(request).encode())

    def _argv(self, *words: str) -> list[str]:
        return [*self._interpreter, f"{STATE_DIR}/agent.pyz", *words]

    def _call(self, *words: str, stdin: str = "") -> Any:
        return self._answer(self._transport.run(self._argv(*words), stdin=stdin.encode()))

    @staticmethod
    def _answer(done: Any) -> Any:
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            detail = (done.stderr or done.stdout).strip()[-500:]
            if _NO_FILE in detail:
                raise AgentMissing("the node has no agent") from None
            raise AgentUnreachable(
                f"the node's agent does not answer (exit code {done.returncode}): {detail}"
            ) from None
        if "error" in answer:
            error = answer["error"]
            raise _KINDS.get(error["kind"], AgentUnreachable)(error["message"])
        return answer["ok"]
