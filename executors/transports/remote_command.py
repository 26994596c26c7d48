r"""How a command is handed to a node over an SSH session, and how its end is told.

The session runs a fixed bootstrap that means the same in every login shell. All else travels on its stdin,
so that nothing of it is in an argument list, and nothing is read twice by a shell::

    TOKEN LENGTH\n       the token of this call, and the length of the program in bytes
    program              POSIX shell: the environment, and the command, each word quoted once
    stdin of the command
    ok\n                 the input was whole
    (stays open)         the lifeline: when it is cut, or ``END`` comes over it, the command is ended

The program answers ``TOKEN\n`` on stdout when the command starts, so that what a login shell prints before
it is told apart, and ``TOKEN CODE\n`` on stderr when it has ended, so that 255 of the command and 255 of the
SSH client are told apart, and a lost connection is never taken for an end.

A cut lifeline (the client closed it, was killed, or lost the connection) sends SIGTERM to the command's
process group and SIGKILL ``END_GRACE_S`` later. A command whose input was cut never sees the end of it.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from executors.agent.presence import OWN_COMMAND

END_GRACE_S = 12
END = b"end\n"
"""What ends the command where a session's stdin cannot be closed alone."""
GO_HOME = (
    '[ -n "$HOME" ] || HOME=$(getent passwd "$(id -u)" | cut -d: -f6); export HOME; cd || exit; '
    '[ -n "$USER" ] || { USER=$(id -un 2>/dev/null) && export USER; }; '
)
"""What a shell runs first that no login has set up, as in a container: it goes to its user's home."""
_BLOCK = 1 << 16

# The process group must be the command's own, since all of it is ended. sshd sees to that; others may not.
_BOOTSTRAP = (
    f"{OWN_COMMAND} "
    'read -r _ _ _ _ group _ </proc/$$/stat; [ "$group" = $$ ] || exec setsid /bin/sh -c "$1" sh "$1"; '
    'IFS=" " read -r token length; [ "$token" = {token} ] || exit 1; '
    'eval "$(dd bs="$length" count=1 iflag=fullblock 2>/dev/null)"'
)

# In braces, so that a shell that gets only a part of it, as the connection broke, has nothing to run.
_PROGRAM = """\
{{
sky() {{
  trap : TERM
  {{
    trap '' TERM
    read -r pid _ </proc/self/stat; echo "$pid"
    {feed}
    exec >/dev/null
    while read -r word && [ "$word" != end ]; do :; done
    kill -TERM 0
    n=0; while [ $n -lt {grace_s} ]; do sleep 1; n=$((n+1)); done
    kill -KILL 0
  }} 5>&- | {{
    trap : TERM
    read -r watcher
    echo {token}
    ({environment}exec "$@" {stderr} 5>&-)
    code=$?
    kill -KILL "$watcher"
    printf '%s %d\\n' {token} "$code" >&5
  }}
}}
sky {argv} 5>&2 2>/dev/null
}}
"""
_FEED = "if {copies}; then read -r ok || kill -KILL 0; else cat >/dev/null; fi"


class Stderr(Enum):
    """Where the command's stderr goes."""

    OWN = "2>&5"
    STDOUT = "2>&1"
    NOWHERE = "2>/dev/null"


@dataclass(frozen=True, slots=True)
class RemoteCommand:
    """One command for a node: its words, what is added to its environment, and all of its stdin.

    ``entry`` are words that start a program elsewhere than the session, in a container there, say.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: bytes = field(default=b"", repr=False)
    stderr: Stderr = Stderr.OWN
    token: str = field(default_factory=lambda: secrets.token_hex(12))
    entry: Sequence[str] = ()

    def bootstrap(self) -> str:
        """Return what the session runs; the same words for a POSIX shell, csh and fish."""
        program = _BOOTSTRAP.format(token=self.token)
        shell = shlex.join([*self.entry, "/bin/sh"])
        return f"exec {shell} -c 'eval \"$1\"' sh '{GO_HOME if self.entry else ''}{program}'"

    def frame(self) -> bytes:
        """Return what to write to the session's stdin, which then stays open."""
        program = self._program().encode(errors="surrogateescape")
        return b"%s %d\n" % (self.token.encode(), len(program)) + program + self.stdin + b"ok\n"

    def _program(self) -> str:
        blocks, rest = divmod(len(self.stdin), _BLOCK)
        copies = [f"dd bs={_BLOCK} count={blocks} iflag=fullblock"] if blocks else []
        copies += [f"dd bs={rest} count=1 iflag=fullblock"] if rest else []
        return _PROGRAM.format(
            feed=_FEED.format(copies=" && ".join(copies) or ":"),
            grace_s=END_GRACE_S,
            token=self.token,
            environment="".join(f"export {name}={shlex.quote(value)}; " for name, value in self._env()),
            stderr=self.stderr.value,
            argv=shlex.join(self.argv),
        )

    def _env(self) -> list[tuple[str, str]]:
        for name in self.env:
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                raise ValueError(f"{name!r} cannot be the name of an environment variable")
        return list(self.env.items())


class Output:
    """The command's part of what a session prints: past the mark of its start, up to the mark of its end."""

    def __init__(self, command: RemoteCommand) -> None:
        self._start = f"{command.token}\n".encode()
        self._end = re.compile(command.token.encode() + rb" (\d+)\n")
        self._before = bytearray()
        self._stderr = bytearray()
        self.started = False

    def stdout(self, chunk: bytes) -> bytes:
        """Take in what came on stdout; returns the command's part of it."""
        if self.started:
            return chunk
        self._before += chunk
        at = self._before.find(self._start)
        if at < 0:
            return b""
        self.started = True
        own = bytes(self._before[at + len(self._start) :])
        self._before.clear()
        return own

    def stderr(self, chunk: bytes) -> None:
        """Take in what came on stderr."""
        self._stderr += chunk

    def complaint(self) -> str:
        """Return what came on stderr so far as text, which is the SSH client's where nothing started."""
        return self._stderr.decode(errors="replace").strip()

    def end(self) -> tuple[int | None, bytes]:
        """Return the exit code, ``None`` where its end was not told, and the command's stderr."""
        marks = list(self._end.finditer(self._stderr))
        if not marks:
            return None, bytes(self._stderr)
        mark = marks[-1]
        return int(mark[1]), bytes(self._stderr[: mark.start()] + self._stderr[mark.end() :])
