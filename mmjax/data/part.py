"""One data set of a feed: its splits, opened when first needed, and its examples drawn or in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from mmjax.data.packing import Batch, Packer, Pair
from mmjax.data.split import Split, cut

if TYPE_CHECKING:
    from mmjax.data.pictures import Pictures


class Part:
    """What a `Pictures` config describes, once it is opened; "train" and "test" name the splits it chose."""

    def __init__(self, config: Pictures):
        self.config = config
        self.splits: dict[str, Split] = {}
        self.cuts: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def split(self, name: str) -> Split:
        """A split by its name; names other than "train" and "test" are TFDS splits."""
        config = self.config
        if name not in self.splits:
            chosen = {"train": config.train, "test": config.test}.get(name, name)
            self.splits[name] = Split(config.name, chosen, config.fields, config.data_dir)
        return self.splits[name]

    def cut(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Where the examples of a split begin and end, and each picture's first example."""
        if name not in self.cuts:
            self.cuts[name] = cut(self.split(name).starts, self.config.questions)
        return self.cuts[name]

    def pictures(self, name: str) -> int:
        """How many pictures a split has."""
        return len(self.split(name).starts) - 1

    def examples(self, name: str) -> int:
        """How many examples a split is cut into."""
        return len(self.cut(name)[0]) - 1

    def pairs(self, name: str) -> Iterator[Pair]:
        """Every question of a split with its answer."""
        return self.split(name).pairs(self.config.prompt)

    def draw(self, packer: Packer, offset: int, picture: int, rng: np.random.Generator) -> Batch:
        """A training picture, augmented, with at most Q of its questions drawn without replacement."""
        split = self.split("train")
        rows = rng.permutation(split.picture(picture))[: packer.questions]
        image = split.load(rows[0], packer.size)
        if self.config.augment is not None:
            image = self.config.augment(image, rng)
        pairs = [split.pair(row, self.config.prompt) for row in rows]
        return packer.example(image, pairs, offset + int(self.cut("train")[1][picture]))

    def read(self, packer: Packer, name: str, place: int, index: int) -> Batch:
        """The example at `place` of a split as it is; `index` is what the batch calls it."""
        split, (ends, _) = self.split(name), self.cut(name)
        rows = split.order[ends[place] : ends[place + 1]]
        pairs = [split.pair(row, self.config.prompt) for row in rows]
        return packer.example(split.load(rows[0], packer.size), pairs, index)
