"""The T5 encoder against loops over its published form; masks hold whatever lies under them."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.precision import cast
from mmjax.core.tokens import Tokens
from mmjax.nn.stack import to_scan
from mmjax.nn.t5_encoder import T5Encoder
from tests import reference

B, L, D, H, K = 3, 5, 6, 2, 4
SIZES = dict(layers=2, heads=H, head_dim=K, hidden=5)
MASK = np.array([[1, 1, 1, 1, 1], [1, 0, 1, 1, 0], [0, 0, 0, 0, 0]], bool)
X = np.random.default_rng(0).normal(size=(B, L, D)).astype(np.float32)


@pytest.fixture(scope="module")
def params():
    return reference.parameters(T5Encoder(**SIZES), Tokens(X, MASK), train=False)


@jax.jit
def run(params, tokens):
    return T5Encoder(**SIZES).apply({"params": params}, tokens, train=False)


def test_it_is_norm_attention_norm_gated_feed_forward_a_layer_one_bias_for_all_and_a_last_norm(params):
    at = range(L)
    bias = reference.relative_bias(params["position"], at, at, both_sides=True)
    x = np.where(MASK[..., None], X, 0.0)
    for i in range(2):
        layer = params["stack"][f"layers_{i}"]
        inner = reference.rms_norm(x, layer["attention_norm"])
        seen = np.broadcast_to(MASK[:, None], (B, L, L))
        x = x + reference.attention(inner, inner, layer["attention"], seen, bias, heads=H, scale=1.0)
        x = x + reference.gated_mlp(reference.rms_norm(x, layer["mlp_norm"]), layer["mlp"])
    found = run(params, Tokens(X, MASK))
    np.testing.assert_allclose(found.x, reference.rms_norm(x, params["norm"]), atol=1e-4)
    np.testing.assert_array_equal(found.mask, MASK)


@jax.jit
@partial(jax.grad, argnums=(0, 1), has_aux=True)
def learn(params, x):
    out = run(params, Tokens(x, MASK))
    return jnp.sum(jnp.where(MASK[..., None], out.x, 0) ** 2), out.x


@pytest.mark.parametrize("junk", [np.nan, 1e30, -np.inf])
def test_what_lies_under_the_mask_changes_nothing_and_gradients_stay_finite(params, junk):
    gradients, out = learn(params, X)
    others, spoilt = learn(params, np.where(MASK[..., None], X, np.float32(junk)))
    np.testing.assert_array_equal(out, spoilt)
    assert np.isfinite(out).all()
    jax.tree.map(np.testing.assert_array_equal, gradients, others)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))
    np.testing.assert_array_equal(gradients[1][~MASK], 0)


def test_padding_at_the_end_changes_nothing(params):
    short = run(params, Tokens(X[:, :3], MASK[:, :3]))
    longer = run(params, Tokens(X, MASK & (np.arange(L) < 3)))
    np.testing.assert_allclose(longer.x[:, :3][MASK[:, :3]], short.x[MASK[:, :3]], atol=1e-5)


def test_the_order_of_the_tokens_is_seen(params):
    full = np.ones_like(MASK)
    turned = run(params, Tokens(X[:, ::-1], full)).x[:, ::-1]
    assert np.abs(turned - run(params, Tokens(X, full)).x).max() > 0.01


def test_loop_and_scan_agree(params):
    scanned = jax.jit(partial(T5Encoder(**SIZES, scan=True).apply, train=False))
    found = scanned({"params": {**params, "stack": to_scan(params["stack"])}}, Tokens(X, MASK))
    np.testing.assert_allclose(found.x, run(params, Tokens(X, MASK)).x, atol=1e-5)


def test_dropout_acts_in_training_before_the_first_layer_and_after_the_last_norm(params):
    still = jax.tree.map(np.zeros_like, params) | {"norm": {"scale": np.ones(D)}}  # layers that add nothing
    x = Tokens(np.ones((B, 40, D)), np.ones((B, 40), bool))
    dropped = T5Encoder(**SIZES, dropout=0.5).apply
    found = jax.jit(partial(dropped, train=True))({"params": still}, x, rngs={"dropout": jax.random.key(0)}).x
    np.testing.assert_allclose(np.mean(found == 0), 0.75, atol=0.05)  # half and half of the rest
    np.testing.assert_allclose(jax.jit(partial(dropped, train=False))({"params": still}, x).x, x.x, atol=1e-5)


def test_bf16_stays_bf16(params):
    low = run(cast(params, "bfloat16"), Tokens(jnp.asarray(X, jnp.bfloat16), MASK)).x
    assert low.dtype == jnp.bfloat16
    near = np.abs(np.float32(low) - run(params, Tokens(X, MASK)).x)[MASK]
    assert near.max() < 0.1
