"""Where on this machine things about pools are kept; imports nothing else, as every plan asks for it."""

from __future__ import annotations

from pathlib import Path

from catalog.home import sky_home


def pools_folder() -> Path:
    """Return the folder of the pools that were brought up, one JSON file each."""
    return sky_home() / "ssh" / "pools"


def pool_names() -> tuple[str, ...]:
    """Return the pools that were brought up, sorted."""
    try:
        return tuple(sorted(path.stem for path in pools_folder().iterdir() if path.suffix == ".json"))
    except FileNotFoundError:
        return ()
