"""Durations as Slurm writes them: ``minutes``, ``hours:minutes:seconds``, ``days-hours:minutes:seconds``."""

from __future__ import annotations

import re

_FORM = re.compile(r"(?:(?P<days>\d+)-)?(?P<rest>\d+(?::\d+){0,2})")
_SECONDS_PER_DAY = 86_400


def minutes(text: str) -> int | None:
    """Return whole minutes (begun ones count), ``None`` for ``infinite`` and whatever is no duration."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        return None
    parts = [int(part) for part in match["rest"].split(":")]
    if match["days"] is not None:
        hours, mins, secs = [*parts, 0, 0][:3]
    elif len(parts) == 3:
        hours, mins, secs = parts
    else:
        hours, (mins, secs) = 0, [*parts, 0][:2]
    total_s = int(match["days"] or 0) * _SECONDS_PER_DAY + hours * 3600 + mins * 60 + secs
    return -(-total_s // 60)


def text(total_minutes: int) -> str:
    """Return ``days-hours:minutes:00``, which every option of Slurm takes."""
    days, rest = divmod(total_minutes, 24 * 60)
    return f"{days}-{rest // 60:02}:{rest % 60:02}:00"
