"""What may be added to ``docker run``, read as docker reads it."""

from __future__ import annotations

import pytest

from catalog.errors import UserError
from executors.container.run_options import words


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), ()),
        ("--shm-size=2g -v /data:/data", ("--shm-size=2g", "-v", "/data:/data")),
        (["--shm-size=2g", "-v /data:/data"], ("--shm-size=2g", "-v", "/data:/data")),
        (["-v", "/data:/data"], ("-v", "/data:/data")),
        ("-itv/a:/b", ("-itv/a:/b",)),
        ("-e 'GREETING=hello there'", ("-e", "GREETING=hello there")),
        (
            "--init=true --privileged --cap-add SYS_PTRACE",
            ("--init=true", "--privileged", "--cap-add", "SYS_PTRACE"),
        ),
        ("--label --name -e --rm", ("--label", "--name", "-e", "--rm")),
    ],
)
def test_options_become_words(given: object, expected: tuple[str, ...]) -> None:
    assert words(given) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("--name mine", "--name cannot be given: sky finds the container"),
        (["--privileged", "--rm"], "--rm cannot be given"),
        ("--rm=true", "--rm cannot be given"),
        ("-d", "--detach cannot be given"),
        ("-itd", "--detach cannot be given"),
        ("--entrypoint=/bin/sh", "start yours in setup or run"),
        ("--restart no", "--restart cannot be given"),
        ("--pull always", "--pull cannot be given"),
        ("--network bridge", "--network cannot be given: it is the host's"),
        ("--net=host", "leave it out"),
        ("--privileged ubuntu", "'ubuntu' is no option of docker run"),
        ("-it -- ubuntu", "'--' is no option"),
        ("-", "'-' is no option"),
        ("--privileged -v", "-v has no value"),
        ("-tiv", "-tiv has no value"),
        (["--shm-size"], "--shm-size has no value: write '--shm-size VALUE'"),
        ("-e 'a", "cannot be split into words: No closing quotation"),
        ([{"-v": "/a:/b"}], "is not text"),
    ],
)
def test_what_the_container_of_a_node_cannot_have_is_refused(given: object, message: str) -> None:
    with pytest.raises(UserError) as caught:
        words(given)  # type: ignore[arg-type]
    assert message in str(caught.value)
