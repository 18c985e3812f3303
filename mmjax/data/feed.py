"""What a run reads: training batches by number, evaluation splits in order, and rows that a user brings.

Training batch k is a pure function of (seed, k): shuffled per epoch, Q questions drawn and the picture augmented by
random numbers that depend on the example's place in the stream alone. So the data position of a run is one number,
and n hosts read the same batches as one host, each its own rows. Streams are Grain datasets (MapDataset).
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmjax.data import images
from mmjax.data.packing import Batch, Packer, Pair, stack
from mmjax.data.requests import runs
from mmjax.data.split import Split, cut
from mmjax.data.vocabulary import Vocabulary

if TYPE_CHECKING:
    import grain

    from mmjax.data.pictures import Pictures

Host = tuple[int, int]  # this host's number and how many there are


class Feed:
    """The opened data of a run; nothing is read before it is asked for."""

    def __init__(self, parts: Sequence[Pictures], weights: Sequence[float], folder: str | os.PathLike):
        self.parts = tuple(Part(config) for config in parts)
        self.weights = tuple(weights)
        self.folder = Path(folder)
        self.config = parts[0]

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """The folder's vocabulary; when it is new, every row of both splits is checked to fit the configured lengths."""
        tokenizer = self.config.tokenizer
        new = not any((self.folder / name).exists() for name in ("tokenizer.json", "tokenizer.model"))
        vocabulary = tokenizer.open(self.folder, self.texts)
        if new:
            packer = self.pack(vocabulary)
            for part in self.parts:
                for split in ("train", "test"):
                    for pair in part.split(split).pairs(part.config.prompt):
                        packer.ids(pair)
        return vocabulary

    @functools.cached_property
    def packer(self) -> Packer:
        return self.pack(self.vocabulary)

    def pack(self, vocabulary: Vocabulary) -> Packer:
        config = self.config
        return Packer(vocabulary, config.size, config.questions, config.text_length, config.target_length)

    def texts(self) -> Iterator[str]:
        """Every text and target of the training splits: what a tokenizer is trained on."""
        for part in self.parts:
            for pair in part.split("train").pairs(part.config.prompt):
                yield pair.text
                yield pair.target

    def train(self, seed: int, start: int = 0, host: Host = (0, 1)) -> grain.DatasetIterator:
        """Endless batches start, start + 1, ... of a seed; host (i, n) gets rows i*B/n .. (i+1)*B/n of each."""
        import grain

        rows = self.share(host)
        streams, offset = [], 0
        for number, part in enumerate(self.parts):
            draw = functools.partial(part.draw, self.packer, offset)
            pictures = grain.MapDataset.range(part.pictures("train")).seed(seed * len(self.parts) + number)
            streams.append(pictures.shuffle().repeat().random_map(draw))
            offset += part.examples("train", self.config.questions)
        examples = grain.MapDataset.mix(streams, self.weights) if len(streams) > 1 else streams[0]
        batches = examples.batch(rows, batch_fn=stack)
        return iter(self.prefetched(batches[start * host[1] + host[0] :: host[1]]))

    def split(self, host: Host = (0, 1), split: str | None = None) -> Iterator[Batch]:
        """Every question of a split (None: the test split) once, in order; the last batch is padded to its full size."""
        import grain

        rows = self.share(host)
        total = self.examples(split)
        padded = total + -total % self.config.batch

        def read(place: int) -> Batch:
            return self.example(place, split) if place < total else self.packer.blank()

        batches = grain.MapDataset.range(padded).map(read).batch(rows, batch_fn=stack)
        return iter(self.prefetched(batches[host[0] :: host[1]]))

    def take(self, indices: Sequence[int], split: str | None = None) -> Batch:
        """The examples with these indices, as numbered in `split`, padded to a multiple of the batch size."""
        return self.packer.batch([self.example(int(place), split) for place in indices], self.config.batch)

    def examples(self, split: str | None = None) -> int:
        """How many examples a split (None: the test split) is cut into."""
        return sum(part.examples(split or "test", self.config.questions) for part in self.parts)

    def example(self, place: int, split: str | None) -> Batch:
        """One example of a split by its index."""
        sizes = [part.examples(split or "test", self.config.questions) for part in self.parts]
        ends = np.cumsum(sizes).tolist()
        if not 0 <= place < ends[-1]:
            raise ValueError(f"split {split or 'test'!r} has no example {place}: it has 0 to {ends[-1] - 1}")
        number = bisect.bisect_right(ends, place)
        local = place - (ends[number] - sizes[number])
        return self.parts[number].read(self.packer, split or "test", local, place)

    def encode(
        self, rows: Sequence[Mapping[str, Any]], root: str | os.PathLike = "."
    ) -> tuple[list[Batch], dict[int, str]]:
        """Rows {"image": path, array or Pillow image, "text" or "question": str} -> batches, {row number: its error}.

        Neighbouring rows about the same picture share an example: question q of an example is row index + q, for
        every q whose text_mask holds a True. Relative paths are taken from `root`.
        """
        examples, errors = [], {}
        for first, image, texts in runs(rows, self.config.prompt, Path(root), errors):
            try:
                picture = images.resize(images.decode(image, f"row {first}"), self.config.size)
            except (ValueError, OSError) as error:
                errors.update({first + number: str(error) for number in range(len(texts))})
                continue
            self.add(picture, first, texts, examples, errors)
        size = self.config.batch
        batches = [self.packer.batch(examples[i : i + size], size) for i in range(0, len(examples), size)]
        return batches, dict(sorted(errors.items()))

    def add(
        self, picture: np.ndarray, first: int, texts: Sequence[str], examples: list, errors: dict
    ) -> None:
        """The rows first, first + 1, ... about one picture as examples; a row that is too long splits them."""
        fitting: list[tuple[int, Pair]] = []
        for number, text in enumerate(texts, first):
            pair = Pair(text, None, f"row {number}")
            try:
                self.packer.ids(pair)
            except ValueError as error:
                errors[number] = str(error)
            else:
                fitting.append((number, pair))
        while fitting:
            start = fitting[0][0]
            together = [pair for place, (row, pair) in enumerate(fitting) if row == start + place]
            together = together[: self.config.questions]
            examples.append(self.packer.example(picture, together, start))
            fitting = fitting[len(together) :]

    def share(self, host: Host) -> int:
        """The rows of a batch that one of n hosts reads."""
        if self.config.batch % host[1]:
            raise ValueError(f"data.batch is {self.config.batch}, which {host[1]} hosts cannot share evenly")
        return self.config.batch // host[1]

    def prefetched(self, batches: grain.MapDataset) -> grain.IterDataset:
        """Batches made ahead of time by threads, in order."""
        import grain

        threads = self.config.threads
        options = grain.ReadOptions(
            num_threads=threads, prefetch_buffer_size=self.config.prefetch if threads else 0
        )
        return batches.to_iter_dataset(options)


class Part:
    """One data set of a feed: its splits, opened when they are first needed."""

    def __init__(self, config: Pictures):
        self.config = config
        self.opened: dict[str, Split] = {}
        self.cuts: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def split(self, name: str) -> Split:
        """ "train" and "test" as the config says; any other name is a TFDS split."""
        config = self.config
        name = {"train": config.train, "test": config.test}.get(name, name)
        if name not in self.opened:
            self.opened[name] = Split(config.name, name, config.fields, config.data_dir)
        return self.opened[name]

    def cut(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Boundaries of the examples, and each picture's first example."""
        if split not in self.cuts:
            self.cuts[split] = cut(self.split(split).starts, self.config.questions)
        return self.cuts[split]

    def pictures(self, split: str) -> int:
        return len(self.split(split).starts) - 1

    def examples(self, split: str, questions: int) -> int:
        return len(self.cut(split)[0]) - 1

    def draw(self, packer: Packer, offset: int, picture: int, rng: np.random.Generator) -> Batch:
        """A picture, augmented, with at most Q of its questions drawn without replacement."""
        split = self.split("train")
        rows = rng.permutation(split.picture(picture))[: packer.questions]
        image = split.load(rows[0], packer.size)
        if self.config.augment is not None:
            image = self.config.augment(image, rng)
        index = offset + int(self.cut("train")[1][picture])
        return packer.example(image, [split.pair(row, self.config.prompt) for row in rows], index)

    def read(self, packer: Packer, split: str, place: int, index: int) -> Batch:
        """An example as it is, for evaluation."""
        opened, ends = self.split(split), self.cut(split)[0]
        rows = opened.order[ends[place] : ends[place + 1]]
        return packer.example(
            opened.load(rows[0], packer.size), [opened.pair(row, self.config.prompt) for row in rows], index
        )
