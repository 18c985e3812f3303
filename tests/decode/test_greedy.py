"""Greedy search against a loop that computes every prefix anew."""

from functools import partial

import jax
import numpy as np
import pytest

from mmjax.decode.greedy import Greedy
from tests.decode import toy
from tests.decode.toy import BEGIN, ENDS, EOS, PAD, B


def brute(row, length):
    tokens = []
    while len(tokens) < length and EOS not in tokens:
        log_p = toy.log_p(row, tokens)
        tokens.append(max((token for token in range(toy.V) if token != PAD), key=lambda token: log_p[token]))
    return tokens + [PAD] * (length - len(tokens))


@pytest.mark.parametrize("length", [1, 2, 8])
def test_each_token_is_the_most_probable_one_after_those_before_it(length):
    tokens, _ = jax.jit(partial(Greedy(), toy.step, toy.pick, length=length, **ENDS))(*BEGIN)
    np.testing.assert_array_equal(tokens, [brute(row, length) for row in range(B)])
