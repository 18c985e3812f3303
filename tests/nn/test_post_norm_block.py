"""The post-norm block against loops."""

from functools import partial

import jax
import numpy as np

from mmjax.nn import masks
from mmjax.nn.attention import Attention
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.mlp import Mlp
from mmjax.nn.post_norm_block import PostNormBlock
from tests import reference

X = np.random.default_rng(0).normal(size=(2, 4, 6)).astype(np.float32)
MASK = np.array([[1, 1, 1, 0], [1, 1, 1, 1]], bool)


def block(dropout=0.0, train=False):
    attention = partial(Attention, heads=2, head_dim=3, use_bias=True)
    return PostNormBlock(attention, partial(Mlp, hidden=5), LayerNorm, dropout, train)


def test_what_is_added_is_normed_after_the_addition():
    params = reference.parameters(block(), X, None, masks.keys(MASK))
    seen, nothing = np.repeat(MASK[:, None], 4, axis=1), np.zeros((2, 4, 4))
    added = X + reference.attention(X, X, params["attention"], seen, nothing, heads=2, scale=3**-0.5)
    inner = reference.layer_norm(added, params["attention_norm"])
    expected = reference.layer_norm(inner + reference.mlp(inner, params["mlp"]), params["mlp_norm"])
    found, cache = block().apply({"params": params}, X, None, masks.keys(MASK))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert cache is None


def test_dropout_takes_what_each_part_adds_and_not_the_stream():
    params = reference.parameters(block(), X, None, masks.keys(MASK))
    key = {"dropout": jax.random.key(0)}
    found, _ = block(1.0, train=True).apply({"params": params}, X, None, masks.keys(MASK), rngs=key)
    expected = reference.layer_norm(reference.layer_norm(X, params["attention_norm"]), params["mlp_norm"])
    np.testing.assert_allclose(found, expected, atol=1e-4)
