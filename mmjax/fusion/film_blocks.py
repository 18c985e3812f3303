"""What all others say modulates residual blocks, through which each token of the first goes by itself, into one vector.

c = [sum_l a_1l x_l, ..., sum_l a_ql x_l] over the tokens of the others,   a_q = softmax(X w_q)
y = gelu(W [mean of norm(blocks(V x_1, c)), c] + b)

The blocks are those of FiLM (Perez et al. 2018, arXiv 1709.07871), see `nn.film_block`: what is asked of each thing is
the same, whatever stands beside it, and only answers are brought together.
"""

from functools import partial

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, in_order, join
from mmjax.nn.aligned import any_real, shares
from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense
from mmjax.nn.film_block import FilmBlock
from mmjax.nn.gelu import gelu
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.pool import mean
from mmjax.nn.stack import Stack


class FilmBlocks(nn.Module):
    """Modalities [B, L_m, D] to Tokens [B, 1, width], real where any token is; `order` begins with what is modulated.

    `width`, None for D, is that of the blocks too. `queries` is of how many sums of the others' tokens the condition
    is; a single modality goes through blocks that nothing modulates.
    """

    order: tuple[str, ...]
    layers: int = 3
    width: int | None = None
    queries: int = 4
    dropout: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "width", "queries")

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        tokens = in_order(modalities, self.order)
        first = tokens[0].cleared()
        width = self.width or first.x.shape[-1]
        others = {name: modalities[name] for name in self.order[1:]}
        condition = self._said(join(others, self.order[1:]).cleared()) if others else None
        stack = Stack(partial(FilmBlock, dropout=self.dropout), self.layers, name="stack")
        x, _ = stack(Dense(width, name="map")(first.x), None, condition, train=train)
        found = mean(first.replace(x=LayerNorm(name="norm")(x))).x
        found = found if condition is None else jnp.concatenate([found, condition], axis=-1)
        return Tokens.of(gelu(Dense(width, name="out")(found)), any_real(tokens))

    def _said(self, others: Tokens) -> jax.Array:
        """[B, 1, queries D]"""
        logits = Dense(self.queries, use_bias=False, name="ask")(others.x)
        weights = shares(logits, others.mask[..., None], axis=1).astype(others.x.dtype)
        return rearrange(jnp.einsum("blq,bld->bqd", weights, others.x), "b q d -> b 1 (q d)")
