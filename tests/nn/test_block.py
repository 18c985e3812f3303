"""Blocks are x + f(norm(x)) for each of their parts in turn, whichever norm and feed-forward they are given."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from mmjax.nn.attention import Attention
from mmjax.nn.block import DecoderBlock, EncoderBlock, empty_cache
from mmjax.nn.gated_mlp import GatedMlp
from mmjax.nn.mlp import Mlp
from tests import reference

B, L, S, D, H, K = 2, 3, 4, 6, 2, 3
KINDS = {
    "vit": (partial(nn.LayerNorm, epsilon=1e-6), partial(Mlp, hidden=5), reference.layer_norm, reference.mlp, None),
    "t5": (nn.RMSNorm, partial(GatedMlp, hidden=5), reference.rms_norm, reference.gated_mlp, 1.0),
}
X = np.random.default_rng(0).normal(size=(B, L, D)).astype(np.float32)
MEMORY = np.random.default_rng(1).normal(size=(B, S, D)).astype(np.float32)
OWN = np.broadcast_to(np.tri(L, dtype=bool), (B, L, L)) & np.array([[1, 1, 1], [1, 1, 0]], bool)[:, None]
ACROSS = np.broadcast_to(np.array([[1, 1, 0, 1], [0, 0, 0, 0]], bool)[:, None], (B, L, S))
BIAS = np.random.default_rng(2).normal(size=(1, H, L, L)).astype(np.float32)


def block(kind, cls, dropout=0.0, train=False):
    norm, mlp, _, _, scale = KINDS[kind]
    attention = partial(Attention, heads=H, head_dim=K, use_bias=scale is None, scale=scale)
    return cls(attention=attention, mlp=mlp, norm=norm, dropout=dropout, train=train)


def expected(kind, params, *, decoder):
    _, _, norm, mlp, scale = KINDS[kind]
    attention = partial(reference.attention, heads=H, scale=K**-0.5 if scale is None else scale)
    inner = norm(X, params["attention_norm"])
    x = X + attention(inner, inner, params["attention"], OWN, BIAS[0])
    if decoder:
        x = x + attention(norm(x, params["cross_norm"]), MEMORY, params["cross"], ACROSS, np.zeros((H, L, S)))
    return x + mlp(norm(x, params["mlp_norm"]), params["mlp"])


@pytest.mark.parametrize("kind", KINDS)
def test_an_encoder_block_is_attention_then_feed_forward_each_on_the_norm_of_the_sum_so_far(kind):
    module = block(kind, EncoderBlock)
    params = reference.parameters(module, X, None, OWN, BIAS)
    found, cache = jax.jit(module.apply)({"params": params}, X, None, OWN, BIAS)
    assert cache is None
    np.testing.assert_allclose(found, expected(kind, params, decoder=False), atol=2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_decoder_block_looks_at_its_memory_in_between(kind):
    module = block(kind, DecoderBlock)
    args = (X, None, MEMORY, (OWN, ACROSS), BIAS, None)
    params = reference.parameters(module, *args)
    found, cache = jax.jit(module.apply)({"params": params}, *args)
    assert cache is None
    np.testing.assert_allclose(found, expected(kind, params, decoder=True), atol=2e-5)


@pytest.mark.parametrize(
    ("cls", "args"),
    [
        (EncoderBlock, (None, OWN, BIAS)),
        (DecoderBlock, (None, MEMORY, (OWN, ACROSS), BIAS, None)),
    ],
)
def test_dropout_acts_on_what_each_part_adds_and_in_training_alone(cls, args):
    params = {"params": reference.parameters(block("vit", cls), X, *args)}
    key = {"dropout": jax.random.key(1)}
    nothing_added, _ = jax.jit(block("vit", cls, dropout=1.0, train=True).apply)(params, X, *args, rngs=key)
    np.testing.assert_array_equal(nothing_added, X)
    calm, _ = jax.jit(block("vit", cls, dropout=1.0, train=False).apply)(params, X, *args)
    np.testing.assert_array_equal(calm, jax.jit(block("vit", cls).apply)(params, X, *args)[0])


def test_a_cache_holds_keys_and_values_where_they_were_written_and_the_memory_projected_once():
    module = block("t5", DecoderBlock)
    params = {"params": reference.parameters(module, X, None, MEMORY, (OWN, ACROSS), BIAS, None)}
    empty = empty_cache(B, L, H, K, jnp.float32)
    seen = np.ones((1, 1, L), bool), ACROSS[:, :1]
    _, first = jax.jit(module.apply)(params, X[:, 2:], empty, MEMORY, seen, None, jnp.array(1))
    for leaf in first["own"]:
        np.testing.assert_array_equal(leaf[:, :, [0, 2]], np.zeros((B, H, 2, K)))
        assert np.abs(leaf[:, :, 1]).min() > 0
    _, second = jax.jit(module.apply)(params, X[:, :1], first, None, seen, None, jnp.array(0))
    for old, new in zip(first["own"], second["own"], strict=True):
        np.testing.assert_array_equal(new[:, :, 1:], old[:, :, 1:])
        assert np.abs(new[:, :, 0]).min() > 0
    assert second.keys() == {"own"}, "what did not change is not given back, so that no scan copies it"
    projected = reference.dense(MEMORY, params["params"]["cross"]["value"])
    np.testing.assert_allclose(np.concatenate(np.moveaxis(first["across"][1], 1, 0), -1), projected, atol=1e-5)
