"""Where logins come from: the ranges that the user names, else this machine as the outside sees it."""

from __future__ import annotations

import os
import urllib.request
from ipaddress import ip_network

from catalog.errors import UserError

ANYWHERE = "0.0.0.0/0"
WHO_AM_I = "https://checkip.amazonaws.com"
"""A page that answers with the address it is asked from, and with nothing else."""
_LIMIT_S = 3.0


def ssh_sources(variable: str, *, look: bool) -> list[str]:
    """Return the ranges in the environment's ``variable`` (``203.0.113.0/24,...``), where it is set.

    Else this machine's address outside, asked for where ``look``, else anywhere; keys alone let in, from
    wherever. Raises ``UserError`` for what is no range.
    """
    if ranges := os.environ.get(variable):
        return [_range(variable, word.strip()) for word in ranges.split(",")]
    return [(own_address() if look else "") or ANYWHERE]


def own_address() -> str:
    """Return this machine's address outside as a range of one, ``""`` where that is not to be learnt."""
    try:
        with urllib.request.urlopen(WHO_AM_I, timeout=_LIMIT_S) as answer:
            return str(ip_network(answer.read().decode().strip()))
    except (OSError, ValueError):
        return ""


def _range(variable: str, text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise UserError(f"{variable}: {error}") from None
