"""What shapes the batches of a run, whatever fills them."""

from __future__ import annotations

import dataclasses

import numpy as np

from mmjax.data.hide_words import HideWords
from mmjax.data.images import check_rule
from mmjax.data.packing import Batch, training, zeros
from mmjax.data.vocabulary import Tokenizer


@dataclasses.dataclass(frozen=True, kw_only=True)
class Batches:
    """B pictures of one size with at most Q texts and targets each, see `data.packing`.

    `resize` says what becomes of pictures of other sizes (`data.images.resize`), each for itself where an example has
    several. A rule is the default, since photographs and pages have all sizes; None: another size is an error.
    `pictures` is how many pictures or frames an example may have; None: one, without an axis for them. `drawn` is how
    many of its texts a training example has; None: Q. `hide` says which words of targets are hidden in training.
    """

    tokenizer: Tokenizer
    size: int = 64
    resize: str | None = "stretch"
    pictures: int | None = None
    batch: int = 16
    questions: int = 8
    text_length: int = 16
    target_length: int = 4
    drawn: int | None = None
    hide: HideWords | None = None
    threads: int = 2
    prefetch: int = 8

    def __post_init__(self):
        for name in ("size", "batch", "questions", "text_length", "target_length", "pictures", "drawn"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"data.{name} is {value}, expected 1 or more")
        check_rule(self.resize, "data.resize")
        if self.drawn is not None and self.drawn > self.questions:
            raise ValueError(f"data.drawn is {self.drawn}, expected at most data.questions, {self.questions}")

    def blank(self) -> Batch:
        """A training batch of zeros of these shapes, without reading anything or taking memory."""
        shapes = training(zeros(self, drawn=True), self.hide)
        return {name: np.broadcast_to(np.zeros((), x.dtype), (self.batch, *x.shape)) for name, x in shapes.items()}
