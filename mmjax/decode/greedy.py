"""Greedy decoding: at each step the most probable token, until every row has ended or the length is reached."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

Step = Callable[[Any, jax.Array], tuple[Any, jax.Array]]


def greedy(
    step: Step, cache: Any, logits: jax.Array, *, length: int, eos: int, pad: int
) -> tuple[jax.Array, jax.Array]:
    """Tokens [B, T] (the end token with them, `pad` after it) and the sum of their log-probabilities [B].

    Args:
        step: `(cache, token [B]) -> (cache, logits [B, V])`, a pure function.
        cache: any pytree, after the first position.
        logits: [B, V], of the first position.
    """
    batch = logits.shape[0]

    def choose(logits: jax.Array, ended: jax.Array) -> tuple[jax.Array, jax.Array]:
        log_p = jax.nn.log_softmax(logits.astype(jnp.float32))
        token = jnp.where(ended, pad, jnp.argmax(log_p, axis=-1))
        return token, jnp.where(ended, 0.0, jnp.max(log_p, axis=-1))

    def advance(loop):
        at, cache, tokens, total, ended = loop
        cache, logits = step(cache, tokens[:, at])
        token, gain = choose(logits, ended)
        return at + 1, cache, tokens.at[:, at + 1].set(token), total + gain, ended | (token == eos)

    token, total = choose(logits, jnp.zeros(batch, bool))
    tokens = jnp.full((batch, length), pad, jnp.int32).at[:, 0].set(token)
    loop = (jnp.zeros((), jnp.int32), cache, tokens, total, token == eos)
    _, _, tokens, total, _ = jax.lax.while_loop(lambda loop: (loop[0] < length - 1) & ~jnp.all(loop[-1]), advance, loop)
    return tokens, total
