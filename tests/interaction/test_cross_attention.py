"""Cross-attention between modalities against loops over targets, sources, layers, heads and tokens."""

import numpy as np
import pytest

from mmjax.interaction.cross_attention import CrossAttention
from tests import reference
from tests.fusion.case import ORDER, apply, modalities

HEADS, LAYERS = 2, 2
GIVEN = modalities(lengths={"text": 3, "image": 4, "audio": 2})


def block(x, memory, mask, layer, attention):
    """Attention of normed x [B, L, width] over a memory that is normed already, then feed-forward, by loops."""
    none, scale = np.zeros((HEADS, *mask.shape[1:])), (x.shape[-1] // HEADS) ** -0.5
    inner = reference.layer_norm(x, layer[f"{attention}_norm"])
    x = x + reference.attention(
        inner, inner if memory is None else memory, layer[attention], mask, none, heads=HEADS, scale=scale
    )
    return x + reference.mlp(reference.layer_norm(x, layer["mlp_norm"]), layer["mlp"])


@pytest.mark.parametrize("more", [0, 2])
def test_each_target_reads_each_source_s_own_features_in_every_layer_and_itself_what_it_read(more):
    params, found, _ = apply(CrossAttention(ORDER, layers=LAYERS, self_layers=more, heads=HEADS, hidden=5), GIVEN)
    clean = {name: np.where(one.mask[..., None], one.x, 0) for name, one in GIVEN.items()}
    for target in ORDER:
        read = []
        for source in (name for name in ORDER if name != target):
            pair, x = f"{target}_from_{source}", clean[target]
            mask = np.repeat(GIVEN[source].mask[:, None], x.shape[1], axis=1)
            for i in range(LAYERS):
                layer = params[pair][f"layers_{i}"]
                x = block(x, reference.layer_norm(clean[source], layer["memory_norm"]), mask, layer, "cross")
            read.append(reference.layer_norm(x, params[f"{pair}_norm"]))
        own = GIVEN[target].mask
        x = np.where(own[..., None], np.concatenate(read, axis=-1), 0)
        for i in range(more):
            layer = params[f"{target}_self"]["stack"][f"layers_{i}"]
            x = block(x, None, np.repeat(own[:, None], x.shape[1], axis=1), layer, "attention")
        if more:
            x = reference.layer_norm(x, params[f"{target}_self"]["norm"])
        expected = reference.dense(x, params[f"{target}_out"])
        np.testing.assert_allclose(found[target].x[own], expected[own], atol=2e-4)


def test_one_modality_stays_as_it_is():
    _, found, _ = apply(CrossAttention(ORDER[:1]), {"text": GIVEN["text"]})
    np.testing.assert_array_equal(found["text"].x[0], GIVEN["text"].x[0])


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="heads 3 does not divide the width 8 of the tokens"):
        apply(CrossAttention(ORDER, heads=3), GIVEN)
    with pytest.raises(ValueError, match="layers is 0; expected at least 1"):
        CrossAttention(ORDER, layers=0)
    with pytest.raises(ValueError, match="self_layers is -1; expected at least 0"):
        CrossAttention(ORDER, self_layers=-1)
