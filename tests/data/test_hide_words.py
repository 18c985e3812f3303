"""Which words of a target are hidden: how many, where, as what, and always the same for the same numbers."""

from types import SimpleNamespace

import numpy as np
import pytest

from mmjax.data.hide_words import HideWords

WORDS = SimpleNamespace(mask=5, ordinary=np.arange(20, 40, dtype=np.int32))


def test_words_are_hidden_by_the_place_of_an_example_and_its_end_among_them():
    hide, real = HideWords(0.7, masked=1.0, other=0.0), np.arange(12) < 10
    target = np.where(real, np.arange(20, 32), 0).astype(np.int32)
    drawn = [hide(target, real, WORDS, np.random.default_rng(seed)) for seed in range(200)]
    for seen, told in drawn:
        assert told.sum() == 7 and not told[~real].any() and seen.dtype == np.int32
        np.testing.assert_array_equal(seen, np.where(told, 5, target))
    often = np.mean([told for _, told in drawn], axis=0)
    np.testing.assert_allclose(often[real], 0.7, atol=0.12)  # the end as often as others
    again = hide(target, real, WORDS, np.random.default_rng(3))
    np.testing.assert_array_equal(again[1], drawn[3][1])
    assert HideWords(0.1)(target, np.arange(12) < 2, WORDS, np.random.default_rng(0))[1].sum() == 1


def test_of_hidden_words_most_are_masked_some_become_others_and_the_rest_stay():
    target, real = np.full(2000, 19, np.int32), np.ones(2000, bool)  # a word that is not among those drawn
    seen, told = HideWords(0.5)(target, real, WORDS, np.random.default_rng(0))
    assert (seen[~told] == 19).all() and told.sum() == 1000
    shares = [np.mean(seen[told] == 5), np.mean(np.isin(seen[told], WORDS.ordinary)), np.mean(seen[told] == 19)]
    np.testing.assert_allclose(shares, [0.8, 0.1, 0.1], atol=0.03)


def test_shares_that_cannot_be_are_refused():
    for share in (0, 1.5):
        with pytest.raises(ValueError, match="expected a share above 0, up to 1"):
            HideWords(share)
    with pytest.raises(ValueError, match=r"masked is 0\.8 and other 0\.3; expected shares"):
        HideWords(other=0.3)
