"""Attention against loops over batch, head and query; masks that hold for values, weights and gradients."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.nn.attention import Attention, attention_weights
from tests import reference

B, L, S, H, K, D = 2, 3, 4, 2, 3, 5


def draw(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


MASKS = {
    "all keys": np.ones((B, L, S), bool),
    "keys of each row": np.broadcast_to(np.array([[1, 1, 0, 0], [0, 1, 1, 1]], bool)[:, None], (B, L, S)),
    "causal": np.broadcast_to(np.tri(L, S, dtype=bool), (B, L, S)),
    "some queries see nothing": np.random.default_rng(3).random((B, L, S)) < 0.4,
    "a whole row sees nothing": np.broadcast_to(np.array([True, False])[:, None, None], (B, L, S)),
}
MASKS["some queries see nothing"][0, 1] = False


def to_itself(attention, x, mask):
    return attention(x, attention.project(x), mask)


@partial(jax.jit, static_argnames="scale")
def apply(params, x, memory, mask, bias, scale):
    module = Attention(dim=D, heads=H, head_dim=K, use_bias=True, scale=scale)
    bound = module.bind({"params": params})
    return bound(x, bound.project(memory), mask, bias)


@partial(jax.jit, static_argnames="scale")
def weigh(query, key, mask, bias, scale):
    return attention_weights(jnp.swapaxes(query, 1, 2), jnp.swapaxes(key, 1, 2), mask, bias, scale)


@pytest.fixture(scope="module")
def params():
    module = Attention(dim=D, heads=H, head_dim=K, use_bias=True)
    return reference.parameters(module, np.ones((1, L, D)), np.ones((1, L, L), bool), method=to_itself)


@pytest.mark.parametrize("name", MASKS)
def test_weights_are_a_softmax_over_the_keys_that_may_be_seen(name):
    query, key, bias = draw(B, L, H, K, seed=0), draw(B, S, H, K, seed=1), draw(1, H, L, S, seed=2)
    found = weigh(query, key, MASKS[name], bias, 0.7)
    _, weights = reference.attend(query, key, key, MASKS[name], bias[0], 0.7)
    np.testing.assert_allclose(found, weights, atol=1e-6)
    without = weigh(query, key, MASKS[name], None, 1.0)
    _, weights = reference.attend(query, key, key, MASKS[name], np.zeros((H, L, S)), 1.0)
    np.testing.assert_allclose(without, weights, atol=1e-6)


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("scale", [None, 1.0])
def test_the_layer_is_the_loops_over_projected_heads(params, name, scale):
    x, memory, bias = draw(B, L, D, seed=4), draw(B, S, D, seed=5), draw(1, H, L, S, seed=6)
    found = apply(params, x, memory, MASKS[name], bias, scale)
    factor = K**-0.5 if scale is None else scale
    expected = reference.attention(x, memory, params, MASKS[name], bias[0], heads=H, scale=factor)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_masks_and_biases_are_broadcast(params):
    x, memory, bias = draw(B, L, D, seed=4), draw(B, S, D, seed=5), draw(1, H, 1, S, seed=6)
    mask = np.array([[[1, 0, 1, 1]]], bool)
    found = apply(params, x, memory, mask, bias, None)
    whole = np.broadcast_to(mask, (B, L, S)), np.broadcast_to(bias, (B, H, L, S))
    np.testing.assert_allclose(found, apply(params, x, memory, *whole, None), atol=1e-6)


def test_masked_keys_have_no_weight_whatever_they_hold_and_get_no_gradient(params):
    mask = MASKS["some queries see nothing"].copy()
    mask[:, :, 2] = False
    x, memory = draw(B, L, D, seed=4), draw(B, S, D, seed=5)
    huge = memory.copy()
    huge[:, 2] = 1e30

    @jax.jit
    @partial(jax.value_and_grad, argnums=(0, 1))
    def total(x, memory):
        return jnp.sum(apply(params, x, memory, mask, None, None) ** 2)

    (value, gradients), (other, others) = total(x, memory), total(x, huge)
    assert value == other
    np.testing.assert_array_equal(gradients[0], others[0])
    np.testing.assert_array_equal(others[1][:, 2], np.zeros((B, D)))
    assert np.abs(others[1][:, [0, 1, 3]]).min(axis=-1).max() > 0


def test_a_masked_key_has_no_weight_even_where_the_logits_of_the_others_are_far_below_zero():
    query, key = np.full((1, 1, 1, 1), 1e4, np.float32), np.array([-1e4, -1e4, 0], np.float32).reshape(1, 3, 1, 1)
    found = weigh(query, key, np.array([[[True, True, False]]]), None, 1.0)
    np.testing.assert_array_equal(np.ravel(found), [0.5, 0.5, 0])


def test_a_query_that_sees_nothing_gets_the_bias_of_the_output_and_finite_gradients(params):
    x, memory, nothing = draw(B, L, D, seed=4), draw(B, S, D, seed=5), np.zeros((B, 1, S), bool)

    def out(params, x, memory):
        return apply(params, x, memory, nothing, None, None)

    np.testing.assert_array_equal(out(params, x, memory), np.broadcast_to(params["out"]["bias"], (B, L, D)))
    gradients = jax.jit(jax.grad(lambda *args: jnp.sum(out(*args) ** 2), argnums=(0, 1, 2)))(params, x, memory)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))
    np.testing.assert_array_equal(gradients[1], np.zeros_like(x))


def test_logits_and_softmax_are_in_fp32_where_queries_and_keys_are_in_bf16():
    query, key = (jnp.asarray(4 * draw(B, n, H, K, seed=n), jnp.bfloat16) for n in (L, S))
    found = weigh(query, key, MASKS["all keys"], None, 1.0)
    rounded = (np.asarray(query, np.float64), np.asarray(key, np.float64))
    _, weights = reference.attend(*rounded, rounded[1], MASKS["all keys"], np.zeros((H, L, S)), 1.0)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, weights, atol=1e-5)


def test_bf16_comes_out_as_bf16(params):
    low = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.bfloat16), params)
    x, memory = (jnp.asarray(draw(B, n, D, seed=n), jnp.bfloat16) for n in (L, S))
    found = apply(low, x, memory, MASKS["causal"], None, None)
    assert found.dtype == jnp.bfloat16
    exact = apply(params, np.float32(x), np.float32(memory), MASKS["causal"], None, None)
    np.testing.assert_allclose(found.astype(jnp.float32), exact, atol=0.1)


def test_the_weights_can_be_collected_and_are_not_where_nobody_asks(params):
    module = Attention(dim=D, heads=H, head_dim=K, use_bias=True)
    x, mask = draw(B, L, D, seed=4), np.tri(L, dtype=bool)[None]

    _, state = module.apply({"params": params}, x, mask, method=to_itself, mutable=["maps"])
    (weights,) = state["maps"]["attention"]
    query, key = (np.stack(np.split(reference.dense(x, params[n]), H, axis=-1), axis=2) for n in ("query", "key"))
    _, expected = reference.attend(query, key, key, np.broadcast_to(mask, (B, L, L)), np.zeros((H, L, L)), K**-0.5)
    np.testing.assert_allclose(weights, expected, atol=1e-6)
    assert not isinstance(module.apply({"params": params}, x, mask, method=to_itself), tuple)


def test_a_scale_of_one_is_folded_into_the_initial_query_weights():
    x = jnp.ones((1, 1, 256))
    spread = {}
    for scale in (None, 1.0):
        module = Attention(dim=256, heads=4, head_dim=16, scale=scale)
        start = jax.jit(partial(module.init, method=to_itself))
        params = start(jax.random.key(0), x, jnp.ones((1, 1, 1), bool))
        spread[scale] = {name: float(np.std(p["kernel"])) for name, p in params["params"].items()}
    for name in ("query", "key", "value"):
        np.testing.assert_allclose(spread[None][name], 256**-0.5, rtol=0.05)
    np.testing.assert_allclose(spread[1.0]["query"], (256 * 16) ** -0.5, rtol=0.05)
    np.testing.assert_allclose(spread[1.0]["key"], 256**-0.5, rtol=0.05)


def test_heads_that_share_a_key_and_a_value_are_heads_with_copies_of_them():
    shared = Attention(dim=D, heads=4, head_dim=K, kv_heads=2)
    whole = Attention(dim=D, heads=4, head_dim=K)
    x, mask = draw(B, L, D, seed=4), np.tri(L, dtype=bool)[None]
    params = reference.parameters(shared, x, mask, method=to_itself)
    copies = {
        name: {"kernel": np.repeat(params[name]["kernel"].reshape(D, 2, K), 2, axis=1).reshape(D, 4 * K)}
        for name in ("key", "value")
    }
    found = shared.apply({"params": params}, x, mask, method=to_itself)
    expected = whole.apply({"params": {**params, **copies}}, x, mask, method=to_itself)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_heads_that_cannot_share_evenly_are_told():
    with pytest.raises(ValueError, match="4 heads cannot share 3 keys evenly"):
        Attention(dim=D, heads=4, head_dim=K, kv_heads=3).init(
            jax.random.key(0), jnp.ones((1, L, D)), jnp.ones((1, 1, L), bool), method=to_itself
        )


def test_with_rotary_positions_only_distances_count():
    module = Attention(dim=D, heads=H, head_dim=4, rotary=100.0)
    x, mask = draw(B, L, D, seed=4), np.ones((1, 1, L), bool)

    def turned(attention, x, at):
        return attention(x, attention.project(x, at), mask, at=at)

    at = np.array([[0, 1, 5]])
    params = reference.parameters(module, x, at, method=turned)
    here, there, apart = (module.apply({"params": params}, x, p, method=turned) for p in (at, at + 7, 2 * at))
    np.testing.assert_allclose(here, there, atol=1e-5)
    assert np.abs(here - apart).max() > 1e-2
