"""A stack is its layers one after the other, and the same as a loop and as a scan."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from mmjax.core import paths
from mmjax.nn.stack import Stack, to_loop, to_scan
from tests import reference

LAYERS, B, D = 3, 2, 4
X = np.random.default_rng(0).normal(size=(B, D)).astype(np.float32)
PAST = np.random.default_rng(1).normal(size=(LAYERS, B, D)).astype(np.float32)
STAYS = np.arange(LAYERS * B).reshape(LAYERS, B)
CACHE = {
    True: {"past": PAST, "stays": STAYS},
    False: tuple({"past": PAST[i], "stays": STAYS[i]} for i in range(LAYERS)),
}
SHIFT = np.random.default_rng(2).normal(size=D).astype(np.float32)


class Step(nn.Module):
    """x' = x + tanh(W (drop(x) + past + shift)); of the cache the past becomes x, the rest stays."""

    rate: float
    train: bool

    @nn.compact
    def __call__(self, x, cache, shift):
        inner = nn.Dropout(self.rate, deterministic=not self.train)(x) + shift
        inner = inner if cache is None else inner + cache["past"]
        self.sow("maps", "inner", inner)
        return x + jnp.tanh(nn.Dense(D, name="dense")(inner)), None if cache is None else {"past": x}


def stack(scan, rate=0.0):
    return Stack(partial(Step, rate=rate), LAYERS, scan)


@pytest.fixture(scope="module")
def params():
    """In the loop form."""
    return reference.parameters(stack(False), X, CACHE[False], SHIFT, train=False)


def test_the_loop_goes_through_the_layers_in_order_each_with_its_own_cache(params):
    x, cache = stack(False).apply({"params": params}, X, CACHE[False], SHIFT, train=False)
    expected = X.astype(np.float64)
    for i in range(LAYERS):
        np.testing.assert_allclose(cache[i]["past"], expected, atol=1e-6)
        inner = expected + SHIFT + PAST[i]
        expected = expected + np.tanh(reference.dense(inner, params[f"layers_{i}"]["dense"]))
    np.testing.assert_allclose(x, expected, atol=1e-6)


def test_the_scan_gives_the_outputs_caches_and_gradients_of_the_loop(params):
    def total(scan, params, x, past, shift):
        cache = {"past": past} if scan else tuple({"past": leaf} for leaf in past)
        out, new = stack(scan).apply({"params": params}, x, cache, shift, train=False)
        past = new["past"] if scan else jnp.stack([cache["past"] for cache in new])
        return jnp.sum(out**2) + jnp.sum(jnp.sin(past)), (out, past)

    grad = jax.value_and_grad(total, argnums=(1, 2, 3, 4), has_aux=True)
    (_, loop), of_loop = jax.jit(partial(grad, False))(params, X, PAST, SHIFT)
    (_, scan), of_scan = jax.jit(partial(grad, True))(to_scan(params), X, PAST, SHIFT)
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-6), loop, scan)
    of_scan = (to_loop(of_scan[0]), *of_scan[1:])
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-5), of_loop, of_scan)


@pytest.mark.parametrize("scan", [False, True])
def test_what_no_block_changes_stays_in_the_cache_and_beams_are_picked_from_what_is_not_the_same_for_all(params, scan):
    given = to_scan(params) if scan else params
    _, cache = stack(scan).apply({"params": given}, X, CACHE[scan], SHIFT, train=False)
    for rows, same in (([1, 1, 0], ()), ([1, 1, 0], ("stays",)), ([1, 0], ("stays",))):
        picked = stack(scan).pick(cache, np.array([rows]), same)
        for i in range(LAYERS):
            new, old = (jax.tree.map(lambda leaf, i=i: leaf[i], c) if scan else c[i] for c in (picked, cache))
            np.testing.assert_array_equal(new["past"], np.asarray(old["past"])[rows])
            np.testing.assert_array_equal(new["stays"], STAYS[i] if same and len(rows) == B else STAYS[i][rows])


@pytest.mark.parametrize("scan", [False, True])
def test_a_stack_needs_no_cache(params, scan):
    given = to_scan(params) if scan else params
    x, cache = stack(scan).apply({"params": given}, X, None, SHIFT, train=False)
    assert cache is None
    zeros = stack(False).caches({"past": np.zeros((B, D))})
    np.testing.assert_allclose(x, stack(False).apply({"params": params}, X, zeros, SHIFT, train=False)[0], atol=1e-6)


def test_what_layers_show_is_collected_from_a_loop_by_name_and_from_a_scan_along_the_first_axis(params):
    shown = {}
    for scan, given in ((False, params), (True, to_scan(params))):
        _, shown[scan] = stack(scan).apply({"params": given}, X, CACHE[scan], SHIFT, train=False, mutable=["maps"])
    (together,) = shown[True]["maps"]["layers"]["inner"]
    for i in range(LAYERS):
        np.testing.assert_allclose(shown[False]["maps"][f"layers_{i}"]["inner"][0], together[i], atol=1e-6)


@pytest.mark.parametrize("scan", [False, True])
def test_every_layer_starts_from_its_own_numbers_and_draws_its_own_dropout(scan):
    module = stack(scan, rate=0.5)
    params = jax.jit(partial(module.init, train=False))(jax.random.key(0), X, CACHE[scan], SHIFT)["params"]
    kernels = to_loop(params) if scan else params
    kernels = [np.asarray(kernels[f"layers_{i}"]["dense"]["kernel"]) for i in range(LAYERS)]
    assert all(np.abs(kernels[i] - kernels[i - 1]).min() > 0 for i in range(LAYERS))

    still = {"params": jax.tree.map(jnp.zeros_like, params)}  # x passes unchanged: only dropout tells layers apart
    keys = {"dropout": jax.random.key(1)}
    _, state = module.apply(still, np.ones((8, D)), None, 0.0, train=True, rngs=keys, mutable=["maps"])
    maps = state["maps"]
    dropped = maps["layers"]["inner"][0] if scan else [maps[f"layers_{i}"]["inner"][0] for i in range(LAYERS)]
    drawn = {np.asarray(layer).tobytes() for layer in dropped}
    assert len(drawn) == LAYERS
    assert set(np.unique(np.stack(dropped))) == {0.0, 2.0}


def test_to_scan_and_to_loop_are_inverses_that_leave_the_rest_alone():
    rng = np.random.default_rng(0)
    layer = {"a": {"kernel": 3}, "b": 4}

    def draw(shapes):
        return jax.tree.map(lambda n: rng.normal(size=n).astype(np.float32), shapes)

    loop = {"encoder": {f"layers_{i}": draw(layer) for i in range(12)} | {"norm": draw(5)}, "embed": draw(6)}
    loop["decoder"] = {"stack": {f"layers_{i}": draw(layer) for i in range(2)}}
    scan = to_scan(loop)
    assert paths.flatten(scan).keys() == {
        "encoder/layers/a/kernel",
        "encoder/layers/b",
        "encoder/norm",
        "embed",
        "decoder/stack/layers/a/kernel",
        "decoder/stack/layers/b",
    }
    for i in range(12):
        np.testing.assert_array_equal(scan["encoder"]["layers"]["b"][i], loop["encoder"][f"layers_{i}"]["b"])
    assert scan["encoder"]["norm"] is loop["encoder"]["norm"]
    back = to_loop(scan)
    assert paths.flatten(back).keys() == paths.flatten(loop).keys()
    jax.tree.map(np.testing.assert_array_equal, back, loop)
    jax.tree.map(np.testing.assert_array_equal, to_scan(back), scan)
