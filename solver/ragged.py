"""Ragged: rows of different lengths in one array, so that whole problems are computed on at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from solver.columns import Ints, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Integers by task and candidate: row ``t`` is ``flat[start[t]:start[t + 1]]``.

    ``start`` has one entry more than there are rows; matrices of one problem share it.
    """

    flat: Ints
    start: Ints

    @staticmethod
    def of(rows: Iterable[Sequence[int] | Ints]) -> Ragged:
        """Return ``rows`` as one value."""
        parts = [np.asarray(row, dtype=np.int64) for row in rows]
        flat = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        return Ragged(flat, np.cumsum([0, *map(len, parts)], dtype=np.int64))

    def __len__(self) -> int:
        return len(self.start) - 1

    def __getitem__(self, row: int) -> Ints:
        return self.flat[self.start[row] : self.start[row + 1]]

    def __iter__(self) -> Iterator[Ints]:
        starts = self.start.tolist()
        return (self.flat[begin:end] for begin, end in pairwise(starts))

    @property
    def sizes(self) -> Ints:
        """How many entries each row has."""
        return np.diff(self.start)

    @property
    def row_of(self) -> Ints:
        """The row of each entry of ``flat``."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def rows(self, wanted: Ints) -> tuple[Ints, Ints]:
        """Return the flat positions of the ``wanted`` rows, one after the other, and of each which it is."""
        sizes = self.sizes[wanted]
        which = np.repeat(np.arange(len(wanted)), sizes)
        begin = np.cumsum(sizes) - sizes
        return np.arange(len(which)) + (self.start[wanted] - begin)[which], which

    def like(self, flat: Ints) -> Ragged:
        """Return other values in rows of the same lengths."""
        return Ragged(flat, self.start)

    def keep(self, mask: Mask) -> Ragged:
        """Return only the entries where ``mask``, over ``flat``, is true."""
        return Ragged(self.flat[mask], np.concatenate([[0], np.cumsum(mask)])[self.start])

    def pick(self, choice: Sequence[int] | Ints) -> Ints:
        """Return one entry of each row."""
        picked: Ints = self.flat[self.start[:-1] + np.asarray(choice, dtype=np.int64)]
        return picked

    def least(self) -> Ints:
        """Return the least entry of each row, none of which may be empty."""
        return reduce_rows(np.minimum, self.flat, self.start)

    def most(self) -> Ints:
        """Return the greatest entry of each row, none of which may be empty."""
        return reduce_rows(np.maximum, self.flat, self.start)


def reduce_rows(operation: np.ufunc, flat: Ints, start: Ints) -> Ints:
    """Return ``operation`` over each row; with no rows, nothing."""
    if len(start) == 1:
        return np.zeros(0, dtype=np.int64)
    reduced: Ints = operation.reduceat(flat, start[:-1])
    return reduced
