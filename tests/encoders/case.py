"""What an encoder's test file gives to the contract: `CASES`, a dict of `Case` by NAME or "NAME, variant"."""

import dataclasses
from typing import Any

import numpy as np
from flax import linen as nn

DIM = 8


@dataclasses.dataclass(frozen=True)
class Case:
    """An encoder of width DIM, values for it, their mask, and what may lie under the mask.

    `pads` is False where the second axis has one size: it then takes no steps more that are not real.
    """

    module: nn.Module
    values: np.ndarray
    mask: np.ndarray
    junk: Any = np.nan
    pads: bool = True

    def covered(self) -> np.ndarray:
        """The values with junk under the mask."""
        mask = self.mask.reshape(self.mask.shape + (1,) * (self.values.ndim - self.mask.ndim))
        return np.where(mask, self.values, np.asarray(self.junk, self.values.dtype))

    def padded(self, steps: int) -> "Case":
        """So many steps more with junk in them, of which none is real."""
        mask = np.pad(self.mask, ((0, 0), (0, steps)))
        values = np.pad(self.values, ((0, 0), (0, steps), *((0, 0),) * (self.values.ndim - 2)))
        longer = dataclasses.replace(self, values=values, mask=mask)
        return dataclasses.replace(longer, values=longer.covered())


def lengths(*real: int, size: int) -> np.ndarray:
    """[B, size] bool: the first so many of each row are real."""
    return np.arange(size) < np.array(real)[:, None]
