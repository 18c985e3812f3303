"""The features that heads start with against a mean in a loop."""

from functools import partial

import jax
import numpy as np
import pytest
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.heads.classify import Classify
from mmjax.heads.features import Features
from mmjax.nn.dense import Dense
from tests import reference
from tests.heads.case import Case, hidden, mean, tokens


class Last(nn.Module):
    """A pool that takes the last real token through a linear map."""

    keep: int = 1

    @nn.compact
    def __call__(self, tokens, *, train):
        x = Dense(tokens.x.shape[-1], name="map")(tokens.cleared().x)
        last = x.shape[1] - 1 - np.arange(x.shape[1])
        place = jax.numpy.max(tokens.mask * (x.shape[1] - last), axis=1) - 1
        x = jax.vmap(lambda row, i: row[i])(x, place)[:, None]
        return Tokens(x.repeat(self.keep, axis=1), tokens.mask.any(1, keepdims=True).repeat(self.keep, axis=1))


# A pool looks at every token of the contract's, or "every real token matters" would not hold.
class Loudest(nn.Module):
    """A pool that weighs tokens by a learned score."""

    @nn.compact
    def __call__(self, tokens, *, train):
        x = tokens.cleared().x
        score = jax.numpy.where(tokens.mask[..., None], jax.nn.sigmoid(Dense(1, name="score")(x)), 0)
        return Tokens((score * x).sum(1, keepdims=True), tokens.mask.any(1, keepdims=True))


CASES = {
    "features": Case(Features()),
    "features, pool": Case(Features(hidden=3, pool=Loudest())),
}
GIVEN = tokens()


def test_it_is_the_mean_of_the_real_tokens_and_a_layer_over_it():
    np.testing.assert_allclose(Features().apply({}, GIVEN, train=False), mean(GIVEN), atol=1e-6)
    module = Features(hidden=7)
    params = reference.parameters(module, GIVEN, train=False)
    found = module.apply({"params": params}, GIVEN, train=False)
    np.testing.assert_allclose(found, hidden(GIVEN, params), atol=1e-5)
    assert np.shape(found) == (4, 7)


def test_a_long_row_of_bf16_tokens_is_summed_in_fp32():
    ones = Tokens(np.ones((1, 4000, 2), jax.numpy.bfloat16), np.ones((1, 4000), bool))
    np.testing.assert_array_equal(Features().apply({}, ones, train=False), np.ones((1, 2), np.float32))


def test_a_pool_stands_in_place_of_the_mean_in_any_head():
    module = Classify(classes=3, pool=Last())
    params = reference.parameters(module, GIVEN, train=False)
    assert set(params) == {"pool", "logits"}
    found = module.apply({"params": params}, GIVEN, train=False)
    for b, row in enumerate(found):
        real = [i for i in range(5) if GIVEN.mask[b, i]]
        pooled = reference.dense(GIVEN.x[b, real[-1:]], params["pool"]["map"]) if real else np.zeros((1, 6))
        np.testing.assert_allclose(row, reference.dense(pooled, params["logits"])[0], atol=1e-5)


def test_a_pool_that_gives_more_than_one_token_is_refused():
    with pytest.raises(ValueError, match="pool gives 2 tokens an example; expected 1, or no pool"):
        jax.eval_shape(partial(Features(pool=Last(keep=2)).init, train=False), jax.random.key(0), GIVEN)


def test_dropout_acts_in_training_alone():
    key = jax.random.key(0)
    train = Features(dropout=0.5).apply({}, GIVEN, train=True, rngs={"dropout": key})
    kept = np.asarray(train) != 0
    np.testing.assert_allclose(np.asarray(train)[kept], 2 * mean(GIVEN)[kept], rtol=1e-5)
    assert 0 < kept[:3].mean() < 1


@pytest.mark.parametrize(
    ("field", "wrong"),
    [({"hidden": 0}, "hidden is 0; expected at least 1"), ({"dropout": 1.5}, r"dropout is 1\.5; expected a share")],
)
def test_fields_that_make_no_head_are_refused_when_it_is_made(field, wrong):
    for make in (Features, partial(Classify, classes=2)):
        with pytest.raises(ValueError, match=wrong):
            make(**field)
