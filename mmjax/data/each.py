"""Rows that hold lists as a row for each thing in them: questions about one picture, or captions of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

COUNTS = "each"  # where a builder's metadata says {split: how many each row holds}


class Each(Sequence):
    """Rows [n], each with lists of as many things, to rows [sum of these] with one of each; the rest is the same.

    A list `features[i]` of k times as many as `features[0]` gives k to each, and an empty one none.

    Args:
        rows: with random access.
        features: the lists, of which the first says how many things there are.
        counts: how many each row has, where it is known; else all rows are read.

    Raises:
        ValueError: a row whose lists do not share out.
    """

    def __init__(self, rows: Sequence[Mapping[str, Any]], features: Sequence[str], counts: Sequence[int] | None = None):
        self.rows, self.features = rows, tuple(features)
        if counts is None:
            counts = [len(rows[place][self.features[0]]) for place in range(len(rows))]
        self.ends = np.cumsum(counts)
        self._last: tuple[int, Mapping[str, Any]] = -1, {}  # rows are often read one after the other

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, place: int) -> Mapping[str, Any]:
        if not 0 <= place < len(self):
            raise IndexError(place)
        number = int(np.searchsorted(self.ends, place, side="right"))
        found, row = self._last
        if found != number:
            row = self.rows[number]
            self._last = number, row
        count = len(row[self.features[0]])
        at = place - int(self.ends[number]) + count
        return {**row, **{name: _part(row[name], at, count, f"row {number}: {name}") for name in self.features}}


def _part(values: Sequence[Any], at: int, count: int, name: str) -> Any:
    if len(values) == count:
        return values[at]
    many, left = divmod(len(values), count)
    if left:
        raise ValueError(f"{name} has {len(values)} things for {count}; expected as many, or so many for each")
    return values[at * many : (at + 1) * many]
