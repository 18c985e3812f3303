"""One step: the global mean whatever the parts, and nothing moves when it is not finite."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core import paths
from mmjax.core.task import Ctx
from mmjax.optim.constant import Constant
from mmjax.optim.group import Group
from mmjax.optim.linear import Linear
from mmjax.optim.sgd import Sgd
from mmjax.train.state import averaged, create
from mmjax.train.step import predict_step, train_step
from tests.train.toy import LENGTH, Points, Toy, experiment, optimizer, points


def run(task, optim, batches, **options):
    """The state after these batches and the metrics of each step, all as host arrays."""
    state = create(task, optim, 0, batches[0])
    step, found = jax.jit(train_step(task, optim, **options)), []
    for batch in batches:
        state, metrics = step(state, batch)
        found.append(jax.device_get(metrics))
    return jax.device_get(state), found


def batches(count, rows=8):
    return [points((6, k), rows) for k in range(count)]


def close(one, other, rtol=0.0):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-6), one, other)


def same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


def by_loops(params, batch, weights):
    """Loss and gradients of the line w x + b, entry by entry, in double precision."""
    w, b = np.asarray(params["dense_0"]["kernel"], np.float64)[:, 0], float(params["dense_0"]["bias"][0])
    counts = {"fit": batch["mask"].sum(), "size": batch["other"].sum()}
    loss, grad_w, grad_b = 0.0, np.zeros_like(w), 0.0
    for row in range(len(batch["x"])):
        for place in range(batch["x"].shape[1]):
            x = batch["x"][row, place].astype(np.float64)
            y = x @ w + b
            slope = 0.0
            if batch["mask"][row, place]:
                error = y - batch["y"][row, place]
                loss += weights["fit"] * error**2 / counts["fit"]
                slope += weights["fit"] * 2 * error / counts["fit"]
            if batch["other"][row, place]:
                loss += weights["size"] * y**2 / counts["size"]
                slope += weights["size"] * 2 * y / counts["size"]
            grad_w, grad_b = grad_w + slope * x, grad_b + slope
    return loss, grad_w, grad_b


@pytest.mark.parametrize("microbatches", [1, 2, 4])
def test_loss_and_gradients_are_those_of_the_mean_over_all_real_entries(microbatches):
    task, batch = Toy(hidden=None), points((3,), 8)
    optim = optimizer(rule=Sgd(momentum=0.0, decay=0.0), schedule=Constant(1.0), clip=None, average=None)
    before = jax.device_get(create(task, optim, 0, batch).params)
    after, (metrics,) = run(task, optim, [batch], microbatches=microbatches)
    loss, grad_w, grad_b = by_loops(before, batch, task.weights)
    moved = jax.tree.map(np.subtract, before, after.params)
    np.testing.assert_allclose(metrics["scalars"]["loss"], loss, rtol=1e-5)
    np.testing.assert_allclose(moved["dense_0"]["kernel"][:, 0], grad_w, atol=2e-6)
    np.testing.assert_allclose(moved["dense_0"]["bias"][0], grad_b, atol=2e-6)
    norm = np.sqrt((grad_w**2).sum() + grad_b**2)
    np.testing.assert_allclose(metrics["scalars"]["gradient_norm"], norm, rtol=1e-5)


@pytest.mark.parametrize("microbatches", [2, 4])
def test_accumulated_microbatches_equal_the_full_batch_with_uneven_masks(microbatches):
    first = batches(1)[0]["mask"].reshape(-1, microbatches, LENGTH).sum((0, 2))
    assert len(set(first.tolist())) > 1
    whole, found = run(Toy(), optimizer(), batches(5))
    parts, summed = run(Toy(), optimizer(), batches(5), microbatches=microbatches)
    close(parts, whole)
    close(summed, found, rtol=1e-6)  # totals are large


def test_microbatches_draw_noise_of_their_own():
    task, half = Toy(noise=1.0), points((5,), 4)
    twice = {name: np.repeat(x, 2, axis=0) for name, x in half.items()}  # each microbatch is `half` once more
    _, (metrics,) = run(task, optimizer(), [twice], microbatches=2)
    state = create(task, optimizer(), 0, twice)
    keys = jax.random.split(jax.random.fold_in(jax.random.wrap_key_data(state.key), 0), 2)
    totals = [float(task.loss(state.params, state.extra, half, Ctx(key, train=True))[0]["fit"].total) for key in keys]
    assert abs(totals[0] - totals[1]) > 0.1
    np.testing.assert_allclose(metrics["means"]["fit"].total, sum(totals), rtol=1e-5)


def test_noise_depends_on_seed_and_step_alone():
    task, batch = Toy(noise=1.0), points((5,), 8)
    still = optimizer(schedule=Constant(0.0))
    _, found = run(task, still, [batch] * 3)
    _, again = run(task, still, [batch] * 3)
    losses = [float(metrics["scalars"]["loss"]) for metrics in found]
    assert len(set(losses)) == 3
    assert losses == [float(metrics["scalars"]["loss"]) for metrics in again]


def test_a_task_that_couples_its_examples_refuses_microbatches():
    with pytest.raises(ValueError, match="microbatches is 2, but the loss of Toy ties the examples"):
        experiment(task=Toy(coupled=True), microbatches=2)
    assert experiment(task=Toy(coupled=True), microbatches=1).microbatches == 1


class Rooted(Toy):
    """Its loss is finite and its gradient is not: the slope of a root at 0."""

    def loss(self, params, extra, batch, ctx):
        found, extra = super().loss(params, extra, batch, ctx)
        zero = jnp.sqrt(jnp.sum(params["dense_0"]["bias"]) * batch["flat"][0])
        return {**found, "fit": found["fit"].replace(total=found["fit"].total + zero)}, extra


def _bad(kind):
    batch = points((7, 9), 8)
    batch["mask"][0, 0] = True
    if kind in ("nan", "infinity"):
        batch["y"][0, 0] = {"nan": np.nan, "infinity": np.inf}[kind]
        return Toy(), batch
    return Rooted(), {**batch, "flat": np.zeros(8, np.float32)}


@pytest.mark.parametrize("microbatches", [1, 2])
@pytest.mark.parametrize("kind", ["nan", "infinity", "gradient alone"])
def test_a_step_that_is_not_finite_moves_the_counters_alone(kind, microbatches):
    task, bad = _bad(kind)
    good = [{**batch, "flat": np.ones(8, np.float32)} if "flat" in bad else batch for batch in batches(3)]
    optim = optimizer(schedule=Linear(0.02, 0, 10))
    before, _ = run(task, optim, good, microbatches=microbatches)
    after, found = run(task, optim, [*good, bad], microbatches=microbatches)
    assert np.isfinite(found[-1]["scalars"]["loss"]) == (kind == "gradient alone")
    assert not np.isfinite(found[-1]["scalars"]["gradient_norm"])
    for name in ("params", "opt", "extra", "key"):
        same(getattr(after, name), getattr(before, name))
    assert optim.rate(after.opt)["learning_rate"] == optim.rate(before.opt)["learning_rate"] < 0.02
    assert (int(after.step), int(after.skipped), int(after.streak)) == (4, 1, 1)


def test_after_a_bad_step_training_goes_on_as_if_it_had_not_been():
    _, bad = _bad("nan")
    first, second, third = batches(3)
    state, _ = run(Toy(), optimizer(), [first, bad, second, third])
    clean, _ = run(Toy(), optimizer(), [first, second, third])
    same((state.params, state.opt, state.extra), (clean.params, clean.opt, clean.extra))
    assert (int(state.step), int(state.skipped), int(state.streak)) == (4, 1, 0)


def test_a_streak_that_has_reached_the_limit_stays_there_until_the_host_looks():
    _, bad = _bad("nan")
    good = batches(2)
    state, found = run(Toy(), optimizer(), [good[0], bad, good[1], bad, bad, good[0], bad], patience=2)
    assert [int(metrics["streak"]) for metrics in found] == [0, 1, 0, 1, 2, 2, 2]
    assert int(state.skipped) == 4


def test_frozen_parameters_neither_move_nor_have_a_state():
    optim = optimizer(groups=(("dense_0", Group(frozen=True)), (".*", Group())))
    start = jax.device_get(create(Toy(), optim, 0, batches(1)[0]))
    state, _ = run(Toy(), optim, batches(3))
    same(state.params["dense_0"], start.params["dense_0"])
    assert np.abs(state.params["dense_1"]["kernel"] - start.params["dense_1"]["kernel"]).max() > 1e-3
    assert set(paths.flatten(state.opt.average)) == {"dense_1/kernel", "dense_1/bias"}
    assert set(paths.flatten(averaged(state))) == set(paths.flatten(state.params))
    same(averaged(state)["dense_0"], start.params["dense_0"])


def test_predictions_come_with_scores_over_the_real_entries():
    task, batch = Toy(), next(iter(Points(batch=8, test=5).split()))
    params, extra = task.init(jax.random.key(0), batch)
    predictions, means = jax.jit(predict_step(task))({"params": params, "extra": extra}, batch)
    value = np.asarray(predictions["value"])
    near = [abs(value[b, t] - batch["y"][b, t]) < 0.5 for b, t in zip(*np.nonzero(batch["mask"]), strict=True)]
    assert (float(means["near"].total), float(means["near"].count)) == (sum(near), len(near))
    assert 0 < sum(near) < len(near)
