"""T5's buckets against whole-number arithmetic and known values, and the bias that they index."""

import jax
import numpy as np
import pytest

from mmjax.nn.relative_position import RelativePosition, bucket
from tests import reference


@pytest.mark.parametrize("both_sides", [True, False])
@pytest.mark.parametrize(("buckets", "distance"), [(32, 128), (32, 256), (64, 128), (8, 20), (6, 12)])
def test_buckets_are_those_of_the_formula_at_every_offset(buckets, distance, both_sides):
    offsets = np.arange(-3 * distance, 3 * distance + 1)
    expected = [reference.bucket(int(offset), buckets, distance, both_sides) for offset in offsets]
    np.testing.assert_array_equal(bucket(offsets, buckets, distance, both_sides), expected)
    traced = jax.jit(lambda offsets: bucket(offsets, buckets, distance, both_sides))(offsets)
    np.testing.assert_array_equal(traced, expected)
    assert set(expected) == (set(range(buckets)) - {buckets // 2} if both_sides else set(range(buckets)))


@pytest.mark.parametrize(
    ("offset", "both_sides", "causal"),
    [
        (0, 0, 0),
        (-1, 1, 1),
        (1, 17, 0),
        (-7, 7, 7),
        (-8, 8, 8),
        (-11, 8, 11),
        (-12, 9, 12),
        (-15, 9, 15),
        (-16, 10, 16),
        (16, 26, 0),
        (-32, 12, 21),
        (-64, 14, 26),
        (-90, 14, 29),
        (-91, 15, 29),
        (-127, 15, 31),
        (-10_000, 15, 31),
        (10_000, 31, 0),
    ],
)
def test_known_values_of_32_buckets_up_to_128(offset, both_sides, causal):
    assert int(bucket(np.array(offset), 32, 128, True)) == both_sides
    assert int(bucket(np.array(offset), 32, 128, False)) == causal


@pytest.mark.parametrize("both_sides", [True, False])
def test_the_bias_of_query_and_key_is_the_table_entry_of_their_bucket_for_each_head(both_sides):
    module = RelativePosition(heads=3, both_sides=both_sides, buckets=8, distance=20)
    at = np.arange(30)
    params = reference.parameters(module, at, at)
    bias = jax.jit(module.apply)({"params": params}, at, at)
    np.testing.assert_array_equal(bias[0], reference.relative_bias(params, at, at, both_sides, 8, 20))
    # A cached decoder asks for one query at a time.
    np.testing.assert_array_equal(module.apply({"params": params}, at[17:18], at), bias[:, :, 17:18])
