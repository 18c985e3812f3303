"""Which words of a target are hidden in training, to be told from a picture and the words before (arXiv 2208.10442)."""

from __future__ import annotations

import dataclasses

import numpy as np

from mmjax.data.hide import some


@dataclasses.dataclass(frozen=True)
class HideWords:
    """A target [T] to what is seen of it and which places are to be told; its end is hidden as any word is.

    `share` is that of the words that are hidden of a target, at least one. All become the mask's token.
    """

    share: float = 0.7

    def __post_init__(self):
        if not 0 < self.share <= 1:
            raise ValueError(f"share is {self.share}; expected a share above 0, up to 1")

    def __call__(
        self, target: np.ndarray, real: np.ndarray, mask: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """The target with the token `mask` in place of hidden words, and where these are [T] bool."""
        told = np.zeros(real.shape, bool)
        told[some(rng, np.flatnonzero(real), self.share)] = True
        return np.where(told, mask, target).astype(target.dtype), told
