"""The key that this user logs in to rented machines with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from executors.transports.key_pair import new_key_pair
from executors.transports.ssh_files import ssh_folder, write_private


@dataclass(frozen=True, slots=True)
class ClientKey:
    """Where the private key lies, and the public one as ``authorized_keys`` holds it."""

    path: Path
    public: str


def client_key() -> ClientKey:
    """Return the key in ``SKY_HOME/ssh/client_key``, made (mode 0600) when it is first needed."""
    from filelock import FileLock

    path = ssh_folder() / "client_key"
    public = path.with_name("client_key.pub")
    with FileLock(path.with_name("client_key.lock"), mode=0o600):
        if not (path.exists() and public.exists()):
            pair = new_key_pair()
            write_private(public, pair.public + "\n")
            write_private(path, pair.private)
        return ClientKey(path, public.read_text("ascii").strip())
