"""A question that looks at the picture again and again, each time with what it has seen.

After Yang et al. 2016 (arXiv 1511.02274), with attention of many heads in place of additive attention.

u_0 = sum over others m of W_m mean(x_m) + b,  u_k = block_k(u_{k-1}, x_1),  y = norm(u_n)

x_1 are the tokens of the first modality, which the others ask; a block is cross-attention and feed-forward.
"""

import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, in_order
from mmjax.nn import masks
from mmjax.nn.aligned import any_real
from mmjax.nn.checks import check_sizes
from mmjax.nn.cross_block import CrossBlock
from mmjax.nn.dense import Dense
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.pool import mean
from mmjax.nn.sized import sized
from mmjax.nn.stack import Stack


class StackedAttention(nn.Module):
    """Modalities [B, L_m, D] to Tokens [B, 1, D], real in rows where any token is; `order` begins with what is asked.

    `hidden` None is 4 D. A single modality asks itself.
    """

    order: tuple[str, ...]
    layers: int = 2
    heads: int = 4
    hidden: int | None = None
    dropout: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        given = dict(zip(self.order, in_order(modalities, self.order), strict=True))
        seen = given[self.order[0]].cleared()
        dim = seen.x.shape[-1]
        pooled = [mean(given[name]).x for name in self.order[1:] or self.order]
        x = Dense(dim, name="ask")(jnp.concatenate(pooled, axis=-1))
        stack = Stack(sized(CrossBlock, self, dim), self.layers, name="stack")
        x, _ = stack(x, None, seen.x, masks.keys(seen.mask), train=train)
        return Tokens.of(LayerNorm(name="norm")(x), any_real(given.values()))
