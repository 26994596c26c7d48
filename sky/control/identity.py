"""Who runs this command, and how that names clusters and owns them."""

from __future__ import annotations

import getpass
import re
import secrets
import shlex
import socket
import sys
from pathlib import Path

from sky.control import access
from sky.control.placement import LOCAL
from sky.control.records import ClusterRecord
from sky.exceptions import ClusterOwnerIdentityMismatchError, InvalidClusterNameError, NotSupportedError

_NAME = re.compile(r"[a-zA-Z]([-_.a-zA-Z0-9]*[a-zA-Z0-9])?")
_MAX_NAME = 63
_RESERVED = ("sky-jobs-controller-", "sky-serve-controller-")
_VALUED_FLAGS = ("--env", "--secret")
_MAX_LAST_USE = 200
_AS = " as "


def user_name() -> str:
    """Return the login name of the user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def owner_of_new(executor: str) -> str:
    """Return whom a cluster made now belongs to.

    That is the user: at this machine for one on this machine, and as whom the infra takes them where it has
    credentials (``ada as ACCOUNT/USER``).
    """
    if executor == LOCAL:
        return f"{user_name()}@{socket.gethostname()}"
    return _owner(user_name(), access.identity(executor))


def is_mine(record: ClusterRecord) -> bool:
    """Return whether ``record`` is this user's: of this machine, or of these credentials, if bound to them.

    Credentials that are not there, or whose infra does not answer now, speak against nobody.
    """
    return is_me(record.owner, record.executor)


def is_me(owner: str, executor: str) -> bool:
    """Return whether ``owner`` of something at that infra is this user."""
    return not _other(owner, executor, ask_now=False)


def check_owner(record: ClusterRecord) -> None:
    """Raise ``ClusterOwnerIdentityMismatchError`` unless ``record`` is this user's.

    Its infra is asked only where what is known of this user speaks against it.
    """
    if not is_mine(record):
        confirm_owner(record)


def confirm_owner(record: ClusterRecord) -> None:
    """Do as ``check_owner`` with what its infra says right now: before it is believed that all is gone."""
    if me := _other(record.owner, record.executor, ask_now=True):
        shown = f" (sky check {record.executor} shows whom you are)" if _AS in me else ""
        raise ClusterOwnerIdentityMismatchError(
            f"cluster {record.name} belongs to {record.owner}, and you are {me}: "
            f"come as its owner, or choose another cluster{shown}"
        )


def _owner(user: str, identity: str) -> str:
    return f"{user}{_AS}{identity}" if identity else user


def _other(owner: str, executor: str, *, ask_now: bool) -> str:
    """Return who this user is at that infra if not ``owner``, else ``""``."""
    identity = owner.partition(_AS)[2]
    if executor == LOCAL:
        me = owner_of_new(LOCAL)
    elif identity:
        me = _owner(user_name(), access.identity(executor, ask_now=ask_now) or identity)
    else:
        me = user_name()
    return "" if owner in {"", me} else me


def new_cluster_name() -> str:
    """Return a fresh name such as ``sky-3fa1-ada``."""
    user = re.sub(r"[^a-z0-9]+", "-", user_name().lower()).strip("-") or "user"
    return f"sky-{secrets.token_hex(2)}-{user[:40]}"


def new_cluster_id(name: str) -> str:
    """Return the tag of a new cluster: its name and a part that is never drawn twice."""
    return f"{name}-{secrets.token_hex(4)}"


def check_cluster_name(name: object) -> None:
    """Raise ``InvalidClusterNameError`` for a bad name, ``NotSupportedError`` for a reserved one."""
    if not isinstance(name, str):
        raise InvalidClusterNameError(f"a cluster name is text, not {name!r}")
    if name.startswith(_RESERVED):
        raise NotSupportedError(f"cluster name {name!r} is reserved for a controller; choose another")
    if not _NAME.fullmatch(name):
        raise InvalidClusterNameError(
            f"cluster name {name!r} must begin with a letter, end with a letter or digit, and hold only "
            "letters, digits, '-', '_' and '.'"
        )
    if len(name) > _MAX_NAME:
        raise InvalidClusterNameError(
            f"cluster name {name!r} has {len(name)} characters; at most {_MAX_NAME} are allowed"
        )


def command_line() -> str:
    """Return the running command for the record, values of variables and secrets left out."""
    program = Path(sys.argv[0]).name
    shown, hide = ["sky" if program == "__main__.py" else program], False
    for word in sys.argv[1:]:
        flag, separator, _ = word.partition("=")
        if hide:
            shown.append(f"{flag}=***" if separator else flag)
        elif flag in _VALUED_FLAGS and separator:
            shown.append(f"{flag}=***")
        else:
            shown.append(word)
        hide = word in _VALUED_FLAGS
    line = shlex.join(shown)
    return line if len(line) <= _MAX_LAST_USE else line[: _MAX_LAST_USE - 3] + "..."
