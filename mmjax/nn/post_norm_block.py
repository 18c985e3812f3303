"""The post-norm transformer block of BERT: norm(x + f(x)) for attention and feed-forward in turn.

Vaswani et al. 2017, arXiv 1706.03762; Devlin et al. 2019, arXiv 1810.04805.
"""

from collections.abc import Callable

import jax
from flax import linen as nn

from mmjax.nn.attention import Attention


class PostNormBlock(nn.Module):
    """Self-attention and feed-forward over x [B, L, D], in the form that `nn.stack` takes; it keeps no cache."""

    attention: Callable[..., Attention]
    mlp: Callable[..., nn.Module]
    norm: Callable[..., nn.Module]
    dropout: float
    train: bool

    @nn.compact
    def __call__(self, x: jax.Array, cache: None, mask: jax.Array) -> tuple[jax.Array, None]:
        drop = nn.Dropout(self.dropout, deterministic=not self.train)
        attention = self.attention(dim=x.shape[-1], name="attention")
        x = self.norm(name="attention_norm")(x + drop(attention(x, attention.project(x), mask)))
        x = self.norm(name="mlp_norm")(x + drop(self.mlp(name="mlp")(x)))
        return x, cache
