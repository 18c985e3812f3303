"""Modalities withheld: nested by rate, never all of them, and by their names."""

import numpy as np
import pytest

from mmjax.data import withhold

RATES = (0.0, 0.1, 0.3, 0.6, 0.9)


def test_what_is_withheld_is_nested_never_all_and_as_often_as_told():
    rng = np.random.default_rng(1)
    there = rng.random((40_000, 3)) < 0.8
    before = there
    for rate in RATES:
        left = withhold.kept(there, rate, np.random.default_rng(5))
        assert not np.any(left & ~before)
        assert np.array_equal(left.any(1), there.any(1))
        whole = there.all(1)
        # Of three modalities the luckiest stays where all three would go.
        assert left[whole].mean() == pytest.approx(1 - rate + rate**3 / 3, abs=0.01)
        before = left
    assert np.array_equal(withhold.kept(there, 0.0, rng), there)


def batch():
    """Rows of a series whose end is not real, and of vectors."""
    found = {"a": np.ones((64, 5, 2)), "a_mask": np.ones((64, 5), bool), "b": np.ones(64), "b_mask": np.ones(64, bool)}
    found["a_mask"][:, 3:] = False
    return found


def test_masks_alone_change_and_the_seed_and_number_of_a_batch_say_which():
    given = batch()
    first, second = withhold.at_random([given, given], ("a", "b"), 0.5, seed=0)
    assert first["a"] is given["a"] and first["b"] is given["b"]
    assert np.array_equal(first["a_mask"].any(1), first["a_mask"][:, :3].all(1)) and not first["a_mask"][:, 3:].any()
    gone = ~first["a_mask"].any(1), ~first["b_mask"]
    assert 0 < gone[0].sum() < 64 and 0 < gone[1].sum() < 64 and not (gone[0] & gone[1]).any()
    again, _ = withhold.at_random([given, given], ("a", "b"), 0.5, seed=0)
    assert np.array_equal(again["a_mask"], first["a_mask"])
    assert not np.array_equal(first["b_mask"], second["b_mask"])


def test_what_is_not_shown_is_withheld_from_every_row():
    given = batch()
    (found,) = withhold.all_but([given], ("a", "b"), ("a",))
    np.testing.assert_array_equal(found["a_mask"], given["a_mask"])
    assert not found["b_mask"].any() and found["b"] is given["b"]


@pytest.mark.parametrize("rate", [1.0, -0.1, float("nan")])
def test_a_rate_at_which_nothing_is_left_is_told(rate):
    with pytest.raises(ValueError, match=r"a missing rate of .*; expected one from 0 on and below 1"):
        next(withhold.at_random([batch()], ("a", "b"), rate, seed=0))
