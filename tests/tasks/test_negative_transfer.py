"""Each modality beside all, and gradients that are watched, projected, modulated or blended, by NumPy loops."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.mean import Mean
from mmjax.core.task import Ctx, Task
from mmjax.encoders.vector import Vector
from mmjax.fusion.concat_features import ConcatFeatures
from mmjax.heads.classify import Classify as Head
from mmjax.models.beside import Beside
from mmjax.models.compose import Compose
from mmjax.optim.constant import Constant
from mmjax.optim.optimizer import Optimizer
from mmjax.optim.sgd import Sgd
from mmjax.tasks.classify import Classify
from mmjax.tasks.each import Each
from mmjax.tasks.gradient_blending import GradientBlending, blending, held_out
from mmjax.tasks.ogm_ge import OgmGe, modulation
from mmjax.tasks.pcgrad import Pcgrad, projected
from mmjax.tasks.surgery import matching
from mmjax.tasks.watch import Watch
from mmjax.train.mesh import Mesh
from mmjax.train.pmap import Pmap
from mmjax.train.state import create
from mmjax.train.step import train_step
from tests.command import module

B, CLASSES, WIDTHS = 16, 3, {"a": 4, "b": 5}
ORDER = tuple(WIDTHS)
SHARED = "^encoders_"


def heads():
    return {name: Head(classes=CLASSES) for name in WIDTHS}


def model(**fields):
    encoders = {name: Vector(dim=6) for name in WIDTHS}
    head = Head(classes=CLASSES)
    return Beside(encoders=encoders, fusion=ConcatFeatures(ORDER), head=head, alone=heads(), **fields)


def batch(seed=0):
    rng = np.random.default_rng(seed)
    found = {name: rng.normal(size=(B, width)).astype(np.float32) for name, width in WIDTHS.items()}
    found |= {f"{name}_mask": np.ones(B, bool) for name in WIDTHS}
    label = np.where(rng.random(B) < 0.2, -1, found["a"][:, :CLASSES].argmax(1)).astype(np.int32)
    return found | {"index": np.arange(B, dtype=np.int32), "label": label}


EACH = Each(model(), alone=0.7)
TASKS = {
    "each": EACH,
    "watch": Watch(EACH, shared=SHARED),
    "pcgrad": Pcgrad(EACH, shared=SHARED),
    "ogm_ge": OgmGe(EACH, noise=0.0, alpha=0.5),
    "noisy": OgmGe(EACH),
    "gradient_blending": GradientBlending(EACH, window=2, held=0.3),
}
COUPLED = ("pcgrad", "noisy", "gradient_blending")  # what watching tells, PCGrad tells too
OPTIM = Optimizer(rule=Sgd(momentum=0.0), schedule=Constant(1.0)).over(9)


def trained(task, steps=1, partition=None):
    """(fresh parameters, those after some steps, the last metrics) from one start, whatever stands around the task."""
    partition, given = partition or Mesh(axes={"data": 1}), batch()
    state = jax.jit(lambda: create(task, OPTIM, 0, given))()
    first = jax.device_get(state.params)
    step = partition.compile(train_step(task, OPTIM, axis=partition.axis), donate=False)
    state = partition.put_state(state)
    for _ in range(steps):
        state, metrics = step(state, partition.put_batch(given))
    return first, *jax.device_get(partition.fetch((state.params, metrics)))


@pytest.fixture(scope="module")
def gradients():
    """Of each weighted loss by itself, flat in float64, and of which entries are an encoder's, of which modality."""
    state = jax.jit(lambda: create(EACH, OPTIM, 0, batch()))()

    def values(params):
        found, _ = EACH.loss(params, state.extra, batch(), Ctx(jax.random.key(0), train=True))
        return {name: weight * found[name].value for name, weight in EACH.weights.items()}

    return jax.device_get(jax.jit(jax.jacrev(values))(state.params))


def flat(tree, choose=lambda path: True):
    leaves = jax.tree.leaves_with_path(tree)
    named = [(jax.tree_util.keystr(path, simple=True, separator="/"), leaf) for path, leaf in leaves]
    return np.concatenate([np.asarray(leaf, np.float64).ravel() for path, leaf in named if choose(path)])


def taken(task):
    """The gradient by which the first step went, and what it told."""
    before, after, metrics = trained(task)
    return jax.tree.map(np.subtract, before, after), metrics


def test_watching_changes_nothing_and_tells_norms_and_cosines(gradients):
    step, metrics = taken(TASKS["watch"])
    whole = jax.tree.map(lambda *parts: sum(parts), *gradients.values())
    np.testing.assert_allclose(flat(step), flat(whole), atol=1e-6)
    told = {name: mean.total / mean.count for name, mean in metrics["means"].items()}
    shared = {name: flat(one, lambda path: path.startswith("encoders_")) for name, one in gradients.items()}
    for one, other in (("a", "fused"), ("b", "fused"), ("b", "a")):
        x, y = shared[one], shared[other]
        wanted = x @ y / max(np.linalg.norm(x) * np.linalg.norm(y), 1e-20)
        assert told[f"cosine/gradients/{one} and {other}"] == pytest.approx(wanted, abs=1e-5)
    for name in ORDER:
        wanted = np.linalg.norm(flat(whole, lambda path, name=name: path.startswith(f"encoders_{name}/")))
        assert told[f"norm/gradients of encoders/{name}"] == pytest.approx(wanted, rel=1e-5)
    assert metrics["scalars"]["loss"] == pytest.approx(float(taken(EACH)[1]["scalars"]["loss"]), rel=1e-6)


def test_conflicting_gradients_are_projected_as_the_paper_writes_it():
    rng = np.random.default_rng(1)
    for seed in range(6):
        g = rng.normal(size=(3, 4))
        mixture = np.asarray(projected(jnp.asarray(g @ g.T, jnp.float32), jax.random.key(seed)))
        for i in range(3):
            order = np.asarray(jax.random.permutation(jax.random.fold_in(jax.random.key(seed), i), 3))
            mine = g[i].copy()
            for j in order:
                if j != i and mine @ g[j] < 0:
                    mine -= mine @ g[j] / (g[j] @ g[j]) * g[j]
            np.testing.assert_allclose(mixture[i] @ g, mine, atol=1e-5)


def test_what_is_not_shared_is_added_up_and_what_agrees_is_left(gradients):
    step, _ = taken(TASKS["pcgrad"])
    whole = jax.tree.map(lambda *parts: sum(parts), *gradients.values())

    def own(path):
        return not path.startswith("encoders_")

    np.testing.assert_allclose(flat(step, own), flat(whole, own), atol=1e-6)
    shared = np.stack([flat(one, lambda path: not own(path)) for one in gradients.values()])
    dots = jnp.asarray(shared @ shared.T, jnp.float32)
    orders = [np.sum(projected(dots, jax.random.key(draw)) @ shared, axis=0) for draw in range(30)]
    apart = np.abs(orders - flat(step, lambda path: not own(path))).max(axis=1)
    assert apart.min() < 1e-5  # the orders of three are few, and one of them was drawn
    alike = jnp.array([[2.0, 1.0], [1.0, 2.0]])
    np.testing.assert_array_equal(projected(alike, jax.random.key(0)), np.eye(2))


def test_the_modality_that_leads_is_slowed_and_no_other(gradients):
    step, metrics = taken(TASKS["ogm_ge"])
    whole = jax.tree.map(lambda *parts: sum(parts), *gradients.values())
    score = {name: metrics["means"][f"{name}_score"].value for name in ORDER}
    for name, other in (("a", "b"), ("b", "a")):
        rho = score[name] / score[other]
        k = 1 - np.tanh(0.5 * rho) if rho > 1 else 1.0
        mine = partial(flat, choose=lambda path, name=name: path.startswith(f"encoders_{name}/"))
        np.testing.assert_allclose(mine(step), k * mine(whole), atol=1e-6)
    np.testing.assert_allclose(modulation(jnp.array([0.6, 0.3, 0.3]), 1.0), [1 - np.tanh(2), 1, 1], rtol=1e-5)
    noisy, _ = taken(TASKS["noisy"])
    apart = flat(noisy["encoders_a"]) - flat(step["encoders_a"])
    drawn = {jax.random.key_data(OgmGe.drawn(start(seed))[0])[0].item() for seed in (0, 1)}
    assert len(drawn) == 2 and start(0)["turn"] == 0 and OgmGe.drawn(start(0))[1]["turn"] == 1
    assert np.isfinite(apart).all() and apart.std() > 0


def test_noise_has_the_deviation_of_each_array_and_ends_with_the_modulation():
    task = OgmGe(EACH, noise=0.5, alpha=2.0, until=1)
    rng = np.random.default_rng(0)
    gradients = {"encoders_a/x": 3 * rng.normal(size=(200, 50)), "encoders_a/y": 0.1 * rng.normal(size=(100, 50))}
    gradients = {path: one.astype(np.float32) for path, one in gradients.items()} | {"head": np.ones(3, np.float32)}
    found = {"a_score": jnp.float32(0.8), "b_score": jnp.float32(0.2)}
    new, told, own = task.operated(lambda together: [gradients], found, start(0))
    slowed = 1 - np.tanh(2.0 * 4)
    assert float(told["pace/modulation/a"]) == pytest.approx(slowed, abs=1e-6)
    for path in ("encoders_a/x", "encoders_a/y"):
        noise = new[path] - slowed * gradients[path]
        assert np.std(noise) == pytest.approx(0.5 * gradients[path].std(), rel=0.05) and abs(np.mean(noise)) < 0.1
    np.testing.assert_array_equal(new["head"], gradients["head"])
    after, told, _ = task.operated(lambda together: [gradients], found, own)
    jax.tree.map(np.testing.assert_array_equal, after, gradients)
    assert float(told["pace/modulation/a"]) == 1


def start(seed):
    return TASKS["ogm_ge"].init(jax.random.key(seed), batch())[1]["own"]


def test_weights_are_gain_over_the_square_of_growth():
    before, after = np.array([[1.0, 1.0, 1.0], [1.2, 1.1, 1.0]]), np.array([[0.5, 0.9, 0.2], [1.0, 1.05, 1.3]])
    gain = np.maximum(before[1] - after[1], 0)
    growth = (after[1] - after[0]) - (before[1] - before[0])
    wanted = gain / growth**2
    np.testing.assert_allclose(blending(before, after), wanted / wanted.sum(), rtol=1e-5)
    np.testing.assert_allclose(blending(after, after + 1), np.full(3, 1 / 3), rtol=1e-5)
    assert np.isfinite(blending(before, before)).all()


def test_blending_learns_nothing_of_rows_held_out_and_weighs_after_two_windows():
    task, out = TASKS["gradient_blending"], np.asarray(held_out(batch()["index"], 0.3))
    assert 0 < out.sum() < B and (held_out(np.arange(10_000), 0.25).mean() - 0.25) ** 2 < 1e-3
    params, extra = task.init(jax.random.key(0), batch())

    def gradient(label):
        def value(params):
            found, _ = task.loss(params, extra, {**batch(), "label": label}, Ctx(jax.random.key(0), train=True))
            return found["blended"].total

        return jax.grad(value)(params)

    label = np.abs(batch()["label"])
    one, other = gradient(label), gradient(np.where(out, (label + 1) % CLASSES, label))
    jax.tree.map(np.testing.assert_array_equal, one, other)
    for steps, equal in ((4, True), (5, False)):
        _, _, metrics = trained(task, steps)
        weights = [metrics["means"][f"weight/blending/{name}"].value for name in task.task.weights]
        assert sum(weights) == pytest.approx(1, rel=1e-5)
        assert (max(weights) - min(weights) < 1e-6) == equal


class Uneven:
    """Losses that count other rows: two that are blended, and one that a part of a model would give."""

    def __init__(self):
        self.names, self.weights = ("one", "other"), {"one": 1.0, "other": 3.0, "part": 0.5}
        self.counts = {"one": 7.0, "other": 5.0, "part": 2.0}

    def init(self, key, batch):
        return {"w": jnp.arange(1.0, 4.0)}, {}

    def loss(self, params, extra, batch, ctx):
        totals = dict(zip(self.weights, params["w"] ** 2, strict=True))
        return {name: Mean(total, jnp.float32(self.counts[name])) for name, total in totals.items()}, extra


def test_losses_are_blended_each_by_its_own_count_and_what_parts_of_a_model_give_keeps_its_weight():
    task = GradientBlending(Uneven())
    params, extra = task.init(jax.random.key(0), batch())
    extra["own"]["weights"] = jnp.array([0.2, 0.8])

    def blended(params):
        found, _ = task.loss(params, extra, batch(), Ctx(jax.random.key(0), train=True))
        return found["blended"].value

    weights = np.array([0.2 / 7, 0.8 / 5, 0.5 / 2])
    value, gradient = jax.value_and_grad(blended)(params)
    assert float(value) == pytest.approx(weights @ [1, 4, 9])
    np.testing.assert_allclose(gradient["w"], weights * [2, 4, 6], rtol=1e-6)
    with pytest.raises(ValueError, match=r"holds labels out, but the data gives a, .*; set data.label"):
        task.init(jax.random.key(0), {name: one for name, one in batch().items() if name != "label"})


def test_all_and_each_alone_are_scored_in_one_table():
    task = EACH.bind(dataclasses.make_dataclass("Known", ["labels"])(("x", "y", "z")))
    params, extra = task.init(jax.random.key(0), batch())
    predictions = jax.device_get(task.predict(params, extra, batch(), Ctx(jax.random.key(0), False)))
    found = task.finish(task.read(predictions, batch()))
    known = batch()["label"] >= 0
    for name, key in (("fused", "probability"), ("a", "a_probability"), ("b", "b_probability")):
        wanted = np.mean(predictions[key].argmax(-1)[known] == batch()["label"][known])
        assert found[f"accuracy/unimodal and fused/{name}"] == pytest.approx(wanted)
    scores = task.score(predictions, batch())
    assert float(scores["a_accuracy"].value) == pytest.approx(found["accuracy/unimodal and fused/a"])
    # The same names in training, so that both stand in one table.
    told, _ = task.loss(params, extra, batch(), Ctx(jax.random.key(0), False))
    for name in ("fused", "a", "b"):
        key = f"accuracy/unimodal and fused/{name}"
        assert float(told[key].value) == pytest.approx(found[key])


def test_a_modality_alone_says_nothing_of_rows_that_lack_it():
    task = EACH.bind(dataclasses.make_dataclass("Known", ["labels"])(("x", "y", "z")))
    given = batch() | {"b_mask": np.arange(B) < 4}
    params, extra = task.init(jax.random.key(0), given)
    found, _ = task.loss(params, extra, given, Ctx(jax.random.key(0), True))
    known = given["label"] >= 0
    assert [float(found[name].count) for name in ("fused", "a", "b")] == [known.sum(), known.sum(), known[:4].sum()]
    predictions = jax.device_get(task.predict(params, extra, given, Ctx(jax.random.key(0), False)))
    records = task.read(predictions, given)
    assert [set(record["alone"]) for record in records] == [{"a", "b"}] * 4 + [{"a"}] * (B - 4)
    wanted = np.mean((predictions["b_probability"].argmax(-1) == given["label"])[:4][known[:4]])
    assert task.finish(records)["accuracy/unimodal and fused/b"] == pytest.approx(wanted)
    assert float(task.score(predictions, given)["b_accuracy"].value) == pytest.approx(wanted)
    without = [record | {"alone": {"a": record["alone"]["a"]}} for record in records]
    assert "accuracy/unimodal and fused/b" not in task.finish(without)


def test_a_task_around_another_predicts_from_a_checkpoint_that_left_out_an_extra_without_arrays():
    task = TASKS["watch"]
    params, extra = task.init(jax.random.key(0), batch())
    assert not jax.tree.leaves(extra)
    known, loaded = (task.predict(params, one, batch(), Ctx(jax.random.key(0), False)) for one in (extra, {}))
    jax.tree.map(np.testing.assert_array_equal, known, loaded)


def test_heads_that_only_watch_leave_the_encoders_alone():
    watching = Each(model(listened=False), alone=5.0)
    _, after, _ = trained(watching)
    _, without, _ = trained(Each(model(listened=False), alone=0.0))
    np.testing.assert_allclose(flat(after["encoders_a"]), flat(without["encoders_a"]), atol=1e-7)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: model(asked=("a",)), "asked is .*expected"),
        (
            lambda: Beside(**{**vars_of(model()), "alone": {"a": Head(classes=3)}}),
            "alone has a; expected a head for each",
        ),
        (lambda: OgmGe(Classify(plain())), "task is Classify; expected tasks.each"),
        (lambda: GradientBlending(Classify(plain())), "has the loss cross_entropy alone; expected several"),
        (lambda: GradientBlending(EACH, window=0), "window is 0"),
        (lambda: Pcgrad(Classify(plain())).init(jax.random.key(0), batch()), "which conflicts with none"),
        (lambda: Each(model(), alone=-1.0), "alone is -1"),
        (lambda: OgmGe(EACH, until=-1), "until is -1; expected a number of steps"),
        (lambda: Each(plain()), "task.model is Compose; expected models.beside"),
        (lambda: matching({"a/w": 0}, "("), r"shared is '\(', which is no pattern: missing \)"),
        (lambda: matching({f"a/{n}": 0 for n in range(9)}, "b"), r"found in none of a/0, .*, a/4, \.\.\."),
    ],
)
def test_what_makes_no_sense_is_told(make, told):
    with pytest.raises(ValueError, match=told):
        make()


def vars_of(module):
    return {field.name: getattr(module, field.name) for field in dataclasses.fields(module) if field.init}


def plain():
    fields = vars_of(model())
    return Compose(encoders=fields["encoders"], fusion=fields["fusion"], head=fields["head"])


def test_every_wrapper_is_a_task_of_a_model():
    for task in TASKS.values():
        assert isinstance(task, Task) and set(task.model.encoders) == set(WIDTHS)


@pytest.mark.long  # each method's sums over devices; those of tasks and losses themselves are tested always
def test_devices_change_nothing(environment):
    done = module("tests.tasks.test_negative_transfer", env=environment(2))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [*COUPLED]


def compare() -> None:
    """On two devices; prints what agrees."""
    for name in COUPLED:
        _, one, metrics = trained(TASKS[name], 2)
        for partition in (Mesh(axes={"data": 2}), Pmap()):
            _, found, others = trained(TASKS[name], 2, partition)
            jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5), one, found)
            jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), told(metrics), told(others))
        print(name, flush=True)


def told(metrics):
    return {name: float(mean.total / mean.count) for name, mean in metrics["means"].items()}


if __name__ == "__main__":
    compare()
