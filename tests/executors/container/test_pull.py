"""How far a pull is, and why it failed, read from what docker really prints without a terminal."""

from __future__ import annotations

from executors.container.pull import PullOutput

_PULL = b"""\
installing docker.io
Using default tag: latest
latest: Pulling from library/python
6d29a096dd42: Already exists
3f0e7d1b2a4c: Pulling fs layer
a1b2c3d4e5f6: Pulling fs layer
3f0e7d1b2a4c: Verifying Checksum
3f0e7d1b2a4c: Download complete
3f0e7d1b2a4c: Pull complete
a1b2c3d4e5f6: Pull complete
Digest: sha256:0a1b
Status: Downloaded newer image for python:latest
docker: sudo -n docker
"""


def test_the_first_and_the_last_of_the_layers_are_told() -> None:
    told: list[str] = []
    output = PullOutput(told.append)
    for at in range(0, len(_PULL), 7):
        output.take(_PULL[at : at + 7])
    assert told == ["installing docker.io", "pulled 1 of 1 layers", "pulled 3 of 3 layers"]
    assert output.last == "docker: sudo -n docker"


def test_of_a_failed_pull_the_error_is_shown() -> None:
    output = PullOutput(lambda _: None)
    output.take(b"Using default tag: latest\nError response from daemon: pull access denied for x\n")
    assert output.complaint == "pull access denied for x"
