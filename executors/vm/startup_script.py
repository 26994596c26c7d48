"""What a machine without cloud-init is told: a script that its guest agent runs as root at each boot."""

from __future__ import annotations

from executors.transports.key_pair import KeyPair
from executors.vm.user_data import LOGIN_USER

_SCRIPT = """#!/bin/sh
set -eu
umask 077
id -u {user} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash {user}
echo '{user} ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/90-sky
chmod 440 /etc/sudoers.d/90-sky
home=$(getent passwd {user} | cut -d: -f6)
keys=$home/.ssh/authorized_keys
mkdir -p "$home/.ssh"
touch "$keys"
grep -qxF '{authorized_key}' "$keys" || echo '{authorized_key}' >>"$keys"
chown -R {user}: "$home/.ssh"
cat >/etc/ssh/ssh_host_ed25519_key.new <<'KEY'
{private}
KEY
if ! cmp -s /etc/ssh/ssh_host_ed25519_key.new /etc/ssh/ssh_host_ed25519_key; then
    rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
    echo '{public}' >/etc/ssh/ssh_host_ed25519_key.pub
    mv /etc/ssh/ssh_host_ed25519_key.new /etc/ssh/ssh_host_ed25519_key
    systemctl restart ssh || true
fi
rm -f /etc/ssh/ssh_host_ed25519_key.new
"""


def startup_script(host_key: KeyPair, authorized_key: str, *, user: str = LOGIN_USER) -> str:
    """Return the script: a login user with sudo that this key lets in, and the host's only key.

    To run it again changes nothing. It holds the private host key: a secret.
    """
    return _SCRIPT.format(
        user=user,
        authorized_key=authorized_key,
        private=host_key.private.strip(),
        public=host_key.public.strip(),
    )
