"""Soft CCA step by step, by loops, and canonical directions against those of whole covariances."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.losses.canonical import Canonical
from mmjax.losses.dcca import Dcca
from mmjax.losses.soft_cca import SoftCca
from mmjax.losses.whole_batch import WholeBatch

B, D = 24, 3


def batch(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(B, D)) @ rng.normal(size=(D, D))
    y, real = x @ np.random.default_rng(9).normal(size=(D, D)) + rng.normal(size=(B, D)), rng.random(B) < 0.8
    x[~real], y[~real] = np.nan, 1e20
    return x.astype(np.float32), y.astype(np.float32), WholeBatch(real, np.arange(B, dtype=np.int32))


def test_the_loss_of_each_step_is_that_of_loops_over_all_before_it():
    loss, kept, weight = SoftCca(decorrelation=0.3, keep=0.7), np.zeros((2, D, D)), 0.0
    running = loss.start(*batch(0)[:2])
    for seed in range(3):
        x, y, whole = batch(seed)
        real = [one[whole.real].astype(np.float64) for one in (x, y)]
        normal = [(one - one.mean(0)) / np.sqrt(one.var(0, ddof=1) + 1e-5) for one in real]
        weight = 0.7 * weight + 1
        total = np.mean(np.sum((normal[0] - normal[1]) ** 2, axis=1)) / 2
        for view, one in enumerate(normal):
            kept[view] = 0.7 * kept[view] + one.T @ one / (len(one) - 1)
            total += 0.3 * sum(abs(kept[view][i, j]) / weight for i in range(D) for j in range(D) if i != j)
        found, running = jax.jit(loss)(x, y, whole, running)
        assert float(found.value) == pytest.approx(total, rel=1e-4)
    np.testing.assert_allclose(running.x, kept[0], rtol=1e-3, atol=1e-4)


def test_gradients_are_finite_and_those_of_small_changes():
    loss = SoftCca()
    x, y, whole = batch(3)
    _, running = loss(*batch(4), loss.start(x, y))

    def value(x):
        return loss(jnp.where(whole.real[:, None], x, 0), y, whole, running)[0].value

    x = np.nan_to_num(x)
    way = np.random.default_rng(0).normal(size=x.shape).astype(np.float32)
    told = float(jnp.sum(jax.grad(value)(x) * way))
    assert told == pytest.approx(float(value(x + 0.01 * way) - value(x - 0.01 * way)) / 0.02, rel=0.02)
    still = jax.grad(lambda x: loss(x, y, whole, running)[0].value)(np.ones_like(x))
    assert np.isfinite(still).all()


def test_canonical_directions_correlate_one_by_one_as_dcca_says():
    canonical = Canonical(keep=0.0, ridge=1e-4)
    x, y, whole = batch(5)
    moments = canonical.moved(canonical.start(x, y), x, y, whole)
    a, b = (np.asarray(one)[whole.real] for one in canonical.projected(moments, x, y))
    cross = np.corrcoef(a.T, b.T)[:D, D:]
    np.testing.assert_allclose(cross, np.diag(np.diag(cross)), atol=2e-3)
    assert np.diag(cross).sum() == pytest.approx(-float(Dcca(ridge=1e-4)(x, y, whole).value), rel=1e-3)
    np.testing.assert_allclose(a.var(0, ddof=1), 1, rtol=1e-2)


def test_old_moments_fade():
    canonical = Canonical(keep=0.5)
    x, y, whole = batch(6)
    moments = canonical.moved(canonical.start(x, y), *batch(7))
    for _ in range(30):
        moments = canonical.moved(moments, x, y, whole)
    alone = canonical.moved(canonical.start(x, y), x, y, whole)
    for one, other in zip(canonical.projected(moments, x, y), canonical.projected(alone, x, y), strict=True):
        np.testing.assert_allclose(np.abs(one)[whole.real], np.abs(other)[whole.real], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("kind", "fields"), [(SoftCca, dict(keep=1.0)), (Canonical, dict(ridge=0.0))])
def test_fields_that_mean_nothing_are_told(kind, fields):
    with pytest.raises(ValueError, match=f"{next(iter(fields))} .*expected"):
        kind(**fields)


def test_batches_of_no_pair_leave_the_moments_as_they_were():
    canonical = Canonical(keep=0.5)
    x, y, whole = batch(6)
    moments = canonical.moved(canonical.start(x, y), x, y, whole)
    empty = dataclasses.replace(whole, real=np.zeros(len(x), bool))
    jax.tree.map(np.testing.assert_array_equal, canonical.moved(moments, x, y, empty), moments)
