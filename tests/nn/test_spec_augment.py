"""SpecAugment: what is hidden are whole stripes of frequencies and time, no wider and no later than allowed."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.nn.spec_augment import SpecAugment

FRAMES = jnp.ones((200, 20, 12))
REAL = np.arange(20) < np.linspace(4, 30, 200).astype(int).clip(max=20)[:, None]


def hidden(key=0, **fields):
    """[B, T, F] bool: what training hides."""
    run = jax.jit(partial(SpecAugment(**fields).apply, train=True))
    return np.asarray(run({}, FRAMES, REAL, rngs={"dropout": jax.random.key(key)})) == 0


def runs(row):
    """The lengths of the stripes of a row of bools."""
    text = "".join("x" if on else " " for on in row)
    return [len(part) for part in text.split()]


def test_bands_are_hidden_at_all_times_and_are_of_every_width_up_to_the_largest():
    found = hidden(bands=1, band=4, stretches=0)
    assert (found == found[:, :1]).all()
    widths = [sum(runs(row)) for row in found[:, 0]]
    assert set(widths) == {0, 1, 2, 3, 4} and all(len(runs(row)) <= 1 for row in found[:, 0])
    # Every band of frequencies is met.
    assert found.any(axis=(0, 1)).all()
    assert max(len(runs(row)) for row in hidden(bands=3, band=2, stretches=0)[:, 0]) == 3


def test_stretches_hide_all_frequencies_no_more_than_the_share_of_what_is_real_and_nothing_beyond_it():
    found = hidden(bands=0, stretches=1, stretch=7, share=0.5)
    assert (found == found[:, :, :1]).all()
    lengths = REAL.sum(1)
    widths = found[:, :, 0].sum(1)
    assert (widths <= np.minimum(7, lengths // 2)).all() and widths.max() == 7
    assert not (found[:, :, 0] & ~REAL).any()
    assert found[lengths == 20, -1].any() and found[:, 0].any()


def test_each_example_and_each_key_hides_something_else():
    fields = dict(bands=1, band=4, stretches=1, stretch=7, share=0.5)
    found = hidden(**fields)
    assert len({example.tobytes() for example in found}) > 100
    np.testing.assert_array_equal(found, hidden(**fields))
    assert (found != hidden(key=1, **fields)).any()


def test_what_is_not_hidden_and_all_outside_training_stays():
    frames = np.random.default_rng(0).normal(size=(2, 20, 12)).astype(np.float32)
    module, mask = SpecAugment(band=4, stretch=5), REAL[-2:]
    found = module.apply({}, frames, mask, train=True, rngs={"dropout": jax.random.key(0)})
    assert (found == 0).any() and ((found == 0) | (found == frames)).all()
    np.testing.assert_array_equal(module.apply({}, frames, mask, train=False), frames)


def test_widths_below_nothing_and_shares_beyond_all_are_refused():
    with pytest.raises(ValueError, match="band is -1; expected 0 or more"):
        SpecAugment(band=-1)
    with pytest.raises(ValueError, match=r"share is 1\.5; expected a share in \[0, 1\]"):
        SpecAugment(share=1.5)
