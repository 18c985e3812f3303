"""Which words of a target are hidden in training, to be told from a picture and the words before (arXiv 2208.10442)."""

from __future__ import annotations

import dataclasses

import numpy as np

from mmjax.data.hide import check_shares, replaced, some
from mmjax.data.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class HideWords:
    """A target [T] to what is seen of it and which places are to be told; its end is hidden as any word is.

    `share` is that of the words that are hidden of a target, at least one. Of these `masked` become the mask's token
    and `other` another word; the rest stay, and are to be told all the same.
    """

    share: float = 0.7
    masked: float = 0.8
    other: float = 0.1

    def __post_init__(self):
        if not 0 < self.share <= 1:
            raise ValueError(f"share is {self.share}; expected a share above 0, up to 1")
        check_shares(self.masked, self.other)

    def __call__(
        self, target: np.ndarray, real: np.ndarray, words: Vocabulary, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """The target as it is seen, and where words are hidden [T] bool."""
        chosen, told = some(rng, np.flatnonzero(real), self.share), np.zeros(real.shape, bool)
        told[chosen] = True
        return replaced(target, chosen, self.masked, self.other, words, rng), told
