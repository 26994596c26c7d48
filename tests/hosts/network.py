"""The private network of a run: one bridge on this machine, and one wire to each host."""

from __future__ import annotations

import ipaddress
import json
import random
from dataclasses import dataclass

from tests.hosts.command import HostError, run

MAX_HOSTS = 250
_NETWORKS = 512
_LOSS_TABLE = "sky_loss"


@dataclass(frozen=True, slots=True)
class Bridge:
    """Network number ``index`` below 198.18.0.0/15, which is set aside for tests (RFC 2544).

    The bridge is named after its number, so that the kernel gives each number to one run only; by ``mac``,
    which is random, a run tells its own bridge from one of the same name.
    """

    index: int
    mac: str

    @classmethod
    def candidates(cls) -> list[Bridge]:
        """Networks that nothing on this machine has a route to, in random order."""
        routes = json.loads(run("ip", "-j", "-4", "route", "show", "table", "all").stdout or "[]")
        taken = [
            ipaddress.ip_network(route["dst"], strict=False)
            for route in routes
            if route["dst"][0].isdigit() and not route["dst"].startswith("0.0.0.0/0")
        ]
        mac = ":".join(["02", *(f"{byte:02x}" for byte in random.randbytes(5))])
        every = [cls(index, mac) for index in random.sample(range(_NETWORKS), _NETWORKS)]
        return [bridge for bridge in every if not any(bridge.network.overlaps(other) for other in taken)]

    @property
    def name(self) -> str:
        return f"sky{self.index}"

    @property
    def network(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(f"198.{18 + self.index // 256}.{self.index % 256}.0/24")

    @property
    def gateway(self) -> str:
        """This machine's own address on the bridge."""
        return str(self.network[254])

    def claim(self) -> bool:
        """Make the bridge; false when another run has it."""
        made = run("ip", "link", "add", self.name, "address", self.mac, "type", "bridge", check=False)
        if made.returncode:
            if "exists" in made.stderr:
                return False
            raise HostError(f"cannot make a bridge: {made.stderr.strip()}")
        run(
            "ip",
            "-batch",
            "-",
            stdin=f"addr add {self.gateway}/24 dev {self.name}\nlink set {self.name} up\n",
        )
        return True

    def mine(self) -> bool:
        """Whether the bridge is there and is this run's."""
        shown = run("ip", "-j", "link", "show", self.name, check=False)
        return shown.returncode == 0 and json.loads(shown.stdout)[0]["address"] == self.mac

    def remove(self) -> None:
        run("ip", "link", "del", self.name, check=False)


@dataclass(frozen=True, slots=True)
class Wire:
    """The wire from the bridge to host ``number`` (1..250), and the host's network namespace at its end."""

    bridge: Bridge
    number: int

    @property
    def namespace(self) -> str:
        return f"{self.bridge.name}-h{self.number}"

    @property
    def link(self) -> str:
        """The machine's end; the host's end is its eth0."""
        return f"{self.bridge.name}h{self.number}"

    @property
    def ip(self) -> str:
        return str(self.bridge.network[self.number])

    @property
    def mac(self) -> str:
        high, low = divmod(self.bridge.index, 256)
        return f"02:12:{high:02x}:{low:02x}:00:{self.number:02x}"

    def connect(self) -> None:
        """Make the host's network anew; connections of an earlier one are forgotten, peers hear nothing."""
        self.remove()
        run("ip", "netns", "add", self.namespace)
        peer = f"peer name eth0 address {self.mac} netns {self.namespace}"
        outside = (
            f"link add {self.link} type veth {peer}\nlink set {self.link} master {self.bridge.name} up\n"
        )
        run("ip", "-batch", "-", stdin=outside)
        inside = f"addr add {self.ip}/24 dev eth0\nlink set eth0 up\nlink set lo up\n"
        run("ip", "-n", self.namespace, "-batch", "-", stdin=inside)

    def remove(self) -> None:
        """Take the wire and the host's network away; gone already is success."""
        run("ip", "link", "del", self.link, check=False)
        run("ip", "netns", "del", self.namespace, check=False)

    def cut(self) -> None:
        """Let nothing through, in neither direction."""
        run("ip", "link", "set", self.link, "down", check=False)

    def mend(self) -> None:
        run("ip", "link", "set", self.link, "up")

    def slow(self, rate: str) -> None:
        """Let ``rate`` (``10mbit``, in tc's units) through in each direction."""
        shape = f"root tbf rate {rate} burst 32kbit latency 400ms"
        run("tc", "-batch", "-", stdin=f"qdisc replace dev {self.link} {shape}\n")
        run("tc", "-n", self.namespace, "-batch", "-", stdin=f"qdisc replace dev eth0 {shape}\n")

    def lose(self, percent: int) -> None:
        """Lose that many (1..100) of a hundred packets, at random, in each direction."""
        drop = f"numgen random mod 100 0-{percent - 1} drop"
        rules = f"""
            add table inet {_LOSS_TABLE}
            flush table inet {_LOSS_TABLE}
            add chain inet {_LOSS_TABLE} in {{ type filter hook input priority 0; }}
            add chain inet {_LOSS_TABLE} out {{ type filter hook output priority 0; }}
            add rule inet {_LOSS_TABLE} in iifname eth0 {drop}
            add rule inet {_LOSS_TABLE} out oifname eth0 {drop}
        """
        run("ip", "netns", "exec", self.namespace, "nft", "-f", "-", stdin=rules)

    def restore(self) -> None:
        """Undo ``slow`` and ``lose``."""
        run("tc", "qdisc", "del", "dev", self.link, "root", check=False)
        run("tc", "-n", self.namespace, "qdisc", "del", "dev", "eth0", "root", check=False)
        inside = ("ip", "netns", "exec", self.namespace)
        run(*inside, "nft", "delete", "table", "inet", _LOSS_TABLE, check=False)
