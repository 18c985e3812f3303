"""What losses of numbers share."""

import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.losses.per_example import matched, mean_of_known


def test_one_number_an_example_may_come_without_an_axis_of_its_own():
    prediction, target = np.zeros((3, 1), np.float32), np.array([1.0, 2, 3])
    np.testing.assert_array_equal(matched(prediction, target)[1], [[1], [2], [3]])


@pytest.mark.parametrize("shape", [(3,), (3, 1), (2, 3), (3, 2, 1)])
def test_shapes_that_would_be_spread_over_each_other_are_refused(shape):
    with pytest.raises(ValueError, match=r"the target has shape .* and the prediction \(3, 2\); make the head's"):
        matched(np.zeros((3, 2)), np.zeros(shape))


def test_what_is_unknown_counts_neither_in_the_sum_nor_in_the_number():
    prediction, target = jnp.ones((3, 2), jnp.bfloat16), np.array([[4, np.nan], [1, 2], [np.nan, np.nan]])
    prediction, target, known = matched(prediction, target)
    assert prediction.dtype == target.dtype == jnp.float32
    np.testing.assert_array_equal(target, [[4, 0], [1, 2], [0, 0]])
    np.testing.assert_array_equal(mean_of_known(target, known), [4, 1.5, 0])
