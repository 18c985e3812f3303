"""Modalities side by side at each position, and shares among what is real."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.tokens import Tokens
from mmjax.nn.aligned import aligned, any_real, shares


def some(length, *mask):
    x = np.random.default_rng(length).normal(size=(len(mask), length, 2)).astype(np.float32)
    return Tokens.of(x, np.array(mask, bool))


def test_each_position_holds_what_the_modalities_have_there_in_the_given_order():
    given = {"a": some(2, [1, 0]), "b": some(2, [1, 1])}
    x, real = aligned(given, ("b", "a"))
    np.testing.assert_array_equal(real, [[[True, True], [True, False]]])
    np.testing.assert_array_equal(x[0, 0], [given["b"].x[0, 0], given["a"].x[0, 0]])
    np.testing.assert_array_equal(x[0, 1], [given["b"].x[0, 1], [0, 0]])


def test_a_pooled_vector_makes_no_padding_real_unless_it_is_all_that_the_row_has():
    pooled, sequence = some(1, [1], [1], [0]), some(3, [1, 1, 0], [0, 0, 0], [1, 0, 0])
    x, real = aligned({"pooled": pooled, "sequence": sequence}, ("pooled", "sequence"))
    np.testing.assert_array_equal(real[..., 0], [[True, True, False], [True] * 3, [False] * 3])
    np.testing.assert_array_equal(real[..., 1], sequence.mask)
    for b, i, m in np.ndindex(*real.shape):
        source = (pooled.x[b, 0], sequence.x[b, i])[m]
        np.testing.assert_array_equal(x[b, i, m], source if real[b, i, m] else np.zeros(2))


def test_other_lengths_other_widths_and_another_order_are_refused():
    with pytest.raises(ValueError, match=r"lengths {'a': 2, 'b': 3} have no positions in common; .*nn.pool"):
        aligned({"a": some(2, [1, 1]), "b": some(3, [1, 1, 1])}, ("a", "b"))
    wide = Tokens.of(np.zeros((1, 2, 3)), np.ones((1, 2), bool))
    with pytest.raises(ValueError, match=r"must share one width, given {'a': 2, 'b': 3}"):
        aligned({"a": some(2, [1, 1]), "b": wide}, ("a", "b"))
    for order in ((), ("a", "a"), ("a", "b")):
        with pytest.raises(ValueError, match="must name each modality once; there are "):
            aligned({"a": wide}, order)


def test_new_tokens_are_real_where_any_that_they_stand_for_is():
    given = some(1, [0], [1], [0]), some(2, [0, 0], [0, 0], [0, 1])
    np.testing.assert_array_equal(any_real(given), [[False], [True], [True]])
    np.testing.assert_array_equal(any_real(given[:1], 3), [[False] * 3, [True] * 3, [False] * 3])


def test_shares_are_a_softmax_over_what_is_real_and_nothing_where_nothing_is():
    logits = np.array([[0.0, np.log(3), 5], [1, 2, 3]], np.float32)
    real = np.array([[1, 1, 0], [0, 0, 0]], bool)
    np.testing.assert_allclose(shares(logits, real), [[0.25, 0.75, 0], [0, 0, 0]], atol=1e-6)
    gradient = jax.grad(lambda x: jnp.sum(shares(x, real) * jnp.arange(3.0)))(logits)
    np.testing.assert_allclose(gradient, [[-0.1875, 0.1875, 0], [0, 0, 0]], atol=1e-6)
    assert shares(logits.astype(jnp.bfloat16), real).dtype == jnp.float32
