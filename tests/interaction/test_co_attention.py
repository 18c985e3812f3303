"""Co-attention against loops over layers, modalities, heads and tokens."""

import numpy as np
import pytest

from mmjax.interaction.co_attention import CoAttention
from tests import reference
from tests.fusion.case import ORDER, D, apply, modalities

HEADS, LAYERS = 2, 2
GIVEN = modalities(lengths={"text": 3, "image": 4, "audio": 2})


def test_in_each_layer_every_modality_reads_all_others_as_the_layer_before_left_them():
    params, found, _ = apply(CoAttention(ORDER, layers=LAYERS, heads=HEADS, hidden=5), GIVEN)
    x = {name: np.where(one.mask[..., None], one.x, 0) for name, one in GIVEN.items()}
    for i in range(LAYERS):
        before, x = x, {}
        for name in ORDER:
            layer, others = params["stack"][f"layers_{i}"][name], [other for other in ORDER if other != name]
            memory = reference.layer_norm(np.concatenate([before[o] for o in others], axis=1), layer["memory_norm"])
            seen = np.concatenate([GIVEN[other].mask for other in others], axis=1)
            mask = np.repeat(seen[:, None], before[name].shape[1], axis=1)
            inner, none = reference.layer_norm(before[name], layer["cross_norm"]), np.zeros((HEADS, *mask.shape[1:]))
            scale = (D // HEADS) ** -0.5
            y = before[name] + reference.attention(inner, memory, layer["cross"], mask, none, heads=HEADS, scale=scale)
            x[name] = y + reference.mlp(reference.layer_norm(y, layer["mlp_norm"]), layer["mlp"])
    for name in ORDER:
        np.testing.assert_allclose(found[name].x, reference.layer_norm(x[name], params[f"{name}_norm"]), atol=2e-4)


def test_one_modality_stays_as_it_is():
    _, found, _ = apply(CoAttention(ORDER[:1]), {"text": GIVEN["text"]})
    np.testing.assert_array_equal(found["text"].x[0], GIVEN["text"].x[0])


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="heads 3 does not divide the width 8 of the tokens"):
        apply(CoAttention(ORDER, heads=3), GIVEN)
    with pytest.raises(ValueError, match="heads is 0; expected at least 1"):
        CoAttention(ORDER, heads=0)
