"""The script of machines without cloud-init; tests/integration has a machine boot with it."""

from __future__ import annotations

import subprocess

from executors.transports.key_pair import new_key_pair
from executors.vm.startup_script import startup_script


def test_it_is_a_script_that_holds_the_keys_of_one_cluster() -> None:
    host_key, login = new_key_pair(), new_key_pair()
    script = startup_script(host_key, login.public)
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    assert host_key.private in script
    assert f"'{host_key.public}'" in script
    assert f"'{login.public}'" in script
    assert login.private not in script
    assert startup_script(host_key, login.public) == script
