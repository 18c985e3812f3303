"""What is known beforehand, as README's snippet says it: a frozen encoder, constraints on labels, a memory of texts."""

import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from mmjax.core import paths
from mmjax.core.build import build, use
from mmjax.encoders.vector import Vector
from mmjax.fusion.concat import Concat
from mmjax.heads.multi_label import MultiLabel as LabelsHead
from mmjax.losses.at_most_one import AtMostOne
from mmjax.losses.implies import Implies
from mmjax.losses.one_of import OneOf
from mmjax.missing.reconstruction import Reconstruction
from mmjax.models.compose import Compose
from mmjax.optim.adamw import Adamw
from mmjax.optim.constant import Constant
from mmjax.optim.optimizer import Optimizer
from mmjax.tasks.multi_label import MultiLabel
from mmjax.train.state import create
from mmjax.train.step import train_step
from tests.fusion.case import D
from tests.interaction.case import Spelling
from tests.reference import compiled

LABELS = ("animal", "cat", "dog", "large", "small")
WORDS = SimpleNamespace(size=100, unk=3, ends=((), ()), encode=lambda text: [len(word) for word in text.split()])
DATA = SimpleNamespace(labels=LABELS, words=WORDS)
CONSTRAINTS = {
    "cats": Implies("cat", "animal"),
    "sizes": OneOf(("small", "large"), weight=0.1),
    "kinds": AtMostOne(("dog", "cat"), weight=0.0),
}
RNG = np.random.default_rng(0)
BATCH = {
    "image": RNG.normal(size=(4, 5)).astype(np.float32),
    "image_mask": np.ones(4, bool),
    "text": RNG.integers(1, 100, (4, 3)).astype(np.int32),
    "text_mask": np.arange(3) < np.array([3, 2, 1, 0])[:, None],
    "labels": np.array([[1, 1, 0, 0, 1], [-1, 0, 0, -1, -1], [-1] * 5, [-1] * 5], np.float32),
    "index": np.array([5, 8, 9, -1], np.int32),
}


def task(**fields):
    model = Compose({"image": Vector(8)}, Concat(("image",)), LabelsHead(5))
    return MultiLabel(model, **fields)


def test_readme_s_snippet_trains_with_the_encoder_bit_for_bit_as_it_was():
    text = (Path(__file__).parents[2] / "README.md").read_text()
    said = {"use": use}
    exec(re.search(r"\*\*Prior knowledge\.\*\*.*?```python\n(.*?)```", text, re.DOTALL)[1], said)
    memory = build(said["memory"]).clone(encoder=Spelling(100))  # which compiles in a moment
    encoders, order = {"image": Vector(D), "text": Spelling(100)}, ("image", "text")
    model = Compose(encoders, Concat(order), LabelsHead(5), interactions=(memory,))
    learnt = MultiLabel(model, constraints=build(said["constraints"])).bind(DATA)
    assert learnt.weights == {"error": 1.0, "cats": 1.0, "sizes": 0.1, "kinds": 1.0}
    optim = Optimizer(Adamw(decay=0.1), Constant(0.1), groups=build(said["groups"]))
    state = jax.jit(partial(create, learnt, optim, 0))(BATCH)
    before = paths.flatten(jax.device_get(state.params))
    step = jax.jit(train_step(learnt, optim))
    for _ in range(2):
        state, metrics = step(state, BATCH)
    assert {"cats", "sizes", "kinds"} <= set(metrics["means"])
    after = paths.flatten(jax.device_get(state.params))
    assert {path for path in after if np.array_equal(after[path], before[path])} == {"encoders_text/embed/embedding"}


def test_a_constraint_costs_every_row_that_is_there_whatever_is_known_of_its_labels():
    bound = task(constraints=CONSTRAINTS).bind(DATA)
    assert bound.weights == {"error": 1.0, "cats": 1.0, "sizes": 0.1}
    logits = RNG.normal(size=(4, 5)).astype(np.float32)
    animal, cat, dog, large, small = 1 / (1 + np.exp(-logits[:3].astype(np.float64).T))
    wanted = {
        "cats": 1 - cat * (1 - animal),
        "sizes": small * (1 - large) + large * (1 - small),
        "kinds": 1 - cat * dog,
    }
    losses = compiled(bound.losses)
    found = losses(logits, BATCH)
    halves = [losses(logits[rows], {n: x[rows] for n, x in BATCH.items()}) for rows in (slice(2), slice(2, 4))]
    for name, chance in wanted.items():
        for mean in (found[name], halves[0][name] + halves[1][name]):
            assert mean.count == 3 and mean.total == pytest.approx(-np.log(chance).sum(), rel=1e-5)


def test_the_scores_tell_how_many_of_all_rows_break_each_constraint_and_any():
    bound = task(constraints=CONSTRAINTS).bind(DATA)
    said = np.array([[0, 1, 1, 0, 1], [1, 1, 0, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 1, 1]])  # the last row is not there
    records = bound.read({"probability": np.where(said, 0.9, 0.2).astype(np.float32)}, BATCH)
    scores = bound.finish(records)
    told = {name: value for name, value in scores.items() if name.startswith("violated")}
    assert told == {
        "violated": pytest.approx(2 / 3),
        "violated/constraint/cats": pytest.approx(1 / 3),
        "violated/constraint/sizes": pytest.approx(1 / 3),
        "violated/constraint/kinds": pytest.approx(1 / 3),
    }
    assert "micro_f1" in scores and bound.finish([]) == {}
    unknown = bound.finish(records[2:])
    assert unknown["violated"] == 0 and "micro_f1" not in unknown
    assert "violated" not in task().bind(DATA).finish(records)


def test_a_label_that_the_data_has_not_is_told_with_the_nearest():
    named = task(constraints={"cats": Implies("catt", "animal")})
    told = r"task\.constraints\.cats is about 'catt', but the data has the labels animal, cat, dog, large, small; "
    with pytest.raises(ValueError, match=told + "did you mean 'cat'"):
        named.bind(DATA)


def test_a_constraint_called_as_another_loss_is_told():
    with pytest.raises(ValueError, match="constraints has 'error', which is the name of another loss"):
        task(constraints={"error": CONSTRAINTS["cats"]})
    views = ("image", "other")
    model = Compose({n: Vector(8) for n in views}, Concat(views), LabelsHead(5), interactions=(Reconstruction(views),))
    batch = BATCH | {"other": BATCH["image"], "other_mask": BATCH["image_mask"]}
    both = MultiLabel(model, constraints={"reconstruction": CONSTRAINTS["cats"]}).bind(DATA)
    with pytest.raises(ValueError, match="a part of the model gives a loss 'reconstruction', which the task has too"):
        jax.eval_shape(both.init, jax.random.key(0), batch)
