"""Stacked attention against a loop over its layers, heads and tokens."""

import numpy as np
import pytest

from mmjax.fusion.stacked_attention import StackedAttention
from tests import reference
from tests.fusion.case import ORDER, B, D, apply, modalities


@pytest.mark.parametrize("order", [ORDER, ORDER[:1]], ids=len)
def test_the_others_ask_the_first_again_and_again(order):
    given, layers, heads = modalities(order, lengths={"image": 2}), 2, 2
    params, found, _ = apply(StackedAttention(order, layers=layers, heads=heads, hidden=6), given)
    asked = np.zeros((B, 1, D * max(len(order) - 1, 1)))
    for b in range(B):
        parts = []
        for name in order[1:] or order:
            real = [x for x, there in zip(given[name].x[b], given[name].mask[b], strict=True) if there]
            parts.append(sum(real) / len(real) if real else np.zeros(D))
        asked[b, 0] = np.concatenate(parts)
    x = reference.dense(asked, params["ask"])
    memory, seen = given[order[0]].x, given[order[0]].mask[:, None]
    for i in range(layers):
        layer = params["stack"][f"layers_{i}"]
        keys = reference.layer_norm(memory, layer["memory_norm"])
        options = dict(heads=heads, scale=(D // heads) ** -0.5)
        query = reference.layer_norm(x, layer["cross_norm"])
        x = x + reference.attention(query, keys, layer["cross"], seen, np.zeros((heads, 1, keys.shape[1])), **options)
        x = x + reference.mlp(reference.layer_norm(x, layer["mlp_norm"]), layer["mlp"])
    expected = reference.layer_norm(x, params["norm"])
    np.testing.assert_allclose(found.x[:3], expected[:3], atol=1e-4)


def test_what_is_asked_decides_what_is_seen():
    given = modalities(ORDER[:2])
    params, found, _ = apply(StackedAttention(ORDER[:2], heads=2), given)
    other = given | {"image": given["image"].replace(x=-given["image"].x)}
    again = StackedAttention(ORDER[:2], heads=2).apply({"params": params}, other, train=False)
    assert np.abs(again.x[:2] - found.x[:2]).max() > 0.1


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="heads 3 does not divide the width 8"):
        apply(StackedAttention(ORDER, heads=3), modalities())
