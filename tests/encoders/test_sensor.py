"""The sensor encoder against loops, and series of unequal length."""

import numpy as np
import pytest

from mmjax.encoders.sensor import Sensor
from tests import reference
from tests.encoders import loops
from tests.encoders.case import DIM, Case, lengths

SERIES = np.random.default_rng(0).normal(size=(3, 9, 2)).astype(np.float32)
MASK = lengths(5, 0, 9, size=9)
SENSOR = Sensor(dim=DIM, kernel=3, layers=1, heads=2, hidden=6)
HOLES = np.array([[1, 0, 1, 1, 0, 0, 0, 0, 0], [0] * 9, [1, 1, 1, 1, 0, 0, 0, 0, 1]], bool)
CASES = {
    "sensor": Case(SENSOR, SERIES, MASK),
    "sensor, with holes": Case(SENSOR.clone(strides=(1, 2)), SERIES, HOLES),
}


@pytest.mark.parametrize(
    ("strides", "mask", "layers"),
    [((2, 2), MASK, 1), ((1, 3), HOLES, 1), ((2, 2), MASK, 0)],
    ids=["lengths", "holes", "no layers"],
)
def test_it_is_convolutions_with_norms_positions_and_blocks(strides, mask, layers):
    module = SENSOR.clone(strides=strides, layers=layers)
    params = reference.parameters(module, SERIES, mask, train=False)
    x, real = SERIES, mask
    for i, stride in enumerate(strides):
        x, real = loops.convolve(x, real, params[f"conv_{i}"]["kernel"], kernel=3, stride=stride)
        x = reference.gelu_tanh(reference.layer_norm(x, params[f"norm_{i}"]))
    x = x + loops.waves(np.arange(x.shape[1]), DIM)
    found = loops.run(module, params, SERIES, mask)
    loops.close(found, loops.transformer(x, params["transformer"], real, heads=2), real)


def test_a_row_is_encoded_alike_whatever_the_length_that_it_is_padded_to():
    params = reference.parameters(SENSOR, SERIES, MASK, train=False)
    whole = loops.run(SENSOR, params, SERIES, MASK)
    for length in (5, 6, 7, 8):
        short = loops.run(SENSOR, params, SERIES[:1, :length], MASK[:1, :length])
        np.testing.assert_allclose(short.x[0, :2], whole.x[0, :2], atol=1e-5)


def test_no_strides_are_refused():
    with pytest.raises(ValueError, match=r"strides are \(\); expected at least one"):
        Sensor(dim=8, strides=())
