"""Concatenation token by token."""

import numpy as np

from mmjax.fusion.concat import Concat
from tests.fusion.case import ORDER, B, D, apply, modalities


def test_tokens_stand_one_after_the_other_as_they_were_and_clean():
    given = modalities(lengths={"text": 2, "image": 3, "audio": 1})
    _, found, _ = apply(Concat(ORDER), given)
    for b in range(B):
        at = 0
        for name in ORDER:
            for i in range(given[name].mask.shape[1]):
                real = given[name].mask[b, i]
                assert found.mask[b, at] == real
                np.testing.assert_array_equal(found.x[b, at], given[name].x[b, i] if real else np.zeros(D))
                at += 1
        assert at == found.x.shape[1]
