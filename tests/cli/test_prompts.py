"""Classes told by prompts: what a run makes of each template with each class, and what is told of bad ones."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest

from mmjax.cli import config
from mmjax.cli.evaluate import by_prompts
from mmjax.train.loop import Run
from mmjax.train.state import one_row
from tests.command import ROOT


@pytest.fixture(scope="module")
def running(easyvqa, tmp_path_factory):
    """A fresh run of CLIP's smallest form, and its parameters."""
    experiment = config.load(f"{ROOT / 'configs/clip.py'}:smoke")
    with Run(experiment, tmp_path_factory.mktemp("clip"), print, trains=False) as run:
        params, extra = run.task.init(jax.random.key(0), one_row(experiment.data))
        yield run, run.partition.put_state({"params": params, "extra": extra})


def test_each_class_has_the_vectors_of_its_prompts(running):
    run, variables = running
    found = by_prompts(run, variables, ["{}", "{} {}"])
    assert tuple(found) == run.task.labels and len(found) == 24
    words, model = run.feed.vocabulary.words, run.task.model
    for name in ("a red circle", "a teal triangle"):
        for vector, text in zip(found[name], (name, f"{name} {name}"), strict=True):
            ids = np.zeros((1, 6), np.int32)
            ids[0, : len(words.encode(text))] = words.encode(text)
            tokens = model.encoders["text"].apply(
                {"params": variables["params"]["encoders_text"]}, ids, np.arange(6)[None] < len(words.encode(text)),
                train=False,
            )  # fmt: skip
            head = {"params": variables["params"]["heads_text"]}
            np.testing.assert_allclose(vector, model.heads["text"].apply(head, tokens, train=False)[0], atol=1e-5)


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("a picture", r"--prompt=a picture: expected \{\} where"),
        ("one {} of very many words", r"--prompt, 'one .* words': .* tokens, but its length is 6"),
    ],
)
def test_prompts_that_cannot_be_read_are_told(running, template, told):
    with pytest.raises(ValueError, match=told):
        by_prompts(*running, [template])


def test_words_that_no_training_text_had_are_named(running, capfd):
    by_prompts(*running, ["{}", "a {}"])
    assert "--prompt:" not in "".join(capfd.readouterr())
    by_prompts(*running, ["a picture: {}"])
    assert "--prompt: no training text had picture:; what is read" in "".join(capfd.readouterr())


def test_a_run_that_has_no_classes_or_text_is_told():
    run = SimpleNamespace(task=SimpleNamespace(), experiment=SimpleNamespace(data=None), workdir="runs/mine")
    with pytest.raises(ValueError, match=r"expected a run of tasks.contrast .* runs/mine is none"):
        by_prompts(run, {}, ["{}"])
