"""The Data and Feed protocols: what a run reads. A batch is a flat mapping of NumPy arrays that lead with its rows."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

Arrays = Mapping[str, np.ndarray]


@runtime_checkable
class Feed(Protocol):
    """Opened data. Every batch has the same shapes; rows that are not real are masked and have index -1."""

    @property
    def vocabulary(self) -> Any:
        """How ids become words, for `Task.bind`."""

    @property
    def files(self) -> Sequence[str]:
        """The names of the files in a run's folder that may say what its inputs mean: parameters belong to them."""

    @property
    def word_files(self) -> Sequence[str]:
        """Those of them that say how words become ids."""

    @property
    def asks(self) -> Sequence[str]:
        """The fields of a row that `encode` reads."""

    @property
    def rows(self) -> Mapping[str, str]:
        """By the name of each training split, what tells it from one with other rows."""

    @property
    def notes(self) -> Sequence[str]:
        """Lines that a user should read about the data, once its `vocabulary` was asked for."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the data sets that are mixed, which `source` in a batch counts by; ("",) for one alone."""

    def train(self, seed: int, start: int) -> Iterator[Arrays]:
        """Endless batches start, start + 1, ...: batch k is a pure function of (seed, k)."""

    def split(self, *, split: str | None) -> Iterator[Arrays]:
        """Every example of a split (None: the test split) once, in order."""

    def take(self, indices: Sequence[int], split: str | None = None) -> Arrays:
        """These examples of a split."""

    def examples(self) -> int:
        """How many examples the test split has."""


@runtime_checkable
class Data(Protocol):
    """A data set as a config describes it. `batch` is the number of rows of a global batch."""

    batch: int

    def blank(self) -> Arrays:
        """A batch of zeros of the shapes that this gives, without reading anything."""

    def open(self, folder: Path) -> Feed:
        """The data for a run in this folder, where what was fitted to the data (a tokenizer) is kept."""
