"""One of C classes that have an order, by one score and C - 1 thresholds (McCullagh 1980; CORAL: arXiv 1901.07884).

p(y > k | x) = sigmoid(w h + b_k),   b_0 - b_1 = softplus(d_1), b_1 - b_2 = softplus(d_2), ...

The biases fall by construction, so that the probabilities always do. At a score of 0 all classes are equally likely in
the beginning. The loss is `losses.ordinal_loss` or `losses.cumulative_link`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.heads.features import Features
from mmjax.nn.dense import Dense


class Ordinal(Features):
    """Tokens [B, L, D] to logits [B, classes - 1] fp32: the k-th is that of a class above k.

    Other fields are those of `heads.features`.
    """

    classes: int

    def __post_init__(self):
        super().__post_init__()
        if self.classes < 2:
            raise ValueError(f"classes is {self.classes}; expected at least 2 to choose from")

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> jax.Array:
        x = super().__call__(tokens, train=train)
        score = Dense(1, use_bias=False, name="score")(x)
        above = np.arange(self.classes - 1, 0, -1)
        even = np.log(above / above[::-1])  # the logits of (C - 1) / C, ..., 1 / C
        biases = self.param("first_bias", nn.initializers.constant(even[0]), (1,)).astype(jnp.float32)
        if self.classes > 2:
            inverse_softplus = np.log(np.expm1(even[:-1] - even[1:])).astype(np.float32)
            falls = self.param("falls_bias", lambda key, shape: jnp.asarray(inverse_softplus), (self.classes - 2,))
            fallen = jnp.cumsum(jax.nn.softplus(falls.astype(jnp.float32)))
            biases = jnp.concatenate([biases, biases - fallen])
        return score + biases
