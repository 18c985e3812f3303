"""The block that looks at a memory alone: dropout, and sizes that cannot be (its rule: tests of the interactions)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.interaction.cross_attention import CrossAttention
from mmjax.nn.cross_block import CrossBlock
from mmjax.nn.sized import head_dim, sized

X = np.random.default_rng(0).normal(size=(1, 3, 4)).astype(np.float32)
SEEN = np.ones((1, 1, 3), bool)


def test_dropout_acts_on_what_each_part_adds_and_in_training_alone():
    sizes = CrossAttention(("a",), heads=2, dropout=0.999)
    block = sized(CrossBlock, sizes, 4)
    params = jax.jit(block(train=False).init)(jax.random.key(0), X, None, X, SEEN)
    calm, _ = block(train=False).apply(params, X, None, X, SEEN)
    assert np.abs(calm - X).max() > 0.1
    dropped, _ = block(train=True).apply(params, X, None, X, SEEN, rngs={"dropout": jax.random.key(0)})
    assert np.mean(np.asarray(dropped) == X) > 0.8


def test_a_query_that_sees_no_memory_adds_nothing_of_it():
    block = sized(CrossBlock, CrossAttention(("a",), heads=2), 4)(train=False)
    params = jax.jit(block.init)(jax.random.key(0), X, None, X, SEEN)
    one, other = (block.apply(params, X, None, memory, SEEN & False)[0] for memory in (X, 7 * jnp.flip(X)))
    np.testing.assert_array_equal(one, other)


def test_heads_that_do_not_divide_the_width_are_refused():
    assert head_dim(6, 3) == 2
    with pytest.raises(ValueError, match="heads 4 does not divide the width 6 of the tokens"):
        head_dim(6, 4)
