"""What a source of facts promises."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Protocol

from catalog.errors import SourceError
from catalog.sources.work import Work

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Source", "SourceError", "Work", "endpoint"]


class Source(Protocol):
    """One provider's list of what it rents, and for how much.

    ``name`` is how the registry and errors call it, ``cloud`` the one cloud that its rows are of, and
    ``credentials`` one sentence: which it needs, or that it needs none.
    """

    @property
    def name(self) -> str:
        """How the registry and errors call it."""

    @property
    def cloud(self) -> str:
        """The cloud of all its rows."""

    @property
    def credentials(self) -> str:
        """One sentence: which credentials it needs, or that it needs none."""

    @property
    def untold(self) -> re.Pattern[str] | None:
        """Instance types that its list may say nothing of; their offers stay where it does not."""

    def fetch(self, work: Work) -> pa.Table:
        """Return all that the provider rents, as ``catalog.facts`` makes it.

        What ``work`` holds from an attempt that was cut short is not fetched again. Raises ``SourceError``;
        a row whose price cannot be told is left out, never guessed.
        """


def endpoint(name: str, default: str) -> str:
    """Return the address of a provider's service without a slash at its end.

    ``$SKY_CATALOG_<NAME>_URL`` stands in for ``default``, for a mirror, a proxy or a test.
    """
    variable = f"SKY_CATALOG_{re.sub(r'[^A-Za-z0-9]+', '_', name).upper()}_URL"
    return (os.environ.get(variable) or default).rstrip("/")
