"""Positions in time against their formula, entry by entry, fixed and learned."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.nn.table_position import TablePosition
from mmjax.nn.time_position import TimePosition, time_waves
from tests.encoders import loops

X = np.random.default_rng(0).normal(size=(2, 5, 6)).astype(np.float32)
AT = np.array([[0, 0.5, 7, 7, 100], [3.25, -1, 2, 60, 61]], np.float32)


def test_each_entry_is_the_sine_or_cosine_of_the_time_at_its_frequency():
    np.testing.assert_allclose(time_waves(AT, 6, 100.0), loops.waves(AT, 6, 100.0), atol=1e-4)
    placed = TimePosition(50.0)
    np.testing.assert_allclose(placed.apply({}, X), X + loops.waves(np.arange(5), 6, 50.0), atol=1e-5)
    np.testing.assert_allclose(placed.apply({}, X, AT), X + loops.waves(AT, 6, 50.0), atol=1e-4)


def test_they_have_no_parameters_keep_the_type_and_are_computed_in_fp32():
    low = jnp.zeros((1, 4, 6), jnp.bfloat16)
    at = jnp.array([[1000.0, 1001.0, 1002.0, 1003.0]])  # which bfloat16 could not tell apart
    found = TimePosition().apply({}, low, at)
    assert found.dtype == jnp.bfloat16 and TimePosition().init(jax.random.key(0), low) == {}
    np.testing.assert_allclose(found.astype(jnp.float32), loops.waves(np.array(at), 6), atol=0.01)


def test_an_odd_width_is_refused():
    with pytest.raises(ValueError, match="positions in time take an even width, given 5"):
        time_waves(AT, 5, 10.0)


def test_learned_positions_are_the_first_of_their_table_and_no_sequence_may_be_longer():
    table = np.arange(7 * 6, dtype=np.float32).reshape(7, 6)
    found = TablePosition(7).apply({"params": {"table": table}}, X)
    for t in range(5):
        np.testing.assert_allclose(found[:, t], X[:, t] + table[t], atol=1e-6)
    with pytest.raises(ValueError, match="there are positions for 4 tokens, but 5 are given; raise length"):
        jax.eval_shape(TablePosition(4).init, jax.random.key(0), X)
