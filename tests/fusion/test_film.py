"""Modulation against a loop over positions."""

import numpy as np

from mmjax.fusion.film import Film
from tests.fusion.case import ORDER, D, apply, dense, modalities, positions


def test_the_others_scale_and_shift_the_first():
    given = modalities()
    params, found, _ = apply(Film(ORDER), given)
    for b, i, real in positions(given):
        if real:
            condition = np.concatenate([real.get(name, np.zeros(D)) for name in ORDER[1:]])
            gamma, beta = dense(condition, params["gamma"]), dense(condition, params["beta"])
            expected = (1 + gamma) * real.get(ORDER[0], np.zeros(D)) + beta
            np.testing.assert_allclose(found.x[b, i], expected, atol=1e-5)


def test_a_pooled_vector_conditions_a_whole_sequence():
    given = modalities(ORDER[:2], lengths={"image": 1})
    params, found, _ = apply(Film(ORDER[:2]), given)
    for b, i in np.argwhere(given["text"].mask):
        condition = given["image"].x[b, 0] * given["image"].mask[b, 0]
        gamma, beta = dense(condition, params["gamma"]), dense(condition, params["beta"])
        np.testing.assert_allclose(found.x[b, i], (1 + gamma) * given["text"].x[b, i] + beta, atol=1e-5)
