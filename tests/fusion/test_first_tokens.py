"""The first real token of each modality, against a loop."""

import numpy as np
import pytest

from mmjax.fusion.first_tokens import FirstTokens
from tests.fusion.case import ORDER, B, apply, modalities


def test_the_first_real_token_of_each_stands_for_it_and_nothing_for_what_is_missing():
    given = modalities()
    found = apply(FirstTokens(ORDER), given)[1]
    for b in range(B):
        there = any(given[name].mask[b].any() for name in ORDER)
        for m, name in enumerate(ORDER):
            real = np.flatnonzero(given[name].mask[b])
            wanted = given[name].x[b, real[0]] if len(real) else np.zeros_like(given[name].x[b, 0])
            np.testing.assert_array_equal(found.x[b, m], wanted)
        assert found.mask[b].all() == there


def test_some_modalities_may_stand_for_all():
    given = modalities()
    every, some = apply(FirstTokens(ORDER), given)[1], apply(FirstTokens(ORDER, of=ORDER[1:2]), given)[1]
    np.testing.assert_array_equal(some.x, every.x[:, 1:2])
    with pytest.raises(ValueError, match=r"of is \('smell',\); expected some of"):
        FirstTokens(ORDER, of=("smell",))
