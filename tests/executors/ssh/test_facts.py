"""What a host says of itself."""

from __future__ import annotations

import pytest

from executors.errors import Unsupported
from executors.ssh.facts import SCRIPT, Found, parse
from executors.ssh.pools import Facts, Host, Pool, load, load_all, save
from executors.transports.address import Address
from executors.transports.local import LocalTransport

SAID = """\
system Linux
arch aarch64
user ada
home /home/ada
home_writable yes
hostname node-a
cpus 64
memory_kib 263958528
python /usr/bin/python3
rsync yes
internal_ip 10.1.0.5
nvidia NVIDIA A100-SXM4-80GB, 81920
nvidia NVIDIA A100-SXM4-80GB, 81920
"""
FACTS = Facts(64_000, 257_772, "A100-80GB", 2, 81_920, "arm64", "/usr/bin/python3", "ada", rsync=True)


def test_what_the_script_prints_becomes_facts() -> None:
    assert parse(SAID) == Found(FACTS, "node-a", "10.1.0.5")


def test_the_script_runs_here(tmp_path) -> None:  # type: ignore[no-untyped-def]
    done = LocalTransport(tmp_path).run(["sh", "-s"], stdin=SCRIPT.read_bytes())
    found = parse(done.stdout).facts
    assert found.cpus_milli >= 1_000
    assert found.memory_mib > 100
    assert found.python


@pytest.mark.parametrize(
    ("without", "message"),
    [
        ("system Linux", "hosts of a pool run Linux"),
        ("home_writable yes", "home /home/ada is not writable by ada"),
        ("python /usr/bin/python3", "apt install python3"),
        ("memory_kib 263958528", "is /proc mounted"),
    ],
)
def test_a_host_that_cannot_run_jobs_is_refused_saying_what_it_lacks(without: str, message: str) -> None:
    with pytest.raises(Unsupported, match=message):
        parse(SAID.replace(f"{without}\n", ""))


def test_equal_hosts_share_a_shape_and_prices_keep_them_apart() -> None:
    plain = Host("a", Address("a"), Facts(8_000, 32_100))
    assert plain.shape == "8cpu-31gb"
    assert Host("b", Address("b"), Facts(8_000, 32_200), 1_500_000).shape == "8cpu-31gb-1.5usd"
    assert Host("c", Address("c"), FACTS).shape == "64cpu-252gb-A100-80GBx2-arm64"


def test_a_pool_that_was_brought_up_reads_back_and_only_its_owner_can_read_it(home) -> None:  # type: ignore[no-untyped-def]
    assert load_all() == ()
    pool = Pool("lab", (Host("a", Address("a", 2222, "ada"), FACTS, 5),))
    save(pool)
    assert load("lab") == pool
    assert load_all() == (pool,)
    assert (home / ".sky/ssh/pools/lab.json").stat().st_mode & 0o777 == 0o600
