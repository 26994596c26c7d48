"""What makes a bare tree a machine of its own: users, keys, names, sshd and an init."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.hosts.network import MAX_HOSTS, Wire

HERE = Path(__file__).parent
# A login user with passwordless sudo, and one that can never become root.
SUDO_USER, PLAIN_USER = "dev", "guest"
_PEOPLE = range(1000, 60000)
_SSHD = """\
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
Subsystem sftp internal-sftp
AcceptEnv LANG LC_*
PermitUserEnvironment yes
MaxStartups 100:30:200
MaxSessions 100
"""


def write(root: Path, name: str, wire: Wire, host_key: Path, authorized_key: str) -> None:
    """Write a host's own files into its empty disk at ``root`` (not yet mounted as an overlay)."""
    etc = root / "etc"
    (etc / "hostname").write_text(f"{name}\n")
    names = [f"{wire.bridge.network[each]} h{each}" for each in range(1, MAX_HOSTS + 1)]
    (etc / "hosts").write_text("\n".join(["127.0.0.1 localhost", *names, ""]))
    (etc / "resolv.conf").write_text("")
    (etc / "ssh" / "sshd_config").write_text(_SSHD)
    for source in (host_key, host_key.with_suffix(".pub")):
        shutil.copy(source, etc / "ssh" / f"ssh_host_ed25519_key{source.suffix}")
    _write_users(root, authorized_key)
    _write_programs(root)


def _write_users(root: Path, authorized_key: str) -> None:
    """This machine's system users, none of its people, and the two login users; nobody has a password."""
    etc = root / "etc"
    passwd = [line.split(":") for line in Path("/etc/passwd").read_text().splitlines()]
    people = {fields[0] for fields in passwd if int(fields[2]) in _PEOPLE}
    users = [fields for fields in passwd if fields[0] not in people]
    for fields in users:
        if fields[0] == "root":
            fields[5:] = ["/" + "root", "/bin/bash"]
    groups = [line.split(":") for line in Path("/etc/group").read_text().splitlines()]
    groups = [[*fields[:3], ""] for fields in groups if int(fields[2]) not in _PEOPLE]
    for uid, name in enumerate((SUDO_USER, PLAIN_USER), start=_PEOPLE.start):
        users.append([name, "x", str(uid), str(uid), "", f"/home/{name}", "/bin/bash"])
        groups.append([name, "x", str(uid), ""])
        (root / "home" / name).mkdir(mode=0o755)
        _authorize(root / "home" / name, uid, authorized_key)
    _authorize(root / "root", 0, authorized_key)
    (etc / "passwd").write_text("".join(":".join(fields) + "\n" for fields in users))
    (etc / "group").write_text("".join(":".join(fields) + "\n" for fields in groups))
    shadow = etc / "shadow"
    shadow.touch(mode=0o640)
    shadow.write_text("".join(f"{fields[0]}:*:19000:0:99999:7:::\n" for fields in users))
    (etc / "gshadow").touch(mode=0o640)
    sudoers = etc / "sudoers.d" / SUDO_USER
    sudoers.touch(mode=0o440)
    sudoers.write_text(f"{SUDO_USER} ALL=(ALL:ALL) NOPASSWD: ALL\n")


def _authorize(home: Path, uid: int, key: str) -> None:
    folder = home / ".ssh"
    folder.mkdir(mode=0o700)
    (folder / "authorized_keys").touch(mode=0o600)
    (folder / "authorized_keys").write_text(key)
    for each in (home, folder, folder / "authorized_keys"):
        shutil.chown(each, uid, uid)


def _write_programs(root: Path) -> None:
    programs = root / "usr" / "sbin"
    programs.mkdir(parents=True)
    for name in ("init", "poweroff"):
        shutil.copy(HERE / f"{name}.sh", programs / name)
        (programs / name).chmod(0o755)
    for name in ("halt", "shutdown"):
        (programs / name).symlink_to("poweroff")
