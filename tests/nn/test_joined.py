"""Tokens side by side, the first one pooled, and both in turn, against NumPy in the published form."""

import jax
import numpy as np
import pytest
from scipy.special import erf

from mmjax.core.tokens import Tokens
from mmjax.nn.chain import Chain
from mmjax.nn.joined import Joined
from mmjax.nn.pooler import Pooler
from tests import reference

X = np.random.default_rng(0).normal(size=(3, 2, 4)).astype(np.float32)
MASK = np.array([[True, True], [True, False], [False, False]])
GIVEN = Tokens.of(X, MASK)


def norm(x, params):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * params["scale"] + params["bias"]


@pytest.mark.parametrize("first", [True, False])
def test_all_tokens_go_through_one_layer_and_those_that_are_not_real_are_zeros(first):
    module = Joined(norm=first)
    params = reference.parameters(module, GIVEN, train=False)
    flat = np.where(MASK[..., None], X, 0).reshape(3, 8)
    inside = reference.dense(norm(flat, params["in_norm"]) if first else flat, params["hidden"])
    inside = norm(inside, params["hidden_norm"])
    found = reference.compiled(lambda params: module.apply({"params": params}, GIVEN, train=False))(params)
    np.testing.assert_allclose(found.x[:, 0], inside * (1 + erf(inside / np.sqrt(2))) / 2, atol=1e-5)
    assert found.x.shape == (3, 1, 8) and found.mask[:, 0].tolist() == [True, True, False]


def test_the_first_token_is_pooled():
    params = reference.parameters(Pooler(), GIVEN, train=False)
    wanted = np.tanh(reference.dense(norm(X[:, 0], params["norm"]), params["map"]))
    found = reference.compiled(lambda params: Pooler().apply({"params": params}, GIVEN, train=False))(params)
    np.testing.assert_allclose(found.x[:2, 0], wanted[:2], atol=1e-5)
    other = GIVEN.replace(x=np.where(MASK[..., None], X, np.nan))
    again = Pooler().apply({"params": params}, other, train=False)
    assert np.isfinite(again.x).all() and found.mask[:, 0].tolist() == [True, True, False]


def test_a_chain_is_its_parts_one_after_the_other_each_with_parameters_of_its_own():
    chain = Chain((Pooler(), Joined(norm=False)))
    params = reference.parameters(chain, GIVEN, train=False)
    found = reference.compiled(lambda params: chain.apply({"params": params}, GIVEN, train=False))(params)
    pooled = Pooler().apply({"params": params["parts_0"]}, GIVEN, train=False)
    wanted = Joined(norm=False).apply({"params": params["parts_1"]}, pooled, train=False)
    np.testing.assert_allclose(found.x, wanted.x, atol=1e-5)
    assert found.mask[:, 0].tolist() == [True, True, False]
    with pytest.raises(ValueError, match="parts is empty"):
        Chain(())


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="hidden is 0; expected at least 1"):
        jax.eval_shape(lambda: Joined(hidden=0).init(jax.random.key(0), GIVEN, train=False))
