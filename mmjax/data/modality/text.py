"""A row's text, as token ids."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from mmjax.data.modality.sizes import check_sizes


@dataclasses.dataclass(frozen=True)
class Text:
    """The feature `feature` as [length] int32 with mask [length], by the data's tokenizer; an empty text is missing.

    `ends` puts around a text what the tokenizer's file says, such as BERT's [CLS] and [SEP], or where it says nothing
    the tokens that begin and end a text: models that were trained with these want them.
    """

    feature: str
    length: int
    ends: bool = False
    words = True  # reads the vocabulary, which `data.rows` puts into what is fitted

    def __post_init__(self):
        check_sizes(self, "length")

    def blank(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(self.length, np.int32), np.zeros(self.length, bool)

    def fit(self, values: Iterable[Any]) -> dict[str, Any]:
        """Nothing: the tokenizer is fitted for all texts together."""
        return {}

    def __call__(self, value: Any, fitted: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Raises ValueError for what is no text, or one of more than `length` tokens: half a text is another text."""
        text = plain(value)
        ids = fitted["vocabulary"].encode(text)
        if ids and self.ends:
            words = fitted["vocabulary"]
            before, after = words.ends if any(words.ends) else ((words.bos,), (words.eos,))
            ids = [*before, *ids, *after]
        if len(ids) > self.length:
            raise ValueError(
                f"{text[:40]!r}{'...' * (len(text) > 40)} has {len(ids)} tokens, but its length is {self.length}: "
                "shorten it, or train with a larger length"
            )
        values, mask = self.blank()
        values[:], values[: len(ids)], mask[: len(ids)] = fitted["vocabulary"].pad, ids, True
        return values, mask


def plain(value: Any) -> str:
    """A text as TFDS gives it, or a user; nothing, or spaces alone, is an empty one."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode()
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.60} is no text")
    return value if value.strip() else ""
