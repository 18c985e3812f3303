"""A pre-norm block that looks at a memory and not at itself: cross-attention and feed-forward.

x + attention(norm(x), norm(memory)), then x + mlp(norm(x))

It has the form that `nn.stack` takes: every layer sees the same memory (MulT: Tsai et al. 2019, arXiv 1906.00295).
"""

from collections.abc import Callable

import jax
from flax import linen as nn

from mmjax.nn.attention import Attention


class CrossBlock(nn.Module):
    """x [B, L, D] over a memory [B, S, D] to x; `mask` broadcasts to [B, L, S]."""

    attention: Callable[..., Attention]
    mlp: Callable[..., nn.Module]
    norm: Callable[..., nn.Module]
    dropout: float
    train: bool

    @nn.compact
    def __call__(self, x: jax.Array, cache: None, memory: jax.Array, mask: jax.Array) -> tuple[jax.Array, None]:
        drop = nn.Dropout(self.dropout, deterministic=not self.train)
        cross = self.attention(dim=x.shape[-1], name="cross")
        seen = cross.project(self.norm(name="memory_norm")(memory))
        x = x + drop(cross(self.norm(name="cross_norm")(x), seen, mask))
        return x + drop(self.mlp(name="mlp")(self.norm(name="mlp_norm")(x))), cache
