"""One attempt to run a job on several nodes: started by Slurm all at once, ended all together."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, List, NamedTuple, Optional, Union

from . import environment, frames, states
from .allocation import Allocation
from .control_group import Limits
from .execution import StopSignal
from .gang_log import GangLog, Place
from .layout import Config
from .queue import Claimed
from .rank import GO, STOP
from .slurm import Slurm

LOST = 255
"""The exit code of a job one of whose nodes was lost."""

_CHUNK = 1 << 18
_SLACK_S = 5.0
_LOOK_S = 5.0
_LONGEST_START_S = 20.0
_TAIL = 2000


class GangEnd(NamedTuple):
    """How an attempt ended: whether all ranks were started, the exit code, and what to say of a failure."""

    started: bool
    code: int
    message: str


class Gang:
    """The runner's side of one attempt. ``on_state`` moves the job; ``False`` from it ends the ranks."""

    def __init__(
        self,
        slurm: Union[Slurm, Allocation],
        config: Config,
        job: Claimed,
        limits: Limits,
        stop: StopSignal,
        on_state: Callable[[str], bool],
    ) -> None:
        self._slurm, self._config, self._job, self._stop, self._on_state = slurm, config, job, stop, on_state
        self._limits = limits
        self._ranks = int(job.spec.get("num_nodes", 1))
        self._nodes: Dict[int, int] = {}
        self._set_up: Dict[int, int] = {}
        self._ended: Dict[int, int] = {}
        self._ran_out: Dict[int, str] = {}
        self._first: Optional[int] = None
        self._places: List[Place] = []
        self._outbox = b""
        self._deadline: Optional[float] = None
        self._told = False
        self._allocated_at: Optional[float] = None
        self._given_up = False
        self.name = name_of(job.job_id)

    def run(self, folder: Path, merged: BinaryIO) -> GangEnd:
        """Hand the job to Slurm, follow it to its end with its output logged below ``folder``."""
        complaints = folder / "slurm.log"
        with complaints.open("ab") as said:
            at = said.tell()
            process = subprocess.Popen(
                self._slurm.gang_argv(self.name, self._job.demand, self._job.spec),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                env=self._slurm.environment(),
                bufsize=0,
            )
        assert process.stdin is not None
        with process:
            log = _Follow(folder, merged)
            try:
                self._follow(process, log)
            finally:
                log.close()
                process.stdin.close()
                self._end(process)
        with complaints.open("rb") as heard:
            heard.seek(at)
            return self._judge(log, heard.read()[-_TAIL:].decode(errors="replace").strip())

    def _follow(self, process: "subprocess.Popen[bytes]", log: "_Follow") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        os.set_blocking(process.stdin.fileno(), False)
        poller = select.poll()
        poller.register(process.stdout, select.POLLIN)
        poller.register(self._stop.fd, select.POLLIN)
        pending = bytearray()
        while True:
            if self._stop.asked:
                self._tell_to_stop(process)
            if self._outbox:
                poller.register(process.stdin, select.POLLOUT)
            ready = poller.poll(self._timeout_ms())
            if not ready and not self._places and self._stuck():
                return
            for fd, _ in ready:
                if fd == self._stop.fd:
                    self._stop.clear()
                elif fd == process.stdin.fileno():
                    self._post(process)
                    poller.unregister(fd)
                else:
                    lines = frames.lines_of(pending, fd, _CHUNK)
                    if lines is None:
                        return
                    for line in lines:
                        self._take(line, log)
                    log.flush()
            if self._deadline is not None and time.monotonic() > self._deadline:
                return

    def _timeout_ms(self) -> Optional[int]:
        if self._deadline is None:
            return None if self._places else int(_LOOK_S * 1000)
        return max(10, int((self._deadline - time.monotonic()) * 1000))

    def _stuck(self) -> bool:
        """Return whether the job has had its nodes for long and not all of its ranks are there."""
        if self._allocated_at is None and self._slurm.running(self.name):
            self._allocated_at = time.monotonic()
        self._given_up = (
            self._allocated_at is not None and time.monotonic() - self._allocated_at > _LONGEST_START_S
        )
        return self._given_up

    def _post(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        try:
            self._outbox = self._outbox[os.write(process.stdin.fileno(), self._outbox) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._outbox = b""

    def _tell_to_stop(self, process: "subprocess.Popen[bytes]") -> None:
        """Let the ranks end their scripts in order; what Slurm did not start yet, it forgets."""
        if self._told:
            return
        self._told = True
        self._deadline = time.monotonic() + self._config.cancel_grace_s + _SLACK_S
        if self._places:
            self._outbox += STOP + b"\n"
        else:
            process.terminate()

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        """See to it that neither Slurm nor its client goes on with the job."""
        late = self._given_up or (self._deadline is not None and time.monotonic() > self._deadline)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0 if late else _SLACK_S)
            return
        self._slurm.cancel(self.name)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_SLACK_S)
        process.kill()

    def _take(self, line: bytes, log: "_Follow") -> None:
        frame = frames.parse(line)
        if frame is None:
            return
        if frame.kind == frames.HELLO:
            self._nodes[frame.rank] = frame.value()
            if len(self._nodes) == self._ranks:
                self._begin(log)
        elif frame.kind == frames.SETUP_ENDED:
            self._set_up[frame.rank] = frame.value()
            if list(self._set_up.values()) == [0] * self._ranks and self._on_state(states.RUNNING):
                self._outbox += GO + b"\n"
        elif frame.kind == frames.ENDED:
            code, told, ran_out = frame.value()
            self._ended[frame.rank] = code
            if ran_out:
                self._ran_out[frame.rank] = ran_out
            if code and not told and self._first is None:
                self._first = frame.rank
        else:
            log.write(frame)

    def _begin(self, log: "_Follow") -> None:
        """All ranks are there: move the job and send each what it has to run."""
        addresses = [self._config.addresses[self._nodes[rank]] for rank in range(self._ranks)]
        self._places = [Place(rank, self._nodes[rank], addresses[rank]) for rank in range(self._ranks)]
        log.open(self._places)
        setup = self._job.spec.get("setup", "")
        if self._on_state(states.SETTING_UP if setup else states.RUNNING):
            self._outbox += self._slurm.sealed(self._request(addresses, setup))
        else:
            self._stop.asked = True

    def _request(self, addresses: List[str], setup: str) -> Dict[str, Any]:
        job = self._job
        given = self._slurm.devices(self.name) if job.demand.accelerators_milli else {}
        devices = [given.get(place.node, []) if self._config.accelerators else None for place in self._places]
        ranks = environment.seats(addresses, devices)
        return {
            "job_id": job.job_id,
            "grace_s": self._config.cancel_grace_s,
            "limits": self._limits,
            "setup": setup,
            "scripts": job.spec["scripts"],
            "environments": [
                {
                    "setup": environment.of_setup(job.spec, seat),
                    "run": environment.of_run(job, self._config, seat),
                }
                for seat in ranks
            ],
        }

    def _judge(self, log: "_Follow", said: str) -> GangEnd:
        if not self._places:
            return GangEnd(False, 0, said)
        if self._first is not None:
            rank, code = self._first, self._ended[self._first]
            what = "setup" if self._set_up.get(rank) else "run"
            kind = frames.SETUP if what == "setup" else frames.RUN
            text = f"{self._places[rank]} failed: {what} ended with exit code {code}"
            named = f"{text}; log: {log.path(rank, kind)}" if self._ranks > 1 else ""
            return GangEnd(True, code, ". ".join(filter(None, (self._memory(), named))))
        if self._stop.asked or len(self._ended) == self._ranks:
            return GangEnd(True, max(self._ended.values(), default=0), self._memory())
        return GangEnd(True, LOST, self._lost(said))

    def _memory(self) -> str:
        """Return what ranks say whose memory was used up."""
        ranks = sorted(self._ran_out)
        if self._ranks == 1 or not ranks:
            return "".join(self._ran_out.values())
        return f"{', '.join(str(self._places[rank]) for rank in ranks)}: {self._ran_out[ranks[0]]}"

    def _lost(self, said: str) -> str:
        silent = [place for place in self._places if place.rank not in self._ended]
        down = set(self._slurm.down_nodes())
        dead = [place for place in silent if place.node in down]
        which = ", ".join(str(place) for place in dead or silent)
        why = "the node does not answer any more" if dead else f"it ended without a word. {said[-300:]}"
        return f"lost {which}: {why}"


class _Follow:
    """The logs of an attempt, which are there once it is known where its ranks run."""

    def __init__(self, folder: Path, merged: BinaryIO) -> None:
        self._folder, self._merged = folder, merged
        self._log: Optional[GangLog] = None

    def open(self, places: List[Place]) -> None:
        self._log = GangLog(self._folder, self._merged, places)

    def write(self, frame: frames.Frame) -> None:
        if self._log is not None:
            self._log.write(frame)

    def flush(self) -> None:
        if self._log is not None:
            self._log.flush()

    def close(self) -> None:
        if self._log is not None:
            self._log.close()

    def path(self, rank: int, kind: bytes) -> str:
        assert self._log is not None
        path = self._log.path(rank, kind)
        return "~/" + "/".join(path.parts[-4:])


def name_of(job_id: int) -> str:
    """Return what Slurm calls the job."""
    return f"sky-{job_id}"
