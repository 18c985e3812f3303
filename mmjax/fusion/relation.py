"""Relation networks: what every pair of objects has to do with each other, given what is asked (arXiv 1706.01427).

y = f(mean over real i, j of g([o_i; o_j; c])),  g and f: W_n relu(... relu(W_1 x + b_1) ...) + b_n, g with a last relu

Objects are the tokens of the first modality; c holds the mean token of each of the others (Santoro et al. 2017, with
the mean in place of the sum, so that the number of objects does not scale y).
"""

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, in_order
from mmjax.nn.aligned import any_real
from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense
from mmjax.nn.pair_mlp import PairMlp
from mmjax.nn.pool import mean


class Relation(nn.Module):
    """Modalities [B, L_m, D] to Tokens [B, 1, D], real in rows where any token is; `order` begins with the objects.

    `layers` and `hidden` units (None: D) of g; f has as many layers. A single modality is related without a condition.
    """

    order: tuple[str, ...]
    layers: int = 3
    hidden: int | None = None

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        given = in_order(modalities, self.order)
        objects, dim = given[0].cleared(), given[0].x.shape[-1]
        hidden = self.hidden or dim
        asked = {name: mean(one).x[:, 0] for name, one in zip(self.order[1:], given[1:], strict=True)}
        x = PairMlp(self.layers, hidden, name="g")(objects.x, asked)
        x = _mean(x, objects.mask)
        for i in range(1, self.layers):
            x = nn.relu(Dense(hidden, name=f"f_{i}")(x))
        y = rearrange(Dense(dim, name="out")(x), "b d -> b 1 d")
        return Tokens.of(y, any_real(given))


def _mean(x: jax.Array, mask: jax.Array) -> jax.Array:
    """x [B, L, L, D] to [B, D] in their type: the mean over pairs of real objects, 0 where there is none."""
    real = mask[:, :, None] & mask[:, None]
    number = jnp.maximum(jnp.sum(real, axis=(1, 2)), 1)
    total = jnp.sum(jnp.where(real[..., None], x, 0), axis=(1, 2), dtype=jnp.float32)
    return (total / number[:, None]).astype(x.dtype)
