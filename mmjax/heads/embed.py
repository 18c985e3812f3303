"""A point on the unit sphere, for retrieval and contrast: z = W h / |W h| (as in CLIP: arXiv 2103.00020)."""

import jax
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.core.unit import unit
from mmjax.heads.features import Features
from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense


class Embed(Features):
    """Tokens [B, L, D] to [B, features] fp32 of length 1, or 0 where nothing is real and no `hidden` layer has a bias.

    Other fields are those of `heads.features`.
    """

    features: int

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "features")

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> jax.Array:
        x = super().__call__(tokens, train=train)
        x = Dense(self.features, use_bias=False, name="projection")(x)
        return unit(x)
