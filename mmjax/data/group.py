"""Which rows belong together, such as those of one sentence: they count as right where all of them are."""

from __future__ import annotations

import dataclasses
import zlib
from typing import Any

import numpy as np

from mmjax.data.label import said


@dataclasses.dataclass(frozen=True)
class Group:
    """The feature `feature`, a text or a number, as [] int32: equal ones alike, -1 where a row has none."""

    feature: str

    def blank(self) -> np.ndarray:
        """No group."""
        return np.int32(-1)

    def __call__(self, value: Any) -> np.ndarray:
        """Raises ValueError for several values."""
        if np.ndim(value):
            raise ValueError(f"group is {np.size(value)} values; expected one that equal rows share")
        name = said(value)
        return np.int32(zlib.crc32(name.encode()) >> 1) if name else self.blank()
