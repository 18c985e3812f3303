"""A part of a feed, once it is opened: its splits, opened when first needed, and examples drawn or in order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mmjax.data.generator import EVALUATION, generator
from mmjax.data.packing import Batch, Packer, Pair
from mmjax.data.part import Part
from mmjax.data.split import Split, cut

TRIES = 8  # draws of a pair that may turn out too long


class Reader:
    """Part `number` of a feed; "train" and "test" name the splits that its source chose."""

    def __init__(self, number: int, part: Part, questions: int):
        self.number, self.part, self.questions = number, part, questions
        self.splits: dict[str, Split] = {}
        self.cuts: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def split(self, name: str) -> Split:
        """A split by its name; FileNotFoundError or ValueError where the source has none such."""
        if name not in self.splits:
            self.splits[name] = self.part.source.split(name, self.part.prompt.reads)
        return self.splits[name]

    def cut(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Where the examples of a split begin and end, and each picture's first example."""
        if name not in self.cuts:
            self.cuts[name] = cut(self.split(name).starts, self.questions)
        return self.cuts[name]

    def pictures(self, name: str) -> int:
        """How many pictures a split has."""
        return len(self.split(name).starts) - 1

    def examples(self, name: str) -> int:
        """How many examples a split is cut into."""
        return len(self.cut(name)[0]) - 1

    def pairs(self, name: str) -> Iterator[Pair]:
        """Every row of a split as evaluation asks it."""
        return (self.pair(name, row) for row in self.split(name).order)

    def pair(self, name: str, row: int, rng: np.random.Generator | None = None) -> Pair:
        """A row in its prompt; None is evaluation, which draws by the row's number, always the same, or nothing."""
        split = self.split(name)
        if rng is None and "evaluation" in self.part.prompt.drawn:
            rng = generator(EVALUATION, 0, int(row))
        return Pair(*self.part.prompt(split.row(row), rng), f"{split.name} row {row}")

    def draw(self, packer: Packer, offset: int, picture: int, rng: np.random.Generator) -> Batch:
        """A training picture, augmented, with so many of its rows drawn without replacement as such an example has.

        A prompt that draws itself is drawn for each of the places; equal pairs count once.
        Raises ValueError as `read` does.
        """
        split, prompt = self.split("train"), self.part.prompt
        rows = rng.permutation(split.picture(picture))
        count = packer.shapes.drawn or self.questions
        rows = np.resize(rows, count) if prompt.drawn else rows[:count]
        images = self.images(packer, "train", rows[0])
        if self.part.augment is not None:
            images = [self.part.augment(image, rng) for image in images]
        pairs = [self.fitting(packer, row, rng) for row in rows]
        if prompt.drawn:
            pairs = list({(pair.text, pair.target): pair for pair in pairs}.values())
        row = packer.example(images, pairs, offset + int(self.cut("train")[1][picture]), self.number, drawn=True)
        return packer.hidden(row, rng)

    def fitting(self, packer: Packer, row: int, rng: np.random.Generator) -> Pair:
        """A training row in its prompt, drawn again where a draw is too long for the batch.

        Where all draws are, it is what evaluation asks, which was seen to fit before the training.
        """
        if not self.part.prompt.drawn:
            return self.pair("train", row, rng)
        drawn = (self.pair("train", row, rng) for _ in range(TRIES + 1))
        return next(filter(packer.fits, drawn), None) or self.pair("train", row)

    def read(self, packer: Packer, name: str, place: int, index: int) -> Batch:
        """The example at `place` of a split as it is; `index` is what the batch calls it.

        Raises:
            ValueError: its row is too long, or a picture cannot be read or has not the size.
        """
        ends, _ = self.cut(name)
        rows = self.split(name).order[ends[place] : ends[place + 1]]
        pairs = [self.pair(name, row) for row in rows]
        return packer.example(self.images(packer, name, rows[0]), pairs, index, self.number)

    def images(self, packer: Packer, name: str, row: int) -> list[np.ndarray]:
        """The pictures of a row in the size of the batch; none where the prompt shows none.

        Raises:
            ValueError: a picture cannot be read, or has not the size.
        """
        if not self.part.prompt.picture:
            return []
        split = self.split(name)
        return [packer.sized(image, f"{split.name} row {row}") for image in split.images(row)]
