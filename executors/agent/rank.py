"""One rank of a job on a cluster of several nodes: started by Slurm, told what to run by the job's runner.

Slurm starts this as the leader of a process group, which cannot open a session. So there are two processes:
the first hears the runner and Slurm, the second, in a session of its own, runs the scripts as on one node.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from typing import Any, Dict, List, Optional

from . import confinement, frames, processes
from .allocation import nodes_of
from .control_group import ControlGroup, Limits
from .execution import Execution, Script, StopSignal, base_environment
from .layout import Config, Layout

GO = b"go"
STOP = b"stop"
_CHUNK = 1 << 16
_LEFTOVER_GRACE_S = 1.0


def main(layout: Layout) -> int:
    """Say that this rank is there, run what the runner sends, and return the exit code."""
    config = Config.read(layout)
    nodes = nodes_of(layout, config)
    node = nodes.node_of_this_rank()
    _remove_leftovers(layout, node)
    frames.send(frames.HELLO, node)
    orders = _Orders(0)
    lines = orders.until_empty()
    if lines is None:
        return 1
    request = {**nodes.opened(lines), "node": node, "one_home": bool(config.allocation)}
    stop = StopSignal()
    go_read, go_write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(go_write)
            os.setsid()
            os._exit(_Scripts(layout, request, go_read, asked=stop.asked).run())
        finally:
            os._exit(1)
    os.close(go_read)
    return _watch(child, orders, stop, go_write)


def _remove_leftovers(layout: Layout, node: int) -> None:
    """Remove scripts and end processes of ranks on this node that were killed before they could do so."""
    confinement.read(layout).sweep(_LEFTOVER_GRACE_S)
    for script in layout.scripts.glob(f"*.node{node}.rank*.sh"):
        if processes.started(int(script.suffixes[1][len(".rank") :])) is None:
            script.unlink()


class _Orders:
    """The lines that come from the runner."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.lines: List[bytes] = []
        self._pending = b""
        self.over = False

    def read(self) -> None:
        """Take in what has come; waits for something to come."""
        chunk = os.read(self.fd, _CHUNK)
        self.over = not chunk
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        self.lines += lines

    def until_empty(self) -> "List[bytes] | None":
        """Return the lines before the first empty one; ``None`` when the runner goes away before."""
        while b"" not in self.lines:
            self.read()
            if self.over:
                return None
        at = self.lines.index(b"")
        found, self.lines = self.lines[:at], self.lines[at + 1 :]
        return found


def _watch(child: int, orders: _Orders, stop: StopSignal, go: int) -> int:
    """Pass orders on to the process that runs the scripts until it is over; return its exit code.

    A runner that goes away is an order to stop.
    """
    poller = select.poll()
    poller.register(orders.fd, select.POLLIN)
    poller.register(stop.fd, select.POLLIN)
    told = False
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
        if GO in orders.lines:
            os.write(go, b"1")
        if (stop.asked or orders.over or STOP in orders.lines) and not told:
            told = True
            os.kill(child, signal.SIGTERM)  # not waited for yet: the pid is still its own
        orders.lines.clear()
        for fd, _ in poller.poll(None):
            if fd == stop.fd:
                stop.clear()
            else:
                orders.read()
                if orders.over:
                    poller.unregister(orders.fd)


class _Scripts:
    """Setup, where there is one, and then, when every rank's is over, the rank's script."""

    def __init__(self, layout: Layout, request: Dict[str, Any], go: int, *, asked: bool) -> None:
        self._layout, self._request, self._go = layout, request, go
        self._rank = int(os.environ["SLURM_PROCID"])
        self._stop = StopSignal()
        self._stop.asked = asked

    def run(self) -> int:
        self._layout.workdir.mkdir(parents=True, exist_ok=True)
        limits = Limits(*self._request["limits"])
        with confinement.of_this_process(self._layout).of_job(self._request["job_id"], limits) as group:
            code = self._run_scripts(group)
            ran_out = confinement.ran_out(group, limits)
        frames.send(frames.ENDED, [code, self._stop.asked, ran_out])
        return code

    def _run_scripts(self, group: Optional[ControlGroup]) -> int:
        request = self._request
        code = 0
        if request["setup"].strip():
            if self._rank == 0 or not request["one_home"]:
                code = self._execute("setup", request["setup"], frames.SETUP, group)
            frames.send(frames.SETUP_ENDED, code)
            if code == 0:
                self._wait_for_go()
        if code == 0:
            scripts = request["scripts"]
            script = scripts[self._rank if len(scripts) > 1 else 0]
            code = self._execute("run", script, frames.RUN, group)
        return code

    def _wait_for_go(self) -> None:
        poller = select.poll()
        poller.register(self._go, select.POLLIN)
        poller.register(self._stop.fd, select.POLLIN)
        while not self._stop.asked and all(fd != self._go for fd, _ in poller.poll()):
            self._stop.clear()

    def _execute(self, what: str, text: str, kind: bytes, group: Optional[ControlGroup]) -> int:
        if not text.strip() or self._stop.asked:
            return 0
        name = f"{self._request['job_id']}-{what}.node{self._request['node']}.rank{os.getpid()}.sh"
        with Script(self._layout, name, text) as argv:
            env, sinks = self._environment(what), [frames.FrameSink(kind)]
            running = Execution(argv, env, self._layout.workdir, sinks, group)
            return running.wait(self._stop, float(self._request["grace_s"]))

    def _environment(self, what: str) -> Dict[str, str]:
        """Return what the script is started with: nothing of Slurm's, so that it is as on one node."""
        own = base_environment(self._layout)
        env = {name: value for name, value in own.items() if not name.startswith("SLURM")}
        return {**env, **self._request["environments"][self._rank][what]}


def main_or_say(layout: Layout) -> int:
    """Run ``main``; an error is said on stderr, from where the runner's log has it."""
    try:
        return main(layout)
    except (OSError, RuntimeError, ValueError) as error:
        print(f"sky: this rank could not be run: {error}", file=sys.stderr)
        return 1
