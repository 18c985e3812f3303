"""A row's texts, each as token ids: several questions about one picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from mmjax.data.modality.sizes import check_sizes
from mmjax.data.modality.text import Text


@dataclasses.dataclass(frozen=True)
class Texts:
    """The feature `feature`, a list of at most `many` texts, as [many, length] int32 with mask [many, length]."""

    feature: str
    length: int
    many: int
    words = True

    def __post_init__(self):
        check_sizes(self, "length", "many")

    def blank(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((self.many, self.length), np.int32), np.zeros((self.many, self.length), bool)

    def fit(self, values: Iterable[Any]) -> dict[str, Any]:
        """Nothing: the tokenizer is fitted for all texts together."""
        return {}

    def __call__(self, value: Any, fitted: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Raises ValueError for more than `many` texts, for what is no text, or one of more than `length` tokens."""
        given = listed(value)
        if len(given) > self.many:
            raise ValueError(f"{len(given)} texts, but many is {self.many}: raise it")
        values, mask = self.blank()
        one = Text(self.feature, self.length)
        for place, text in enumerate(given):
            values[place], mask[place] = one(text, fitted)
        return values, mask


def listed(value: Any) -> list[Any]:
    """Texts as a list of them: one alone, or none, is a list too."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | np.ndarray) else [value]
