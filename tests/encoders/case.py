"""What an encoder's test file gives to the contract: `CASES`, a dict of `Case` by NAME or "NAME, variant"."""

import dataclasses
from typing import Any

import numpy as np
from flax import linen as nn

DIM = 8


@dataclasses.dataclass(frozen=True)
class Case:
    """An encoder of width DIM, values for it, their mask, and what may lie under the mask."""

    module: nn.Module
    values: np.ndarray
    mask: np.ndarray
    junk: Any = np.nan

    def covered(self) -> np.ndarray:
        """The values with junk under the mask."""
        mask = self.mask.reshape(self.mask.shape + (1,) * (self.values.ndim - self.mask.ndim))
        return np.where(mask, self.values, np.asarray(self.junk, self.values.dtype))


def lengths(*real: int, size: int) -> np.ndarray:
    """[B, size] bool: the first so many of each row are real."""
    return np.arange(size) < np.array(real)[:, None]
