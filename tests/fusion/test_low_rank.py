"""Low-rank fusion against the tensor whose weights it factorises, formed in full."""

import itertools

import jax
import numpy as np
import pytest

from mmjax.fusion.low_rank import LowRank
from tests.fusion.case import ORDER, D, apply, modalities, positions


@pytest.mark.parametrize("order", [ORDER, ORDER[:2]], ids=len)
def test_it_is_tensor_fusion_with_a_tensor_of_weights_that_is_a_sum_of_rank_one_tensors(order):
    given, rank = modalities(order), 3
    params, found, _ = apply(LowRank(order, rank=rank), given)
    columns = {}  # of each modality [R, D + 1, D]: what meets the constant 1, then what meets each feature
    for name in order:
        factor = params[f"{name}_factor"]
        together = np.concatenate([factor["bias"][None], factor["kernel"]])
        columns[name] = np.stack([together[:, r * D : (r + 1) * D] for r in range(rank)]).astype(np.float64)
    weights = {}  # of each product, by the index of its feature in each modality: [D]
    for at in itertools.product(range(D + 1), repeat=len(order)):
        ranks = [np.prod([columns[n][r, a] for n, a in zip(order, at, strict=True)], axis=0) for r in range(rank)]
        weights[at] = sum(float(w) * one for w, one in zip(params["weights"], ranks, strict=True))
    for b, i, real in positions(given, order):
        if not real:
            continue
        vectors = [[1.0, *real.get(name, np.zeros(D))] for name in order]
        expected = params["bias"].astype(np.float64)
        for at, weight in weights.items():
            expected = expected + np.prod([vector[a] for vector, a in zip(vectors, at, strict=True)]) * weight
        np.testing.assert_allclose(found.x[b, i], expected, atol=1e-4)


def test_all_factors_are_trained_parameters_and_what_is_missing_leaves_the_others_terms_from_the_start():
    given, order = modalities(ORDER[:2]), ORDER[:2]
    found, variables = LowRank(order).init_with_output(jax.random.key(0), given, train=False)
    params = variables["params"]
    assert params.keys() == {"weights", "bias", "text_factor", "image_factor"}
    assert params["text_factor"]["kernel"].shape == (D, 4 * D) and params["weights"].shape == (4,)
    alone = given["image"].x[2] @ params["image_factor"]["kernel"] + 1  # the text is missing in row 2
    np.testing.assert_allclose(found.x[2], alone.reshape(-1, 4, D).sum(1) * 0.5, atol=1e-5)


def test_a_rank_below_1_is_refused():
    with pytest.raises(ValueError, match="rank is 0; expected at least 1"):
        LowRank(ORDER, rank=0)
