"""What tests of heads share: a head with tokens for it, and tokens to give."""

import dataclasses

import numpy as np
from flax import linen as nn

from mmjax.core.tokens import Tokens
from tests import reference

B, L, D = 4, 5, 6


def tokens(seed: int = 0) -> Tokens:
    """[B, L, D]: row 0 is all real, row 1 partly, row 2 but for one token in the middle not, row 3 not at all."""
    mask = np.array([[True] * 5, [True, True, False, True, False], [False, False, True, False, False], [False] * 5])
    return Tokens(np.random.default_rng(seed).normal(size=(B, L, D)).astype(np.float32), mask)


@dataclasses.dataclass(frozen=True)
class Case:
    """A head, and tokens for it with a row of which nothing is real."""

    module: nn.Module
    tokens: Tokens = dataclasses.field(default_factory=tokens)

    def covered(self, junk: float = np.nan) -> Tokens:
        """The tokens with junk under the mask."""
        return self.tokens.replace(x=np.where(self.tokens.mask[..., None], self.tokens.x, np.float32(junk)))


def mean(given: Tokens) -> np.ndarray:
    """[B, D] in double precision: of the real tokens of each row, 0 where there is none."""
    out = np.zeros((len(given.x), given.x.shape[-1]))
    for b in range(len(out)):
        real = [np.asarray(given.x[b, i], np.float64) for i in range(given.x.shape[1]) if given.mask[b, i]]
        out[b] = sum(real, np.zeros(out.shape[1])) / max(len(real), 1)
    return out


def hidden(given: Tokens, params) -> np.ndarray:
    """[B, hidden]: the mean through a layer of parameters "hidden", or as it is where there are none."""
    if "hidden" not in params:
        return mean(given)
    return reference.gelu_tanh(reference.dense(mean(given), params["hidden"]))
