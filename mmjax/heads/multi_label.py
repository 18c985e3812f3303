"""Any number of C labels at once: p(c | x) = sigmoid(W h + b)_c; the loss is `losses.binary_cross_entropy`."""

import jax
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.heads.features import Features
from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense


class MultiLabel(Features):
    """Tokens [B, L, D] to logits [B, labels] fp32, each for itself; other fields are those of `heads.features`."""

    labels: int

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "labels")

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> jax.Array:
        x = super().__call__(tokens, train=train)
        return Dense(self.labels, name="logits")(x)
