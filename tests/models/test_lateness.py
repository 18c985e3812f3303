"""An offset in seconds from two encoded streams, by the lags of a reference, and what is told."""

import jax
import numpy as np
import pytest

from mmjax.align.learned_offset import LearnedOffset
from mmjax.encoders.sensor import Sensor
from mmjax.encoders.vector import Vector
from mmjax.metrics.within import Within
from mmjax.models.lateness import Lateness

ENCODERS = {name: Sensor(dim=8, strides=(1,), layers=1, heads=2) for name in ("seen", "heard")}


def model(**fields):
    return Lateness(**{"order": ("seen", "heard"), "encoders": ENCODERS, "rate": 4.0, "most": 1.0, **fields})


def test_it_is_the_learned_offset_of_what_both_encode_in_seconds():
    rng = np.random.default_rng(0)
    batch = {name: rng.normal(size=(3, 12, 2)).astype(np.float32) for name in ENCODERS}
    batch |= {f"{name}_mask": np.arange(12) < np.array([[12], [9], [0]]) for name in ENCODERS}
    found, variables = jax.jit(lambda key: model().init_with_output(key, batch, train=False))(jax.random.key(0))
    params = variables["params"]
    tokens = [
        ENCODERS[name].apply({"params": params[f"encoders_{name}"]}, batch[name], batch[f"{name}_mask"], train=False)
        for name in ("seen", "heard")
    ]
    wanted, _ = LearnedOffset(4).apply({"params": params["offset"]}, *tokens)
    np.testing.assert_allclose(found[:, 0], wanted / 4, atol=1e-5)
    assert found.shape == (3, 1) and float(found[2, 0]) == 0


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (dict(order=("seen", "seen")), "expected the two that encoders names"),
        (dict(rate=0.0), "rate is 0.0"),
        (dict(most=0.1), "most 0.1; expected an offset of a step or more"),
    ],
)
def test_what_cannot_be_built_is_told(fields, told):
    with pytest.raises(ValueError, match=told):
        model(**fields)


def test_streams_of_other_lengths_are_told():
    batch = {"seen": np.zeros((2, 5, 2), np.float32), "heard": np.zeros((2, 3), np.float32)}
    batch |= {"seen_mask": np.ones((2, 5), bool), "heard_mask": np.ones(2, bool)}
    with pytest.raises(ValueError, match="one rate and length"):
        model(encoders={"seen": ENCODERS["seen"], "heard": Vector(dim=8)}).init(jax.random.key(0), batch, train=False)


def test_the_share_within_a_tolerance_is_counted():
    assert Within(0.5)([1.0, 2.0, 3.0, 4.0], [1.5, 2.6, 3.0, 9.0]) == pytest.approx(
        {"within": 0.5, "median_error": 0.55}
    )
    with pytest.raises(ValueError, match="tolerance is 0"):
        Within(0)
