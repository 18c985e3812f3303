"""Learned queries against loops over layers, heads and tokens."""

import numpy as np
import pytest

from mmjax.fusion.learned_queries import LearnedQueries
from tests import reference
from tests.fusion.case import ORDER, B, D, apply, modalities


def test_every_layer_is_self_attention_of_the_queries_a_look_at_all_tokens_and_feed_forward():
    given, heads, queries, layers = modalities(lengths={"text": 2, "audio": 3}), 2, 3, 2
    sizes = dict(queries=queries, heads=heads, layers=layers, hidden=4)
    params, found, _ = apply(LearnedQueries(ORDER, **sizes), given)
    real = np.concatenate([given[name].mask for name in ORDER], axis=1)
    memory = np.concatenate([np.where(given[n].mask[..., None], given[n].x, 0) for n in ORDER], axis=1)
    memory = reference.layer_norm(memory, params["memory_norm"])
    every = np.ones((B, queries, queries), bool)
    seen = np.repeat(real[:, None], queries, axis=1)
    x = np.repeat(params["queries"][None], B, axis=0)

    def attended(x, memory, params, mask):
        none = np.zeros((heads, *mask.shape[1:]))
        return reference.attention(x, memory, params, mask, none, heads=heads, scale=(D // heads) ** -0.5)

    for i in range(layers):
        layer = params["stack"][f"layers_{i}"]
        inner = reference.layer_norm(x, layer["attention_norm"])
        x = x + attended(inner, inner, layer["attention"], every)
        x = x + attended(reference.layer_norm(x, layer["cross_norm"]), memory, layer["cross"], seen)
        x = x + reference.mlp(reference.layer_norm(x, layer["mlp_norm"]), layer["mlp"])
    np.testing.assert_allclose(found.x, reference.layer_norm(x, params["norm"]), atol=1e-4)


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="heads 3 does not divide the width 8 of the tokens"):
        apply(LearnedQueries(ORDER, heads=3), modalities())
    with pytest.raises(ValueError, match="layers is 0; expected at least 1"):
        LearnedQueries(ORDER, layers=0)
    with pytest.raises(ValueError, match=r"dropout is 1.0; expected a share in \[0, 1\)"):
        LearnedQueries(ORDER, dropout=1.0)
