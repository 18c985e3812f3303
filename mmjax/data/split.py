"""One split of a data set: its rows grouped by picture, and cut into examples of at most Q questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from mmjax.data import columns, images, prepared
from mmjax.data.packing import Pair


class Split:
    """Pictures 0 .. P-1 for training (each draws Q of its questions) and examples 0 .. E-1 for evaluation.

    A picture with more than Q questions is several examples, one after the other; each row is in one of them.
    """

    def __init__(self, name: str, split: str, fields: Mapping[str, str], data_dir: str | None = None):
        self.name = f"{name} {split}"
        self.image = fields["image"]
        source = prepared.builder(name, data_dir)
        columns.read_by(source, fields)  # a wrong field is told before files are opened
        self.rows = prepared.open_rows(source, split, self.image)
        self.columns = columns.load(source, split, fields, self.rows)
        self.order = np.argsort(self.columns.group, kind="stable")
        self.starts = boundaries(self.columns.group[self.order])

    def picture(self, number: int) -> np.ndarray:
        """The row numbers of a picture."""
        return self.order[self.starts[number] : self.starts[number + 1]]

    def load(self, row: int, size: int) -> np.ndarray:
        """The picture of a row as [size, size, 3] uint8."""
        encoded = columns.dig(self.rows[int(row)], self.image.split("/"))
        return images.resize(images.decode(encoded, f"{self.name} row {row}"), size)

    def pair(self, row: int, prompt: str) -> Pair:
        """The question and the answer of a row."""
        text = prompt.replace("{text}", self.columns.text[row])
        return Pair(text, self.columns.target[row], f"{self.name} row {row}")

    def pairs(self, prompt: str) -> Iterator[Pair]:
        """Every row's question and answer."""
        return (self.pair(row, prompt) for row in range(len(self.rows)))


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
