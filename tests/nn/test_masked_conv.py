"""The masked convolution against loops over rows, steps and kernels; the cells that strides make of a mask."""

import numpy as np
import pytest

from mmjax.core.tokens import Tokens
from mmjax.nn.masked_conv import MaskedConv
from mmjax.nn.time_cells import filled, real_cells
from tests import reference
from tests.encoders import loops

X = np.random.default_rng(0).normal(size=(3, 7, 2)).astype(np.float32)
MASK = np.array([[1, 1, 1, 1, 1, 0, 0], [0] * 7, [1, 0, 0, 0, 1, 1, 1]], bool)


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (3, 2), (4, 2), (5, 3), (3, 3), (9, 2)])
def test_a_result_is_the_sum_over_the_real_steps_of_its_window(kernel, stride):
    module, tokens = MaskedConv(5, kernel, stride), Tokens.of(X, MASK)
    params = reference.parameters(module, tokens)
    expected, real = loops.convolve(X, MASK, params["kernel"], kernel, stride)
    dirty = Tokens.of(np.where(MASK[..., None], X, np.nan), MASK)
    found = module.apply({"params": params}, dirty)
    np.testing.assert_array_equal(found.mask, real)
    np.testing.assert_allclose(found.x, expected, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_how_far_a_series_is_padded_changes_nothing(stride):
    module = MaskedConv(5, 4, stride)
    params = reference.parameters(module, Tokens.of(X, MASK))
    whole = module.apply({"params": params}, Tokens.of(X, MASK))
    short = module.apply({"params": params}, Tokens.of(X[:1, :5], MASK[:1, :5]))
    assert whole.mask[0].sum() == short.mask[0].sum() == -(-5 // stride)
    np.testing.assert_allclose(short.x[0], whole.x[0, : short.x.shape[1]], atol=1e-6)


def test_a_stride_that_leaps_over_steps_is_refused():
    with pytest.raises(ValueError, match="stride is 4; expected 1 to the kernel's 3"):
        MaskedConv(5, 3, 4)


def test_cells_are_real_where_a_step_is_and_the_last_one_is_filled_up():
    for size in (1, 2, 3, 7, 9):
        expected = [[any(row[i : i + size]) for i in range(0, 7, size)] for row in MASK]
        np.testing.assert_array_equal(real_cells(MASK, size), expected)
    np.testing.assert_array_equal(filled(X, 3), np.concatenate([X, np.zeros((3, 2, 2))], axis=1))
    np.testing.assert_array_equal(filled(X, 7), X)
