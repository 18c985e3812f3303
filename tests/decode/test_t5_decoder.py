"""The T5 decoder against loops over its published form: causal, masked, and the same whole or token by token."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.precision import cast
from mmjax.core.tokens import Tokens
from mmjax.decode.t5_decoder import T5Decoder
from mmjax.nn.stack import to_scan
from tests import reference

B, T, S, D, H, K, LAYERS = 3, 11, 5, 6, 2, 4, 2  # 11 places: from 9 on a causal bias has buckets of its own
SIZES = dict(layers=LAYERS, heads=H, head_dim=K, hidden=5)
X = np.random.default_rng(0).normal(size=(B, T, D)).astype(np.float32)
MASK = np.arange(T) < np.array([[T], [4], [0]])
ALL = np.ones_like(MASK)
MEMORY = Tokens(
    np.random.default_rng(1).normal(size=(B, S, D)).astype(np.float32),
    np.array([[1, 1, 0, 1, 1], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]], bool),
)


@pytest.fixture(scope="module")
def params():
    return reference.parameters(T5Decoder(**SIZES), MEMORY, X, MASK, train=False)


run = jax.jit(partial(T5Decoder(**SIZES, dropout=0.5).apply, train=False))  # no dropout outside training


def covered(x, mask, junk):
    return np.where(mask[..., None], x, np.float32(junk))


def test_it_is_causal_attention_cross_attention_and_gated_feed_forward_each_on_a_norm(params):
    bias = reference.relative_bias(params["position"], range(T), range(T), both_sides=False)
    x = covered(X, MASK, 0).astype(np.float64)
    own = np.tri(T, dtype=bool) & MASK[:, None]
    across = np.broadcast_to(MEMORY.mask[:, None], (B, T, S))
    memory, flat = np.where(MEMORY.mask[..., None], MEMORY.x, 0), np.zeros((H, T, S))
    attention = partial(reference.attention, heads=H, scale=1.0)
    for i in range(LAYERS):
        layer = params["stack"][f"layers_{i}"]
        inner = reference.rms_norm(x, layer["attention_norm"])
        x = x + attention(inner, inner, layer["attention"], own, bias)
        x = x + attention(reference.rms_norm(x, layer["cross_norm"]), memory, layer["cross"], across, flat)
        x = x + reference.gated_mlp(reference.rms_norm(x, layer["mlp_norm"]), layer["mlp"])
    found = run({"params": params}, MEMORY, X, MASK)
    np.testing.assert_allclose(found, reference.rms_norm(x, params["norm"]), atol=1e-4)


def test_a_position_depends_on_those_up_to_itself_and_on_none_after_it(params):
    gradient = jax.jit(jax.grad(lambda x, t: jnp.sum(run({"params": params}, MEMORY, x, ALL)[:, t] ** 2)))
    for t in range(T):
        reached = np.abs(gradient(X, t)).sum((0, 2)) > 0
        np.testing.assert_array_equal(reached, np.arange(T) <= t)


def test_every_real_place_of_the_memory_is_reached_and_no_other(params):
    (_, reached, _), _ = learn(params, MEMORY.x, X)
    asked = MASK.any(1, keepdims=True)  # a row without targets has no loss
    np.testing.assert_array_equal(np.abs(reached).sum(-1) > 0, MEMORY.mask & asked)


@pytest.mark.parametrize("scan", [False, True])
def test_token_by_token_it_gives_what_it_gives_for_the_whole(params, scan):
    module = T5Decoder(**SIZES, dropout=0.5, scan=scan)
    given = {"params": {**params, "stack": to_scan(params["stack"])} if scan else params}
    whole = jax.jit(partial(module.apply, train=False))(given, MEMORY, X, ALL)
    np.testing.assert_allclose(whole, run({"params": params}, MEMORY, X, ALL), atol=1e-5)
    spoilt = MEMORY.replace(x=covered(MEMORY.x, MEMORY.mask, np.nan))
    length = T + 2  # a cache may be longer than what is written
    cache, x = jax.jit(partial(module.apply, length=length, method="begin"))(given, spoilt, X[:, :1])
    np.testing.assert_allclose(x, whole[:, :1], atol=1e-5)
    step = jax.jit(partial(module.apply, method="step"))
    for t in range(1, T):
        cache, x = step(given, cache, X[:, t : t + 1])
        np.testing.assert_allclose(x, whole[:, t : t + 1], atol=1e-5)
    assert int(cache["index"]) == T


@pytest.mark.parametrize("scan", [False, True])
def test_picked_beams_go_on_as_they_would_have_and_their_memory_is_not_copied(params, scan):
    module = T5Decoder(**SIZES, scan=scan)
    given = {"params": {**params, "stack": to_scan(params["stack"])} if scan else params}
    begin, step = (jax.jit(partial(module.apply, method=name), static_argnames="length") for name in ("begin", "step"))
    cache, _ = begin(given, MEMORY, X[:, :1], length=T)
    pick = partial(module.apply, given, method="pick")
    beams = np.array([[1, 1], [0, 1], [1, 0]])
    both, _ = step(given, pick(cache, np.zeros((B, 2), int)), X[:, 1:3].reshape(2 * B, 1, D))
    picked = pick(both, beams)
    _, found = step(given, picked, np.repeat(X[:, 3:4], 2, axis=0))
    alone = [step(given, step(given, cache, X[:, n : n + 1])[0], X[:, 3:4])[1] for n in (1, 2)]
    for b, w in np.ndindex(B, 2):
        np.testing.assert_allclose(found[2 * b + w], alone[beams[b, w]][b], atol=1e-5)
    layers = [(c["layers"] if scan else c["layers"][1])["across"] for c in (picked, both)]
    assert all(one is other for one, other in zip(*layers, strict=True))


@jax.jit
@partial(jax.grad, argnums=(0, 1, 2), has_aux=True)
def learn(params, memory, x):
    out = run({"params": params}, MEMORY.replace(x=memory), x, MASK)
    return jnp.sum(jnp.where(MASK[..., None], out, 0) ** 2), out


@pytest.mark.parametrize("junk", [np.nan, 1e30])
def test_what_lies_under_the_masks_of_memory_and_targets_changes_nothing(params, junk):
    gradients, out = learn(params, MEMORY.x, X)
    others, spoilt = learn(params, covered(MEMORY.x, MEMORY.mask, junk), covered(X, MASK, junk))
    np.testing.assert_allclose(spoilt[MASK], out[MASK], atol=1e-6)
    assert np.isfinite(spoilt).all()
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-5), gradients, others)


def test_padding_of_the_memory_does_not_matter(params):
    longer = Tokens(
        np.pad(MEMORY.x, ((0, 0), (0, 3), (0, 0)), constant_values=9), np.pad(MEMORY.mask, ((0, 0), (0, 3)))
    )
    found = run({"params": params}, longer, X, MASK)
    np.testing.assert_allclose(found, run({"params": params}, MEMORY, X, MASK), atol=1e-5)


def test_dropout_acts_in_training_before_the_first_layer_and_after_the_last_norm(params):
    still = jax.tree.map(np.zeros_like, params) | {"norm": {"scale": np.ones(D)}}  # layers that add nothing
    dropped = jax.jit(partial(T5Decoder(**SIZES, dropout=0.5).apply, train=True))
    found = dropped({"params": still}, MEMORY, np.ones_like(X), ALL, rngs={"dropout": jax.random.key(0)})
    np.testing.assert_allclose(np.mean(found == 0), 0.75, atol=0.08)  # half and half of the rest


def test_bf16_stays_bf16_in_outputs_and_cache(params):
    low, memory = {"params": cast(params, "bfloat16")}, cast(jax.tree.map(jnp.asarray, MEMORY), "bfloat16")
    x = jnp.asarray(X, jnp.bfloat16)
    whole = run(low, memory, x, ALL)
    begin = partial(T5Decoder(**SIZES).apply, length=T, method="begin")
    cache, first = jax.eval_shape(begin, low, memory, x[:, :1])
    assert whole.dtype == first.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(cache["layers"])} == {jnp.dtype(jnp.bfloat16)}
    exact = run({"params": params}, MEMORY, X, ALL)
    assert np.abs(whole.astype(jnp.float32) - exact).mean() < 0.05
