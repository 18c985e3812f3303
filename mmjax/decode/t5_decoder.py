"""The decoder of T5 1.1: causal self-attention with a relative position bias, cross-attention, gated GELU.

Raffel et al. 2020, arXiv 1910.10683.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn import masks
from mmjax.nn.block import DecoderBlock, chosen, empty_cache
from mmjax.nn.checks import check_sizes
from mmjax.nn.relative_position import RelativePosition
from mmjax.nn.rms_norm import RmsNorm
from mmjax.nn.stack import Stack
from mmjax.nn.t5_encoder import t5_block


class T5Decoder(nn.Module):
    """(memory Tokens [B, S, D], embedded targets x [B, T, D]) to x [B, T, D], whole or token by token."""

    layers: int
    heads: int
    head_dim: int
    hidden: int
    dropout: float = 0.0
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)

    def setup(self):
        self.stack = Stack(t5_block(DecoderBlock, self), self.layers, self.scan)
        self.position = RelativePosition(self.heads, both_sides=False)
        self.norm = RmsNorm()
        self.drop = nn.Dropout(self.dropout)

    def __call__(self, memory: Tokens, x: jax.Array, mask: jax.Array, *, train: bool) -> jax.Array:
        """All T positions at once; mask [B, T] says which targets are real."""
        at = jnp.arange(x.shape[1])
        seen = masks.causal(x.shape[1]) & masks.keys(mask), masks.keys(memory.mask)
        x = self.drop(Tokens.of(x, mask).cleared().x, deterministic=not train)
        x, _ = self.stack(x, None, memory.cleared().x, seen, self.position(at, at), None, train=train)
        return self.drop(self.norm(x), deterministic=not train)

    def begin(self, memory: Tokens, x: jax.Array, length: int) -> tuple[dict[str, Any], jax.Array]:
        """A cache for `length` positions after its first token x [B, 1, D], and what the decoder makes of it."""
        empty = self.stack.caches(empty_cache(x.shape[0], length, self.heads, self.head_dim, x.dtype))
        bias = self.position(jnp.array([length - 1]), jnp.arange(2 * length - 1))  # of each distance, once for all
        cache = {"layers": empty, "memory_mask": memory.mask, "bias": bias, "index": jnp.zeros((), jnp.int32)}
        return self._advance(cache, x, memory.cleared().x)

    def step(self, cache: dict[str, Any], x: jax.Array) -> tuple[dict[str, Any], jax.Array]:
        """The next token x [B, 1, D] and the cache that has seen it."""
        return self._advance(cache, x, None)

    def pick(self, cache: dict[str, Any], beams: jax.Array) -> dict[str, Any]:
        """The cache of beams [B, W] of each row, see `block.chosen`; they have one memory in common."""
        layers = self.stack.pick(cache["layers"], beams, same=("across",))
        return {**cache, "layers": layers, "memory_mask": chosen(cache["memory_mask"], beams, same=True)}

    def _advance(self, cache: dict[str, Any], x: jax.Array, memory: jax.Array | None):
        index, length = cache["index"], (cache["bias"].shape[-1] + 1) // 2
        bias = jax.lax.dynamic_slice_in_dim(cache["bias"], length - 1 - index, length, axis=-1)
        seen = masks.until(length, index), masks.keys(cache["memory_mask"])
        x, layers = self.stack(x, cache["layers"], memory, seen, bias, index, train=False)
        return {**cache, "layers": layers, "index": index + 1}, self.norm(x)
