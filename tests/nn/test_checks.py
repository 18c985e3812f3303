"""What encoders refuse is told in one line that says what was given and what was expected."""

import numpy as np
import pytest
from flax import linen as nn

from mmjax.nn.checks import check_arrays, check_sizes, check_strides


class Sized(nn.Module):
    dim: int = 8
    heads: int = 2
    hidden: int | None = None
    vocab: int = 3
    dropout: float = 0.0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (dict(dim=0), "dim is 0; expected at least 1"),
        (dict(hidden=0), "hidden is 0; expected at least 1"),
        (dict(vocab=-1), "vocab is -1; expected at least 1"),
        (dict(heads=3), "dim 8 does not divide by heads 3; change one of them"),
        (dict(dropout=1.0), r"dropout is 1\.0; expected a share in \[0, 1\)"),
    ],
)
def test_sizes_that_cannot_be_built_are_named(fields, message):
    check_sizes(Sized(), "vocab")
    with pytest.raises(ValueError, match=message):
        check_sizes(Sized(**fields), "vocab")


@pytest.mark.parametrize("strides", [(), (2, 4), (0,)])
def test_strides_that_leap_are_named(strides):
    check_strides(3, (1, 2, 3))
    with pytest.raises(ValueError, match="expected at least one, each from 1 to the kernel's 3"):
        check_strides(3, strides)


def test_arrays_with_nothing_along_an_axis_are_named():
    check_arrays(Sized(), np.zeros((0, 3, 4)), np.zeros((0, 3), bool), "B T | C")
    with pytest.raises(ValueError, match=r"Sized takes values \[B, T, C\] of sizes from 1, given \(2, 0, 4\)"):
        check_arrays(Sized(), np.zeros((2, 0, 4)), np.zeros((2, 0), bool), "B T | C")


@pytest.mark.parametrize(
    ("values", "mask", "axes", "fits"),
    [
        ((2, 3, 4), (2, 3), "B T | C", True),
        ((2, 3, 4), (2,), "B T | C", False),
        ((2, 3), (2, 3), "B T | C", False),
        ((2, 3), (2, 3), "B L |", True),
        ((2, 3, 1), (2, 3), "B L |", False),
        ((2, 4, 4, 3), (2,), "B | H W C", True),
        ((2, 5, 4, 4, 3), (2, 5), "B | H W C", False),
    ],
)
def test_arrays_of_other_axes_are_named(values, mask, axes, fits):
    given = Sized(), np.zeros(values), np.zeros(mask, bool), axes
    if fits:
        check_arrays(*given)
    else:
        with pytest.raises(ValueError, match=r"Sized takes values \[B, .*\] with a mask \[B.*\], given \(2, "):
            check_arrays(*given)
