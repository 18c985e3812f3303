"""Attention's written-out gradient: against central differences of loops, and of what may not be seen."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.nn.attend import attend, attend_parts
from tests import reference
from tests.nn.test_attention import MASKS, B, H, K, L, S, draw

SCALE, STEP = 0.7, 1e-5
BIASES = {"no bias": None, "of each head": (1, H, L, S), "of keys alone": (S,), "of a row's keys": (B, 1, 1, S)}


@partial(jax.jit, static_argnums=0)
def gradients(groups, query, key, value, mask, bias, weight):
    """Of sum(weight o) to query, key, value and bias."""

    def total(query, key, value, bias):
        return jnp.sum(weight * attend(query, key, value, mask, bias, SCALE).astype(jnp.float32))

    return jax.grad(total, argnums=(0, 1, 2) if bias is None else (0, 1, 2, 3))(query, key, value, bias)


def by_loops(query, key, value, mask, bias):
    """[B, H, L, K] from the loops of `reference`, in float64; heads that share a key get copies of it."""
    together = H // key.shape[1]
    first = [np.swapaxes(x, 1, 2) for x in (query, np.repeat(key, together, 1), np.repeat(value, together, 1))]
    rows = np.broadcast_to(0.0 if bias is None else bias, (B, H, L, S))
    out = [reference.attend(*(x[i : i + 1] for x in (*first, mask)), rows[i], SCALE)[0] for i in range(B)]
    return np.swapaxes(np.concatenate(out), 1, 2)


def differences(function, at, count, rng):
    """Central differences of a function along some random directions, and the directions."""
    for _ in range(count):
        way = rng.normal(size=at.shape)
        yield way, (function(at + STEP * way) - function(at - STEP * way)) / (2 * STEP)


@pytest.mark.parametrize("groups", [H, 1])
@pytest.mark.parametrize("name", MASKS)
def test_keys_in_several_parts_are_read_as_if_they_stood_side_by_side(name, groups):
    query, key, value = draw(B, H, L, K, seed=0), draw(B, groups, S, K, seed=1), draw(B, groups, S, K, seed=2)
    cuts = [slice(0, 1), slice(1, S - 1), slice(S - 1, S)]
    found = jax.jit(attend_parts, static_argnums=3)(
        query, tuple((key[:, :, cut], value[:, :, cut]) for cut in cuts), MASKS[name], SCALE
    )
    np.testing.assert_allclose(found, by_loops(query, key, value, MASKS[name], None), atol=1e-5)


@pytest.mark.parametrize("groups", [H, 1])
@pytest.mark.parametrize("form", BIASES)
@pytest.mark.parametrize("name", MASKS)
def test_gradients_are_those_of_the_loops_by_central_differences(name, form, groups):
    given = [draw(B, H, L, K, seed=0), draw(B, groups, S, K, seed=1), draw(B, groups, S, K, seed=2)]
    bias = None if BIASES[form] is None else draw(*BIASES[form], seed=3)
    weight, mask, rng = draw(B, H, L, K, seed=4), MASKS[name], np.random.default_rng(5)
    found = gradients(groups, *given, mask, bias, weight)
    given = [np.float64(x) for x in (*given, *([] if bias is None else [bias]))]
    for place, gradient in enumerate(found):

        def total(x, place=place):
            query, key, value, *more = [*given[:place], x, *given[place + 1 :]]
            return np.sum(weight * by_loops(query, key, value, mask, more[0] if more else None))

        assert gradient.shape == given[place].shape
        for way, slope in differences(total, given[place], 2, rng):
            np.testing.assert_allclose(np.sum(way * gradient), slope, atol=1e-4)


def test_masks_that_are_broadcast_have_the_gradients_of_whole_ones():
    given = draw(B, H, L, K, seed=0), draw(B, H, S, K, seed=1), draw(B, H, S, K, seed=2)
    mask, weight = np.array([[[1, 0, 1, 1]]], bool), draw(B, H, L, K, seed=4)
    some = gradients(H, *given, mask, None, weight)
    for one, other in zip(some, gradients(H, *given, np.broadcast_to(mask, (B, L, S)), None, weight), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_in_bf16_gradients_are_near_those_in_fp32_and_keep_the_type():
    given = draw(B, H, L, K, seed=0), draw(B, 1, S, K, seed=1), draw(B, 1, S, K, seed=2)
    bias, weight, mask = draw(1, H, L, S, seed=3), draw(B, H, L, K, seed=4), MASKS["causal"]
    low = gradients(1, *(jnp.asarray(x, jnp.bfloat16) for x in given), mask, bias, weight)
    for one, other in zip(low, gradients(1, *given, mask, bias, weight), strict=True):
        np.testing.assert_allclose(one.astype(jnp.float32), other, atol=0.1)
    assert [x.dtype for x in low] == [jnp.bfloat16] * 3 + [jnp.float32]


def test_one_array_of_queries_by_keys_is_kept():
    given = [jnp.asarray(x) for x in (draw(B, H, L, K, seed=0), draw(B, H, S, K, seed=1), draw(B, H, S, K, seed=2))]
    _, back = jax.vjp(lambda *x: attend(*x, jnp.asarray(MASKS["causal"]), None, SCALE), *given)
    assert [leaf.shape for leaf in jax.tree.leaves(back)].count((B, H, L, S)) == 1
