"""The moving average of the parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.optim.adamw import Adamw
from mmjax.optim.average import Average
from mmjax.optim.constant import Constant
from mmjax.optim.optimizer import Optimizer


@pytest.mark.parametrize(("decay", "warmup"), [(0.9, 1.0), (0.5, 10.0), (0.999, 10.0), (0.0, 1.0)])
def test_the_average_follows_the_parameters_that_each_update_gives(decay, warmup):
    rng = np.random.default_rng(0)
    params = {"a": {"w": jnp.asarray(rng.normal(size=(3, 2)), jnp.float32)}, "b": jnp.ones(4)}
    optimizer = Optimizer(Adamw(), Constant(0.1), average=Average(decay, warmup))
    opt, step = optimizer.init(params), jax.jit(optimizer.update)
    expected = np.asarray(params["a"]["w"], np.float64)
    for n in range(20):
        grads = jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape), jnp.float32), params)
        params, opt, _ = step(grads, opt, params)
        d = min(decay, (1 + n) / (warmup + n))
        for i in np.ndindex(expected.shape):
            expected[i] = d * expected[i] + (1 - d) * float(params["a"]["w"][i])
        np.testing.assert_allclose(opt.average["a"]["w"], expected, rtol=1e-5, atol=1e-6)
    assert jax.tree.structure(opt.average) == jax.tree.structure(params)


def test_the_average_changes_nothing_about_the_parameters():
    params, grads = {"w": jnp.ones(3)}, {"w": jnp.arange(3.0)}
    results = []
    for average in (None, Average(0.9)):
        optimizer = Optimizer(Adamw(), Constant(0.1), clip=1.0, average=average)
        results.append(optimizer.update(grads, optimizer.init(params), params)[0]["w"])
    np.testing.assert_array_equal(*results)


def test_the_average_is_kept_in_fp32_so_that_it_moves_where_bf16_parameters_round():
    params = {"w": jnp.ones(2, jnp.bfloat16)}
    optimizer = Optimizer(Adamw(decay=0.0), Constant(0.01), average=Average(0.9999, warmup=1.0))
    _, opt, _ = optimizer.update({"w": jnp.ones(2, jnp.bfloat16)}, optimizer.init(params), params)
    assert opt.average["w"].dtype == jnp.float32
    np.testing.assert_allclose(opt.average["w"], 1 - 0.01 * 1e-4, atol=1e-7)
    assert opt.average["w"][0] != 1.0


def test_without_an_average_the_state_holds_none():
    opt = Optimizer(Adamw(), Constant(0.1)).init({"w": jnp.ones(2)})
    assert opt.average is None and "average" not in opt.chain


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (dict(decay=1.0), r"decay is 1.0; expected a number in \[0, 1\)"),
        (dict(warmup=0.0), "warmup is 0.0; expected at least 1"),
    ],
)
def test_an_average_that_would_never_move_is_an_error(fields, message):
    with pytest.raises(ValueError, match=message):
        Average(**fields)
