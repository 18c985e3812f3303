"""Rows of numbers against a loop."""

import numpy as np

from mmjax.encoders.numbers import Numbers
from mmjax.nn.table_position import TablePosition
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case, lengths

ROWS = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
MASK = lengths(4, 2, 3, size=4)
NUMBERS = Numbers(dim=DIM, position=TablePosition(6))
CASES = {"numbers": Case(NUMBERS, ROWS, MASK)}


def test_each_row_goes_through_one_map_and_has_its_place_added():
    params = reference.parameters(NUMBERS, ROWS, MASK, train=False)
    expected = np.zeros((3, 4, DIM))
    for b, t in np.ndindex(3, 4):
        expected[b, t] = reference.dense(ROWS[b, t], params["map"]) + params["position"]["table"][t]
    loops.close(loops.run(NUMBERS, params, ROWS, MASK), expected, MASK)


def test_twice_as_much_is_twice_as_far_from_nothing():
    params = reference.parameters(NUMBERS, ROWS, MASK, train=False)
    nothing, once, twice = (loops.run(NUMBERS, params, n * ROWS, MASK).x[MASK] for n in (0, 1, 2))
    np.testing.assert_allclose(twice - nothing, 2 * (once - nothing), atol=1e-5)


def test_without_places_the_order_of_rows_does_not_matter():
    numbers = Numbers(dim=DIM)
    params = reference.parameters(numbers, ROWS, MASK, train=False)
    assert set(params) == {"map"}
    found, turned = (
        loops.run(numbers, params, rows, mask).x for rows, mask in ((ROWS, MASK), (ROWS[:, ::-1], MASK[:, ::-1]))
    )
    np.testing.assert_allclose(turned[:, ::-1], found, atol=1e-6)
