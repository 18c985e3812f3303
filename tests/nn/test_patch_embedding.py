"""Patches against loops over the pixels of each."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.nn.patch_embedding import PatchEmbedding
from tests import reference

X = np.random.default_rng(0).normal(size=(2, 4, 6, 3)).astype(np.float32)


def test_each_token_is_the_linear_map_of_its_own_patch_read_row_by_row():
    module = PatchEmbedding(size=2, dim=5)
    params = reference.parameters(module, X)
    found = np.asarray(module.apply({"params": params}, X))
    assert found.shape == (2, 2, 3, 5)
    for b, row, column in np.ndindex(2, 2, 3):
        pixels = [X[b, 2 * row + i, 2 * column + j, c] for i in range(2) for j in range(2) for c in range(3)]
        np.testing.assert_allclose(found[b, row, column], reference.dense(np.array(pixels), params["patch"]), atol=1e-5)


def test_it_is_the_convolution_whose_stride_is_its_size():
    module = PatchEmbedding(size=2, dim=5)
    params = reference.parameters(module, X)
    kernel = jnp.reshape(params["patch"]["kernel"], (2, 2, 3, 5))
    strided = jax.lax.conv_general_dilated(X, kernel, (2, 2), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    np.testing.assert_allclose(module.apply({"params": params}, X), strided + params["patch"]["bias"], atol=1e-5)


def test_a_picture_that_patches_do_not_tile_is_refused():
    with pytest.raises(ValueError, match="patches of 4 pixels do not tile a picture of 4 x 6"):
        jax.eval_shape(PatchEmbedding(size=4, dim=5).init, jax.random.key(0), X)
