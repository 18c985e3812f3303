"""What is told of a picture in numbers, and these as tokens: a concept bottleneck (Koh et al. 2020, arXiv 2007.04612).

c = tell(values),   x = say(c)

Each half may be learnt by itself: to tell concepts from pictures, and to reason from concepts that are given; together
they reason from pictures, and go on learning as one.
"""

import jax
from flax import linen as nn

from mmjax.core.tokens import Tokens


class Concepts(nn.Module):
    """Values and their mask to Tokens of the width of `say`.

    Args:
        dim: of the tokens; that of `say`.
        tell: such as `encoders.regions`, to Tokens [B, T, C] of numbers that mean something.
        say: (numbers [B, T, C], mask [B, T]) to Tokens, such as `encoders.numbers`.
    """

    dim: int
    tell: nn.Module
    say: nn.Module

    def __post_init__(self):
        super().__post_init__()
        if getattr(self.say, "dim", self.dim) != self.dim:
            raise ValueError(f"say.dim is {self.say.dim} and dim {self.dim}; make them equal")

    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        told = self.tell(values, mask, train=train)
        return self.say(told.x, told.mask, train=train)
