"""Which words of a target are hidden: how many, where, and always the same for the same numbers."""

import numpy as np
import pytest

from mmjax.data.hide_words import HideWords


def test_words_are_hidden_by_the_place_of_an_example_and_its_end_among_them():
    hide, real = HideWords(0.7), np.arange(12) < 10
    target = np.where(real, np.arange(20, 32), 0).astype(np.int32)
    drawn = [hide(target, real, 5, np.random.default_rng(seed)) for seed in range(200)]
    for seen, told in drawn:
        assert told.sum() == 7 and not told[~real].any() and seen.dtype == np.int32
        np.testing.assert_array_equal(seen, np.where(told, 5, target))
    often = np.mean([told for _, told in drawn], axis=0)
    np.testing.assert_allclose(often[real], 0.7, atol=0.12)  # the end as often as others
    again = hide(target, real, 5, np.random.default_rng(3))
    np.testing.assert_array_equal(again[1], drawn[3][1])
    assert HideWords(0.1)(target, np.arange(12) < 2, 5, np.random.default_rng(0))[1].sum() == 1
    for share in (0, 1.5):
        with pytest.raises(ValueError, match="expected a share above 0, up to 1"):
            HideWords(share)
