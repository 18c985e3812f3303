"""BERT's encoder, unpooled (Devlin et al. 2019, arXiv 1810.04805); MiniLM and many sentence encoders have its form.

x = blocks(norm(word + position + type)),  block: x = norm(x + attention(x)), x = norm(x + mlp(x)), exact GELU

`mmjax import bert` fills it from a public `model.safetensors`.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn import masks
from mmjax.nn.checks import check_arrays, check_sizes
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.post_norm_block import PostNormBlock
from mmjax.nn.sized import sized
from mmjax.nn.stack import Stack
from mmjax.nn.table_position import TablePosition


class Bert(nn.Module):
    """Ids [B, L] int32 with mask [B, L] to Tokens [B, L, dim]; all are of the first of the `types`, one text alone.

    The defaults are those of BERT base, uncased. What was trained with [CLS] and [SEP] around a text wants them in the
    ids. `length` is the most tokens that there are positions for.
    """

    dim: int = 768
    vocab: int = 30_522
    layers: int = 12
    heads: int = 12
    hidden: int | None = None
    length: int = 512
    types: int = 2
    epsilon: float = 1e-12
    dropout: float = 0.0
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "vocab", "length", "types")

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        check_arrays(self, values, mask, "B L |")
        norm = partial(LayerNorm, epsilon=self.epsilon)
        start = nn.initializers.normal(self.dim**-0.5)
        embed = nn.Embed(self.vocab, self.dim, embedding_init=start, name="embed")
        kinds = self.param("type", start, (self.types, self.dim))
        # An id beyond the table would be a NaN.
        x = TablePosition(self.length, name="position")(embed(jnp.where(mask, values, 0))) + kinds[0]
        x = nn.Dropout(self.dropout, deterministic=not train)(norm(name="norm")(x))
        block = sized(PostNormBlock, self, self.dim, use_bias=True, approximate=False, norm=norm)
        x, _ = Stack(block, self.layers, self.scan, name="stack")(x, None, masks.keys(mask), train=train)
        return Tokens.of(x, mask)
