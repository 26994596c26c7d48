"""What a command is given and how its end is told, the same over every transport."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from executors.errors import Transient
from tests.executors.conftest import wait_until
from tests.executors.transports.conftest import Reached


@pytest.mark.parametrize("code", [0, 1, 7, 126, 254, 255])
def test_the_exit_code_is_the_commands(reached: Reached, code: int) -> None:
    done = reached.transport.run(["sh", "-c", f"echo out; echo err >&2; exit {code}"])
    assert (done.returncode, done.stdout, done.stderr) == (code, "out\n", "err\n")
    assert reached.transport.stream(["sh", "-c", f"exit {code}"], lambda _: None) == code
    assert _result(reached.transport.follow(["sh", "-c", f"exit {code}"])) == code


@pytest.mark.parametrize("signal", [2, 6, 9, 15])
def test_a_signal_is_told_as_128_and_its_number(reached: Reached, signal: int) -> None:
    done = reached.transport.run(["sh", "-c", f"kill -{signal} $$"])
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal, "", "")


def test_words_arrive_as_they_were_written(reached: Reached) -> None:
    words = [
        "",
        "a b",
        "'",
        '"',
        "$HOME",
        "`id`",
        "\\",
        "\\n",
        "new\nline\n",
        "ü",
        "日本",
        "*",
        "~",
        "!x",
        "-n",
        "%s",
    ]
    words += [";", "&&", "|", ">x", "#", "{a,b}", "\t", "\x01"]
    done = reached.transport.run(["printf", "%s\\0", *words])
    assert done.stdout.split("\0")[:-1] == words


def test_a_long_command_line_arrives(reached: Reached) -> None:
    words = ["x" * 100_000] * 10
    assert reached.transport.run(["sh", "-c", "echo $# ${#1}", "sh", *words]).stdout == "10 100000\n"


def test_input_is_given_whole_and_ends(reached: Reached) -> None:
    data = bytes(range(256)) * 4096 + b"end without newline"
    seen = bytearray()
    assert reached.transport.stream(["cat"], seen.extend, stdin=data) == 0
    assert seen == data
    assert reached.transport.run(["cat"]).stdout == ""
    assert reached.transport.run(["wc", "-c"], stdin=data).stdout.strip() == str(len(data))


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, 1 << 17])
def test_input_of_any_size_is_exact(reached: Reached, size: int) -> None:
    assert reached.transport.run(["wc", "-c"], stdin=b"\n" * size).stdout.strip() == str(size)


def test_a_command_need_not_read_its_input(reached: Reached) -> None:
    data = b"x\n" * 2_000_000
    assert reached.transport.run(["sh", "-c", "exit 3"], stdin=data).returncode == 3
    assert reached.transport.run(["head", "-n", "1"], stdin=data).stdout == "x\n"


def test_bytes_of_every_value_come_back(reached: Reached) -> None:
    seen = bytearray()
    program = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 1000)"
    assert reached.transport.stream(["python3", "-c", program], seen.extend) == 0
    assert seen == bytes(range(256)) * 1000


def test_much_output_waits_for_a_slow_reader(reached: Reached) -> None:
    """The writer is held up: what is on the way is a small part of what was written."""
    size = 50_000_000
    script = 'head -c "$1" /dev/zero; echo > ~/written'
    follower = reached.transport.follow(["sh", "-c", script, "sh", str(size)])
    seen = len(next(follower))
    assert (
        reached.transport.run(
            ["sh", "-c", "for i in 1 2 3 4 5; do test -e ~/written && exit 1; sleep 0.1; done"]
        ).returncode
        == 0
    )
    seen += sum(len(chunk) for chunk in follower)
    assert seen == size


def test_output_comes_as_it_is_written_and_in_order(reached: Reached) -> None:
    seen: list[bytes] = []
    script = "for i in 1 2 3; do echo out $i; echo err $i >&2; done"
    assert reached.transport.stream(["sh", "-c", script], seen.append) == 0
    assert b"".join(seen) == b"".join(b"out %d\nerr %d\n" % (i, i) for i in (1, 2, 3))
    follower = reached.transport.follow(["sh", "-c", "echo first; while [ ! -e go ]; do sleep 0.01; done"])
    assert next(follower) == b"first\n"
    reached.transport.run(["touch", "go"])
    assert list(follower) == []


def test_the_environment_is_set_and_seen_by_nobody_else(reached: Reached) -> None:
    secret = "s3cr$t 'quoted'\nand more"
    script = 'printf %s "$TOKEN"; echo; cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "'
    seen = bytearray()
    assert reached.transport.stream(["sh", "-c", script], seen.extend, env={"TOKEN": secret}) == 0
    assert seen.startswith(secret.encode() + b"\n")
    assert seen.count(b"s3cr$t") == 1
    assert "s3cr" not in reached.transport.run(["env"]).stdout


def test_commands_start_in_the_home(reached: Reached) -> None:
    done = reached.transport.run(["sh", "-c", 'test "$PWD" = "$HOME" && touch here && pwd'])
    assert done.returncode == 0
    assert (reached.home / "here").exists()


def test_a_command_that_takes_too_long_is_ended(reached: Reached) -> None:
    reached.transport.run(["true"])
    with pytest.raises(Transient, match=r"sh did not end within 0\.5 s"):
        reached.transport.run(["sh", "-c", "echo $$ > pid; exec sleep 300"], timeout_s=0.5)
    assert not reached.runs(int((reached.home / "pid").read_text()))


def test_a_closed_follower_has_ended_the_command_and_its_children(reached: Reached) -> None:
    follower = reached.transport.follow(["sh", "-c", "sleep 300 & echo $$ $!; wait"])
    pids = [int(word) for word in next(follower).split()]
    follower.close()
    assert not reached.runs(pids[0])
    wait_until(lambda: not reached.runs(pids[1]))


def test_a_raising_reader_has_ended_the_command(reached: Reached) -> None:
    pids: list[int] = []

    def refuse(output: bytes) -> None:
        pids.append(int(output))
        raise KeyError("stop")

    with pytest.raises(KeyError):
        reached.transport.stream(["sh", "-c", "echo $$; exec sleep 300"], refuse)
    assert not reached.runs(pids[0])


def test_an_ended_command_is_asked_first(reached: Reached) -> None:
    """SIGTERM comes before SIGKILL, so a command may tidy up."""
    script = "trap 'echo tidy > tidied; exit' TERM; echo ready; while :; do sleep 0.01; done"
    follower = reached.transport.follow(["sh", "-c", script])
    assert next(follower) == b"ready\n"
    follower.close()
    assert (reached.home / "tidied").read_text() == "tidy\n"


def test_what_a_command_leaves_on_purpose_stays(reached: Reached) -> None:
    script = "setsid sleep 300 </dev/null >/dev/null 2>&1 & echo $!"
    left = int(reached.transport.run(["sh", "-c", script]).stdout)
    assert reached.runs(left)
    reached.transport.run(["kill", str(left)])


def test_many_at_once(reached: Reached) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(50) as pool:
        done = list(pool.map(lambda i: reached.transport.run(["echo", str(i)]), range(200)))
    assert [int(each.stdout) for each in done] == list(range(200))


def _result(follower: Generator[bytes, None, int]) -> int:
    codes: list[int] = []

    def drain() -> Generator[bytes, None, None]:
        codes.append((yield from follower))

    for _ in drain():
        pass
    return codes[0]
