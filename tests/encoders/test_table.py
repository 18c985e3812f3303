"""Features of a table as tokens, against loops; ids that are not known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.encoders.table import Table
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case

RNG = np.random.default_rng(0)
NUMBERS, IDS = RNG.normal(size=(3, 2)), np.array([[0, 4], [2, 0], [1, 3]])
ROWS = np.concatenate([NUMBERS, IDS], axis=1).astype(np.float32)
MASK = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 1, 1]], bool)
ALL = np.ones_like(MASK)
TABLE = Table(dim=DIM, numeric=2, categories=(3, 5), layers=1, heads=2, hidden=6)
CASES = {
    "table": Case(TABLE, ROWS, MASK, pads=False),
    "table, numbers": Case(TABLE.clone(categories=()), ROWS[:, :2], MASK[:, :2], pads=False),
    "table, ids": Case(TABLE.clone(numeric=0), ROWS[:, 2:], MASK[:, 2:], pads=False),
}


@pytest.fixture(scope="module")
def params():
    return reference.parameters(TABLE, ROWS, MASK, train=False)


def run(params, rows, mask):
    return loops.run(TABLE, params, rows, mask)


def expected(params, known, mask):
    """`known` [B, K] says which ids have a row of the table."""
    x = np.zeros((3, 4, DIM))
    for b in range(3):
        for j in range(2):
            x[b, j] = ROWS[b, j] * params["scale"][j] + params["bias"][j]
        for j, first in enumerate((0, 3)):
            row = params["table"][first + IDS[b, j]] if known[b, j] else 0
            x[b, 2 + j] = row + params["bias"][2 + j]
    return loops.transformer(x, params["transformer"], mask, heads=2)


@pytest.mark.parametrize("mask", [ALL, MASK], ids=["whole", "with holes"])
def test_numbers_scale_a_vector_and_ids_choose_one(params, mask):
    loops.close(run(params, ROWS, mask), expected(params, np.ones((3, 2), bool), mask), mask)


@pytest.mark.parametrize("strange", [-1, 3, 10**6])
def test_an_id_that_is_not_known_is_the_columns_bias_and_never_another_columns_row(params, strange):
    rows = ROWS.copy()
    rows[1, 2] = strange
    known = np.array([[True, True], [False, True], [True, True]])
    loops.close(run(params, rows, ALL), expected(params, known, ALL), ALL)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (dict(), r"numeric is 0 and categories \(\); expected at least one column"),
        (dict(categories=(3, 0)), "at least one id in each category"),
    ],
)
def test_a_table_without_columns_or_with_an_empty_category_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Table(dim=8, **fields)


def test_rows_of_another_width_and_ids_that_their_type_cannot_hold_are_refused():
    def make(module, rows):
        jax.eval_shape(lambda: module.init(jax.random.key(0), rows, jnp.ones(rows.shape, bool), train=False))

    with pytest.raises(ValueError, match="a row has 3 features, expected 4: 2 numbers and 2 ids"):
        make(TABLE, ROWS[:, :3])
    many = Table(dim=8, categories=(300,))
    make(many, jnp.zeros((2, 1), jnp.float32))
    with pytest.raises(ValueError, match="bfloat16 does not hold ids up to 299; give float32 values"):
        make(many, jnp.zeros((2, 1), jnp.bfloat16))
