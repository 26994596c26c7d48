"""What a user adds to the ``docker run`` of a node's container: words for it, read as docker reads them."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterator, Sequence

from catalog.errors import UserError

_FLAGS = {
    "detach",
    "disable-content-trust",
    "help",
    "init",
    "interactive",
    "no-healthcheck",
    "oom-kill-disable",
    "privileged",
    "publish-all",
    "quiet",
    "read-only",
    "rm",
    "sig-proxy",
    "tty",
    "use-api-socket",
}
"""The options that take no value: https://docs.docker.com/reference/cli/docker/container/run/."""
_SHORT_FLAGS = {"d": "detach", "i": "interactive", "P": "publish-all", "q": "quiet", "t": "tty"}
_HOST = "it is the host's, by which nodes reach each other; leave it out"
_REFUSED = {
    "detach": "the container is; leave it out",
    "entrypoint": "sky's own process is the container's first; start yours in setup or run",
    "help": "it would not run then",
    "name": "sky finds the container by its own name",
    "net": _HOST,
    "network": _HOST,
    "pull": "sky pulls the image, with the login of its registry",
    "restart": "docker starts the container again after a reboot, and has to",
    "rm": "sky stop keeps the container and its files; sky down removes it",
}


def words(given: str | Sequence[object]) -> tuple[str, ...]:
    """Return the words of ``given``: one text, or several (an option each, with or without its value).

    Each text is split as a shell splits it. Raises ``UserError`` for what is no option, for an option without
    its value, and for one that takes from the container what sky needs of it.
    """
    texts = [given] if isinstance(given, str) else list(given)
    split: list[str] = []
    for text in texts:
        if not isinstance(text, str):
            raise UserError(f"{text!r} is not text: write options of docker run, such as '--shm-size=2g'")
        try:
            split += shlex.split(text)
        except ValueError as error:
            raise UserError(f"{text!r} cannot be split into words: {error}") from None
    for name in _names(split):
        if name in _REFUSED:
            raise UserError(f"--{name} cannot be given: {_REFUSED[name]}")
    return tuple(split)


def _names(given: Sequence[str]) -> Iterator[str]:
    """Yield the long name of each option, the letter of a short one that has a value."""
    rest = iter(given)
    for word in rest:
        if not word.startswith("-") or word in {"-", "--"}:
            raise UserError(f"{word!r} is no option of docker run; the image is image_id, the command run")
        if word.startswith("--"):
            name, has_value, _ = word[2:].partition("=")
            valued = not has_value and name not in _FLAGS
            yield name
        else:
            letters, valued = _short(word[1:])
            yield from letters
        if valued and next(rest, None) is None:
            raise UserError(f"{word} has no value: write '{word} VALUE'")


def _short(letters: str) -> tuple[list[str], bool]:
    """Return the names in ``-it`` or ``-v/a:/b``, and whether the value of the last is the next word."""
    flags = list(itertools.takewhile(_SHORT_FLAGS.__contains__, letters))
    names = [_SHORT_FLAGS[letter] for letter in flags]
    rest = letters[len(flags) :]
    return [*names, *rest[:1]], len(rest) == 1
