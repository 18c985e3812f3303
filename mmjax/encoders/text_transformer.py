"""A transformer over token ids, unpooled: embeddings and positions, then pre-norm blocks (arXiv 1706.03762).

x = blocks(embed(id) + position)
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_arrays, check_sizes
from mmjax.nn.time_position import TimePosition
from mmjax.nn.transformer import Transformer


class TextTransformer(nn.Module):
    """Ids [B, L] int32 with mask [B, L] to Tokens [B, L, dim].

    `position` adds where each token stands: `nn.time_position`, fixed, or `nn.table_position`, learned.
    """

    dim: int
    vocab: int
    layers: int = 4
    heads: int = 4
    hidden: int | None = None
    position: nn.Module = TimePosition()
    dropout: float = 0.0
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "vocab")

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        check_arrays(self, values, mask, "B L |")
        embed = nn.Embed(self.vocab, self.dim, embedding_init=nn.initializers.normal(1.0), name="embed")
        # An id beyond the table would be a NaN.
        x = self.position(embed(jnp.where(mask, values, 0)))
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        trunk = Transformer(self.layers, self.heads, self.hidden, self.dropout, self.scan, name="transformer")
        return trunk(Tokens.of(x, mask), train=train)
