"""Numbers: y = W h + b; the loss is `losses.squared_error`, `losses.absolute_error` or `losses.huber`."""

import jax
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.heads.features import Features
from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense


class Regress(Features):
    """Tokens [B, L, D] to numbers [B, outputs] fp32; the other fields are those of `heads.features`."""

    outputs: int = 1

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "outputs")

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> jax.Array:
        x = super().__call__(tokens, train=train)
        return Dense(self.outputs, name="numbers")(x)
