"""What tokens say as it is, against a loop."""

import numpy as np
import pytest

from mmjax.heads.flatten import Flatten
from tests.heads.case import Case, tokens

CASES = {"flatten": Case(Flatten(length=5))}


@pytest.mark.parametrize("length", [5, 3])
def test_tokens_stand_one_after_the_other_with_zeros_for_what_is_not_real(length):
    given = tokens()
    found = Flatten(length).apply({}, given, train=False)
    for b, row in enumerate(found):
        wanted = [number if given.mask[b, i] else 0 for i in range(length) for number in given.x[b, i]]
        np.testing.assert_array_equal(row, np.array(wanted, np.float32))


def test_fewer_tokens_are_refused():
    with pytest.raises(ValueError, match="length is 6, but there are 5 tokens; set it to as many"):
        Flatten(6).apply({}, tokens(), train=False)
