"""Connections that cannot be made, that break, and that take a way of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from executors.errors import HostKeyChanged, HostKeyUnknown, HostUnreachable, LoginRefused, Unsupported
from executors.transports import host_keys, ssh
from executors.transports.address import Address
from executors.transports.host_key import HostKey
from tests.executors.conftest import wait_until
from tests.executors.transports.conftest import Connect, address_of, pin
from tests.hosts.fixtures import TakeHosts, TakeMachines
from tests.hosts.host import Host

pytestmark = pytest.mark.needs("time")

ROOT = Path(__file__).parents[3]


def make_key(path: Path) -> str:
    """Make a key pair at ``path``; returns the public key's kind and base64."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


def reconfigure(host: Host, *lines: str) -> None:
    """Put lines before the rest of the host's sshd_config, for connections from now on."""
    script = 'f=/etc/ssh/sshd_config; { printf "%s\\n" "$@"; cat $f; } >$f.new && mv $f.new $f'
    script += " && pkill -HUP -o -x sshd"
    host.run(["sh", "-c", script, "sh", *lines])
    host.wait_ready()


def test_nobody_listens(hosts: TakeHosts, connections: Connect, client: str) -> None:
    (host,) = hosts(1)
    with pytest.raises(HostUnreachable, match=f"{host.ip}:9 cannot be reached") as caught:
        connections(Address(host.ip, 9), client).run(["true"])
    assert caught.value.host == host.ip


def test_a_name_that_nobody_has(connections: Connect, client: str) -> None:
    with pytest.raises(HostUnreachable, match=r"nowhere\.invalid cannot be reached"):
        connections(Address("nowhere.invalid"), client).run(["true"])


def test_a_host_without_power_does_not_answer(
    machines: TakeMachines, connections: Connect, client: str
) -> None:
    (host,) = machines(1)
    pin(host)
    host.crash()
    with pytest.raises(HostUnreachable, match="cannot be reached"):
        connections(address_of(host), client).run(["true"])


def test_a_refused_key_is_named_with_the_user(
    hosts: TakeHosts, connections: Connect, client: str, tmp_path: Path
) -> None:
    (host,) = hosts(1)
    pin(host)
    make_key(tmp_path / "other")
    address = replace(address_of(host), identity_file=str(tmp_path / "other"))
    with pytest.raises(LoginRefused) as caught:
        connections(address, client).run(["true"])
    for part in (f"{address.user}@{host.ip} refuses the login", str(tmp_path / "other"), "by hand: ssh"):
        assert part in str(caught.value)


def test_an_unknown_host_gets_nothing_and_sky_ssh_up_is_named(
    hosts: TakeHosts, connections: Connect, client: str
) -> None:
    (host,) = hosts(1)
    transport = connections(address_of(host), client)
    with pytest.raises(HostKeyUnknown, match="`sky ssh up` shows and pins those of pools"):
        transport.run(["true"])
    pin(host)
    assert transport.run(["true"]).returncode == 0


def test_a_changed_key_stops_and_shows_both(
    hosts: TakeHosts, connections: Connect, client: str, tmp_path: Path
) -> None:
    (host,) = hosts(1)
    address = address_of(host)
    old = HostKey(host_keys.known_name(address), *make_key(tmp_path / "old").split())
    new = HostKey(old.host, *host.host_public_key.split())
    host_keys.pin(old)
    with pytest.raises(HostKeyChanged) as caught:
        connections(address, client).run(["true"])
    for part in (old.fingerprint, new.fingerprint, "ssh-keygen", "sky ssh up"):
        assert part in str(caught.value)


def test_the_users_own_known_hosts_and_aliases_count(
    hosts: TakeHosts, connections: Connect, client: str, home: Path
) -> None:
    (host,) = hosts(1)
    (home / ".ssh").mkdir(mode=0o700)
    (home / ".ssh" / "known_hosts").write_text(f"{host.ip} {host.host_public_key}\n")
    (home / ".ssh" / "config").write_text(
        f"Host lab\n  HostName {host.ip}\n  User {host.user}\n  IdentityFile {host.identity_file}\n"
        f"  RemoteCommand echo no\n  RequestTTY force\n  LocalForward 1 localhost:1\n"
        f"  StrictHostKeyChecking no\n"
    )
    assert connections(Address("lab"), client).run(["whoami"]).stdout == f"{host.user}\n"
    assert host_keys.known(Address("lab"))[0].line.endswith(host.host_public_key)


def test_a_connection_that_dies_mid_command_is_told_within_seconds(
    machines: TakeMachines, connections: Connect, client: str
) -> None:
    (host,) = machines(1)
    pin(host)
    follower = connections(address_of(host), client).follow(["sh", "-c", "echo up; sleep 300"])
    assert next(follower) == b"up\n"
    host.crash()
    with pytest.raises(HostUnreachable, match="was lost while sh ran"):
        next(follower)


def test_a_short_cut_is_survived(machines: TakeMachines, connections: Connect, client: str) -> None:
    (host,) = machines(1)
    pin(host)
    transport = connections(address_of(host), client)
    follower = transport.follow(["sh", "-c", "echo up; while [ ! -e go ]; do sleep 0.05; done; echo done"])
    assert next(follower) == b"up\n"
    host.partition()
    (host.home() / "go").touch()
    time.sleep(2)  # the length of the cut is what is tested
    host.heal()
    assert b"".join(follower) == b"done\n"


def test_a_host_that_was_started_anew_is_reached_again(
    machines: TakeMachines, connections: Connect, client: str
) -> None:
    (host,) = machines(1)
    pin(host)
    transport = connections(address_of(host), client)
    assert transport.run(["true"]).returncode == 0
    host.kill()
    host.boot()
    wait_until(lambda: _runs(transport, "true"))
    assert transport.run(["echo", "back"]).stdout == "back\n"


def _runs(transport: object, *argv: str) -> bool:
    try:
        return transport.run(argv).returncode == 0  # type: ignore[attr-defined,no-any-return]
    except HostUnreachable:
        return False


def test_what_nobody_listens_to_any_more_is_ended(
    hosts: TakeHosts, connections: Connect, client: str
) -> None:
    """The client is killed with SIGKILL: no code of ours runs, and the command ends all the same."""
    (host,) = hosts(1)
    pin(host)
    script = (
        "import sys; from tests.executors.transports.conftest import CLIENTS, Address\n"
        "transport = CLIENTS[sys.argv[1]](Address.from_dict(eval(sys.argv[2])))\n"
        "for chunk in transport.follow(['sh', '-c', 'echo $$; exec sleep 300']):\n"
        "    print(int(chunk), flush=True)"
    )
    address = address_of(host)
    with subprocess.Popen(
        [sys.executable, "-c", script, client, repr(address.to_dict())], stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        transport = connections(address, client)
        assert _runs(transport, "test", "-e", f"/proc/{pid}")
        os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: not _runs(transport, "test", "-e", f"/proc/{pid}"))


def test_input_that_was_cut_never_ends_for_the_command(hosts: TakeHosts, connections: Connect) -> None:
    """A client that dies while it sends leaves no command that takes the part for the whole."""
    (host,) = hosts(1)
    pin(host)
    transport = connections(address_of(host))
    script = "trap '' TERM; echo $$ > ~/pid; cat > ~/part; echo whole > ~/whole"
    code = (
        "import sys, os, threading, time; from tests.executors.transports.conftest import CLIENTS, Address\n"
        "from executors.transports.remote_command import RemoteCommand\n"
        "frame = RemoteCommand.frame\n"
        "RemoteCommand.frame = lambda self: frame(self)[:-500_000]\n"
        "transport = CLIENTS['openssh'](Address.from_dict(eval(sys.argv[1])))\n"
        "transport.run(['sh', '-c', sys.argv[2]], stdin=b'x' * 1_000_000)"
    )
    argv = [sys.executable, "-c", code, repr(address_of(host).to_dict()), script]
    with subprocess.Popen(argv, cwd=ROOT) as process:
        wait_until(
            lambda: (host.home() / "part").exists() and (host.home() / "part").stat().st_size >= 400_000
        )
        os.kill(process.pid, signal.SIGKILL)
    pid = int((host.home() / "pid").read_text())
    wait_until(lambda: not _runs(transport, "test", "-e", f"/proc/{pid}"))
    assert not (host.home() / "whole").exists()


def test_close_ends_what_runs_in_another_thread(hosts: TakeHosts, connections: Connect, client: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    (host,) = hosts(1)
    pin(host)
    transport = connections(address_of(host), client)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(transport.run, ["sh", "-c", "echo > started; exec sleep 300"])
        wait_until((host.home() / "started").exists)
        transport.close()
        with pytest.raises(HostUnreachable):
            running.result(30)


def test_a_jump_host_leads_on_and_is_verified_as_well(
    hosts: TakeHosts, connections: Connect, client: str, home: Path
) -> None:
    jump, host = hosts(2)
    (home / ".ssh").mkdir(mode=0o700)
    (home / ".ssh" / "config").write_text(f"Host *\n  IdentityFile {jump.identity_file}\n")
    address = replace(address_of(host), proxy_jump=f"{jump.user}@{jump.ip}")
    pin(host)
    with pytest.raises(HostKeyUnknown, match=rf"\(of {jump.ip}, on the way there\)"):
        connections(address, client).run(["true"])
    pin(jump)
    come_from = (
        connections(address, client).run(["sh", "-c", "echo $SSH_CONNECTION; hostname"]).stdout.split()
    )
    assert (come_from[0], come_from[-1]) == (jump.ip, host.name)
    assert [hop.host for hop in host_keys.route(address)] == [jump.ip, host.ip]
    assert host_keys.scan(address).line.endswith(host.host_public_key)


@pytest.mark.parametrize("sessions", [1, 3])
def test_a_server_that_grants_few_sessions_serves_many_commands(
    hosts: TakeHosts, connections: Connect, client: str, sessions: int
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    (host,) = hosts(1)
    pin(host)
    reconfigure(host, f"MaxSessions {sessions}")
    transport = connections(address_of(host), client)
    followers = [transport.follow(["sh", "-c", "echo up; exec sleep 300"]) for _ in range(5)]
    assert [next(follower) for follower in followers] == [b"up\n"] * 5
    with ThreadPoolExecutor(20) as pool:
        done = list(pool.map(lambda i: transport.run(["echo", str(i)]).stdout, range(20)))
    assert done == [f"{i}\n" for i in range(20)]
    for follower in followers:
        follower.close()


@pytest.mark.needs("rsync")
def test_without_rsync_on_the_node_files_go_over_sftp(
    hosts: TakeHosts, connections: Connect, tmp_path: Path
) -> None:
    (host,) = hosts(1)
    pin(host)
    host.run(["rm", "/usr/bin/rsync"])
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a\nb").write_text("x")
    transport = connections(address_of(host))
    assert transport.put(tmp_path / "source", "~/w", delete=True) == 1
    (tmp_path / "source" / "a\nb").unlink()
    assert transport.put(tmp_path / "source", "~/w", delete=True) == 0
    assert list((host.home() / "w").iterdir()) == []
    transport.get("~/w", tmp_path / "back")
    assert (tmp_path / "back").is_dir()


def test_a_shell_that_talks_when_it_starts_does_not_disturb(
    hosts: TakeHosts, connections: Connect, client: str
) -> None:
    (host,) = hosts(1)
    pin(host)
    noise = "echo welcome; echo to all >&2\n"
    (host.home() / ".bashrc").write_text(noise)
    transport = connections(address_of(host), client)
    done = transport.run(["sh", "-c", "echo out; echo err >&2"])
    assert done.stdout == "out\n"
    assert list(transport.follow(["echo", "out"])) == [b"out\n"]


def test_a_folder_that_only_root_may_write_is_refused_clearly(
    hosts: TakeHosts, connections: Connect, client: str, tmp_path: Path
) -> None:
    from executors.errors import SyncFailed

    (host,) = hosts(1)
    if host.user == "root":
        pytest.skip("the login user may write everywhere")
    pin(host)
    (tmp_path / "x").write_text("x")
    for target in ("/etc/x", "/new/x", "/etc"):
        with pytest.raises(SyncFailed, match=r"(?s)cannot copy .*choose a path below ~/"):
            connections(address_of(host), client).put(tmp_path / "x", target)


def test_the_client_is_chosen_by_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from executors.transports.asyncssh_transport import AsyncSshTransport
    from executors.transports.openssh import OpenSshTransport

    assert isinstance(ssh.connect(Address("h")), OpenSshTransport)
    assert isinstance(ssh.connect(Address("h"), long_lived=True), AsyncSshTransport)
    monkeypatch.setattr(ssh, "find_spec", lambda _: None)
    assert isinstance(ssh.connect(Address("h"), long_lived=True), OpenSshTransport)
    monkeypatch.setattr(ssh.shutil, "which", lambda _: None)
    with pytest.raises(Unsupported, match="openssh-client"):
        ssh.connect(Address("h"))
    monkeypatch.undo()
    monkeypatch.setattr(ssh.shutil, "which", lambda _: None)
    assert isinstance(ssh.connect(Address("h")), AsyncSshTransport)
