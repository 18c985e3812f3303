"""Mixtures of centroids against loops."""

import numpy as np
import pytest

from mmjax.missing.centroids import Centroids
from tests.fusion.case import ORDER, modalities, softmax
from tests.missing import loops

GIVEN = modalities(lengths={"text": 3, "image": 4, "audio": 2})


def test_a_missing_modality_is_a_mixture_of_its_centroids_weighted_by_what_the_others_tell():
    def told(params, name, h):
        weights = softmax(list(h))
        return sum(weight * row for weight, row in zip(weights, params[name].astype(np.float64), strict=True))

    params, found = loops.check(Centroids(ORDER, count=3), GIVEN, ORDER, told)
    inside = found["text"].x[2, 0]
    np.testing.assert_array_equal(inside, np.clip(inside, params["text"].min(0), params["text"].max(0)))


def test_there_must_be_a_centroid():
    with pytest.raises(ValueError, match="count is 0; expected at least 1"):
        Centroids(ORDER, count=0)
