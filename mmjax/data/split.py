"""One split of a source: its rows grouped by picture, and cut into examples of at most Q rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np


class Split:
    """Rows with their pictures: pictures 0 .. P-1, each with the rows order[starts[p] : starts[p + 1]].

    `row` gives the fields of a row by its number; `images` the pictures that it shows, decoded, [H, W, 3] uint8 each;
    `several` says that they may be more than one.
    """

    def __init__(
        self,
        name: str,
        group: np.ndarray,
        row: Callable[[int], Mapping[str, Any]],
        images: Callable[[int], Sequence[np.ndarray]],
        several: bool = False,
    ):
        self.name, self.row, self.images, self.several = name, row, images, several
        self.order = np.argsort(group, kind="stable")
        self.starts = boundaries(group[self.order])

    def picture(self, number: int) -> np.ndarray:
        """The row numbers of a picture."""
        return self.order[self.starts[number] : self.starts[number + 1]]

    def having(self, field: str) -> Split:
        """The same pictures with the rows that hold such a text; ValueError if there is none."""
        kept = np.array([bool(self.row(row)[field].strip()) for row in self.order], bool)
        if not kept.any():
            raise ValueError(
                f"{self.name}: no row has a {field}, which its prompt reads: add some, or take another split"
            )
        pictures = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        self.order, self.starts = self.order[kept], boundaries(pictures[kept])
        return self

    def once(self, reads: Sequence[str]) -> Split:
        """The same pictures with, of each one's rows, those that no earlier one equals in what is read.

        So a caption that stands in every row of its picture is one caption.
        """
        kept, sizes = [], []
        for number in range(len(self.starts) - 1):
            rows = self.picture(number)
            if len(rows) > 1:
                found = {repr([self.row(row)[name] for name in reads]): row for row in rows[::-1]}
                rows = np.sort(list(found.values()))
            kept.append(rows)
            sizes.append(len(rows))
        self.order = np.concatenate(kept)
        self.starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        return self


def boundaries(sorted_groups: np.ndarray) -> np.ndarray:
    """Where each run of equal numbers starts, and the end: [P + 1]."""
    changes = np.flatnonzero(np.diff(sorted_groups)) + 1
    return np.concatenate([[0], changes, [len(sorted_groups)]]).astype(np.int64)


def cut(starts: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Boundaries of runs -> those of pieces of at most `most` rows [E + 1], and each run's first piece [P].

    A run of 10 rows with most = 8 becomes pieces of 8 and 2.
    """
    pieces = -(-np.diff(starts) // most)
    first = np.concatenate([[0], np.cumsum(pieces)]).astype(np.int64)
    within = np.arange(first[-1]) - np.repeat(first[:-1], pieces)
    cuts = np.repeat(starts[:-1], pieces) + within * most
    return np.concatenate([cuts, starts[-1:]]), first[:-1]
