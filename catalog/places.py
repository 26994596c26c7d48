"""Where snapshots lie: the embedded one inside the package, published ones under the sky home.

``<home>/catalog/<snapshot id>/`` is a snapshot, and ``<home>/catalog/current`` names the one in use.
"""

from __future__ import annotations

from pathlib import Path

from catalog.errors import CatalogError
from catalog.home import sky_home

EMBEDDED = Path(__file__).parent / "data" / "snapshot"
OFFERS_FILE = "offers.arrow"
NAMES = "names.json"
MANIFEST = "manifest.json"
CURRENT = "current"


def published_folder(home: Path | None = None) -> Path:
    """Return the folder that holds the published snapshots of ``home``."""
    return (home if home is not None else sky_home()) / "catalog"


def snapshot_folder(home: Path | None = None) -> Path:
    """Return the folder of the snapshot in use: the published one if there is one, else the embedded one.

    Raises ``CatalogError`` when ``current`` names a snapshot that is not there.
    """
    root = published_folder(home)
    pointer = root / CURRENT
    try:
        chosen = pointer.read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        return EMBEDDED
    except (OSError, ValueError) as error:
        raise CatalogError(f"{pointer} cannot be read ({error}); run `sky catalog use embedded`") from error
    folder = root / chosen
    if not chosen.isalnum() or not folder.is_dir():
        raise CatalogError(f"{pointer} names {chosen!r}, which is not there; run `sky catalog use embedded`")
    return folder
