"""Bottleneck tokens against loops over layers, modalities, heads and tokens."""

import numpy as np
import pytest

from mmjax.interaction.bottleneck import Bottleneck
from tests import reference
from tests.fusion.case import ORDER, B, D, apply, modalities

HEADS, LAYERS, TOKENS = 2, 3, 2
GIVEN = modalities(lengths={"text": 3, "image": 4, "audio": 2})


def test_modalities_meet_in_bottleneck_tokens_that_are_averaged_over_those_that_are_there():
    params, found, _ = apply(Bottleneck(ORDER, bottlenecks=TOKENS, layers=LAYERS, heads=HEADS, hidden=5), GIVEN)
    x = {name: np.where(one.mask[..., None], one.x, 0) for name, one in GIVEN.items()}
    z = np.repeat(params["bottlenecks"][None], B, axis=0)
    for i in range(LAYERS):
        own = {}
        for name in ORDER:
            layer, length = params["stack"][f"layers_{i}"][name], x[name].shape[1]
            both = np.concatenate([x[name], z], axis=1)
            seen = np.concatenate([GIVEN[name].mask, np.ones((B, TOKENS), bool)], axis=1)
            mask = np.repeat(seen[:, None], length + TOKENS, axis=1)
            inner, none = reference.layer_norm(both, layer["attention_norm"]), np.zeros((HEADS, *mask.shape[1:]))
            scale = (D // HEADS) ** -0.5
            both = both + reference.attention(inner, inner, layer["attention"], mask, none, heads=HEADS, scale=scale)
            both = both + reference.mlp(reference.layer_norm(both, layer["mlp_norm"]), layer["mlp"])
            x[name], own[name] = both[:, :length], both[:, length:]
        z = np.zeros((B, TOKENS, D))
        for b in range(B):
            there = [name for name in ORDER if GIVEN[name].mask[b].any()]
            for name in there:
                z[b] += own[name][b] / len(there)
    for name in ORDER:
        expected = reference.layer_norm(x[name], params[f"{name}_norm"])
        real = GIVEN[name].mask
        np.testing.assert_allclose(found[name].x[real], expected[real], atol=2e-4)


def test_one_layer_is_refused_for_nothing_would_be_read_from_the_bottleneck():
    with pytest.raises(ValueError, match="layers is 1; expected at least 2"):
        Bottleneck(ORDER, layers=1)
    with pytest.raises(ValueError, match="bottlenecks is 0; expected at least 1"):
        Bottleneck(ORDER, bottlenecks=0)
    with pytest.raises(ValueError, match="heads 3 does not divide the width 8 of the tokens"):
        apply(Bottleneck(ORDER, heads=3), GIVEN)
