"""Learned queries that each gather from all tokens of all modalities, after Lee et al. 2019 (arXiv 1810.00825).

y_q = attention(s_q, [x_1; ...; x_M]),  s learned

Of their pooling it is the attention alone: no residual, norm or feed-forward network.
"""

import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, join
from mmjax.nn import masks
from mmjax.nn.aligned import any_real
from mmjax.nn.attention import Attention
from mmjax.nn.checks import check_sizes
from mmjax.nn.sized import head_dim


class AttentionPooling(nn.Module):
    """Modalities [B, L_m, D] to Tokens [B, queries, D], real in rows where any token is."""

    order: tuple[str, ...]
    queries: int = 1
    heads: int = 4

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "queries")

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        tokens = join(modalities, self.order).cleared()
        rows, _, dim = tokens.x.shape
        queries = self.param("queries", nn.initializers.normal(0.02), (self.queries, dim))
        queries = jnp.broadcast_to(queries.astype(tokens.x.dtype), (rows, self.queries, dim))
        attention = Attention(dim, self.heads, head_dim(dim, self.heads), name="attention")
        y = attention(queries, attention.project(tokens.x), masks.keys(tokens.mask))
        return Tokens.of(y, any_real([tokens], self.queries))
