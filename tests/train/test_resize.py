"""Position tables of another grid are resized as a bilinear filter would by hand."""

import numpy as np
import pytest

from mmjax.train.init_from import resize_table

TABLE = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)


def line(values, length):
    """Values [n, ...] resized along the first axis: triangles of width max(1, n / length) around each new place."""
    n = len(values)
    reach = max(1.0, n / length)
    out = []
    for i in range(length):
        centre = (i + 0.5) * n / length - 0.5
        weights = [max(0.0, 1 - abs(j - centre) / reach) for j in range(n)]
        out.append(sum(w * value for w, value in zip(weights, values, strict=True)) / sum(weights))
    return np.stack(out)


@pytest.mark.parametrize("grid", [(3, 4), (6, 8), (5, 9), (2, 2), (1, 7)])
def test_a_table_is_resized_along_each_axis_with_the_edges_clamped(grid):
    expected = np.swapaxes(line(np.swapaxes(line(TABLE, grid[0]), 0, 1), grid[1]), 0, 1)
    found = resize_table(TABLE, grid)
    assert type(found) is np.ndarray
    assert found.dtype == TABLE.dtype
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_table_keeps_its_values_on_its_own_grid_and_a_constant_on_every_grid():
    np.testing.assert_allclose(resize_table(TABLE, (3, 4)), TABLE, atol=1e-6)
    np.testing.assert_allclose(resize_table(np.full((3, 4, 2), 7.0), (11, 5)), np.full((11, 5, 2), 7.0), rtol=1e-6)
