"""The idx format of MNIST: a magic number, the sizes, then every byte in turn, all of it packed by gzip or not.

Magic numbers are 0, 0, the type of the values (8: bytes) and how many axes there are, one byte each.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

BYTES = 8


def read(path: Path, axes: int) -> np.ndarray:
    """A file's values as uint8 with so many axes.

    Raises:
        ValueError: it holds something else, or less than it says.
    """
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: it cannot be read, or unpacked ({error})") from error
    expected = bytes((0, 0, BYTES, axes))
    if raw[:4] != expected:
        raise ValueError(f"{path}: its magic number is {raw[:4].hex() or 'missing'}; expected {expected.hex()}")
    start = 4 + 4 * axes
    sizes = np.frombuffer(raw[4:start], ">u4").tolist()
    if len(sizes) != axes or len(raw) - start != math.prod(sizes):
        told = " x ".join(map(str, sizes))
        raise ValueError(f"{path}: {len(raw) - start:,} bytes of values, but it says {told}; it is no whole file")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(sizes)
