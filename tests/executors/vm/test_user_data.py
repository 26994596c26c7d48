"""What is sent to a machine for its first boot."""

from __future__ import annotations

import yaml

from executors.transports.key_pair import KeyPair
from executors.vm.user_data import BootFile, cloud_config

KEY = KeyPair(
    "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n", "ssh-ed25519 AAAA"
)


def test_the_text_is_a_cloud_config_that_says_all() -> None:
    script = "#!/bin/sh\n# täst: 'quoted' \"$1\"\n"
    text = cloud_config(KEY, "ssh-ed25519 BBBB", user="ada", files=[BootFile("/opt/x", script)])
    assert text.splitlines()[0] == "#cloud-config"
    config = yaml.safe_load(text)
    assert config["ssh_keys"] == {"ed25519_private": KEY.private, "ed25519_public": KEY.public}
    assert config["ssh_deletekeys"] is True
    (user,) = config["users"]
    assert (user["name"], user["ssh_authorized_keys"]) == ("ada", ["ssh-ed25519 BBBB"])
    (file,) = config["write_files"]
    assert (file["path"], file["permissions"], file["content"]) == ("/opt/x", "0755", script)


def test_the_same_machine_is_told_the_same() -> None:
    assert cloud_config(KEY, "k") == cloud_config(KEY, "k")
