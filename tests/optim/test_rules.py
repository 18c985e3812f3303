"""Every rule against a loop over numbers, and what all of them owe the optimiser."""

import importlib
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mmjax.optim
from mmjax.optim.adafactor import Adafactor
from mmjax.optim.adamw import Adamw
from mmjax.optim.constant import Constant
from mmjax.optim.linear import Linear
from mmjax.optim.lion import Lion
from mmjax.optim.optimizer import Optimizer
from mmjax.optim.sgd import Sgd
from mmjax.optim.warmup_rsqrt import WarmupRsqrt


def adamw(p, grads, rate, *, b1, b2, eps, decay):
    p = p.astype(np.float64)
    m, v = np.zeros(p.shape), np.zeros(p.shape)
    for t, g in enumerate(grads, start=1):
        for i in np.ndindex(p.shape):
            m[i] = b1 * m[i] + (1 - b1) * g[i]
            v[i] = b2 * v[i] + (1 - b2) * float(g[i]) ** 2
            u = (m[i] / (1 - b1**t)) / (math.sqrt(v[i] / (1 - b2**t)) + eps)
            p[i] -= rate(t - 1) * (u + decay * p[i])
    return p


def sgd(p, grads, rate, *, momentum, nesterov, decay):
    p, m = p.astype(np.float64), np.zeros(p.shape)
    for t, g in enumerate(grads):
        for i in np.ndindex(p.shape):
            m[i] = momentum * m[i] + g[i]
            u = g[i] + momentum * m[i] if nesterov else m[i]
            p[i] -= rate(t) * (u + decay * p[i])
    return p


def lion(p, grads, rate, *, b1, b2, decay):
    p, m = p.astype(np.float64), np.zeros(p.shape)
    for t, g in enumerate(grads):
        for i in np.ndindex(p.shape):
            u = math.copysign(1, b1 * m[i] + (1 - b1) * g[i])
            m[i] = b2 * m[i] + (1 - b2) * g[i]
            p[i] -= rate(t) * (u + decay * p[i])
    return p


def adafactor(p, grads, rate, *, power, clip, factor, eps, floor, decay):
    """For vectors and matrices."""
    p = p.astype(np.float64)
    whole = p.ndim < 2 or min(p.shape) < factor
    rows, columns, v = np.zeros(p.shape[0]), np.zeros(p.shape[-1]), np.zeros(p.shape)
    for t, g in enumerate(grads, start=1):
        g = g.astype(np.float64)
        keep, u = 1 - t**-power, np.zeros(p.shape)
        if whole:
            for i in np.ndindex(p.shape):
                v[i] = keep * v[i] + (1 - keep) * (g[i] ** 2 + eps)
                u[i] = g[i] / math.sqrt(v[i])
        else:
            for r in range(p.shape[0]):
                rows[r] = keep * rows[r] + (1 - keep) * (sum(x * x for x in g[r]) / p.shape[1] + eps)
            for c in range(p.shape[1]):
                columns[c] = keep * columns[c] + (1 - keep) * (sum(x * x for x in g[:, c]) / p.shape[0] + eps)
            middle = sum(rows) / len(rows)
            for r, c in np.ndindex(p.shape):
                u[r, c] = g[r, c] / math.sqrt(rows[r] * columns[c] / middle)
        u /= max(1.0, math.sqrt((u * u).sum() / u.size) / clip)
        scale = max(floor, math.sqrt((p * p).sum() / p.size))
        p = p - rate(t - 1) * (u * scale + decay * p)
    return p


SMALL, MATRIX = (3, 4), (128, 160)
TINY = dict(eps=1e-30, floor=1e-3)
CASES = [
    (Adamw, adamw, SMALL, dict(b1=0.9, b2=0.98, eps=1e-6, decay=0.1)),
    (Adamw, adamw, SMALL, dict(b1=0.8, b2=0.999, eps=1e-8, decay=0.0)),
    (Sgd, sgd, SMALL, dict(momentum=0.9, nesterov=False, decay=0.05)),
    (Sgd, sgd, SMALL, dict(momentum=0.7, nesterov=True, decay=0.0)),
    (Sgd, sgd, SMALL, dict(momentum=0.0, nesterov=False, decay=0.1)),
    (Lion, lion, SMALL, dict(b1=0.9, b2=0.99, decay=0.3)),
    (
        Adafactor,
        adafactor,
        SMALL,
        dict(power=0.8, clip=1.0, factor=128, **TINY, decay=0.0),
    ),
    (
        Adafactor,
        adafactor,
        (7,),
        dict(power=0.8, clip=0.5, factor=128, eps=1e-30, floor=5.0, decay=0.2),
    ),
    (
        Adafactor,
        adafactor,
        MATRIX,
        dict(power=0.8, clip=1.0, factor=128, **TINY, decay=0.1),
    ),
    (
        Adafactor,
        adafactor,
        SMALL,
        dict(power=0.7, clip=1.0, factor=3, **TINY, decay=0.0),
    ),
]
RULES = [Adamw(), Sgd(), Lion(), Adafactor(), Sgd(momentum=0.0)]


def run(optimizer, params, grads):
    opt = optimizer.init(params)
    step = jax.jit(optimizer.update)
    for g in grads:
        params, opt, _ = step(g, opt, params)
    return params, opt


def rule_files():
    for path in Path(mmjax.optim.__file__).parent.glob("*.py"):
        name = path.stem.title().replace("_", "")
        cls = getattr(importlib.import_module(f"mmjax.optim.{path.stem}"), name, None)
        if hasattr(cls, "direction"):
            yield cls


@pytest.mark.parametrize(("rule", "loop", "shape", "fields"), CASES)
def test_a_rule_takes_the_steps_of_its_formula_with_decay_multiplied_by_the_rate(rule, loop, shape, fields):
    rng = np.random.default_rng(0)
    start = rng.normal(size=shape).astype(np.float32)
    # Sizes that differ from step to step make clipping act in some steps and not in others.
    grads = [(size * rng.normal(size=shape)).astype(np.float32) for size in (1, 5, 0.1, 2, 1)]
    schedule = Linear(peak=0.05, warmup=0, steps=10)
    optimizer = Optimizer(rule(**fields), schedule)
    params, _ = run(optimizer, {"w": jnp.asarray(start)}, [{"w": g} for g in grads])
    expected = loop(start, grads, lambda step: 0.05 * (1 - step / 10), **fields)
    np.testing.assert_allclose(params["w"], expected, rtol=2e-5, atol=2e-6)
    assert np.abs(expected - start).max() > 0.01


def test_every_rule_of_the_folder_has_a_reference():
    assert set(rule_files()) == {rule for rule, *_ in CASES}


@pytest.mark.parametrize("rule", RULES)
def test_a_gradient_of_zero_leaves_finite_parameters_and_state(rule):
    params = {"w": jnp.zeros((128, 128)), "layers": {"b": jnp.ones((3, 4))}}
    zeros = jax.tree.map(jnp.zeros_like, params)
    params, opt = run(Optimizer(rule, Constant(0.1)), params, [zeros] * 3)
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves((params, opt)))


@pytest.mark.parametrize("rule", RULES)
def test_state_is_kept_in_fp32_and_parameters_keep_their_type(rule):
    params = {"w": jnp.ones((128, 128), jnp.bfloat16), "layers": {"b": jnp.ones((3, 4), jnp.bfloat16)}}
    grads = jax.tree.map(lambda p: 0.5 * jnp.ones_like(p), params)
    new, opt = run(Optimizer(rule, Constant(0.1)), params, [grads])
    assert {leaf.dtype for leaf in jax.tree.leaves(new)} == {jnp.dtype(jnp.bfloat16)}
    assert {leaf.dtype for leaf in jax.tree.leaves(opt)} <= {jnp.dtype(jnp.float32), jnp.dtype(jnp.int32)}
    wide = run(Optimizer(rule, Constant(0.1)), jax.tree.map(lambda p: p.astype(jnp.float32), params), [grads])
    np.testing.assert_array_equal(new["w"], wide[0]["w"].astype(jnp.bfloat16))


def test_adafactor_keeps_two_vectors_for_a_matrix_that_is_large_both_ways_and_no_whole_second_moment():
    opt = Optimizer(Adafactor(), Constant(0.1)).init({"large": jnp.ones((128, 256)), "thin": jnp.ones((64, 256))})
    state = opt.chain["rule"]["single"][0]
    assert state.v_row["large"].size + state.v_col["large"].size == 128 + 256
    assert state.v["large"].size == 1 and state.v["thin"].shape == (64, 256)


def test_adafactor_moves_a_parameter_at_the_end_of_t5xs_warm_up_by_the_peak_times_its_size():
    # The rates of PaLI make sense as shares of the parameters; what starts at 0 moves by the floor.
    params = {"w": 3 * jnp.ones((128, 128)), "zero": jnp.zeros((128, 128))}
    optimizer = Optimizer(Adafactor(), WarmupRsqrt(peak=0.01, warmup=4))
    opt, step = optimizer.init(params), jax.jit(optimizer.update)
    for k in range(5):
        before = params
        params, opt, _ = step(jax.tree.map(jnp.ones_like, params), opt, params)
        share = float(jnp.mean((before["w"] - params["w"]) / before["w"]))
        assert share == pytest.approx(0.01 * k / 4, rel=1e-3)
        if k == 1:
            np.testing.assert_allclose(params["zero"], -0.01 / 4 * 1e-3, rtol=1e-4)


def test_sgd_without_momentum_keeps_nothing_and_refuses_nesterov():
    assert not jax.tree.leaves(Optimizer(Sgd(momentum=0.0), Constant(0.1)).init({"w": jnp.ones(3)}).chain["rule"])
    with pytest.raises(ValueError, match="nesterov needs a momentum"):
        Sgd(momentum=0.0, nesterov=True)
