"""One token in place of a modality that is missing, and how far such a token is from a modality that is there.

y = [v] in rows without a token, else x;  error = mean over rows that have one of |v - mean(x)|^2 / D
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.mean import Mean
from mmjax.core.tokens import Modalities, Tokens
from mmjax.nn import pool

# (name, the other modalities) to what they tell of it, [B, D], and in which rows they do, [B].
Told = Callable[[str, Modalities], tuple[jax.Array, jax.Array]]


def filled(tokens: Tokens, v: jax.Array, known: jax.Array) -> Tokens:
    """Tokens [B, L, D] with v [B, D] as the first one of each row that has none, where `known` [B]."""
    missing = known & ~tokens.mask.any(1)
    place = missing[:, None] & (jnp.arange(tokens.mask.shape[1]) == 0)
    x = jnp.where(place[..., None], v[:, None].astype(tokens.x.dtype), tokens.cleared().x)
    return Tokens.of(x, tokens.mask | place)


def error(tokens: Tokens, v: jax.Array, known: jax.Array) -> Mean:
    """Of v [B, D] from the mean of the tokens [B, L, D], in rows that have one, where `known`; they do not learn."""
    truth = jax.lax.stop_gradient(pool.mean(tokens).x[:, 0])
    square = jnp.square(v.astype(jnp.float32) - truth.astype(jnp.float32))
    return Mean.of(jnp.mean(square, axis=-1), known & tokens.mask.any(1))


def fill_all(module: nn.Module, modalities: Modalities, told: Told) -> dict[str, Tokens]:
    """Every modality filled where it is missing by what the others tell; the module sows `reconstruction`."""
    found, errors = {}, []
    for name, one in sorted(modalities.items()):
        others = {other: tokens for other, tokens in modalities.items() if other != name}
        if not others:
            return {name: one}
        v, known = told(name, others)
        found[name] = filled(one, v, known)
        errors.append(error(one, v, known))
    module.sow("losses", "reconstruction", sum(errors[1:], start=errors[0]))
    return found
