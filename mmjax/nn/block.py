"""Pre-norm transformer blocks: x + f(norm(x)) for attention, cross-attention and feed-forward in turn.

Both blocks have the form that `nn.stack` takes: `(x, cache, *shared) -> (x, what changed in the cache)`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.nn.attend import KeyValue
from mmjax.nn.attention import Attention


class EncoderBlock(nn.Module):
    """Self-attention and feed-forward over x [B, L, D] whose places are `at`, where rotary positions want them.

    With a cache x is what comes at `index`, as in a decoder: it is the block of decoder-only models too.
    """

    attention: Callable[..., Attention]
    mlp: Callable[..., nn.Module]
    norm: Callable[..., nn.Module]
    dropout: float
    train: bool

    @nn.compact
    def __call__(
        self,
        x: jax.Array,
        cache: dict[str, Any] | None,
        mask: jax.Array,
        bias: jax.Array | None,
        at: jax.Array | None = None,
        index: jax.Array | None = None,
    ) -> tuple[jax.Array, dict[str, Any] | None]:
        drop = nn.Dropout(self.dropout, deterministic=not self.train)
        attention = self.attention(dim=x.shape[-1], name="attention")
        inner = self.norm(name="attention_norm")(x)
        own = attention.project(inner, at)
        if cache is not None:
            own = written(cache["own"], own, index)
        x = x + drop(attention(inner, own, mask, bias, at))
        x = x + drop(self.mlp(name="mlp")(self.norm(name="mlp_norm")(x)))
        return x, None if cache is None else {"own": own}


class DecoderBlock(nn.Module):
    """Causal self-attention, cross-attention to a memory, and feed-forward.

    Without a cache (None) x [B, T, D] is the whole sequence. With a cache x is what comes at `index`: its keys and
    values [B, H, T, K] are written there; those of the memory are projected once, when the cache has none.
    """

    attention: Callable[..., Attention]
    mlp: Callable[..., nn.Module]
    norm: Callable[..., nn.Module]
    dropout: float
    train: bool

    @nn.compact
    def __call__(
        self,
        x: jax.Array,
        cache: dict[str, Any] | None,
        memory: jax.Array | None,
        masks: tuple[jax.Array, jax.Array],
        bias: jax.Array | None,
        index: jax.Array | None,
    ) -> tuple[jax.Array, dict[str, Any] | None]:
        drop = nn.Dropout(self.dropout, deterministic=not self.train)
        own_mask, memory_mask = masks
        attention = self.attention(dim=x.shape[-1], name="attention")
        cross = self.attention(dim=x.shape[-1], name="cross")

        inner = self.norm(name="attention_norm")(x)
        own = attention.project(inner)
        if cache is not None:
            own = written(cache["own"], own, index)
        x = x + drop(attention(inner, own, own_mask, bias))
        across = cache["across"] if cache is not None and "across" in cache else cross.project(memory)
        x = x + drop(cross(self.norm(name="cross_norm")(x), across, memory_mask))
        x = x + drop(self.mlp(name="mlp")(self.norm(name="mlp_norm")(x)))
        if cache is None:
            return x, None
        return x, {"own": own} if "across" in cache else {"own": own, "across": across}


def empty_cache(batch: int, length: int, heads: int, head_dim: int, dtype: Any) -> dict[str, Any]:
    """A layer's cache [B, H, T, K] of keys and values for T positions, not yet with those of a memory."""
    empty = jnp.zeros((batch, heads, length, head_dim), dtype)
    return {"own": (empty, empty)}


def written(cache: KeyValue, new: KeyValue, index: jax.Array) -> KeyValue:
    """Keys and values [B, H, T, K] of a cache with new ones at the places from `index` on."""
    return jax.tree.map(
        lambda old, new: jax.lax.dynamic_update_slice_in_dim(old, new.astype(old.dtype), index, axis=2), cache, new
    )


def chosen(x: jax.Array, beams: jax.Array, axis: int = 0, *, same: bool = False) -> jax.Array:
    """Rows of a cache: from each of B groups of neighbours along `axis` the W that beams [B, W] counts within it.

    A group is never looked for on another device. Where rows are the `same` within a group, nothing is copied as long
    as groups keep their size.
    """
    if same and x.shape[axis] == beams.size:
        return x
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    groups = x.reshape(*before, len(beams), -1, *after)
    take = jax.vmap(partial(jnp.take, axis=axis), in_axes=(axis, 0), out_axes=axis)
    return take(groups, beams).reshape(*before, beams.size, *after)
