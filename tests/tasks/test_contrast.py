"""Two towers and their task: what is learnt, retrieval, classes by prompts, microbatches, devices and what is told."""

import dataclasses
from collections import defaultdict
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.task import Coupled, Ctx
from mmjax.encoders.vector import Vector
from mmjax.heads.embed import Embed
from mmjax.heads.regress import Regress
from mmjax.losses.canonical import Canonical
from mmjax.losses.clip import Clip
from mmjax.losses.dcca import Dcca
from mmjax.losses.huber import Huber
from mmjax.losses.ring_siglip import RingSiglip
from mmjax.losses.soft_cca import SoftCca
from mmjax.losses.triplet import Triplet
from mmjax.metrics.retrieval import unit
from mmjax.models.two_towers import TwoTowers
from mmjax.optim.constant import Constant
from mmjax.optim.group import Group, decays
from mmjax.optim.optimizer import Optimizer
from mmjax.optim.sgd import Sgd
from mmjax.tasks.contrast import Contrast
from mmjax.train.experiment import Experiment
from mmjax.train.mesh import Mesh
from mmjax.train.pmap import Pmap
from mmjax.train.state import create
from mmjax.train.step import train_step
from tests.command import module
from tests.train.toy import Points, optimizer

B, WIDTHS = 16, {"seen": 5, "heard": 4}


def batch(seed=0):
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(B, 3))
    views = {name: hidden @ np.random.default_rng(width).normal(size=(3, width)) for name, width in WIDTHS.items()}
    found = {name: view.astype(np.float32) for name, view in views.items()}
    found |= {f"{name}_mask": np.ones(B, bool) for name in WIDTHS}
    found["heard_mask"][:2] = False
    return found | {"index": np.arange(B, dtype=np.int32), "label": (np.arange(B) % 5).astype(np.int32)}


def towers(head=Embed, **fields):
    heads = {name: Embed(features=3) if head is Embed else Regress(outputs=3) for name in WIDTHS}
    return TwoTowers(tuple(WIDTHS), {name: Vector(dim=8, hidden=8) for name in WIDTHS}, heads, **fields)


TASKS = {
    "clip": Contrast(towers(scale=5.0), Clip()),
    "siglip": Contrast(towers(scale=5.0, bias=-3.0), RingSiglip(), together="label"),
    "dcca": Contrast(towers(Regress), Dcca(), canonical=Canonical()),
    "soft_cca": Contrast(towers(Regress), SoftCca(), canonical=Canonical()),
}
COMPARED = ("siglip", "dcca", "soft_cca")
# Not Adam, which makes steps of what rounding leaves of a gradient that is 0, such as that of a bias before centring.
OPTIM = Optimizer(rule=Sgd(), schedule=Constant(0.02)).over(99)


def trained(task, steps=2, microbatches=1, partition=None, given=None, optim=OPTIM):
    """The state after some steps, and the last loss."""
    partition = partition or Mesh(axes={"data": 1})
    given = given or batch()
    state = jax.jit(lambda: create(task, optim, 0, given))()
    step = train_step(task, optim, microbatches=microbatches, axis=partition.axis)
    step, state = partition.compile(step, donate=False), partition.put_state(state)
    for _ in range(steps):
        state, metrics = step(state, partition.put_batch(given))[:2] if partition.axis else step(state, given)
    return jax.device_get(partition.fetch((state.params, state.extra, metrics["scalars"]["loss"])))


def close(one, other, **near):
    jax.tree.map(partial(np.testing.assert_allclose, **({"rtol": 1e-5, "atol": 1e-5} | near)), one, other)


def test_rows_without_a_label_belong_to_nothing_but_their_own_counterpart():
    task, rng = TASKS["siglip"], np.random.default_rng(0)

    def records(labelled):
        vectors = np.random.default_rng(1).normal(size=(40, 2, 3))
        found = [{"index": n, "prediction": dict(zip(WIDTHS, pair, strict=True))} for n, pair in enumerate(vectors)]
        return [one | ({"truth": "thing"} if labelled[n] else {}) for n, one in enumerate(found)]

    by_row = dataclasses.replace(task, together="row").finish(records(np.zeros(40, bool)))
    assert task.finish(records(np.zeros(40, bool))) == by_row and by_row["recall_at_1"] < 0.2
    half = rng.random(40) < 0.5
    assert by_row["recall_at_1"] < task.finish(records(half))["recall_at_1"] < 0.9


def test_a_learned_scale_and_bias_are_not_pulled_towards_0():
    params, _ = TASKS["siglip"].init(jax.random.key(0), batch())
    rates = decays(defaultdict(Group), params)
    assert (rates["log_scale"], rates["logit_bias"]) == (0, 0)


def test_views_of_different_widths_correlate_in_their_canonical_directions():
    heads = {"seen": Regress(outputs=3), "heard": Regress(outputs=2)}
    model = TwoTowers(tuple(WIDTHS), {name: Vector(dim=8, hidden=8) for name in WIDTHS}, heads)
    task = Contrast(model, Dcca(), canonical=Canonical())
    params, extra = task.init(jax.random.key(0), batch())
    found, extra = task.loss(params, extra, batch(), Ctx(jax.random.key(0), train=True))
    assert -2.01 < float(found["contrast"].value) < 0
    told = task.predict(params, extra, batch(), Ctx(jax.random.key(0), train=False))
    assert {name: one.shape for name, one in told.items()} == {"seen": (B, 2), "heard": (B, 2)}


def test_it_learns_which_rows_belong_together_and_finds_them():
    task, given = TASKS["clip"], {name: values for name, values in batch().items() if name != "label"}
    params, extra, loss = trained(task, 150, optim=optimizer(schedule=Constant(0.02)).over(150))
    predictions = jax.device_get(jax.jit(task.predict)(params, extra, given, Ctx(jax.random.key(0), False)))
    records = task.read(predictions, given)
    assert [record["prediction"]["heard"] is None for record in records] == [True] * 2 + [False] * (B - 2)
    found = task.finish(records)
    assert found["recall_at_1"] > 0.9 and found["recall_at_1/retrieval/seen to heard"] > 0.9
    assert loss < 1


def test_a_row_that_lacks_a_view_changes_nothing():
    given = batch()
    other = {**given, "seen": given["seen"].copy(), "heard": given["heard"].copy()}
    other["seen"][:2], other["heard"][:2] = 9, np.nan
    close(trained(TASKS["siglip"], given=given), trained(TASKS["siglip"], given=other))


def test_all_of_one_label_belong_together():
    records = [
        {"index": i, "truth": "ab"[i % 2], "prediction": {"seen": np.eye(2)[i % 2], "heard": np.eye(2)[i % 2]}}
        for i in range(6)
    ]
    by_label, by_row = (dataclasses.replace(TASKS["clip"], together=one) for one in ("label", "row"))
    assert by_label.finish(records)["recall_at_1"] == 1 and by_row.finish(records)["recall_at_1"] == 0
    assert by_label.finish([]) == {}


def test_a_picture_beside_each_of_its_captions_is_found_and_asked_for_once():
    rng, groups = np.random.default_rng(2), [7, 3, 7, 9, 3, 7, 9]
    pictures = {group: rng.normal(size=4) for group in groups}
    captions = [pictures[group] + 1.2 * rng.normal(size=4) for group in groups]
    records = [
        {"index": n, "group": group, "prediction": {"seen": pictures[group], "heard": captions[n]}}
        for n, group in enumerate(groups)
    ]
    task = dataclasses.replace(TASKS["clip"], together="group", once=("seen",))
    found, names = task.finish(records), [7, 3, 9]
    near = unit(np.stack([pictures[name] for name in names])) @ unit(np.stack(captions)).T
    best = [groups[place] == name for name, place in zip(names, near.argmax(1), strict=True)]
    assert found["recall_at_1/retrieval/seen to heard"] == pytest.approx(np.mean(best))
    best = [names[place] == group for group, place in zip(groups, near.argmax(0), strict=True)]
    assert found["recall_at_1/retrieval/heard to seen"] == pytest.approx(np.mean(best)) and 0 < np.mean(best) < 1
    assert found["recall_at_5/retrieval/heard to seen"] == 1  # of three pictures, not of seven
    given = batch() | {"group": np.array([5] * (B - 2) + [-1, -1], np.int32)}
    group = np.asarray(task._group(given))
    assert len(set(group.tolist())) == 3 and (group[:-2] == 5).all()


def test_classes_are_told_by_the_mean_direction_of_their_prompts():
    task = TASKS["clip"]
    prompts = {"up": np.array([[0, 9.0], [0.1, 0.1]]), "right": np.array([[1.0, 0], [2.0, 0.1]])}
    seen = {"up": [0.4, 1.0], "right": [5.0, 2.0], "none": [1.0, 1.0]}
    records = [{"truth": name, "prediction": {"seen": np.array(at), "heard": None}} for name, at in seen.items()]
    found = task.classify(records[:2], prompts)
    assert found["zero_shot_accuracy"] == 1 and found["recall/class/up"] == 1
    assert task.classify(records, prompts)["zero_shot_accuracy"] == pytest.approx(2 / 3)
    assert task.classify([], prompts) == {}


def test_the_scale_stops_at_its_most_and_can_come_back():
    model = towers(scale=100.0)
    learned = partial(model.apply, method="learned")
    for sign, wanted in ((1, 100.0), (-1, 0.0)):
        params = {"log_scale": jnp.log(100.0) + 1}
        slope = jax.grad(lambda params, sign=sign: sign * learned({"params": params})["scale"])(params)["log_scale"]
        assert float(learned({"params": params})["scale"]) == pytest.approx(100)
        assert float(slope) == pytest.approx(wanted, rel=1e-5)


def test_statistics_that_a_loss_keeps_reach_the_next_step():
    task, given = TASKS["soft_cca"], batch()
    params, extra = task.init(jax.random.key(0), given)
    found = [extra]
    for _ in range(2):
        found.append(task.loss(params, found[-1], given, Ctx(jax.random.key(0), train=True))[1])
    weights = [float(one["running"].weight) for one in found]
    assert weights[0] == 0 and weights[1] == pytest.approx(1) and weights[1] < weights[2] < 2
    np.testing.assert_allclose(found[2]["running"].x, found[1]["running"].x * weights[2], rtol=1e-4, atol=1e-5)


def test_a_report_names_what_is_nearest_first_and_says_whether_it_belongs():
    given = {name: values for name, values in batch().items() if name != "label"}
    task = TASKS["clip"].bind(None)
    params, extra = task.init(jax.random.key(0), given)
    ctx = Ctx(jax.random.key(0), False)
    predictions = jax.device_get(task.predict(params, extra, given, ctx))
    near = predictions["seen"] @ predictions["heard"].T
    panels = task.show(params, extra, given, ctx)
    assert len(panels) == B - 2  # two rows lack what is heard
    for b, panel in zip(range(2, B), panels, strict=True):
        order = sorted(range(2, B), key=lambda other, b=b: -near[b, other])
        shown = " ".join(panel.text.values())
        assert "; ".join(f"row {other}" for other in order[:3]) in shown
        assert panel.text["verdict"] == ("right" if order[0] == b else "wrong")


def test_a_task_of_two_parts_may_be_cut_and_says_so():
    task = TASKS["clip"]
    assert task.coupled and isinstance(task, Coupled)
    assert Experiment(task=task, data=Points(), optim=optimizer(), steps=20, microbatches=2).microbatches == 2


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda: Contrast(towers(), Clip()),
            "takes a scale, and task.model.scale is None; set it to what the scale is",
        ),
        (lambda: Contrast(towers(bias=1.0), Triplet()), "takes no bias, and task.model.bias is 1.0; set it to None"),
        (lambda: Contrast(towers(), Triplet(), together="label"), "task.together is 'label', but the data gives"),
        (lambda: Contrast(towers(), Triplet(), together="group"), "the data gives .*; set data.group, or together to"),
        (lambda: Contrast(towers(), Triplet(), once=("seen",)), "task.once is seen and task.together 'row'; expected"),
        (
            lambda: Contrast(towers(), Triplet(), "label", ("felt",)),
            "task.once is felt .* some of seen, heard, of rows",
        ),
        (lambda: Contrast(Embed(features=3), Triplet()), "task.model is Embed; expected models.two_towers"),
        (lambda: Contrast(towers(), Huber()), "task.loss_of is Huber; expected a loss of two views of a whole batch"),
        (lambda: Contrast(towers(), 3), "task.loss_of is int; expected a loss of two views"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_learnt(make, told):
    given = {name: values for name, values in batch().items() if name != "label"}
    with pytest.raises(ValueError, match=told):
        make().init(jax.random.key(0), given)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (dict(order=("seen", "seen")), "expected two different views"),
        (dict(heads={"seen": Embed(features=2)}), "heads has seen; expected seen and heard"),
        (dict(scale=101.0), "scale is 101.0; expected"),
        (dict(encoders={name: Embed(features=3) for name in WIDTHS}), "encoders has Embed, which makes"),
    ],
)
def test_towers_that_cannot_be_built_are_told(fields, told):
    with pytest.raises(ValueError, match=told):
        towers().clone(**fields)


def test_one_device_mesh_and_pmap_give_the_same_and_so_do_their_microbatches(environment):
    done = module("tests.tasks.test_contrast", env=environment(4))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [*COMPARED]


def compare() -> None:
    """On four devices; prints what agrees."""
    for name in COMPARED:
        one = trained(TASKS[name])
        for partition in (Mesh(axes={"data": 2, "fsdp": 2}), Pmap()):
            close(one, trained(TASKS[name], microbatches=2, partition=partition))
        print(name, flush=True)


if __name__ == "__main__":
    compare()
