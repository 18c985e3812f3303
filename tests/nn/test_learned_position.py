"""Learned positions are added place by place."""

import jax
import numpy as np
import pytest

from mmjax.nn.learned_position import LearnedPosition, flatten_grid

TABLE = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)


def test_every_place_gets_its_own_vector_and_every_picture_the_same_table():
    x = np.random.default_rng(1).normal(size=(2, 3, 4, 5)).astype(np.float32)
    found = LearnedPosition().apply({"params": {"table": TABLE}}, x)
    for b, row, column in np.ndindex(2, 3, 4):
        np.testing.assert_allclose(found[b, row, column], x[b, row, column] + TABLE[row, column], rtol=1e-6)


def test_the_table_starts_with_a_standard_deviation_of_one_over_the_root_of_the_width():
    params = LearnedPosition().init(jax.random.key(0), np.zeros((1, 8, 8, 64), np.float32))["params"]
    np.testing.assert_allclose(np.std(params["table"]), 64**-0.5, rtol=0.05)


def test_a_grid_is_read_row_by_row():
    x = np.arange(24).reshape(2, 3, 2, 2)
    flat = flatten_grid(x)
    for b, row, column in np.ndindex(2, 3, 2):
        np.testing.assert_array_equal(flat[b, row * 2 + column], x[b, row, column])


def test_a_picture_of_another_grid_than_the_tables_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"has the shape \(3, 4, 5\), but the picture asks for \(6, 4, 5\)") as caught:
        LearnedPosition().apply({"params": {"table": TABLE}}, np.zeros((1, 6, 4, 5), np.float32))
    assert "init_from, which resizes the table" in str(caught.value) and "\n" not in str(caught.value)
