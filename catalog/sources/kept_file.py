"""Files that are downloaded, and what is kept beside them so that a download can go on or be confirmed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests

_CHUNK_BYTES = 1 << 20


class KeptFile:
    """A download: the whole file at ``path``, the part of a newer one, and what the server said of each.

    ``identity`` tells its address from others; a part of another address is deleted.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self.part = path.with_name(f".{path.name}.part")
        self._identity = identity
        if self._notes(self.part).get("of") != identity:
            self.drop_part()

    def is_fresh(self, fresh_id: str) -> bool:
        """Return whether the whole file was made or confirmed under ``fresh_id``."""
        notes = self._notes(self.path)
        return self.path.is_file() and notes.get("of") == self._identity and notes.get("fresh") == fresh_id

    def part_bytes(self) -> int:
        """Return how many bytes of a newer file are here."""
        return self.part.stat().st_size if self.part.is_file() else 0

    def conditions(self) -> dict[str, str]:
        """Return the headers that ask only for what is not here."""
        begun = self._notes(self.part).get("validator", "")
        if begun and self.part_bytes():
            return {"Range": f"bytes={self.part_bytes()}-", "If-Range": begun}
        whole = self._notes(self.path)
        if self.path.is_file() and whole.get("of") == self._identity and whole.get("etag"):
            return {"If-None-Match": whole["etag"]}
        return {}

    def is_continued_by(self, response: requests.Response) -> bool:
        """Return whether what was answered to ``conditions`` goes on where the part ends, or starts anew."""
        if response.status_code == 206:
            return str(response.headers.get("Content-Range", "")).startswith(f"bytes {self.part_bytes()}-")
        return response.status_code != 416

    def begin(self, response: requests.Response) -> int:
        """Return how many bytes of the answer's file are here; a part of another file is dropped."""
        if response.status_code != 206:
            self.drop_part()
        etag = response.headers.get("ETag", "")
        strong = etag if not etag.startswith("W/") else ""
        validator = strong or response.headers.get("Last-Modified", "")
        self._note(self.part, {"of": self._identity, "etag": etag, "validator": validator})
        return self.part_bytes()

    def complete(self, fresh_id: str) -> None:
        """Put the part, which is whole now, in the place of the file."""
        notes = {**self._notes(self.part), "fresh": fresh_id}
        self._notes_path(self.path).unlink(missing_ok=True)
        self.part.replace(self.path)
        self._note(self.path, notes)
        self._notes_path(self.part).unlink(missing_ok=True)

    def confirm(self, fresh_id: str) -> None:
        """Note that the server has no newer file."""
        self._note(self.path, {**self._notes(self.path), "fresh": fresh_id})

    def drop_part(self) -> None:
        """Delete the part."""
        self.part.unlink(missing_ok=True)
        self._notes_path(self.part).unlink(missing_ok=True)

    def forget(self) -> None:
        """Delete the whole file."""
        self.path.unlink(missing_ok=True)
        self._notes_path(self.path).unlink(missing_ok=True)

    def _notes_path(self, path: Path) -> Path:
        return path.with_name(f".{path.name.lstrip('.')}.json")

    def _notes(self, path: Path) -> dict[str, str]:
        try:
            notes: dict[str, str] = json.loads(self._notes_path(path).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return notes

    def _note(self, path: Path, notes: Mapping[str, str]) -> None:
        fresh = self._notes_path(path).with_suffix(".new")
        fresh.write_text(json.dumps(notes), encoding="utf-8")
        fresh.replace(self._notes_path(path))


def identity(url: str, params: Mapping[str, str] | None) -> str:
    """Return what tells one address from another and shows no key that it may hold."""
    return hashlib.sha256(json.dumps([url, sorted((params or {}).items())]).encode()).hexdigest()


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
