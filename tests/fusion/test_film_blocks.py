"""Modulated residual blocks against a loop over rows, tokens and layers in double precision."""

import jax
import numpy as np
import pytest

from mmjax.fusion.film_blocks import FilmBlocks
from tests import reference
from tests.fusion.case import ORDER, B, D, apply, dense, modalities, softmax

WIDTH, LAYERS, QUERIES = 12, 2, 3


def norm(x, params):
    return reference.layer_norm(x[None], params)[0]


def test_each_token_of_the_first_goes_through_blocks_that_the_others_modulate():
    given = modalities()
    params, found, _ = apply(FilmBlocks(ORDER, layers=LAYERS, width=WIDTH, queries=QUERIES), given)
    assert found.x.shape == (B, 1, WIDTH)
    for b in range(B - 1):
        real = {name: np.asarray(one.x[b][one.mask[b]], np.float64) for name, one in given.items()}
        said = [x for name in ORDER[1:] for x in real[name]]
        condition = []
        for q in range(QUERIES):
            weights = softmax([x @ params["ask"]["kernel"][:, q] for x in said])
            condition.append(sum((w * x for w, x in zip(weights, said, strict=True)), np.zeros(D)))
        condition = np.concatenate(condition)
        ends = []
        for x in real[ORDER[0]]:
            x = dense(x, params["map"])
            for n in range(LAYERS):
                layer = params["stack"][f"layers_{n}"]
                y = (1 + dense(condition, layer["gamma"])) * norm(x, layer["norm"]) + dense(condition, layer["beta"])
                x = x + dense(reference.gelu_tanh(dense(reference.gelu_tanh(y), layer["up"])), layer["down"])
            ends.append(norm(x, params["norm"]))
        mean = np.mean(ends, axis=0) if ends else np.zeros(WIDTH)
        expected = reference.gelu_tanh(dense(np.concatenate([mean, condition]), params["out"]))
        np.testing.assert_allclose(found.x[b, 0], expected, atol=2e-5)


def test_the_order_of_what_is_modulated_does_not_matter():
    given = modalities(ORDER[:2])
    fused = FilmBlocks(ORDER[:2])
    params, found, _ = apply(fused, given)
    turned = given | {ORDER[0]: jax.tree.map(lambda leaf: leaf[:, ::-1], given[ORDER[0]])}
    again = fused.apply({"params": params}, turned, train=False)
    np.testing.assert_allclose(again.x[again.mask], found.x[found.mask], atol=1e-5)


@pytest.mark.parametrize("field", ["layers", "width", "queries"])
def test_a_size_below_one_is_refused(field):
    with pytest.raises(ValueError, match=f"{field} is 0; expected at least 1"):
        FilmBlocks(ORDER, **{field: 0})
