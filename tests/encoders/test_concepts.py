"""Concepts against their two halves, one after the other."""

import numpy as np
import pytest

from mmjax.encoders.concepts import Concepts
from mmjax.encoders.numbers import Numbers
from mmjax.encoders.regions import Regions
from mmjax.nn.neighbour_stem import NeighbourStem
from mmjax.nn.table_position import TablePosition
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 4, 8, 3)).astype(np.float32)
MASK = np.array([True, False, True])
HALVES = ((0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0))
TELL = Regions(dim=3, stem=NeighbourStem(widths=(), dim=5, side=2), regions=HALVES)
SAY = Numbers(dim=DIM, position=TablePosition(2))
CONCEPTS = Concepts(dim=DIM, tell=TELL, say=SAY)
CASES = {"concepts": Case(CONCEPTS, PIXELS, MASK)}


def test_it_says_what_it_tells():
    params = reference.parameters(CONCEPTS, PIXELS, MASK, train=False)
    told = TELL.apply({"params": params["tell"]}, PIXELS, MASK, train=False)
    said = SAY.apply({"params": params["say"]}, told.x, told.mask, train=False)
    found = loops.run(CONCEPTS, params, PIXELS, MASK)
    np.testing.assert_array_equal(found.mask, np.repeat(MASK[:, None], 2, axis=1))
    np.testing.assert_allclose(found.x[found.mask], said.x[said.mask], atol=1e-5)


def test_another_width_than_what_it_says_is_refused():
    with pytest.raises(ValueError, match=f"say.dim is {DIM} and dim 4; make them equal"):
        Concepts(dim=4, tell=TELL, say=SAY)
