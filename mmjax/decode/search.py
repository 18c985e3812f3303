"""What every search for a sequence has in common.

A model is a pure pair `step`, `pick` over a cache, which may be any pytree; a search chooses from the logits that the
steps give. The pad token is no word and is never chosen while a sequence goes on.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

Step = Callable[[Any, jax.Array], tuple[Any, jax.Array]]
Pick = Callable[[Any, jax.Array], Any]


@runtime_checkable
class Search(Protocol):
    """Looks for a sequence in each row of a batch; may be jitted, and stops when no row can change any more."""

    def __call__(
        self, step: Step, pick: Pick, cache: Any, logits: jax.Array, *, length: int, eos: int, pad: int, key: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Tokens [B, T] (the end token with them, `pad` after it) and the sum of their log-probabilities [B] in fp32.

        Args:
            step: `(cache, token [B]) -> (cache, logits [B, V])`, the cache after a token and the logits of the next.
            pick: `(cache, beams [B, W]) -> cache`, of each row's sequences, which are neighbours in the cache (at first
                there is one), those with these numbers.
            cache: what `step` takes, after the first position.
            logits: [B, V], of the first token.
            length: T, the most tokens a sequence may have.
            eos: the end token.
            pad: the token that fills up.
            key: for those that draw.

        Raises:
            ValueError: there is no room for a token, or eos and pad are the same.
        """


def follow(
    choose: Callable[[jax.Array, jax.Array], jax.Array],
    step: Step,
    cache: Any,
    logits: jax.Array,
    *,
    length: int,
    eos: int,
    pad: int,
) -> tuple[jax.Array, jax.Array]:
    """One sequence a row, to which `choose(at, log_p [B, V]) -> token [B]` adds one token after the other."""
    check(length, eos, pad)

    def take(at: jax.Array, logits: jax.Array, ended: jax.Array) -> tuple[jax.Array, jax.Array]:
        log_p = log_probabilities(logits, pad)
        token = choose(at, log_p)
        gain = jnp.take_along_axis(log_p, token[:, None], axis=-1)[:, 0]
        return jnp.where(ended, pad, token).astype(jnp.int32), jnp.where(ended, 0.0, gain)

    def advance(loop):
        at, cache, tokens, total, ended = loop
        cache, logits = step(cache, tokens[:, at])
        token, gain = take(at + 1, logits, ended)
        return at + 1, cache, tokens.at[:, at + 1].set(token), total + gain, ended | (token == eos)

    batch, start = logits.shape[0], jnp.zeros((), jnp.int32)
    token, total = take(start, logits, jnp.zeros(batch, bool))
    tokens = jnp.full((batch, length), pad, jnp.int32).at[:, 0].set(token)
    loop = (start, cache, tokens, total, token == eos)
    _, _, tokens, total, _ = jax.lax.while_loop(lambda loop: (loop[0] < length - 1) & ~jnp.all(loop[-1]), advance, loop)
    return tokens, total


def log_probabilities(logits: jax.Array, pad: int) -> jax.Array:
    """log p [B, V] in fp32, with -inf for the pad token: its share is not given to the others."""
    log_p = jax.nn.log_softmax(logits.astype(jnp.float32))
    return jnp.where(jnp.arange(logits.shape[-1]) == pad, -jnp.inf, log_p)


def check(length: int, eos: int, pad: int) -> None:
    """Raises ValueError where no search is possible."""
    if length < 1:
        raise ValueError(f"length is {length}; expected room for at least one token")
    if eos == pad:
        raise ValueError(f"eos and pad are both token {pad}; a search needs to tell the end from what follows it")
