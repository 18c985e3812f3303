"""Losses that tie the rows of a batch together: by loops, on any devices, and where batches are degenerate."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.partition import psum
from mmjax.losses.barlow_twins import BarlowTwins
from mmjax.losses.clip import Clip
from mmjax.losses.dcca import Dcca, nuclear_norm
from mmjax.losses.dcca_ey import DccaEy
from mmjax.losses.multi_similarity import MultiSimilarity
from mmjax.losses.n_pair import NPair
from mmjax.losses.pair import Pair
from mmjax.losses.quadruplet import Quadruplet
from mmjax.losses.triplet import Triplet
from mmjax.losses.vicreg import Vicreg
from mmjax.losses.whole_batch import WholeBatch
from tests.command import module
from tests.losses import whole

CASES = {
    "dcca": (Dcca(), whole.dcca),
    "dcca, the two largest": (Dcca(top=2), lambda *a: whole.dcca(*a, top=2)),
    "dcca_ey": (DccaEy(), whole.dcca_ey),
    "barlow_twins": (BarlowTwins(), whole.barlow_twins),
    "vicreg": (Vicreg(), whole.vicreg),
    "pair": (Pair(margin=2.5), lambda *a: whole.pair(*a, margin=2.5)),
    "triplet, semi-hard": (Triplet(margin=0.5), lambda *a: whole.triplet(*a, margin=0.5)),
    "triplet, hardest": (Triplet(mine="hardest"), lambda *a: whole.triplet(*a, mine="hardest")),
    "quadruplet": (Quadruplet(second=0.7), lambda *a: whole.quadruplet(*a, second=0.7)),
    "multi_similarity": (MultiSimilarity(), whole.multi_similarity),
    "clip": (partial(Clip(), scale=0.3), lambda *a: whole.clip(*a, scale=0.3)),
    "n_pair": (NPair(length=0.1), lambda *a: whole.n_pair(*a, length=0.1)),
}
LOSSES = {name: loss for name, (loss, _) in CASES.items()}
B, D = 32, 5


def batch(seed: int = 0, groups: int | None = 7):
    """Views that share something, rows that are not real and hold NaN, and groups of several rows or of one each."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(B, D))
    x = (shared + 0.5 * rng.normal(size=(B, D))).astype(np.float32)
    y = (shared @ rng.normal(size=(D, D)) + 0.5 * rng.normal(size=(B, D))).astype(np.float32)
    real = rng.random(B) < 0.8
    x[~real], y[~real] = np.nan, 1e30
    group = np.arange(B) if groups is None else rng.integers(0, groups, B)
    return x, y, real, group.astype(np.int32)


def value(loss, x, y, real, group):
    return loss(x, y, WholeBatch(real, group)).value


@pytest.mark.parametrize("groups", [7, None, 3])
@pytest.mark.parametrize("name", CASES)
def test_a_loss_is_what_loops_over_its_real_rows_make_of_the_formula(name, groups):
    loss, reference = CASES[name]
    given = batch(groups=groups)
    x, y, group = whole.rows(*given)
    assert float(value(loss, *given)) == pytest.approx(reference(x, y, group), rel=2e-4)


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_small_changes_and_none_is_of_a_row_that_is_not_real(name):
    loss, reference = CASES[name]
    x, y, real, group = batch(seed=1)
    found = jax.grad(lambda x, y: value(loss, x, y, real, group), argnums=(0, 1))(x, y)
    assert all(np.isfinite(one).all() and not np.asarray(one)[~real].any() for one in found)
    rng, small = np.random.default_rng(0), 1e-5
    x, y, group = whole.rows(x, y, real, group)
    along = [rng.normal(size=x.shape), rng.normal(size=y.shape)]
    ends = [reference(x + sign * small * along[0], y + sign * small * along[1], group) for sign in (1, -1)]
    told = sum(float(np.sum(np.asarray(one)[real] * way)) for one, way in zip(found, along, strict=True))
    assert told == pytest.approx((ends[0] - ends[1]) / (2 * small), rel=2e-3, abs=1e-4)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", ["all rows equal", "one feature constant", "no row real", "one row real", "isotropic"])
def test_degenerate_batches_give_finite_losses_and_gradients(name, kind):
    x, y, _, group = batch(seed=2)
    x, y, real = np.nan_to_num(x), np.where(np.abs(y) > 1e9, 0, y), np.ones(B, bool)
    if kind == "all rows equal":
        x, y = np.ones_like(x), np.ones_like(y)
    elif kind == "one feature constant":
        x[:, 0], y[:, 1] = 3, -2
    elif kind == "isotropic":
        x = y = np.tile(np.eye(D, dtype=np.float32), (7, 1))[:B]
    else:
        real = np.arange(B) < (kind == "one row real")
    found = jax.value_and_grad(lambda x, y: value(LOSSES[name], x, y, real, group), argnums=(0, 1))(x, y)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found))


@pytest.mark.parametrize("name", CASES)
def test_neither_the_order_of_rows_nor_jit_changes_a_loss(name):
    given = batch(seed=3)
    turned = np.random.default_rng(0).permutation(B)
    one = float(value(LOSSES[name], *given))
    other = float(jax.jit(lambda *a: value(LOSSES[name], *a))(*(part[turned] for part in given)))
    assert one == pytest.approx(other, rel=1e-4)


def test_views_of_known_correlation_have_that_correlation():
    rng = np.random.default_rng(0)
    rho = np.array([0.9, 0.6, 0.2, 0.0])
    x = rng.normal(size=(200_000, 4))
    y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=x.shape)
    mixed = [(one @ rng.normal(size=(4, 4))).astype(np.float32) for one in (x, y)]
    everything = WholeBatch(np.ones(len(x), bool), np.arange(len(x), dtype=np.int32))
    assert -float(Dcca(ridge=1e-6)(*mixed, everything).value) == pytest.approx(rho.sum(), abs=0.02)
    assert -float(Dcca(ridge=1e-6, top=1)(*mixed, everything).value) == pytest.approx(0.9, abs=0.01)


def test_the_gradient_of_the_nuclear_norm_is_that_of_autodiff_where_singular_values_differ():
    matrix = jax.random.normal(jax.random.key(0), (4, 6))
    plain = jax.grad(lambda m: jnp.sum(jnp.linalg.svd(m, full_matrices=False)[1][:3]))(matrix)
    np.testing.assert_allclose(jax.grad(nuclear_norm)(matrix, 3), plain, atol=1e-5)
    assert np.isfinite(jax.grad(nuclear_norm)(jnp.eye(4))).all()


def test_fewer_real_rows_than_a_covariance_takes_teach_nothing():
    x, y, _, group = batch()
    for count, told in ((D, False), (D + 1, True)):
        whole = WholeBatch(np.arange(len(x)) < count, group)
        value, gradient = jax.value_and_grad(lambda x, whole=whole: Dcca()(x, y, whole).value)(np.nan_to_num(x))
        assert (bool(value), bool(np.abs(gradient).max() > 0)) == (told, told) and np.isfinite(gradient).all()


def test_a_batch_too_small_for_a_covariance_is_told():
    x, y, real, group = (part[:D] for part in batch())
    with pytest.raises(
        ValueError, match=r"the correlation of a batch of 5 rows and 5 features: .* batch of more than 5"
    ):
        Dcca()(x, y, WholeBatch(real, group))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Dcca, dict(ridge=0)), (Dcca, dict(top=0)), (BarlowTwins, dict(redundancy=-1)), (Pair, dict(margin=0)),
        (Triplet, dict(margin=-1)), (Quadruplet, dict(second=0)), (MultiSimilarity, dict(other=0)),
        (NPair, dict(length=-1)),
    ],
)  # fmt: skip
def test_fields_that_mean_nothing_are_told(kind, fields):
    (name,) = fields
    with pytest.raises(ValueError, match=rf"{name} (is )?-?\d"):
        kind(**fields)


def test_eight_devices_give_what_one_gives_under_jit_and_pmap(environment):
    done = module("tests.losses.test_whole", env=environment(8))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == list(LOSSES)


def compare() -> None:
    """On the devices there are: values and gradients of one device, of a mesh and of pmap; prints what agrees."""
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    split = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))

    def total(xy, loss, real, group, axis):
        found = loss(*xy, WholeBatch(real, group, axis))
        count = jax.lax.stop_gradient(psum(found.count, axis))
        return found.total / jnp.maximum(count, 1e-9)

    def everything(xy, real, group, axis=None):
        found = {name: jax.value_and_grad(total)(xy, loss, real, group, axis) for name, loss in LOSSES.items()}
        return {name: (psum(value, axis), gradients) for name, (value, gradients) in found.items()}

    x, y, real, group = batch(seed=4)
    given = (x, y), real, group
    one, meshed = (jax.jit(everything)(*args) for args in (given, jax.device_put(given, split)))
    cut = jax.tree.map(lambda a: a.reshape(8, -1, *a.shape[1:]), given)
    mapped = jax.pmap(partial(everything, axis="data"), axis_name="data")(*cut)
    for name in LOSSES:
        value, gradients = mapped[name]
        whole_again = value[0], jax.tree.map(lambda a: a.reshape(B, *a.shape[2:]), gradients)
        for other in (meshed[name], whole_again):
            jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), one[name], other)
        print(name, flush=True)


if __name__ == "__main__":
    compare()
