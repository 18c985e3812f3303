"""Frames given to tokens in their order, each token at least one (Glow-TTS: Kim et al. 2020, arXiv 2005.11129).

Q_tl = s_tl + max(Q_{t-1,l-1}, Q_{t-1,l})                  most likely path, s the log-likelihood of frame t by token l
A_tl = s_tl + ln(exp A_{t-1,l-1} + exp A_{t-1,l})          all paths, from the first token to the last

The gradient of A at its end by s is how likely each frame is each token's, over all paths.
"""

import jax
import jax.numpy as jnp

BEYOND = -1e10  # of what no path reaches: finite, or its gradient would be NaN
LEAST = -1e6  # a log-likelihood below counts as this: what a path reaches stays above what none does


def feasible(frames: jax.Array, tokens: jax.Array) -> jax.Array:
    """[B] bool, of masks [B, T] and [B, L]: there is a token, and no fewer frames than tokens."""
    number = jnp.sum(tokens, axis=1)
    return (number > 0) & (number <= jnp.sum(frames, axis=1))


def most_likely(scores: jax.Array, frames: jax.Array, tokens: jax.Array) -> jax.Array:
    """[B, T, L] fp32: 1 where a frame is a token's on the most likely path; 0 everywhere where none is feasible.

    Args:
        scores: [B, T, L], log-likelihood of each frame by each token.
        frames: [B, T] bool.
        tokens: [B, L] bool; real tokens come first.
    """

    def turn(before: jax.Array, step: tuple[jax.Array, jax.Array]):
        here, real = step
        stayed, moved = before[:, 1:], before[:, :-1]
        return _next(before, here + jnp.maximum(stayed, moved), real), moved > stayed

    def back(token: jax.Array, step: tuple[jax.Array, jax.Array]):
        moved, real = step
        at = jax.nn.one_hot(token, scores.shape[-1]) * real[:, None]  # [B, L]
        return token - jnp.sum(at * moved, axis=1).astype(token.dtype), at

    given = _steps(scores, frames, tokens)
    _, moved = jax.lax.scan(turn, _start(scores), given)
    _, path = jax.lax.scan(back, jnp.sum(tokens, axis=1) - 1, (moved, given[1]), reverse=True)
    return jnp.moveaxis(path, 0, 1) * feasible(frames, tokens)[:, None, None]


def log_likelihood(scores: jax.Array, frames: jax.Array, tokens: jax.Array) -> jax.Array:
    """[B] fp32, with a gradient: of all paths together; 0 where none is feasible. The arguments are `most_likely`'s."""

    def turn(before: jax.Array, step: tuple[jax.Array, jax.Array]):
        here, real = step
        found = _next(before, here + jnp.logaddexp(before[:, 1:], before[:, :-1]), real)
        # Sums over many frames would leave no digits for how the paths differ.
        level = jax.lax.stop_gradient(jnp.max(found, axis=1))
        return found - level[:, None], level

    ends, levels = jax.lax.scan(turn, _start(scores), _steps(scores, frames, tokens))
    found = jnp.take_along_axis(ends, jnp.sum(tokens, axis=1, keepdims=True), axis=1)[:, 0] + jnp.sum(levels, axis=0)
    return jnp.where(feasible(frames, tokens), found, 0)


def soft(scores: jax.Array, frames: jax.Array, tokens: jax.Array) -> jax.Array:
    """[B, T, L] fp32: how likely each frame is each token's. The arguments are `most_likely`'s."""
    return jax.grad(lambda scores: jnp.sum(log_likelihood(scores, frames, tokens)))(scores.astype(jnp.float32))


def _steps(scores: jax.Array, frames: jax.Array, tokens: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Scores [T, B, L] fp32, cleared, and which frames are real, [T, B]."""
    scores = jnp.where(frames[:, :, None] & tokens[:, None], scores, 0).astype(jnp.float32)
    return jnp.moveaxis(jnp.maximum(scores, LEAST), 1, 0), frames.T


def _start(scores: jax.Array) -> jax.Array:
    """[B, L + 1]: what stands before the first token is where all paths begin."""
    rows, _, number = scores.shape
    return jnp.full((rows, number + 1), BEYOND).at[:, 0].set(0)


def _next(before: jax.Array, found: jax.Array, real: jax.Array) -> jax.Array:
    return jnp.where(real[:, None], jnp.pad(found, [(0, 0), (1, 0)], constant_values=BEYOND), before)
