"""A residual block that a condition modulates feature by feature (FiLM: Perez et al. 2018, arXiv 1709.07871).

x + W_2 gelu(W_1 gelu((1 + gamma(c)) * norm(x) + beta(c))),   gamma and beta linear

Published blocks are convolutions with batch norm and modulate after them; here each token goes through by itself, and
the norm stands first, as in the other blocks. It has the form that `nn.stack` takes.
"""

from collections.abc import Callable

import jax
from flax import linen as nn

from mmjax.nn.dense import Dense
from mmjax.nn.gelu import gelu
from mmjax.nn.layer_norm import LayerNorm


class FilmBlock(nn.Module):
    """x [B, L, D] under a condition [B, 1 or L, C] to x; without one (None) nothing is modulated."""

    dropout: float
    train: bool
    norm: Callable[..., nn.Module] = LayerNorm

    @nn.compact
    def __call__(self, x: jax.Array, cache: None, condition: jax.Array | None) -> tuple[jax.Array, None]:
        dim = x.shape[-1]
        y = self.norm(name="norm")(x)
        if condition is not None:
            y = (1 + Dense(dim, name="gamma")(condition)) * y + Dense(dim, name="beta")(condition)
        y = Dense(dim, name="down")(gelu(Dense(dim, name="up")(gelu(y))))
        return x + nn.Dropout(self.dropout, deterministic=not self.train)(y), cache
