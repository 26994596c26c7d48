"""A node of a cluster: commands are steps of the job that holds it, files go through the shared home."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

from executors.api import Completed, Progress, Transport
from executors.slurm.login import BASE, wrapped
from executors.sync.remote import RemotePath

_SRUN = ("--overlap", "--nodes=1", "--ntasks=1", "--mem=0")
# What Slurm itself says of the end of a step is not the command's output.
_PLAIN = r"""
exec 3>&1
said=$("$@" 2>&1 >&3 3>&-)
code=$?
[ -z "$said" ] || [ $code = 0 ] ||
  printf '%s\n' "$said" | grep -v -E '^srun: (error: [^ ]+: task 0: |Force Term)'
exit $code
"""
# What a copy brought is remembered in the real home; the agent looks for it in the cluster's.
_REMEMBER = '[ ! -e "$1" ] || { mkdir -p -m 700 -- "${2%/*}" && cp -f -- "$1" "$2"; }'
_TOGETHER = 'exec "$@" 2>&1'


class StepTransport:
    """Runs commands on ``node`` of the holder ``job``, with the cluster's own folder as home.

    ``login`` is the transport to the login node; a home that all nodes share is what files rely on. A command
    may use all of the holder's ``cpus`` there.
    """

    def __init__(
        self, login: Transport, cluster_id: str, folder: str, job: str, node: str, cpus: int
    ) -> None:
        self._login = login
        self._home = f"{BASE}/{cluster_id}/home"
        self._step = [
            *("srun", f"--jobid={job}", f"--nodelist={node}", *_SRUN, f"--cpus-per-task={cpus}"),
            f"--chdir={folder}/home",
            *("env", f"HOME={folder}/home"),
        ]

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float | None = None) -> Completed:
        """Run ``argv`` to its end. Raises ``Transient`` when it takes longer than ``timeout_s``."""
        return self._login.run(wrapped([*self._step, *argv]), stdin=stdin, timeout_s=timeout_s)

    def stream(
        self,
        argv: Sequence[str],
        on_output: Callable[[bytes], None],
        *,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> int:
        """Run ``argv``, hand over its output as it comes; an exception of ``on_output`` ends the command."""
        step = [*self._step, "sh", "-c", _TOGETHER, "sh", *argv]
        return self._login.stream(["sh", "-c", _PLAIN, "sh", *wrapped(step)], on_output, env=env, stdin=stdin)

    def follow(self, argv: Sequence[str]) -> Generator[bytes, None, int]:
        """Yield the command's stdout as it comes and return its exit code; ends it when closed."""
        return (yield from self._login.follow(wrapped([*self._step, *argv])))

    def put(
        self,
        source: Path,
        target: str,
        *,
        ignore: Sequence[str] = (),
        delete: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> int:
        """Make ``target`` equal to ``source``: ``~/x`` and ``x`` are below the cluster's home."""
        there = self._inside(target)
        copied = self._login.put(source, there, ignore=ignore, delete=delete, on_progress=on_progress)
        if delete and not there.startswith("/"):
            brought, own = RemotePath.of(there).memory, f"{self._home}/{RemotePath.of(target).memory}"
            self._login.run(["sh", "-c", _REMEMBER, "sh", brought, own])
        return copied

    def get(self, source: str, target: Path) -> None:
        """Copy a file or folder, as ``put`` does."""
        self._login.get(self._inside(source), target)

    def close(self) -> None:
        """Close the transport to the login node."""
        self._login.close()

    def _inside(self, path: str) -> str:
        if path.startswith("/"):
            return path
        return self._home if path == "~" else f"{self._home}/{path.removeprefix('~/')}"
