"""A few learned tokens read all modalities in several layers: the Perceiver's latents and BLIP-2's Q-Former.

Each layer is self-attention among the queries, cross-attention to all tokens, feed-forward.
Jaegle et al. 2021, arXiv 2103.03206; Li et al. 2023, arXiv 2301.12597.
"""

import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, join
from mmjax.nn import masks
from mmjax.nn.aligned import any_real
from mmjax.nn.block import DecoderBlock
from mmjax.nn.checks import check_sizes
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.sized import sized
from mmjax.nn.stack import Stack


class LearnedQueries(nn.Module):
    """Modalities [B, L_m, D] to Tokens [B, queries, D], real in rows where any token is; `hidden` None is 4 D."""

    order: tuple[str, ...]
    queries: int = 8
    layers: int = 2
    heads: int = 4
    hidden: int | None = None
    dropout: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "queries")

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        tokens = join(modalities, self.order).cleared()
        rows, _, dim = tokens.x.shape
        queries = self.param("queries", nn.initializers.normal(0.02), (self.queries, dim))
        x = jnp.broadcast_to(queries.astype(tokens.x.dtype), (rows, self.queries, dim))
        memory = LayerNorm(name="memory_norm")(tokens.x)
        seen = jnp.ones((1, 1, self.queries), bool), masks.keys(tokens.mask)
        stack = Stack(sized(DecoderBlock, self, dim), self.layers, name="stack")
        x, _ = stack(x, None, memory, seen, None, None, train=train)
        return Tokens.of(LayerNorm(name="norm")(x), any_real([tokens], self.queries))
