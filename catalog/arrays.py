"""Arrow arrays made from numpy ones, buffer by buffer.

``pyarrow.array`` imports pandas, which takes longer than a whole plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def array_of(
    values: npt.NDArray[Any], kind: pa.DataType, valid: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    """Return ``values`` (of the width of ``kind``) as an array of that type; null where not ``valid``."""
    bitmap = None if valid is None or valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    data = np.packbits(values, bitorder="little") if pa.types.is_boolean(kind) else values
    return pa.Array.from_buffers(kind, len(values), [bitmap, pa.py_buffer(data)])


def text_of(codes: npt.NDArray[np.int16], words: Sequence[str]) -> pa.Array:
    """Return the text that ``codes`` (positions in ``words``) stand for, as a dictionary-encoded array."""
    encoded = [word.encode() for word in words]
    offsets = np.array([0, *accumulate(map(len, encoded))], np.int32)
    dictionary = pa.Array.from_buffers(
        pa.utf8(), len(words), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    )
    return pa.DictionaryArray.from_arrays(array_of(codes, pa.int16()), dictionary)
