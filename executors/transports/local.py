"""The transport of a cluster on this machine: subprocesses whose home is the cluster's folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

from executors.api import Completed, Progress
from executors.child import end, exchange
from executors.errors import SyncFailed, Transient, Unsupported
from executors.sync.mirror import copy, memory_of, mirror

_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_LOGIN = ("PATH", "LANG", "LANGUAGE", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR", "LD_LIBRARY_PATH")
_INHERITED = frozenset({*_LOGIN, *_PROXIES, *_CERTIFICATES})
_CHUNK = 1 << 16
_END_GRACE_S = 12.0


class LocalTransport:
    """Runs commands with ``HOME`` at the cluster's home and a small environment; copies files to and from it.

    ``marker`` (``NAME=value``) is put into the environment of everything that is run, by which the
    provisioner finds it again.
    """

    def __init__(self, home: Path, marker: str = "") -> None:
        self._home = home
        self._marker = marker

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float | None = None) -> Completed:
        """Run ``argv`` to its end. Raises ``Transient`` when it takes longer than ``timeout_s``."""
        process = self._start(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(stdin, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise Transient(f"{argv[0]} did not end within {timeout_s:g} s") from None
        finally:
            end(process, _END_GRACE_S)
        return Completed(_exit_code(process), out.decode(errors="replace"), err.decode(errors="replace"))

    def stream(
        self,
        argv: Sequence[str],
        on_output: Callable[[bytes], None],
        *,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> int:
        """Run ``argv``, hand over its output as it comes; an exception of ``on_output`` ends the command."""
        process = self._start(argv, stdin=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
        try:
            exchange(process, stdin, on_output)
            process.wait()
        finally:
            end(process, _END_GRACE_S)
        return _exit_code(process)

    def follow(self, argv: Sequence[str]) -> Generator[bytes, None, int]:
        """Yield the command's stdout as it comes and return its exit code; ends it when closed."""
        process = self._start(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert process.stdout is not None
        try:
            while chunk := os.read(process.stdout.fileno(), _CHUNK):
                yield chunk
            process.wait()
        finally:
            end(process, _END_GRACE_S)
        return _exit_code(process)

    def put(
        self,
        source: Path,
        target: str,
        *,
        ignore: Sequence[str] = (),
        delete: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> int:
        """Make ``target`` equal to ``source``, ignore rules applied; returns the number of files copied.

        ``target`` is ``~/x``, relative to the home, or an absolute path inside it; any other is refused
        with ``Unsupported``, as it would write into this machine's own files. ``delete`` removes what an
        earlier call brought and ``source`` has no more; files that jobs made stay. Raises ``SyncFailed``.
        """
        destination = self._inside(target)
        try:
            memory = self._memory(destination) if delete else None
            return mirror(source, destination, ignore=ignore, memory=memory, on_progress=on_progress)
        except OSError as error:
            raise SyncFailed(f"cannot copy {source} to {target}: {error}") from error

    def get(self, source: str, target: Path) -> None:
        """Copy a file or folder from the cluster's home. Raises ``SyncFailed``."""
        try:
            copy(self._inside(source), target)
        except OSError as error:
            raise SyncFailed(f"cannot fetch {source}: {error}") from error

    def close(self) -> None:
        """Do nothing: there is no connection."""

    def _memory(self, destination: Path) -> Path:
        return self._home / memory_of(os.fsencode(destination.relative_to(self._home)))

    def _inside(self, target: str) -> Path:
        path = Path(os.path.normpath(self._home / target.removeprefix("~/") if target != "~" else self._home))
        if path != self._home and self._home not in path.parents:
            raise Unsupported(
                f"{target}: a cluster on this machine keeps to its own home; use a path below ~/ "
                f"(~/{target.strip('/')}) or one relative to the workdir"
            )
        return path

    def _start(
        self, argv: Sequence[str], *, stdin: int, stderr: int, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            list(argv),
            cwd=self._home,
            env={**self.environment(), **(env or {})},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )

    def environment(self) -> dict[str, str]:
        """Return the environment that commands start with."""
        name, _, value = self._marker.partition("=")
        inherited = {key: os.environ[key] for key in os.environ if key in _INHERITED or key.startswith("LC_")}
        return {"PATH": os.defpath, **inherited, "HOME": str(self._home), **({name: value} if name else {})}


def _exit_code(process: subprocess.Popen[bytes]) -> int:
    return 128 - process.returncode if process.returncode < 0 else process.returncode
