"""Statistics of measured values against NumPy's on all values at once, and what is no number."""

import numpy as np
import pytest

from mmjax.data.modality.scale import measured, scaled, statistics, unscaled


@pytest.mark.parametrize(("mean", "deviation"), [(0, 1e-9), (3, 0.2), (1e9, 1e3), (-5e20, 1e18)])
def test_one_pass_over_parts_finds_what_all_values_have_however_far_from_0(mean, deviation):
    rng = np.random.default_rng(0)
    parts = [rng.normal(mean, deviation, (size, 2)) for size in (1, 7, 0, 50)]
    parts[1][2, 0] = parts[3][5:9, 1] = np.nan
    found = statistics("standard", iter(parts))
    every = np.concatenate(parts)
    np.testing.assert_allclose(found["mean"], np.nanmean(every, 0), rtol=1e-12)
    np.testing.assert_allclose(found["deviation"], np.nanstd(every, 0), rtol=1e-6)
    np.testing.assert_allclose(unscaled(scaled(every, found), found), every, rtol=1e-5, atol=deviation * 1e-5)


def test_a_column_that_never_changes_is_not_blown_up():
    found = statistics("standard", [np.full((3, 2), [0.1, 1e12]), np.full((4, 2), [0.1, 1e12])])
    assert found["deviation"] == [1, 1]


def test_a_column_without_a_value_is_told():
    with pytest.raises(ValueError, match="no training row holds a value of it in column 1"):
        statistics("standard", [np.array([[1.0, np.nan], [2.0, np.inf]])])
    with pytest.raises(ValueError, match=r"no training row holds a value of it$"):
        statistics("standard", [np.zeros((0, 3))])
    assert statistics("none", []) == {}


@pytest.mark.parametrize("value", ["1", ["1", "2"], [["1"]], True, [True, False], 1j, [[1], [1, 2]], {"a": 1}])
def test_what_is_no_number_is_told_and_nothing_is_taken_for_one(value):
    with pytest.raises(ValueError, match=r"numbers"):
        measured(value)


@pytest.mark.parametrize(
    "value, told", [([1, 1e300], r"\[1\] is 1e\+300"), ([[1, -np.inf]], r"\[0\]\[1\] is -inf"), (1e39, "it is")]
)
def test_what_float32_does_not_hold_is_told_with_its_place(value, told):
    with pytest.raises(ValueError, match=f"^{told}.*; expected numbers that float32 holds"):
        measured(value)


def test_numbers_keep_their_values():
    assert measured([1, None, 2.5])[[0, 2]].tolist() == [1, 2.5] and np.isnan(measured([1, None])[1])
    assert measured([3.4e38]).tolist() == [3.4e38] and measured(None).size == 0
    assert measured(np.array([True, False])).tolist() == [1, 0]
