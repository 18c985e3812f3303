"""Tensor fusion against explicit loops over every product."""

import itertools

import numpy as np
import pytest

from mmjax.fusion.tensor import Tensor
from tests.fusion.case import ORDER, D, apply, dense, modalities, positions


@pytest.mark.parametrize("width", [2, None])
def test_it_weighs_every_product_of_one_feature_or_the_constant_1_of_each_modality(width):
    order = ORDER if width else ORDER[:2]
    given = modalities(order)
    params, found, _ = apply(Tensor(order, width=width), given)
    for b, i, real in positions(given, order):
        if not real:
            continue
        vectors = []
        for name in order:
            z = np.zeros(width or D)
            if name in real:
                z = real[name] if width is None else dense(real[name], params[f"{name}_reduction"])
            vectors.append([1.0, *z])
        expected = np.zeros(D)
        for row, features in enumerate(itertools.product(*vectors)):  # the last modality's index runs fastest
            expected += np.prod(features) * params["out"]["kernel"][row]
        np.testing.assert_allclose(found.x[b, i], expected, atol=1e-5)


def test_more_products_than_the_limit_are_refused_with_the_widest_that_would_do():
    given = modalities()
    with pytest.raises(
        ValueError, match=r"3 modalities of width 8 have 729 products, more than limit 728; choose a width up to 7"
    ):
        apply(Tensor(ORDER, limit=728), given)
    with pytest.raises(ValueError, match=r"choose a width up to 4, or fusion\.low_rank"):
        apply(Tensor(ORDER, limit=125), given)
    _, found, _ = apply(Tensor(ORDER, width=4, limit=125), given)
    assert np.isfinite(found.x).all()
