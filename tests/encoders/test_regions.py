"""Regions one token each against cutting them out by hand, one by one."""

import jax
import numpy as np
import pytest

from mmjax.encoders.regions import Regions
from mmjax.nn.neighbour_stem import NeighbourStem
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 4, 8, 3)).astype(np.float32)
MASK = np.array([True, False, True])
PLACES = ((0.0, 0.0, 0.25, 1.0), (0.5, 0.0, 0.75, 1.0), (0.75, 0.0, 1.0, 1.0))
STEM = NeighbourStem(widths=(), dim=5, side=2)
REGIONS = Regions(dim=DIM, stem=STEM, regions=PLACES)
CASES = {"regions": Case(REGIONS, PIXELS, MASK)}


def test_a_token_is_the_sum_of_what_is_found_in_its_region():
    params = reference.parameters(REGIONS, PIXELS, MASK, train=False)
    expected = np.zeros((3, 3, DIM))
    for b, r in np.ndindex(3, 3):
        left = (0, 4, 6)[r]
        grid = STEM.apply({"params": params["stem"]}, PIXELS[b : b + 1, :, left : left + 2] / 127.5 - 1)
        total = sum(reference.gelu_tanh(np.asarray(grid[0, i, j])) for i, j in np.ndindex(2, 1))
        expected[b, r] = reference.dense(total / np.sqrt(2), params["project"])
    loops.close(loops.run(REGIONS, params, PIXELS, MASK), expected, np.repeat(MASK[:, None], 3, axis=1))


def test_what_two_regions_hold_changes_only_their_own_tokens():
    params = reference.parameters(REGIONS, PIXELS, MASK, train=False)
    other = PIXELS.copy()
    other[:, :, 2:6] = 0  # of a gap and of the second region
    changed = np.abs(loops.run(REGIONS, params, other, MASK).x - loops.run(REGIONS, params, PIXELS, MASK).x)
    assert (changed[0].max(-1) > 0).tolist() == [False, True, False]


def test_what_it_cannot_take_is_told():
    with pytest.raises(ValueError, match=r"regions has \(0\.5, 0\.0, 0\.5, 1\.0\); expected left, top"):
        Regions(dim=DIM, stem=STEM, regions=((0.5, 0.0, 0.5, 1.0),))
    with pytest.raises(ValueError, match=r"regions has \(\); expected left, top"):
        Regions(dim=DIM, stem=STEM, regions=())
    for regions in (((0.0, 0.0, 0.3, 1.0),), (*PLACES, (0.0, 0.0, 0.5, 1.0))):
        module = Regions(dim=DIM, stem=STEM, regions=regions)
        with pytest.raises(ValueError, match="a picture of 4 x 8 pixels have their edges at"):
            jax.eval_shape(lambda m=module: m.init(jax.random.key(0), PIXELS, MASK, train=False))
