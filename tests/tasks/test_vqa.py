"""Answers with scores: loss and accuracy by hand, and questions of which nothing, or no common answer, is known."""

import math
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from mmjax.core.task import Ctx, Task
from mmjax.encoders.vector import Vector
from mmjax.fusion.concat_features import ConcatFeatures
from mmjax.heads.multi_label import MultiLabel
from mmjax.models.compose import Compose
from mmjax.tasks.vqa import Vqa
from tests import reference

LABELS = ("yes", "no", "2", "cat")
BATCH = {
    "view": np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32),
    "view_mask": np.ones(5, bool),
    "labels": np.array([[1, 0.3, 0, 0], [0, 0, 0.9, 0.6], [0, 0, 0, 0], [-1] * 4, [-1] * 4], np.float32),
    "index": np.array([3, 4, 7, 8, -1], np.int32),
}
CTX = Ctx(jax.random.key(0), train=False)


@pytest.fixture(scope="module")
def task():
    model = Compose({"view": Vector(6)}, ConcatFeatures(("view",)), MultiLabel(4))
    return Vqa(model).bind(SimpleNamespace(labels=LABELS))


def test_the_loss_is_summed_over_answers_of_the_questions_that_have_a_score(task):
    assert isinstance(task, Task)
    params = reference.parameters(task.model, BATCH, train=False)
    logits = np.asarray(task.model.apply({"params": params}, BATCH, train=False), np.float64)
    total = 0.0
    for b, c in np.ndindex(2, 4):
        p, score = 1 / (1 + math.exp(-logits[b, c])), BATCH["labels"][b, c]
        total -= score * math.log(p) + (1 - score) * math.log(1 - p)
    found, _ = task.loss(params, {}, BATCH, CTX)
    assert (float(found["error"].total), float(found["error"].count)) == (pytest.approx(total, rel=1e-5), 2)
    best = logits[:3].argmax(-1)
    expected = sum(float(BATCH["labels"][b, c]) for b, c in enumerate(best))
    accuracy = found["vqa_accuracy"]
    assert (float(accuracy.total), float(accuracy.count)) == (pytest.approx(expected), 3)


def test_the_answer_is_the_most_probable_one_and_its_score_the_accuracy(task):
    probability = np.array(
        [[0.2, 0.7, 0, 0], [0, 0, 0.4, 0.3], [0.9, 0, 0, 0], [0, 0, 0, 0.8], [1, 0, 0, 0]], np.float32
    )
    predictions = {"probability": probability, "answer": probability.argmax(-1)}
    records = task.read(predictions, BATCH)
    assert [(record["index"], record["prediction"], record["confidence"]) for record in records] == [
        (3, "no", pytest.approx(0.7)),
        (4, "2", pytest.approx(0.4)),
        (7, "yes", pytest.approx(0.9)),
        (8, "cat", pytest.approx(0.8)),
    ]
    assert [(one.get("truth"), one.get("right")) for one in records] == [
        ("yes", False),
        ("2", True),
        (None, False),
        (None, None),
    ]
    assert "truth" in records[2] and "truth" not in records[3]  # none of the answers is told; nothing is known
    mean = task.score(predictions, BATCH)["vqa_accuracy"]
    assert (float(mean.total), float(mean.count)) == (pytest.approx(0.3 + 0.9), 3)
    scores = task.finish(records)
    assert scores["vqa_accuracy/kind/yes/no"] == pytest.approx(0.3)
    assert scores["vqa_accuracy/kind/number"] == pytest.approx(0.9) and scores["examples/kind/number"] == 1


def test_a_head_of_other_answers_is_told(task):
    with pytest.raises(ValueError, match=r"gives 4 labels, but the data has 2 labels \(yes, no\)"):
        Vqa(task.model).bind(SimpleNamespace(labels=LABELS[:2])).init(jax.random.key(0), BATCH)
    with pytest.raises(ValueError, match=r"tasks\.vqa needs data with labels: set data\.labels"):
        Vqa(task.model).bind(SimpleNamespace(labels=()))
