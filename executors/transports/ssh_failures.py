"""What an SSH client prints when it fails, as errors that say what to do."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from executors.errors import ConnectionLost, HostKeyChanged, HostKeyUnknown, HostUnreachable, LoginRefused
from executors.transports.address import Address
from executors.transports.host_key import line_fingerprint

_UNKNOWN_KEY = re.compile(r"No (?P<kind>\S+) host key is known for (?P<host>\S+)")
_CHANGED_KEY = re.compile(r"HOST IDENTIFICATION HAS CHANGED")
_REVOKED_KEY = re.compile(r"HOST KEY WAS REVOKED|REVOKED HOST KEY")
_REFUSED = re.compile(r"(?P<login>\S+): Permission denied \(|Too many authentication failures")
_BUSY = re.compile(
    r"Connection refused|Connection reset|Connection closed by|kex_exchange_identification|"
    r"Exceeded MaxStartups|Not allowed at this time"
)


def hides_reason(stderr: str) -> bool:
    """Return whether a jump host may be the reason: a master does not print what that one's ssh says."""
    return bool(re.search(r"kex_exchange_identification|Connection closed by UNKNOWN", stderr))


def may_pass(stderr: str) -> bool:
    """Return whether the same attempt may work a moment later: the host starts, or has too many callers."""
    return bool(_BUSY.search(stderr)) and not any(
        pattern.search(stderr) for pattern in (_UNKNOWN_KEY, _CHANGED_KEY, _REVOKED_KEY, _REFUSED)
    )


def failure(address: Address, stderr: str, by_hand: Sequence[str]) -> HostUnreachable:
    """Return the error for a connection that was not made; ``by_hand`` is the command to try."""
    command = shlex.join(by_hand)
    said = _last_line(stderr)
    if _CHANGED_KEY.search(stderr):
        return _changed(address, stderr)
    if _REVOKED_KEY.search(stderr):
        return HostKeyChanged(f"the host key of {address} is marked as revoked; it is not used", address.host)
    if unknown := _UNKNOWN_KEY.search(stderr):
        return unknown_key(address, unknown["host"])
    if "Host key verification failed" in stderr:
        return HostKeyUnknown(f"the host key of {address} could not be verified: {said}", address.host)
    if refused := _REFUSED.search(stderr):
        return LoginRefused(
            f"{refused['login'] or address} refuses the login: {said}; keys tried: {_keys(address)}. "
            f"Put the public key into ~/.ssh/authorized_keys there, or name another user or identity_file; "
            f"by hand: {command}",
            address.host,
        )
    return HostUnreachable(
        f"{address} cannot be reached: {said}. Is it up, and are name, port and network right? "
        f"By hand: {command}",
        address.host,
    )


def not_started(address: Address, program: str, said: str) -> HostUnreachable:
    """Return the error for a session that ended, with ``said`` on stderr, before it told that it began."""
    if "mux_client_request_session" in said:
        return ConnectionLost(
            f"the connection to {address} was lost as {program} was to start there, and it is not known "
            f"whether it did. Is the host up? When it answers again, try once more",
            address.host,
        )
    return HostUnreachable(
        f"{address} did not start {program}: {said[-300:] or 'its shell said nothing'}", address.host
    )


def unknown_key(address: Address, host: str) -> HostKeyUnknown:
    """Return the error for a host whose key nobody has confirmed."""
    where = "" if host.strip("[]").startswith(address.host) else f" (of {host}, on the way there)"
    return HostKeyUnknown(
        f"the host key of {address}{where} is not known: `sky ssh up` shows and pins those of pools; "
        f"for any other host log in by hand once, with ssh",
        address.host,
    )


def changed_key(address: Address, host: str, old: str, new: str, mend: str) -> HostKeyChanged:
    """Return the error for a host that shows another key; fingerprints ``old`` and ``new``."""
    return HostKeyChanged(
        f"the host key of {host} HAS CHANGED: known is {old}, it shows {new}. Somebody may be in between, "
        f"or the machine was set up anew. Nothing was sent to it. If the new fingerprint is right: {mend}, "
        f"then `sky ssh up` pins the new key of {address}",
        address.host,
    )


def _changed(address: Address, stderr: str) -> HostKeyChanged:
    new = re.search(r"SHA256:[A-Za-z0-9+/]+", stderr)
    place = re.search(r"Offending \S+ key in (?P<file>.+):(?P<line>\d+)", stderr)
    mend = re.search(r"ssh-keygen -f \".*\" -R \".*\"", stderr)
    host = re.search(r"Host key for (?P<host>\S+) has changed", stderr)
    return changed_key(
        address,
        host["host"] if host else address.host,
        line_fingerprint(Path(place["file"]), int(place["line"])) if place else "another",
        new[0] if new else "another",
        f"`{mend[0]}`" if mend else "remove the old line from known_hosts",
    )


def _keys(address: Address) -> str:
    return address.identity_file or "those of the SSH configuration, of the SSH agent and ~/.ssh/id_*"


def _last_line(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "no answer"
