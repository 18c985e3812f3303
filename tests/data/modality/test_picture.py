"""A row's picture in a size that may be no square."""

import numpy as np
import pytest

from mmjax.data.modality.picture import Picture


def test_a_picture_and_one_that_is_missing_have_the_height_and_width_of_the_size():
    wide = Picture("image", (2, 4))
    image = np.zeros((4, 8, 3), np.uint8)
    image[:, 4:] = 200
    found, there = wide(image, {})
    np.testing.assert_array_equal(found[..., 0], [[0, 0, 200, 200]] * 2)
    missing, mask = wide(None, {})
    assert there and not mask and missing.shape == found.shape and not missing.any()
    square, _ = Picture("image", 2)(image, {})
    np.testing.assert_array_equal(square[..., 0], [[0, 200]] * 2)


@pytest.mark.parametrize("size", [0, (4,), (4, 0), (1, 2, 3)])
def test_a_size_that_is_none_is_told(size):
    with pytest.raises(ValueError, match="size is"):
        Picture("image", size)
