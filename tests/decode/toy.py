"""A toy decoder whose state is all that it remembers of the tokens before, and its scores by plain loops."""

import itertools

import jax.numpy as jnp
import numpy as np

EOS, PAD, V, D, B = 1, 0, 7, 5, 6
rng = np.random.default_rng(0)
START = rng.normal(size=(B, D)).astype(np.float32)
MIX = rng.normal(size=(D, D)).astype(np.float32)
EMBED = rng.normal(size=(V, D)).astype(np.float32)
OUT = 2 * rng.normal(size=(D, V)).astype(np.float32)
BEGIN = jnp.asarray(START), jnp.asarray(START @ OUT)
ENDS = dict(eos=EOS, pad=PAD)


def step(state, token):
    state = jnp.tanh(state @ MIX + jnp.asarray(EMBED)[token])
    return state, state @ OUT


def pick(state, beams):
    groups = state.reshape(len(beams), -1, *state.shape[1:])
    return jnp.concatenate([group[numbers] for group, numbers in zip(groups, beams, strict=True)])


def log_p(row, before):
    """log p [V] of what follows the tokens `before` in a row; nothing is kept from one place to the next."""
    state = START[row].astype(np.float64)
    for token in before:
        state = np.tanh(state @ MIX + EMBED[token])
    logits = state @ OUT
    return logits - np.log(np.sum(np.exp(logits)))


def total(row, tokens):
    """The sum of the log-probabilities of tokens in a row."""
    return sum(log_p(row, tokens[:n])[token] for n, token in enumerate(tokens))


def words(tokens):
    """The tokens of a found sequence up to its end, the end with them."""
    kept = list(itertools.takewhile(lambda token: token != EOS, map(int, tokens)))
    return kept if len(kept) == len(tokens) else [*kept, EOS]
