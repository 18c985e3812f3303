"""Modality dropout against its rule, row by row, and its ramp against a line."""

import jax
import numpy as np
import pytest

from mmjax.core.tokens import Tokens
from mmjax.missing.modality_dropout import ModalityDropout

ORDER, ROWS = ("b", "a", "c"), 4000
RNG = np.random.default_rng(0)
GIVEN = {
    name: Tokens(np.zeros((ROWS, 2, 1), np.float32), RNG.random((ROWS, 1)) < np.array([0.8, 0.8])) for name in ORDER
}
RUN = jax.jit(
    lambda module, variables, seed: module.apply(
        variables, GIVEN, train=True, rngs={"dropout": jax.random.key(seed)}, mutable=["counters"]
    ),
    static_argnums=0,
)


def kept(rate, seed=0):
    """[M, B] in the order, of an op without a ramp."""
    found, _ = RUN(ModalityDropout(ORDER, rate), {}, seed)
    return np.stack([found[name].mask.any(1) for name in ORDER])


def test_each_that_is_there_goes_with_its_probability_but_never_all_and_masks_go_whole():
    there = np.stack([GIVEN[name].mask.any(1) for name in ORDER])
    before = there
    for rate in (0.0, 0.2, 0.5, 0.9):
        left = kept(rate)
        assert not np.any(left & ~before), "what is gone at a rate is gone at a higher one"
        np.testing.assert_array_equal(left.any(0), there.any(0))
        for number in (1, 2, 3):
            rows = there.sum(0) == number
            wanted = 1 - rate + rate**number / number  # the luckiest stays where all would go
            assert left[:, rows].sum() / there[:, rows].sum() == pytest.approx(wanted, abs=0.03)
        before = left
    found, _ = RUN(ModalityDropout(ORDER, 0.5), {}, 0)
    for m, name in enumerate(ORDER):
        np.testing.assert_array_equal(found[name].mask, GIVEN[name].mask & kept(0.5)[m][:, None])
    assert np.any(kept(0.5, 1) != kept(0.5, 2))


def test_nothing_goes_outside_training():
    found = ModalityDropout(ORDER, 0.9, ramp=4).apply({}, GIVEN, train=False)
    for name in ORDER:
        np.testing.assert_array_equal(found[name].mask, GIVEN[name].mask)


def test_the_rate_ramps_from_start_to_its_end_over_batches_that_are_counted():
    module = ModalityDropout(ORDER, 0.8, start=0.4, ramp=4)
    counters = module.init(jax.random.key(0), GIVEN, train=False)
    assert counters == {"counters": {"batches": 0}}
    for batch in range(7):
        found, counters = RUN(module, counters, 0)
        assert counters["counters"]["batches"] == batch + 1
        left = np.stack([found[name].mask.any(1) for name in ORDER])
        np.testing.assert_array_equal(left, kept(0.4 + 0.4 * min(batch / 4, 1)))


def test_a_rate_of_1_and_other_shares_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"rate is 1\.0; expected a share in \[0, 1\): at 1 nothing is left"):
        ModalityDropout(ORDER, 1.0)
    with pytest.raises(ValueError, match=r"start is -0\.1; expected a share"):
        ModalityDropout(ORDER, start=-0.1)
    with pytest.raises(ValueError, match="ramp is -1; expected a number of batches"):
        ModalityDropout(ORDER, ramp=-1)
