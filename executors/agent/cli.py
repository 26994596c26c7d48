"""The agent's command line: JSON in on stdin, JSON out on stdout; secrets never stand in an argument.

An answer is ``{"ok": ...}``, or ``{"error": {"kind": ..., "message": ...}}`` with exit code 1. ``tail`` and
``setup`` answer with raw output instead.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import select
import signal
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NoReturn, Sequence

from . import boot, confinement, daemon, idle, inheritance, queue, rank, runner
from .ending import await_end, end_started
from .errors import Refused
from .execution import StopSignal
from .full_disk import MESSAGE, is_full
from .launch import ARCHIVE, detach
from .layout import Config, Layout, write_private
from .poke import QUIT, poke
from .setup import setup
from .slurm import Slurm
from .slurm_daemons import Daemons
from .store import connect
from .tail import tail

_FILE = Path(sys.argv[0]).resolve()  # before the working directory changes
_QUIT_TIMEOUT_S = 10.0
_KEPT_TIMEOUT_S = 15.0
_NO_SUCH_JOB = 3
_TRY_LATER = 75
_DOT_EVERY_MS = 2_000


def main() -> None:
    """Do one command and exit with its code."""
    arguments = _parser().parse_args()
    layout = Layout.here()
    os.umask(0o077)
    os.chdir(str(layout.state))
    try:
        answer = _COMMANDS[arguments.command](layout, arguments)
    except Refused as error:
        _refuse(error.kind, str(error))
    except (OSError, sqlite3.OperationalError) as error:
        if not is_full(error):
            raise
        _refuse("broken", MESSAGE)
    if isinstance(answer, int):
        sys.exit(answer)
    print(json.dumps({"ok": answer}))


def _refuse(kind: str, message: str) -> NoReturn:
    print(json.dumps({"error": {"kind": kind, "message": message}}))
    sys.exit(1)


def _version(_layout: Layout, _arguments: argparse.Namespace) -> Dict[str, Any]:
    return {"version": version(), "protocol": 1}


def version() -> str:
    """Return the name of the running file, which carries the hash of its content."""
    return _FILE.stem


def _install(layout: Layout, _arguments: argparse.Namespace) -> Dict[str, Any]:
    """Make this file the node's agent; jobs go on under the runners that watch them."""
    link = layout.state / ARCHIVE
    temporary = layout.state / f".{ARCHIVE}.{os.getpid()}"
    temporary.symlink_to(_FILE.name)
    temporary.replace(link)
    _quit_daemon()
    for old in layout.state.glob("agent-*.pyz"):
        if old.name != _FILE.name:
            old.unlink()
    return _start(layout, _arguments)


def _write_config(layout: Layout, given: Dict[str, Any]) -> None:
    """Lay the settings over those on disk."""
    before = json.loads(layout.config.read_text("utf-8")) if layout.config.exists() else {}
    values = {**before, **given}
    if values != before:
        write_private(layout.config, json.dumps(values))


def _start(layout: Layout, _arguments: argparse.Namespace) -> Dict[str, Any]:
    """Make sure that a daemon runs and that jobs are taken; the idle clock starts again.

    A node that is not the head has no daemon; it lends itself to Slurm. What another cluster's agent left on
    a disk that was copied is put away first.
    """
    given = json.loads(sys.stdin.read() or "{}")
    if inheritance.is_of_another(layout, given):
        _quit_daemon()
        inheritance.put_away(layout)
    _write_config(layout, given)
    config = Config.read(layout)
    boot.write_script(layout, config)
    answer: Dict[str, Any] = {"version": version(), "protocol": 1}
    if config.own_slurm:
        Daemons(layout).ensure()
        answer["slurm"] = Daemons(layout).facts(config)
    if config.rank == 0:
        _start_daemon(layout)
    if config.may_sudo and not config.allocation:
        answer["not_confined"] = confinement.read(layout).reason
    return answer


def _boot(layout: Layout, _arguments: argparse.Namespace) -> None:
    """Start again what ended with the node, or with the container that it is; nobody asked for more."""
    config = Config.read(layout)
    if not boot.is_due(layout, config):
        return
    if config.own_slurm:
        Daemons(layout).ensure()
    if config.rank == 0:
        _ensure_daemon(layout)


def _start_daemon(layout: Layout) -> None:
    db = connect(layout.database)
    running = poke()
    if running:
        idle.refuse_when_stopping(db)
    idle.resume(db)
    db.close()
    if not running:
        _fork_daemon(layout)


def _fork_daemon(layout: Layout) -> None:
    if Config.read(layout).kept:
        _await_daemon(layout)
        return
    ready_read, ready_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if os.fork() == 0:
                os.close(ready_read)
                os.setsid()
                detach(str(layout.daemon_log))
                daemon.main(ready_write)
        except Exception:
            logging.getLogger("sky.agent").exception("the daemon failed")
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    os.close(ready_write)
    with os.fdopen(ready_read, "rb") as ready:
        if not ready.read(1) and not poke():
            raise Refused("broken", f"the agent's daemon did not start; see {layout.daemon_log} on the node")


def _await_daemon(layout: Layout) -> None:
    """Wait for the daemon that something else keeps alive: one started here would end with this call."""
    deadline = time.monotonic() + _KEPT_TIMEOUT_S
    while not poke():
        if time.monotonic() > deadline:
            raise Refused("broken", f"the agent's daemon is not there; see {layout.state} on the node")
        time.sleep(0.05)


def _quit_daemon() -> None:
    deadline = time.monotonic() + _QUIT_TIMEOUT_S
    while poke(QUIT):
        if time.monotonic() > deadline:
            raise Refused("broken", "the agent's daemon does not quit")
        time.sleep(0.02)


def _ensure_daemon(layout: Layout) -> None:
    if not poke():
        _fork_daemon(layout)


def _stop(layout: Layout, _arguments: argparse.Namespace) -> List[int]:
    """End the jobs that were started, the daemon, and this node's part of Slurm; waiting jobs stay."""
    db = connect(layout.database)
    idle.begin_stop(db)
    ended = end_started(db, layout)
    db.close()
    _quit_daemon()
    Daemons(layout).down()
    confinement.read(layout).forget()
    return ended


def _submit(layout: Layout, _arguments: argparse.Namespace) -> List[int]:
    config = Config.read(layout)
    specs = json.loads(sys.stdin.read())
    db = connect(layout.database)
    job_ids = queue.submit(db, specs, runner.capacity_of(config), len(config.addresses))
    db.close()
    _ensure_daemon(layout)
    return job_ids


def _jobs(layout: Layout, arguments: argparse.Namespace) -> List[Dict[str, Any]]:
    return queue.read(connect(layout.database), arguments.job_ids or None)


def _cancel(layout: Layout, arguments: argparse.Namespace) -> List[int]:
    db = connect(layout.database)
    ended = _cancel_all(db, layout, None if arguments.all else arguments.job_ids)
    db.close()
    _ensure_daemon(layout)
    return ended


def _cancel_all(db: sqlite3.Connection, layout: Layout, job_ids: "Sequence[int] | None") -> List[int]:
    """Cancel and wait until the jobs are over."""
    asked = queue.ask_cancel(db, job_ids)
    await_end(db, layout, set(asked))
    return asked


def _tail(layout: Layout, arguments: argparse.Namespace) -> int:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    db = connect(layout.database)
    if not queue.read(db, [arguments.job_id]):
        return _NO_SUCH_JOB
    with open(1, "wb", buffering=0, closefd=False) as output:
        tail(db, layout, arguments.job_id, output.write, follow=arguments.follow, lines=arguments.lines)
    return 0


def _autostop(layout: Layout, arguments: argparse.Namespace) -> None:
    db = connect(layout.database)
    idle.set_autostop(db, idle.Autostop(arguments.minutes, arguments.down, arguments.wait_for))
    db.close()
    _ensure_daemon(layout)


def _idle(layout: Layout, _arguments: argparse.Namespace) -> Dict[str, Any]:
    db = connect(layout.database)
    setting = idle.get_autostop(db)
    return {"idle_since": idle.idle_since(db), "autostop": setting and setting._asdict()}


def _setup(layout: Layout, _arguments: argparse.Namespace) -> int:
    try:
        return setup(layout, json.loads(sys.stdin.read()))
    except Refused as error:
        print(f"sky: {error}", file=sys.stderr)
        return _TRY_LATER
    except (OSError, sqlite3.OperationalError) as error:
        if not is_full(error):
            raise
        print(f"sky: {MESSAGE}", file=sys.stderr)
        return _TRY_LATER


def _hold(layout: Layout, _arguments: argparse.Namespace) -> int:
    """Keep the node from being idle until the caller goes away, which a dot now and then finds out."""
    stop = StopSignal()
    poller = select.poll()
    poller.register(stop.fd, select.POLLIN)
    with idle.lease(connect(layout.database), "hold"):
        while not stop.asked:
            try:
                os.write(1, b".")
            except OSError:
                break
            poller.poll(_DOT_EVERY_MS)
    return 0


def _slurm_key(layout: Layout, _arguments: argparse.Namespace) -> str:
    return Daemons(layout).key()


def _slurm_apply(layout: Layout, _arguments: argparse.Namespace) -> None:
    Daemons(layout).apply(json.loads(sys.stdin.read()))


def _slurm_down(layout: Layout, _arguments: argparse.Namespace) -> None:
    """End this node's part of Slurm, and what ranks that were killed have left."""
    Daemons(layout).down()
    found = confinement.read(layout)
    found.sweep(Config.read(layout).cancel_grace_s)
    found.forget()


def _slurm_wait(layout: Layout, arguments: argparse.Namespace) -> List[int]:
    """Wait until all nodes can take jobs; return those that cannot."""
    slurm, wanted = Slurm(layout), set(range(len(Config.read(layout).addresses)))
    deadline = time.monotonic() + arguments.seconds
    while True:
        missing = wanted - set(slurm.ready_nodes())
        if not missing or time.monotonic() > deadline:
            return sorted(missing)
        time.sleep(0.05)


def _rank(layout: Layout, _arguments: argparse.Namespace) -> int:
    return rank.main_or_say(layout)


def _daemon(_layout: Layout, _arguments: argparse.Namespace) -> int:
    return daemon.main()


_COMMANDS: Dict[str, Callable[[Layout, argparse.Namespace], Any]] = {
    "autostop": _autostop,
    "boot": _boot,
    "cancel": _cancel,
    "daemon": _daemon,
    "hold": _hold,
    "idle": _idle,
    "install": _install,
    "jobs": _jobs,
    "rank": _rank,
    "setup": _setup,
    "slurm-apply": _slurm_apply,
    "slurm-down": _slurm_down,
    "slurm-key": _slurm_key,
    "slurm-wait": _slurm_wait,
    "start": _start,
    "stop": _stop,
    "submit": _submit,
    "tail": _tail,
    "version": _version,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=ARCHIVE, description="The job queue of one node.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("daemon", "hold", "idle", "install", "rank", "setup", "start", "stop", "submit", "version"):
        commands.add_parser(name)
    for name in ("boot", "slurm-apply", "slurm-down", "slurm-key"):
        commands.add_parser(name)
    commands.add_parser("slurm-wait").add_argument("seconds", type=float)
    commands.add_parser("jobs").add_argument("job_ids", type=int, nargs="*")
    cancel = commands.add_parser("cancel")
    cancel.add_argument("job_ids", type=int, nargs="*")
    cancel.add_argument("--all", action="store_true")
    follow = commands.add_parser("tail")
    follow.add_argument("job_id", type=int)
    follow.add_argument("--follow", action="store_true")
    follow.add_argument("--lines", type=int, default=0)
    autostop = commands.add_parser("autostop")
    autostop.add_argument("minutes", type=int)
    autostop.add_argument("--down", action="store_true")
    autostop.add_argument("--wait-for", choices=idle.WAIT_FOR, default=idle.WAIT_FOR[0])
    return parser
