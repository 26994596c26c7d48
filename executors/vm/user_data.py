"""What a machine is told for its first boot, as cloud-init reads it (https://cloudinit.readthedocs.io)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from executors.transports.key_pair import KeyPair

LOGIN_USER = "ubuntu"


@dataclass(frozen=True, slots=True)
class BootFile:
    """A file of root's that is there before anybody can log in; all may read it, so it holds no secret."""

    path: str
    content: str
    mode: str = "0755"


def cloud_config(
    host_key: KeyPair, authorized_key: str, *, user: str = LOGIN_USER, files: Sequence[BootFile] = ()
) -> str:
    """Return the user-data: a login user with sudo that has this one key, the host's only key, and files.

    The same arguments give the same text. It holds the private host key: a secret.
    """
    import yaml

    config = {
        "ssh_deletekeys": True,
        "ssh_genkeytypes": ["ed25519"],
        "ssh_keys": {"ed25519_private": host_key.private, "ed25519_public": host_key.public},
        "users": [
            {
                "name": user,
                "shell": "/bin/bash",
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "lock_passwd": True,
                "ssh_authorized_keys": [authorized_key],
            }
        ],
        "write_files": [
            {"path": file.path, "permissions": file.mode, "owner": "root:root", "content": file.content}
            for file in files
        ],
    }
    return "#cloud-config\n" + yaml.safe_dump(config, sort_keys=True)
