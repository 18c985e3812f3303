"""The decoder-only transformer of Gemma: rotary positions, a shared key and value, gated GELU (arXiv 2403.08295).

What it is given first sees all of itself, what it writes what came before (prefix-LM: Raffel et al. 2020, 1910.10683).
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn import masks
from mmjax.nn.attention import Attention
from mmjax.nn.block import EncoderBlock, chosen, empty_cache
from mmjax.nn.checks import check_sizes
from mmjax.nn.gated_mlp import GatedMlp
from mmjax.nn.offset_rms_norm import OffsetRmsNorm
from mmjax.nn.stack import Stack


class GemmaDecoder(nn.Module):
    """(memory Tokens [B, S, D], embedded targets x [B, T, D]) to what follows memory and each target [B, 1 + T, D].

    Positions count real tokens alone, so that padding between them sets nothing apart. The last token of the memory
    must be real: writing goes on from there.
    """

    layers: int
    heads: int
    head_dim: int
    hidden: int
    kv_heads: int = 1
    rotary: float = 10_000.0
    dropout: float = 0.0
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "kv_heads")

    def setup(self):
        sizes = dict(heads=self.heads, head_dim=self.head_dim, kv_heads=self.kv_heads, rotary=self.rotary)
        block = partial(
            EncoderBlock,
            attention=partial(Attention, **sizes),
            mlp=partial(GatedMlp, hidden=self.hidden),
            norm=OffsetRmsNorm,
            dropout=self.dropout,
        )
        self.stack = Stack(block, self.layers, self.scan)
        self.norm = OffsetRmsNorm()
        self.drop = nn.Dropout(self.dropout)

    def __call__(self, memory: Tokens, x: jax.Array, mask: jax.Array, *, train: bool) -> jax.Array:
        """All places at once; mask [B, T] says which targets are real."""
        prefix = memory.mask.shape[1]
        real = jnp.concatenate([memory.mask, mask], axis=1)
        tokens = Tokens.of(jnp.concatenate([memory.x, x], axis=1), real).cleared()
        seen = masks.prefix(real.shape[1], prefix) & masks.keys(real)
        inner = self.drop(tokens.x, deterministic=not train)
        out, _ = self.stack(inner, None, seen, None, masks.places(real), None, train=train)
        return self.norm(out[:, prefix - 1 :])

    def begin(self, memory: Tokens, length: int) -> tuple[dict[str, Any], jax.Array]:
        """A cache for the memory and `length` tokens more, and what follows the memory [B, 1, D]."""
        batch, prefix = memory.mask.shape
        real = jnp.pad(memory.mask, ((0, 0), (0, length)))
        empty = self.stack.caches(empty_cache(batch, prefix + length, self.kv_heads, self.head_dim, memory.x.dtype))
        index, at = jnp.zeros((), jnp.int32), masks.places(memory.mask)
        x, layers = self.stack(memory.cleared().x, empty, masks.keys(real), None, at, index, train=False)
        cache = {"layers": layers, "real": real, "next": at[:, -1:] + 1, "index": index + prefix}
        return cache, self.norm(x[:, -1:])

    def step(self, cache: dict[str, Any], x: jax.Array) -> tuple[dict[str, Any], jax.Array]:
        """The next token x [B, 1, D] and the cache that has seen it."""
        index, at = cache["index"], cache["next"]
        real = cache["real"] | (jnp.arange(cache["real"].shape[1]) == index)
        x, layers = self.stack(x, cache["layers"], masks.keys(real), None, at, index, train=False)
        return {"layers": layers, "real": real, "next": at + 1, "index": index + 1}, self.norm(x)

    def pick(self, cache: dict[str, Any], beams: jax.Array) -> dict[str, Any]:
        """The cache of beams [B, W] of each row, see `block.chosen`; which places are real is the same for them."""
        same = {name: chosen(cache[name], beams, same=True) for name in ("real", "next")}
        return {**cache, **same, "layers": self.stack.pick(cache["layers"], beams)}
