"""Which infra with credentials can be used from here, and as whom: asked once a day, then remembered.

``access.json`` under ``SKY_HOME`` holds the answers with their times, for this user alone, and no secret. An
answer holds for the credentials that were there when it was given: once others would be used, it is void.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from catalog.errors import UserError
from catalog.home import sky_home
from executors import registry
from executors.api import Access, Checkable, Fingerprinted
from sky.control.polls import TIME_LIMIT_S, poll, said

_log = logging.getLogger("sky.control.access")

GRANTED_FOR_S = 86_400
"""How long an infra that let us in is not asked again."""
REFUSED_FOR_S = 300
"""How long one that did not: what mends it (a login, a policy) may change nothing that is seen from here."""

SILENT_FOR_S = 60
"""How long this process leaves one in peace that did not answer."""

_SCHEMA = 1
_asking = Lock()
_silent: dict[tuple[Path, str], tuple[float, Access]] = {}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an infra said: when (epoch seconds), and of which credentials."""

    access: Access
    asked_at: int
    fingerprint: str

    def holds(self, fingerprint: str, now: float) -> bool:
        """Return whether it need not be asked again."""
        limit_s = GRANTED_FOR_S if self.access.enabled else REFUSED_FOR_S
        return fingerprint == self.fingerprint and 0 <= now - self.asked_at < limit_s


def path() -> Path:
    """Return where answers are remembered."""
    return sky_home() / "access.json"


def checkable(name: str) -> Checkable | None:
    """Return what answers for that infra, ``None`` for one without credentials.

    Raises ``UserError`` for an executor that cannot be loaded.
    """
    provisioner = registry.load(name).provisioner
    return provisioner if isinstance(provisioner, Checkable) else None


def enabled(name: str) -> bool:
    """Return whether tasks can run on that infra as far as is known here: nobody is asked.

    One with credentials counts until it refuses them; an executor that cannot be loaded does not.
    """
    try:
        guarded = checkable(name)
    except UserError:
        return False
    if guarded is None or not guarded.configured():
        return guarded is None
    answer = remembered().get(name)
    return answer is None or answer.fingerprint != _fingerprint(guarded) or answer.access.enabled


def ask(names: Iterable[str], limit_s: float = TIME_LIMIT_S) -> dict[str, Access]:
    """Ask these infra, of those with credentials, all at once, and remember what they say.

    One that says nothing within ``limit_s``, or fails, is not enabled for now, with the reason; what is
    remembered of it stays.
    """
    guarded = {name: each for name in names if (each := checkable(name)) is not None}
    fingerprints = {name: _fingerprint(each) for name, each in guarded.items()}
    heard: dict[str, Answer] = {}
    found: dict[str, Access] = {}
    for name, answer in poll({name: each.check for name, each in guarded.items()}, limit_s).items():
        if isinstance(answer, Access):
            _silent.pop((path(), name), None)
            found[name] = answer
            heard[name] = Answer(answer, int(time.time()), fingerprints[name])
        else:
            found[name] = Access(enabled=False, detail=said(answer), fix=f"sky check {name}")
            _silent[path(), name] = time.time(), found[name]
    if heard:
        _write({**remembered(), **heard})
    return found


def ask_again_where_old(names: Iterable[str]) -> dict[str, Access]:
    """Return what is known of these infra, of those with credentials; who was not asked lately is asked now.

    Those without any credentials, or that cannot be loaded, are left out. What was just refused is logged.
    """
    now, known = time.time(), remembered()
    found, old = {}, []
    for name in names:
        guarded = _configured(name)
        if guarded is None:
            continue
        answer = known.get(name)
        silent_at, silence = _silent.get((path(), name), (0.0, None))
        if answer is not None and answer.holds(_fingerprint(guarded), now):
            found[name] = answer.access
        elif silence is not None and now - silent_at < SILENT_FOR_S:
            found[name] = silence
        else:
            old.append(name)
    heard = ask(old)
    for name, access in heard.items():
        if not access.enabled:
            _log.warning("%s is not used: %s", name, sentence(access))
    return {**found, **heard}


def identity(name: str, *, ask_now: bool = False) -> str:
    """Return whom that infra takes us for, ``""`` where it has no credentials or does not say.

    It is asked where its last answer is old, and always with ``ask_now``.
    """
    with _asking:
        answers = ask([name]) if ask_now else ask_again_where_old([name])
    return answers[name].identity if name in answers else ""


def forget(name: str) -> None:
    """Let the next launch ask that infra again: it just refused what it had granted."""
    known = remembered()
    if known.pop(name, None) is not None:
        _write(known)


def sentence(access: Access) -> str:
    """Return why an infra is not enabled and what mends that, or as whom it is."""
    if access.enabled:
        return "; ".join(filter(None, [f"as {access.identity}" if access.identity else "", access.detail]))
    return "; ".join(filter(None, [access.detail, f"run: {access.fix}" if access.fix else ""]))


def _configured(name: str) -> Checkable | None:
    try:
        guarded = checkable(name)
    except UserError:
        return None
    return guarded if guarded is not None and guarded.configured() else None


def _fingerprint(guarded: Checkable) -> str:
    seen = guarded.fingerprint() if isinstance(guarded, Fingerprinted) else ""
    return f"{'configured' if guarded.configured() else 'none'} {seen}".strip()


def remembered() -> dict[str, Answer]:
    """Return every answer on file, old ones too; none where the file is missing or cannot be read."""
    try:
        stored = json.loads(path().read_text("utf-8"))
        if stored["schema_version"] != _SCHEMA:
            return {}
        return {name: _answer(fields) for name, fields in stored["infra"].items()}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _answer(fields: Mapping[str, Any]) -> Answer:
    return Answer(Access(**fields["access"]), int(fields["asked_at"]), str(fields["fingerprint"]))


def _write(answers: Mapping[str, Answer]) -> None:
    """Put the file in place whole: who reads it meanwhile sees the old one or the new one."""
    import tempfile

    from sky.control.database import private_folder

    folder = private_folder(path().parent)
    stored = {"schema_version": _SCHEMA, "infra": {name: asdict(each) for name, each in answers.items()}}
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".access.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(stored, file, indent=1, sort_keys=True)
        Path(temporary).replace(path())
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
