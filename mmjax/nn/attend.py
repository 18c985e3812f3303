"""What attention reads: softmax(c q k' + bias, over real keys) v, with its gradient written out.

e = exp(c q k' + bias - max),  z = sum e,  o = e v / z
dv = e' (do / z),  ds = e (do v' - sum(do o)) / z,  dq = c ds k,  dk = c ds' q   (Dao et al. 2022, arXiv 2205.14135)

Of all that has L S numbers only e is kept for the gradient, where autodiff keeps the weights too, and both products for
keys and values are taken with the narrow factor on the left, which is the faster side for a CPU.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange

Kept = tuple[jax.Array, ...]
KeyValue = tuple[jax.Array, jax.Array]


@partial(jax.custom_vjp, nondiff_argnums=(5,))
def attend(
    query: jax.Array, key: jax.Array, value: jax.Array, mask: jax.Array, bias: jax.Array | None, scale: float
) -> jax.Array:
    """[B, H, L, K] in the type of value, from query [B, H, L, K] and key, value [B, G, S, K]; H / G heads share a key.

    `mask` broadcasts to [B, L, S], True = may be seen; `bias` broadcasts to [B, H, L, S]. Softmax and sums are in
    fp32. A query that may see no key gets zeros.
    """
    return _forward(query, key, value, mask, bias, scale)[0]


def scores(query: jax.Array, key: jax.Array, mask: jax.Array, bias: jax.Array | None, scale: float) -> jax.Array:
    """[B, H, L, S] in fp32; far below any score, yet finite, where a key may not be seen."""
    found = _scored(query, key) * scale
    if bias is not None:
        found = found + bias.astype(jnp.float32)
    return _masked(found, mask)


def attend_parts(query: jax.Array, seen: Sequence[KeyValue], mask: jax.Array, scale: float) -> jax.Array:
    """As `attend` of keys and values that stand after each other in several arrays, none of which is copied.

    For few queries, which write: the scores are put together in their place, and the gradient is left to autodiff.
    """
    found = _masked(jnp.concatenate([_scored(query, key) for key, _ in seen], axis=-1) * scale, mask)
    weights = jnp.where(_seen(mask), jax.nn.softmax(found, axis=-1), 0)
    ends = np.cumsum([key.shape[2] for key, _ in seen])[:-1]
    parts = zip(jnp.split(weights, ends, axis=-1), seen, strict=True)
    return sum(_read(share.astype(value.dtype), value) for share, (_, value) in parts).astype(seen[0][1].dtype)


def _forward(query, key, value, mask, bias, scale) -> tuple[jax.Array, Kept]:
    found = scores(query, key, mask, bias, scale)
    # Where no key may be seen, all are equally far below the others: these are cleared.
    e = jnp.where(_seen(mask), jnp.exp(found - jnp.max(found, axis=-1, keepdims=True)), 0)
    z = jnp.sum(e, axis=-1, keepdims=True)
    share = jnp.where(z > 0, 1 / jnp.where(z > 0, z, 1), 0)
    e = e.astype(value.dtype)
    out = (_read(e, value) * share).astype(value.dtype)
    return out, (query, key, value, bias, e, share, out)


def _backward(scale: float, kept: Kept, gradient: jax.Array) -> tuple[jax.Array | None, ...]:
    query, key, value, bias, e, share, out = kept
    shared = gradient.astype(jnp.float32) * share
    level = jnp.sum(shared * out, axis=-1, keepdims=True)
    shared = shared.astype(value.dtype)
    scored = e * (_scored(shared, value) - level)
    to_bias = None if bias is None else _summed(scored, bias)
    scored = (scored * scale).astype(query.dtype)
    to_query = _read(scored, key).astype(query.dtype)
    to_key = _gathered(query, scored, key.shape[1]).astype(key.dtype)
    to_value = _gathered(shared, e, value.shape[1]).astype(value.dtype)
    return to_query, to_key, to_value, None, to_bias


attend.defvjp(_forward, _backward)


def _masked(found: jax.Array, mask: jax.Array) -> jax.Array:
    return jnp.where(_seen(mask), found, 0.5 * jnp.finfo(jnp.float32).min)


def _seen(mask: jax.Array) -> jax.Array:
    return rearrange(mask, "b l s -> b 1 l s")


def _summed(gradient: jax.Array, bias: jax.Array) -> jax.Array:
    """The gradient [B, H, L, S] summed over what the bias was broadcast along."""
    lead = gradient.ndim - bias.ndim
    axes = [*range(lead), *(lead + i for i, size in enumerate(bias.shape) if size == 1)]
    return jnp.sum(gradient, axes, keepdims=True).reshape(bias.shape).astype(bias.dtype)


def _grouped(product: str, heads: jax.Array, shared: jax.Array) -> jax.Array:
    """An einsum in fp32 of heads [B, H, L, .] with what G groups of them share [B, G, S, .]: one product a group."""
    length, groups = heads.shape[2], shared.shape[1]
    found = jnp.einsum(product, _together(heads, groups), shared, preferred_element_type=jnp.float32)
    return rearrange(found, "b g (r l) x -> b (g r) l x", l=length)


def _together(heads: jax.Array, groups: int) -> jax.Array:
    return rearrange(heads, "b (g r) l x -> b g (r l) x", g=groups)


_scored: Callable[[jax.Array, jax.Array], jax.Array] = partial(_grouped, "bglk,bgsk->bgls")
_read: Callable[[jax.Array, jax.Array], jax.Array] = partial(_grouped, "bgls,bgsk->bglk")


def _gathered(narrow: jax.Array, wide: jax.Array, groups: int) -> jax.Array:
    """[B, G, S, K] of narrow [B, H, L, K] and wide [B, H, L, S]: the product over heads of a group and queries."""
    narrow, wide = (_together(x, groups) for x in (narrow, wide))
    return jnp.einsum("bglk,bgls->bgks", narrow, wide, preferred_element_type=jnp.float32).swapaxes(2, 3)
