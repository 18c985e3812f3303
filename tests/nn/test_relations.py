"""Relations of tokens against a loop over pairs."""

import jax
import numpy as np
import pytest

from mmjax.core.tokens import Tokens
from mmjax.nn.pair_mlp import PairMlp
from mmjax.nn.relations import Relations
from tests import reference

MASK = np.array([[1, 1, 1], [0, 1, 1], [0, 0, 0]], bool)
X = np.random.default_rng(0).normal(size=(3, 3, 4)).astype(np.float32)


def test_each_token_is_told_the_mean_of_what_is_said_of_it_and_each_real_one_in_every_round():
    module = Relations(rounds=2, layers=2, hidden=5)
    params = reference.parameters(module, Tokens.of(X, MASK), train=False)
    dirty = Tokens.of(np.where(MASK[..., None], X, np.nan), MASK)
    found = jax.jit(lambda tokens: module.apply({"params": params}, tokens, train=False))(dirty)
    np.testing.assert_array_equal(found.mask, MASK)
    x = np.asarray(X, np.float64)
    for turn in range(2):
        part = {name: params[f"{name}_{turn}"] for name in ("pairs", "up", "down", "norm")}
        after = x.copy()
        for b, i in np.argwhere(MASK):
            pairs = [np.stack([x[b, i], x[b, j]])[None] for j in range(3) if MASK[b, j]]
            said = [PairMlp(2, 5).apply({"params": part["pairs"]}, pair)[0, 0, 1] for pair in pairs]
            inner = reference.dense(np.concatenate([x[b, i], sum(said) / len(said)])[None], part["up"])
            after[b, i] += reference.dense(np.maximum(inner, 0), part["down"])[0]
        x = reference.layer_norm(after, part["norm"])
    np.testing.assert_allclose(found.x[MASK], x[MASK], atol=1e-4)
    assert np.isfinite(found.x).all()


def test_relations_without_layers_are_refused():
    with pytest.raises(ValueError, match="layers is 0; expected at least 1"):
        Relations(layers=0)
