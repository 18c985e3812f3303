"""Schedules against their formulas, written out step by step in Python floats."""

import importlib
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mmjax.optim
from mmjax.optim.constant import Constant
from mmjax.optim.linear import Linear
from mmjax.optim.warmup_cosine import WarmupCosine
from mmjax.optim.warmup_rsqrt import WarmupRsqrt


def cosine(step, peak, warmup, steps, end):
    if step < warmup:
        return peak * step / warmup
    part = min(step - warmup, steps - warmup) / (steps - warmup)
    return end + (peak - end) * (1 + math.cos(math.pi * part)) / 2


def line(step, peak, warmup, steps, end):
    if step < warmup:
        return peak * step / warmup
    part = min(step - warmup, steps - warmup) / (steps - warmup)
    return peak + (end - peak) * part


def rsqrt(step, peak, warmup):
    return peak * step / warmup if step < warmup else peak * math.sqrt(warmup) / math.sqrt(step)


def constant(step, peak, warmup):
    return peak * step / warmup if step < warmup else peak


CASES = [
    (WarmupCosine, cosine, dict(peak=1e-3, warmup=5, steps=40, end=1e-5)),
    (WarmupCosine, cosine, dict(peak=3e-4, warmup=0, steps=20, end=0.0)),
    (Linear, line, dict(peak=2e-3, warmup=7, steps=30, end=1e-4)),
    (Linear, line, dict(peak=0.5, warmup=0, steps=10, end=0.0)),
    (WarmupRsqrt, rsqrt, dict(peak=1e-2, warmup=10)),
    (WarmupRsqrt, rsqrt, dict(peak=1e-2, warmup=1)),
    (Constant, constant, dict(peak=0.1, warmup=0)),
    (Constant, constant, dict(peak=1e-4, warmup=6)),
]


@pytest.mark.parametrize(("schedule", "formula", "fields"), CASES)
def test_a_schedule_follows_its_formula_before_at_and_beyond_its_end(schedule, formula, fields):
    steps = range(60)
    given = np.array([schedule(**fields)(step) for step in steps])
    np.testing.assert_allclose(given, [formula(step, **fields) for step in steps], rtol=2e-5, atol=1e-9)


@pytest.mark.parametrize(("schedule", "formula", "fields"), CASES)
def test_a_schedule_gives_fp32_under_jit_equal_to_eager(schedule, formula, fields):
    compiled = jax.jit(schedule(**fields))
    for step in (0, 3, 12):
        rate = compiled(jnp.int32(step))
        assert rate.dtype == jnp.float32 and rate.shape == ()
        np.testing.assert_allclose(rate, schedule(**fields)(step), rtol=1e-6)


@pytest.mark.parametrize(("schedule", "formula", "fields"), CASES)
def test_a_schedule_is_at_its_peak_when_the_warm_up_ends(schedule, formula, fields):
    rates = [float(schedule(**fields)(step)) for step in range(60)]
    assert rates[fields["warmup"]] == pytest.approx(fields["peak"], rel=1e-6)
    assert max(rates) == pytest.approx(fields["peak"], rel=1e-6)


@pytest.mark.parametrize("schedule", [WarmupCosine, Linear])
def test_a_compiled_schedule_that_ends_at_0_is_never_negative(schedule):
    compiled = jax.jit(jax.vmap(schedule(peak=0.3, warmup=0, steps=77)))
    rates = compiled(jnp.arange(100))
    assert float(rates.min()) == 0.0 and not np.asarray(rates)[77:].any()


def test_the_t5x_trap_a_base_rate_of_0316_means_a_peak_of_001_at_1000_steps_of_warm_up():
    assert float(WarmupRsqrt(peak=0.316 / math.sqrt(1000), warmup=1000)(1000)) == pytest.approx(0.01, rel=1e-3)
    assert float(WarmupRsqrt(peak=0.01, warmup=1000)(4000)) == pytest.approx(0.005, rel=1e-6)


@pytest.mark.parametrize("schedule", [WarmupCosine, Linear])
@pytest.mark.parametrize(("warmup", "steps"), [(10, 10), (-1, 5), (20, 10)])
def test_a_warm_up_that_leaves_no_steps_is_an_error_that_gives_both_numbers(schedule, warmup, steps):
    with pytest.raises(ValueError, match=rf"warmup is {warmup} and steps {steps}; expected"):
        schedule(peak=1.0, warmup=warmup, steps=steps)


@pytest.mark.parametrize("schedule", [WarmupCosine, Linear, Constant, WarmupRsqrt])
@pytest.mark.parametrize("peak", [-1.0, float("nan")])
def test_a_rate_below_zero_is_an_error(schedule, peak):
    with pytest.raises(ValueError, match=f"peak is {peak}"):
        schedule(peak=peak, warmup=1)


def test_a_warm_up_that_cannot_be_is_an_error_for_schedules_without_a_length():
    with pytest.raises(ValueError, match="warmup is 0; expected at least 1"):
        WarmupRsqrt(peak=1.0, warmup=0)
    with pytest.raises(ValueError, match="warmup is -3"):
        Constant(peak=1.0, warmup=-3)


def test_every_schedule_of_the_folder_is_checked_against_a_formula():
    found = set()
    for path in Path(mmjax.optim.__file__).parent.glob("*.py"):
        name = path.stem.title().replace("_", "")
        cls = getattr(importlib.import_module(f"mmjax.optim.{path.stem}"), name, None)
        if cls is not None and "__call__" in vars(cls):
            found.add(cls)
    assert found == {schedule for schedule, _, _ in CASES}
