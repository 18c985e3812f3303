"""Greedy search against a loop that computes every prefix anew."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.decode.greedy import greedy

EOS, PAD, V, D, B = 1, 0, 7, 5, 6
rng = np.random.default_rng(0)
START = rng.normal(size=(B, D)).astype(np.float32)
MIX = rng.normal(size=(D, D)).astype(np.float32)
EMBED = rng.normal(size=(V, D)).astype(np.float32)
OUT = 2 * rng.normal(size=(D, V)).astype(np.float32)


def step(state, token):
    """A toy decoder: the state is all that it remembers of the prefix."""
    state = jnp.tanh(state @ MIX + jnp.asarray(EMBED)[token])
    return state, state @ OUT


def search(length):
    return jax.jit(partial(greedy, step, length=length, eos=EOS, pad=PAD))(jnp.asarray(START), START @ OUT)


def brute(row, length):
    """Tokens and log-probability of one row; nothing is kept from one position to the next."""
    tokens, total = [], 0.0
    while len(tokens) < length and EOS not in tokens:
        state = START[row].astype(np.float64)
        for token in tokens:
            state = np.tanh(state @ MIX + EMBED[token])
        logits = state @ OUT
        p = np.exp(logits) / np.sum(np.exp(logits))
        tokens.append(int(np.argmax(p)))
        total += float(np.log(p.max()))
    return tokens + [PAD] * (length - len(tokens)), total


@pytest.mark.parametrize("length", [1, 2, 8])
def test_each_token_is_the_most_probable_one_after_those_before_it(length):
    tokens, total = search(length)
    expected = [brute(row, length) for row in range(B)]
    np.testing.assert_array_equal(tokens, [tokens for tokens, _ in expected])
    np.testing.assert_allclose(total, [total for _, total in expected], atol=1e-4)
    assert tokens.dtype == jnp.int32


def test_rows_end_each_in_its_own_place_and_are_padded_after_it():
    tokens = np.asarray(search(8)[0])
    ends = [list(row).index(EOS) if EOS in row else None for row in tokens]
    assert len(set(ends)) > 2, "the toy decoder no longer tests what it should"
    for row, end in zip(tokens, ends, strict=True):
        assert end is None or (row[end + 1 :] == PAD).all()


def test_it_stops_when_all_rows_have_ended_or_the_length_is_reached():
    def count(answer):
        """A decoder of one answer for all rows, which counts how often it is asked for a next token."""
        asked = []

        def step(at, token):
            jax.debug.callback(lambda: asked.append(1))
            return at + 1, jnp.broadcast_to(jax.nn.one_hot(jnp.asarray(answer)[at], V), (B, V))

        logits = jnp.broadcast_to(jax.nn.one_hot(answer[0], V), (B, V))
        tokens, _ = greedy(step, jnp.array(1), logits, length=6, eos=EOS, pad=PAD)
        jax.effects_barrier()
        np.testing.assert_array_equal(tokens, np.broadcast_to(answer, (B, 6)))
        return len(asked)

    assert count([3, 4, EOS, PAD, PAD, PAD]) == 2
    assert count([EOS, PAD, PAD, PAD, PAD, PAD]) == 0
    assert count([3, 4, 5, 6, 2, 3]) == 5


def test_bf16_logits_are_summed_in_fp32():
    logits = jnp.asarray(START @ OUT, jnp.bfloat16)
    _, total = greedy(step, START, logits, length=1, eos=EOS, pad=PAD)
    exact = np.asarray(logits, np.float64)
    expected = exact.max(-1) - np.log(np.exp(exact).sum(-1))
    assert total.dtype == jnp.float32
    np.testing.assert_allclose(total, expected, atol=1e-5)
