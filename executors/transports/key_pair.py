"""New keys for SSH: ed25519, without a passphrase."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from executors.errors import Unsupported


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key as OpenSSH writes it; ``public`` is ``ssh-ed25519 AAAA...`` without a comment.

    ``private`` is a secret and not in the repr.
    """

    private: str = field(repr=False)
    public: str


def new_key_pair() -> KeyPair:
    """Return a key that nobody has yet. Raises ``Unsupported`` where nothing here can make one."""
    if shutil.which("ssh-keygen"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "key")
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
            subprocess.run(argv, stdin=subprocess.DEVNULL, check=True)
            return KeyPair(path.read_text("ascii"), path.with_suffix(".pub").read_text("ascii").strip())
    if find_spec("asyncssh"):
        import asyncssh

        key = asyncssh.generate_private_key("ssh-ed25519")
        return KeyPair(key.export_private_key().decode(), key.export_public_key().decode().strip())
    raise Unsupported(
        "nothing on this machine can make an SSH key: install OpenSSH's client (package openssh-client), or "
        "the extra [ssh] of this project"
    )
