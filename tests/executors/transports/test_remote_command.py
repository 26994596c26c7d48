"""The bootstrap in the shells that a login user may have, and the marks that tell start and end."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

from executors.transports.remote_command import END, Output, RemoteCommand, Stderr

SHELLS = ["sh", "bash", "dash", "zsh", "ksh", "csh", "fish"]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_login_shell_runs_the_same(shell: str) -> None:
    """Also where the server starts commands in a process group of its own, which must live on."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    command = RemoteCommand(
        ["sh", "-c", 'cat; printf %s "$1" "$X"; echo err >&2; exit 255', "sh", "it's $HOME\n"],
        {"X": "!x `id` ü"},
        b"in\n",
    )
    output = Output(command)
    with subprocess.Popen(
        [shell, "-c", command.bootstrap()], stdin=-1, stdout=-1, stderr=-1, bufsize=0
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(command.frame())
        assert output.stdout(process.stdout.read()).decode() == "in\nit's $HOME\n!x `id` ü"
        output.stderr(process.stderr.read())
    assert output.started
    assert output.end() == (255, b"err\n")


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_entered_by_words_that_know_no_home_is_at_home_there(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    user = pwd.getpwuid(os.getuid())
    command = RemoteCommand(["sh", "-c", "pwd -P; echo $USER $0"], entry=("env", "-u", "HOME", "-u", "USER"))
    output = Output(command)
    done = subprocess.run(
        [shell, "-c", command.bootstrap()], input=command.frame(), cwd="/", capture_output=True, check=False
    )
    home = Path(user.pw_dir).resolve()
    assert output.stdout(done.stdout).decode() == f"{home}\n{user.pw_name} sh\n"


@pytest.mark.parametrize("word", [b"", END])
def test_a_cut_lifeline_or_the_word_over_it_ends_the_commands_group_only(word: bytes) -> None:
    command = RemoteCommand(["sh", "-c", "echo $$; sleep 300 & wait"], stderr=Stderr.NOWHERE)
    with subprocess.Popen(["sh", "-c", command.bootstrap()], stdin=-1, stdout=-1, stderr=-1) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(command.frame())
        process.stdin.flush()
        assert process.stdout.readline().decode() == f"{command.token}\n"
        assert int(process.stdout.readline()) > 0
        if word:
            process.stdin.write(b"something else\n" + word)
            process.stdin.flush()
        else:
            process.stdin.close()
        assert process.stdout.read() == b""


def test_input_that_is_no_frame_starts_nothing() -> None:
    command = RemoteCommand(["echo", "x"])
    argv = ["sh", "-c", command.bootstrap()]
    for data in (b"", b"touch x\n", b"token 5\necho x"):
        done = subprocess.run(argv, input=data, capture_output=True, check=False)
        assert command.token.encode() not in done.stdout


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_part_of_a_program_is_not_run(tmp_path: Path, shell: str) -> None:
    """Its words may be other words, too: the tail of a path, and what is not to be removed."""
    command = RemoteCommand(["touch", str(tmp_path / "one"), str(tmp_path / "two")], stderr=Stderr.STDOUT)
    program = command.frame().partition(b"\n")[2].removesuffix(b"ok\n").rstrip()
    for end in {*range(len(program) - 200, len(program)), *range(0, len(program), 20)}:
        with subprocess.Popen(
            [shell, "-c", program[:end]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as part:
            assert part.stdout is not None
            assert command.token.encode() not in part.stdout.read(), program[:end]
    assert list(tmp_path.iterdir()) == []


def test_the_mark_of_the_end_may_come_in_pieces_and_among_other_words() -> None:
    command = RemoteCommand(["true"])
    output = Output(command)
    noise = f"Welcome\n{command.token[:-1]}".encode()
    assert output.stdout(noise) == b""
    mark = command.token.encode()
    assert output.stdout(b"\n" + mark[:5]) == b""
    assert not output.started
    assert output.stdout(mark[5:] + b"\nfirst ") == b"first "
    assert output.stdout(mark + b"\n") == mark + b"\n"
    for piece in (b"warning\n", mark[:3], mark[3:] + b" 13", b"7\n", b"bye\n"):
        assert output.end()[0] is None
        output.stderr(piece)
        if piece == b"7\n":
            break
    assert output.end() == (137, b"warning\n")


def test_secrets_are_not_in_the_text_of_a_command() -> None:
    command = RemoteCommand(["run"], {"TOKEN": "s3cret"}, b"s3cret")
    assert "s3cret" not in repr(command) + command.bootstrap()
    with pytest.raises(ValueError, match="A B"):
        RemoteCommand(["run"], {"A B": "x"}).frame()
