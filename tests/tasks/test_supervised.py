"""Several labels and classes in order: losses by hand, what a record says, and data that does not fit."""

import math
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from mmjax.core.task import Ctx, Task
from mmjax.encoders.vector import Vector
from mmjax.fusion.concat import Concat
from mmjax.heads.multi_label import MultiLabel as LabelsHead
from mmjax.heads.ordinal import Ordinal as OrdinalHead
from mmjax.losses.cumulative_link import CumulativeLink
from mmjax.missing.centroids import Centroids
from mmjax.missing.modality_dropout import ModalityDropout
from mmjax.missing.reconstruction import Reconstruction
from mmjax.models.compose import Compose
from mmjax.tasks.multi_label import MultiLabel
from mmjax.tasks.ordinal import Ordinal
from mmjax.train.state import create
from mmjax.train.step import train_step
from tests import reference
from tests.train.toy import optimizer

CTX = Ctx(jax.random.key(0), train=False)
NAMES = ("low", "middle", "high")
DATA = SimpleNamespace(labels=NAMES)
BATCH = {
    "view": np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32),
    "view_mask": np.array([True, True, True, False]),
    "label": np.array([2, 0, -1, -1], np.int32),
    "labels": np.array([[1, 0, 1], [0, -1, 0], [-1, -1, -1], [-1, -1, -1]], np.float32),
    "index": np.array([5, 8, 9, -1], np.int32),
}


def model(head):
    return Compose({"view": Vector(8)}, Concat(("view",)), head)


def run(task):
    """The parameters of a task, what its model gives as [B, ...], and what the task finds."""
    params = reference.parameters(task.model, BATCH, train=False)
    given = np.asarray(task.model.apply({"params": params}, BATCH, train=False), np.float64)
    return params, given, task.loss(params, {}, BATCH, CTX)[0]


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def test_the_loss_of_labels_is_over_those_that_are_known():
    task = MultiLabel(model(LabelsHead(3))).bind(DATA)
    assert isinstance(task, Task)
    _, logits, found = run(task)
    of = [[-math.log(sigmoid(z if y else -z)) for y, z in zip(row, zs, strict=True) if y >= 0]
          for row, zs in zip(BATCH["labels"][:2], logits, strict=False)]  # fmt: skip
    assert float(found["error"].count) == 2
    assert float(found["error"].total) == pytest.approx(sum(of[0]) / 3 + sum(of[1]) / 2, rel=1e-5)


def test_a_record_names_the_labels_that_are_said_and_the_whole_set_must_be_right():
    task = MultiLabel(model(LabelsHead(3))).bind(DATA)
    predictions = {"probability": np.array([[0.9, 0.2, 0.75], [0.1, 0.9, 0.6], [0.1] * 3, [0.9] * 3], np.float32)}
    records = task.read(predictions, BATCH)
    told = [{k: record.get(k) for k in ("index", "prediction", "truth", "right", "confidence")} for record in records]
    assert told == [
        {"index": 5, "prediction": ["low", "high"], "truth": ["low", "high"], "right": True, "confidence": 0.75},
        {"index": 8, "prediction": ["middle", "high"], "truth": [], "right": False, "confidence": 0.6},
        {"index": 9, "prediction": [], "truth": None, "right": None, "confidence": 0.9},
    ]
    mean = task.score(predictions, BATCH)["exact_match"]
    assert (float(mean.total), float(mean.count)) == (1, 2)
    scores = task.finish(records)
    assert scores["recall/class/high"] == 1 and scores["precision/class/high"] == 0.5
    assert scores["micro_f1"] == pytest.approx(4 / 5) and scores["support/class/middle"] == 0


def test_the_loss_of_ordered_classes_is_the_likelihood_of_the_one_that_is_true():
    task = Ordinal(model(OrdinalHead(3)), loss_of=CumulativeLink()).bind(DATA)
    assert isinstance(task, Task)
    _, logits, found = run(task)
    assert float(found["error"].count) == 2
    assert float(found["error"].total) == pytest.approx(
        -math.log(sigmoid(logits[0, 1])) - math.log(1 - sigmoid(logits[1, 0])), rel=1e-4
    )


def test_a_record_names_the_class_in_the_middle_of_what_is_believed():
    task = Ordinal(model(OrdinalHead(3))).bind(DATA)
    predictions = {"above": np.array([[0.8, 0.6], [0.7, 0.4], [0.2, 0.1], [0.9, 0.9]], np.float32)}
    records = task.read(predictions, BATCH)
    assert records == [
        {"index": 5, "place": 0, "prediction": "high", "confidence": 0.6, "truth": "high", "right": True},
        {"index": 8, "place": 0, "prediction": "middle", "confidence": 0.3, "truth": "low", "right": False},
        {"index": 9, "place": 0, "prediction": "low", "confidence": 0.8},
    ]
    means = task.score(predictions, BATCH)
    assert {name: (float(mean.total), float(mean.count)) for name, mean in means.items()} == {
        "accuracy": (1, 2),
        "absolute_error": (1, 2),
    }
    scores = task.finish(records)
    assert scores["quadratic_kappa"] == pytest.approx(1 - 0.5 / 1.5) and scores["recall/class/high"] == 1
    assert scores["middle/truth, by prediction/low"] == 1


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (MultiLabel(model(LabelsHead(4))), r"gives 4 labels, but the data has 3 labels \(low, middle, high\)"),
        (Ordinal(model(OrdinalHead(4))), "gives 4 classes, but the data has 3 labels"),
    ],
)
def test_a_head_of_another_size_is_told(task, told):
    with pytest.raises(ValueError, match=told):
        task.bind(DATA).init(jax.random.key(0), BATCH)


def test_data_that_has_other_truths_is_told():
    task = MultiLabel(model(LabelsHead(3)))
    with pytest.raises(ValueError, match=r"tasks\.multi_label needs data with labels: set data\.labels"):
        task.bind(SimpleNamespace(labels=()))
    other = {name: value for name, value in BATCH.items() if name != "labels"}
    with pytest.raises(ValueError, match=r"tasks\.multi_label needs data\.labels, but the data gives index, label"):
        task.bind(DATA).init(jax.random.key(0), other)
    with pytest.raises(ValueError, match="threshold is 1"):
        MultiLabel(model(LabelsHead(3)), threshold=1.0)


@pytest.mark.parametrize("task", [MultiLabel(model(LabelsHead(3))), Ordinal(model(OrdinalHead(3)))])
def test_the_report_shows_what_was_said_of_each_example(task):
    bound = task.bind(DATA)
    params, _, _ = run(bound)
    panels = bound.show(params, {}, BATCH, CTX)
    records = bound.read(jax.device_get(bound.predict(params, {}, BATCH, CTX)), BATCH)
    assert len(panels) == 3
    for panel, record in zip(panels, records, strict=True):
        said = record["prediction"]
        assert panel.text["prediction"] == (", ".join(said) or "none" if isinstance(said, list) else said)


VIEWS = ("view", "other")
MORE = {
    **BATCH,
    "other": np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32),
    "other_mask": np.array([True, True, True, False]),
    "label": np.array([2, 0, 1, -1], np.int32),
}


def lossy(*interactions, **fields):
    """A task over two views whose model has interactions with losses or counters of their own."""
    views = {name: Vector(8) for name in VIEWS}
    made = Compose(views, Concat(VIEWS), OrdinalHead(3), interactions=interactions)
    return Ordinal(made, **fields).bind(DATA)


def test_losses_that_parts_of_a_model_sow_are_summed_by_name_weighted_where_named_and_told_anyway():
    parts = Reconstruction(VIEWS), Centroids(VIEWS, count=2)
    task = lossy(*parts, model_losses={"reconstruction": 0.25})
    assert task.weights == {"error": 1.0, "reconstruction": 0.25} and lossy(*parts).weights == {"error": 1.0}
    params = reference.parameters(task.model, MORE, train=False)
    _, state = task.model.apply({"params": params}, MORE, train=False, mutable=["losses"])
    sown = [state["losses"][f"interactions_{i}"]["reconstruction"][0] for i in range(2)]
    for one in (task, lossy(*parts)):
        found, _ = one.loss(params, {}, MORE, CTX)
        np.testing.assert_allclose(found["reconstruction"].total, sum(mean.total for mean in sown), rtol=1e-6)
        assert found["reconstruction"].count == sum(mean.count for mean in sown) > 0


def test_a_loss_that_no_part_of_the_model_gives_is_told():
    with pytest.raises(ValueError, match="'reconstructed', but the model gives reconstruction; did you mean"):
        lossy(Reconstruction(VIEWS), model_losses={"reconstructed": 1.0}).init(jax.random.key(0), MORE)
    with pytest.raises(ValueError, match="'reconstruction', but the model gives no loss of its own; leave it out"):
        lossy(model_losses={"reconstruction": 1.0}).init(jax.random.key(0), MORE)


def test_the_losses_of_a_model_add_up_over_parts_of_a_batch_as_devices_and_microbatches_add_them():
    task = lossy(Reconstruction(VIEWS))
    params = reference.parameters(task.model, MORE, train=False)
    halves = [{name: values[rows] for name, values in MORE.items()} for rows in (slice(0, 2), slice(2, 4))]
    whole, *parts = (task.loss(params, {}, batch, CTX)[0]["reconstruction"] for batch in (MORE, *halves))
    assert whole.count == sum(part.count for part in parts) and parts[0].count != parts[1].count
    np.testing.assert_allclose(whole.total, sum(part.total for part in parts), rtol=1e-5)


def test_what_a_model_counts_is_carried_from_step_to_step_and_no_prediction_changes_it():
    task, optim = lossy(ModalityDropout(VIEWS, 0.5, ramp=3)), optimizer()
    state = create(task, optim, 0, MORE)
    step = jax.jit(train_step(task, optim))
    for number in range(3):
        assert jax.device_get(state.extra) == {"counters": {"interactions_0": {"batches": number}}}
        state, _ = step(state, MORE)
    calm = Ctx(jax.random.key(0), train=False)
    _, extra = task.loss(state.params, state.extra, MORE, calm)
    assert jax.device_get(extra) == jax.device_get(state.extra)
    assert np.isfinite(task.predict(state.params, state.extra, MORE, calm)["above"]).all()
