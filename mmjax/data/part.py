"""One task of a feed: rows of a source, and how they become texts with targets."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from mmjax.data.split import Split


@runtime_checkable
class Source(Protocol):
    """Where rows come from; `gives` are the fields that a row has.

    One whose rows may become others has `told` too, see `data.dataset`.
    """

    @property
    def gives(self) -> tuple[str, ...]: ...

    def split(self, name: str, reads: Sequence[str]) -> Split: ...


@runtime_checkable
class Prompt(Protocol):
    """A row -> (text, target); see `data.prompts`."""

    reads: tuple[str, ...]
    picture: bool
    drawn: tuple[str, ...]
    whole: str

    def __call__(self, row: Mapping[str, Any], rng: np.random.Generator | None) -> tuple[str, str]: ...

    def ask(self, text: str | None) -> str: ...


@runtime_checkable
class Augmentation(Protocol):
    """[H, W, 3] uint8 and a generator -> [H, W, 3] uint8: another picture with the same answers."""

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray: ...


@dataclasses.dataclass(frozen=True)
class Part:
    """A source, the prompt that its rows are put into, and how often it is drawn beside the other parts."""

    source: Source
    prompt: Prompt
    weight: float = 1.0
    augment: Augmentation | None = None

    def __post_init__(self):
        if not 0 < self.weight < math.inf:
            raise ValueError(f"weight is {self.weight}, expected a number above 0 (None for the part leaves it out)")
        needed = (*self.prompt.reads, "image") if self.prompt.picture else self.prompt.reads
        absent = [field for field in needed if field not in self.source.gives]
        if absent:
            raise ValueError(
                f"the prompt {type(self.prompt).__name__} reads {absent[0]}, but its rows have "
                f"{', '.join(self.source.gives)}: name the feature that holds it in fields, or take another prompt"
            )
        if self.augment is not None and "objects" in self.prompt.reads:
            raise ValueError("pictures whose boxes are asked for cannot be moved: leave out augment")
