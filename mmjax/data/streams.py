"""Data sets side by side: each example is one row of each, so that a batch has as many of every kind (BEiT-3).

A batch has what `data.rows` says of each stream, as NAME/KEY: pairs/image, pairs/image_mask, texts/text, ...
"""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmjax.data.row_feed import Known
from mmjax.data.rows import Rows
from mmjax.data.stream import Batch, Host, Stream, shuffled, stack
from mmjax.data.vocabulary import FILES

if TYPE_CHECKING:
    import grain


@dataclasses.dataclass(frozen=True)
class Streams:
    """Data sets by the names of their streams; those that have texts have one tokenizer."""

    parts: Mapping[str, Rows]

    def __post_init__(self):
        if not self.parts:
            raise ValueError("parts is empty; expected one data set or more by name")
        object.__setattr__(self, "parts", dict(sorted(self.parts.items())))
        for field in ("batch", "threads", "prefetch", "tokenizer"):
            found = {name: value for name, rows in self.parts.items() if (value := getattr(rows, field)) is not None}
            first = next(iter(found.values()), None)
            for name, value in found.items():
                if value != first:
                    raise ValueError(f"parts.{name}.{field} is {value}; expected {first}, as all others have")
            object.__setattr__(self, field, first)

    def blank(self) -> Batch:
        """A batch of zeros of these shapes, without reading anything or taking memory."""
        batches = {name: rows.blank() for name, rows in self.parts.items()}
        return beside(batches, next(iter(batches.values()))["index"])

    def empty(self) -> Batch:
        """One example that is not there."""
        return beside({name: rows.empty() for name, rows in self.parts.items()}, np.int32(-1))

    def open(self, folder: str | os.PathLike) -> StreamsFeed:
        """The data with its tokenizer in `folder`, made there of all texts if there is none."""
        return StreamsFeed(self, folder)


class StreamsFeed:
    """Opened streams; nothing is read before it is asked for."""

    files = word_files = FILES
    sources = ("",)
    asks = ()
    packed = False

    def __init__(self, config: Streams, folder: str | os.PathLike):
        self.config, self.folder = config, Path(folder)
        self.parts = {name: rows.open(self.folder / name, self.folder) for name, rows in config.parts.items()}
        self.stream = Stream(config.batch, config.threads, config.prefetch)

    @functools.cached_property
    def vocabulary(self) -> Known:
        """The tokenizer; each stream keeps in a folder of its own what else its training rows decide."""
        words = None
        if self.config.tokenizer is not None:
            words = self.config.tokenizer.open(self.folder, self.texts)
        for part in self.parts.values():
            _ = part.vocabulary
        return Known((), (), words, {})

    def texts(self) -> Iterator[str]:
        """Every text of the training rows of every stream."""
        for part in self.parts.values():
            yield from part.texts()

    @property
    def rows(self) -> dict[str, str]:
        """What tells each training split from one with other rows."""
        return {f"{name} {split}": told for name, part in self.parts.items() for split, told in part.rows.items()}

    @property
    def notes(self) -> list[str]:
        """What each stream has to tell of its rows."""
        return [f"{name}: {note}" for name, part in self.parts.items() for note in part.notes]

    def train(self, seed: int, start: int = 0, host: Host = (0, 1)) -> grain.DatasetIterator:
        """Endless batches start, start + 1, ...: the streams are shuffled each by itself."""
        import grain

        _ = self.vocabulary
        names = list(self.parts)
        drawn = shuffled([(len(part.split_rows("train")), part.drawer()) for part in self.parts.values()], seed)

        def example(place: int) -> Batch:
            return beside({name: rows[place] for name, rows in zip(names, drawn, strict=True)}, np.int32(0))

        every = grain.MapDataset.range(min(map(len, drawn)))
        return self.stream.batched(every.map(example), start, host)

    def split(self, host: Host = (0, 1), split: str | None = None) -> grain.DatasetIterator:
        """Every row of a split (None: test) of every stream once, in order; blank ones where a stream is shorter."""
        return self.stream.ordered(self.examples(split), self._reader(split), self.config.empty, host)

    def take(self, indices: Sequence[int], split: str | None = None) -> Batch:
        """The rows of each stream at these places of a split, with blank ones up to a multiple of the batch size."""
        read = self._reader(split)
        found = [read(int(place)) for place in indices]
        return stack([*found, *[self.config.empty()] * (-len(found) % self.config.batch)])

    def examples(self, split: str | None = None) -> int:
        """How many rows the longest stream of a split has."""
        return max(len(part.split_rows(split or "test")) for part in self.parts.values())

    def encode(self, rows: Sequence[Mapping[str, Any]], root: str | os.PathLike = ".") -> None:
        """Raises ValueError: nothing is asked of several streams at once."""
        raise ValueError(
            "a run over data.streams learns to fill in what is hidden and answers nothing by itself; finetune a model "
            "from it by init_from, and ask that"
        )

    def _reader(self, split: str | None) -> Any:
        _ = self.vocabulary
        name = split or "test"
        reads = {part: (len(feed.split_rows(name)), feed.reader(name)) for part, feed in self.parts.items()}

        def read(place: int) -> Batch:
            rows = {
                part: row(place) if place < count else self.config.parts[part].empty()
                for part, (count, row) in reads.items()
            }
            return beside(rows, np.int32(place))

        return read


def beside(rows: Mapping[str, Batch], index: np.ndarray) -> Batch:
    """What each stream has as one row (or one batch) of all; `index` is the place of the whole."""
    return {"index": index} | {f"{name}/{key}": value for name, row in rows.items() for key, value in row.items()}
