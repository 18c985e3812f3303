"""One vector as one token, against loops."""

import jax
import numpy as np
import pytest

from mmjax.encoders.vector import Vector
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case

ROWS = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
MASK = np.array([True, False, True])
VECTOR = Vector(dim=DIM, hidden=6)
CASES = {"vector": Case(VECTOR, ROWS, MASK)}


def test_it_is_two_layers_and_a_norm():
    params = reference.parameters(VECTOR, ROWS, MASK, train=False)
    inner = reference.gelu_tanh(reference.dense(ROWS, params["up"]))
    expected = reference.layer_norm(reference.dense(inner, params["down"]), params["norm"])
    found = loops.run(VECTOR, params, ROWS, MASK)
    loops.close(found, expected[:, None], MASK[:, None])


def test_a_series_is_no_vector():
    with pytest.raises(ValueError, match=r"Vector takes values \[B, C\] with a mask \[B\], given \(1, 3, 5\) with"):
        jax.eval_shape(lambda: VECTOR.init(jax.random.key(0), ROWS[None], MASK, train=False))
