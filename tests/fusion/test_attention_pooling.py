"""Pooling by learned queries against a loop over queries, heads and tokens."""

import numpy as np
import pytest

from mmjax.fusion.attention_pooling import AttentionPooling
from tests import reference
from tests.fusion.case import ORDER, B, D, apply, modalities


def test_each_query_gathers_from_all_real_tokens_of_all_modalities():
    given, heads, queries = modalities(lengths={"text": 2, "audio": 3}), 2, 3
    params, found, _ = apply(AttentionPooling(ORDER, queries=queries, heads=heads), given)
    memory = np.concatenate([given[name].x for name in ORDER], axis=1)
    seen = np.concatenate([given[name].mask for name in ORDER], axis=1)
    mask = np.repeat(seen[:, None], queries, axis=1)
    x, none = np.repeat(params["queries"][None], B, axis=0), np.zeros((heads, queries, seen.shape[1]))
    expected = reference.attention(x, memory, params["attention"], mask, none, heads=heads, scale=(D // heads) ** -0.5)
    np.testing.assert_allclose(found.x, expected, atol=1e-5)
    assert np.abs(found.x[0, 0] - found.x[0, 1]).max() > 0.01


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="heads 3 does not divide the width 8 of the tokens"):
        apply(AttentionPooling(ORDER, heads=3), modalities())
    with pytest.raises(ValueError, match="queries is 0; expected at least 1"):
        AttentionPooling(ORDER, queries=0)
