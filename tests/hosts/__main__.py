"""Hosts to play with: ``python -m tests.hosts up 3``. They stay until ``python -m tests.hosts down``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable

from tests.hosts.command import HostError
from tests.hosts.host import Host
from tests.hosts.hosts import Hosts, clear_abandoned
from tests.hosts.record import place, runs

_RUN = "playground"
HARM: dict[str, str] = {
    "crash": "cut the power: gone without a word to anybody",
    "poweroff": "shut down in order, as the command poweroff on the host does",
    "kill": "end all processes at once; connections are refused",
    "boot": "switch on again: the same disk, address and host key",
    "reset": "back to how it was made: running, with an empty disk",
    "freeze": "hang: the kernel answers, nobody else does",
    "thaw": "undo freeze",
    "partition": "cut off from everybody; it runs on",
    "heal": "undo partition, slow and lose",
    "fill_disk": "leave no room on the disk",
    "free_disk": "undo fill_disk",
}
MEASURED: dict[str, tuple[str, Callable[[str], object], str]] = {
    "slow": ("RATE", str, "limit the network to RATE each way, e.g. 10mbit"),
    "lose": ("PERCENT", int, "lose that many of a hundred packets each way"),
    "set_clock": ("SECONDS", int, "set the clock wrong by SECONDS (-60: a minute slow; 0: right)"),
}


def main(argv: list[str]) -> int:
    """Do what the command line says; returns the exit code."""
    said = _parser().parse_args(argv)
    try:
        return int(said.do(said) or 0)
    except HostError as error:
        print(f"hosts: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.hosts",
        description="Real Linux hosts on this machine, each with an sshd, a disk, processes and a network of "
        "its own, to connect to and to harm. As root they are made of namespaces; otherwise each is an sshd "
        "on a high port with a home of its own, and only kill, boot and reset can be done to it.",
        epilog="Example: up 3; ssh h1; crash h2; ls; boot h2; down. Any terminal will do.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, action: Callable[[argparse.Namespace], object], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(do=action, verb=name)
        return command

    up = add("up", _up, "make N more hosts and print how to log in")
    up.add_argument("count", metavar="N", type=int)
    up.add_argument("--accounts", action="store_true", help="no namespaces, as where root is not to be had")
    add("ls", _list, "list the hosts")
    add("down", _down, "take all of them away")
    ssh = add("ssh", _ssh, "log in to a host, or run a command on it")
    ssh.add_argument("--user", default="", help="root, dev (has sudo) or guest (does not); default dev")
    ssh.add_argument("names", metavar="NAME", nargs=1)
    ssh.add_argument("command", nargs=argparse.REMAINDER)
    for verb, text in HARM.items():
        add(verb, _harm, text).add_argument("names", metavar="NAME", nargs="+")
    for verb, (metavar, kind, text) in MEASURED.items():
        command = add(verb, _harm, text)
        command.add_argument("names", metavar="NAME", nargs=1)
        command.add_argument("measure", metavar=metavar, type=kind)
    return parser


def _run() -> Hosts:
    folder = place() / _RUN
    if folder not in runs():
        raise HostError("there are no hosts; make some: python -m tests.hosts up 3")
    return Hosts(folder)


def _named(names: list[str]) -> list[Host]:
    known = {host.name: host for host in _run().hosts}
    if unknown := [name for name in names if name not in known]:
        raise HostError(f"no host {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names]


def _up(said: argparse.Namespace) -> None:
    clear_abandoned()
    kind = "accounts" if said.accounts else ""
    run = _run() if place() / _RUN in runs() else Hosts.create(kind=kind, name=_RUN, owned=False)
    for host in run.up(said.count):
        print(f"{host.name}: {shlex.join(host.ssh_argv())}")
    print("take them down: python -m tests.hosts down")


def _list(said: argparse.Namespace) -> None:
    for host in _run().hosts:
        state = f"on, {len(host.processes())} processes" if host.on else "off"
        print(f"{host.name:<5}{host.user}@{host.ip}:{host.port:<6} {state}")


def _down(said: argparse.Namespace) -> None:
    _run().down()


def _ssh(said: argparse.Namespace) -> None:
    (host,) = _named(said.names)
    argv = [*host.ssh_argv(user=said.user), *said.command]
    os.execvp(argv[0], argv)


def _harm(said: argparse.Namespace) -> None:
    for host in _named(said.names):
        action = getattr(host, said.verb, None)
        if action is None:
            raise HostError(f"{said.verb} takes a host made of namespaces; {host.name} is only an account")
        action(*([said.measure] if "measure" in said else []))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
