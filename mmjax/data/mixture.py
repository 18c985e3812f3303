"""Several data sets in one stream: examples are drawn from each by its weight, deterministically."""

from __future__ import annotations

import dataclasses
import os

from mmjax.data.feed import Feed
from mmjax.data.pictures import Pictures

SHARED = ("tokenizer", "size", "batch", "questions", "text_length", "target_length", "threads", "prefetch")


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Data sets that fill the same batches; weights 3 and 1 give three examples for one.

    Everything that shapes a batch is the same in all parts; evaluation runs through their test splits in
    order.
    """

    parts: tuple[Pictures, ...]
    weights: tuple[float, ...]

    def __post_init__(self):
        if not self.parts or len(self.parts) != len(self.weights):
            raise ValueError(f"{len(self.parts)} parts and {len(self.weights)} weights, expected one weight a part")
        if min(self.weights) <= 0:
            raise ValueError(f"weights are {self.weights}, expected numbers above 0")
        for field in SHARED:
            values = [getattr(part, field) for part in self.parts]
            if any(value != values[0] for value in values):
                raise ValueError(f"parts differ in {field} ({', '.join(map(str, values))}), expected the same in all")

    def open(self, folder: str | os.PathLike) -> Feed:
        """All data sets with the one tokenizer of `folder`, trained on all of them if it is absent."""
        return Feed(self.parts, self.weights, folder)
