"""Captions by hidden words: what is told in training, what is written and shown, and with which model it goes."""

import dataclasses
from functools import partial

import jax
import numpy as np
import pytest

from mmjax.core.task import Ctx
from mmjax.data.hide_words import HideWords
from mmjax.data.words import Words
from mmjax.decode.beam import Beam
from mmjax.metrics.rouge_l import RougeL
from mmjax.models.beit3_writer import Beit3Writer
from mmjax.tasks.generate import Generate
from tests import reference
from tests.models.test_beit3_writer import parts
from tests.models.test_contract import pali

CAPTIONS = [["a red cat", "red cat"], ["a dog", None], [None, None]]
B, Q, T, V = 3, 2, 4, 9
CTX = Ctx(jax.random.key(0), train=False)


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    texts = [text for row in CAPTIONS for text in row if text]
    return Words(size=V, sentinels=1).open(tmp_path_factory.mktemp("words"), lambda: iter(texts))


@pytest.fixture(scope="module")
def batch(vocabulary):
    made = {
        "image": np.random.default_rng(0).integers(0, 256, (B, 8, 8, 3), dtype=np.uint8),
        "image_mask": np.array([True, True, False]),
        "index": np.array([5, 8, -1], np.int32),
        "text": np.zeros((B, Q, 1), np.int32),
        "text_mask": np.array([[text is not None for text in row] for row in CAPTIONS])[..., None],
        "target": np.full((B, Q, T), vocabulary.pad, np.int32),
    }
    made["text"][made["text_mask"]] = vocabulary.bos
    for b, q, _ in zip(*np.nonzero(made["text_mask"]), strict=True):
        ids = [*vocabulary.encode(CAPTIONS[b][q]), vocabulary.eos]
        made["target"][b, q, : len(ids)] = ids
    return made | {"target_mask": made["target"] != vocabulary.pad}


@pytest.fixture(scope="module")
def hiding(vocabulary, batch):
    hide, rng = HideWords(0.6), np.random.default_rng(1)
    found = [
        hide(target, real, vocabulary, rng) if real.any() else (target, real)
        for target, real in zip(batch["target"].reshape(-1, T), batch["target_mask"].reshape(-1, T), strict=True)
    ]
    seen, told = (np.stack(each).reshape(B, Q, T) for each in zip(*found, strict=True))
    return batch | {"target_seen": seen, "target_told": told}


@pytest.fixture(scope="module")
def task(vocabulary):
    model = Beit3Writer(**parts())
    task = Generate(model=model, length=T, smoothing=0.1, search=Beam(3, 0.6), corpus={"": (RougeL(),)})
    return task.bind(vocabulary)


@pytest.fixture(scope="module")
def params(task, batch):
    return reference.parameters(task.model, batch, train=False)


@pytest.mark.parametrize("chunk", [None, 3])
def test_the_loss_is_the_mean_over_hidden_words_alone_their_ends_among_them(task, params, hiding, chunk):
    logits = np.asarray(jax.jit(partial(task.model.apply, train=False))({"params": params}, hiding), np.float64)
    found, _ = jax.jit(dataclasses.replace(task, chunk=chunk).loss)(params, {}, hiding, CTX)
    places, total, right = list(zip(*np.nonzero(hiding["target_told"]), strict=True)), 0.0, 0
    for at in places:
        word = hiding["target"][at]
        total += np.log(np.exp(logits[at]).sum()) - 0.9 * logits[at][word] - 0.1 * logits[at].mean()
        right += logits[at].argmax() == word
    assert found["cross_entropy"].count == len(places) == 6
    assert 1 in {hiding["target"][at] for at in places}
    np.testing.assert_allclose(found["cross_entropy"].total, total, rtol=1e-5)
    np.testing.assert_allclose(found["token_accuracy"].total, right)


def test_more_words_than_there_are_places_are_told_before_anything_is_learnt(task, batch):
    with pytest.raises(
        ValueError, match=r"texts and targets have room for 100; raise encoders\.text\.position\.length"
    ):
        dataclasses.replace(task, length=99).init(jax.random.key(0), batch)


def test_the_word_that_asks_is_the_tokenizers(task, vocabulary, tmp_path):
    assert task.model.mask == vocabulary.mask == 8 and Generate(Beit3Writer(**parts()), T).model.mask is None
    without = Words(size=V).open(tmp_path, lambda: iter(["a"]))
    with pytest.raises(ValueError, match=r"task\.model: <extra_id_0>, which stands for a hidden word, is no token"):
        Generate(Beit3Writer(**parts()), T).bind(without)


def test_one_caption_is_written_for_each_picture_and_all_that_are_true_count(task, params, batch, vocabulary):
    predictions = jax.device_get(jax.jit(task.predict)(params, {}, batch, CTX))
    written = predictions["tokens"]
    np.testing.assert_array_equal(written[0, 0], written[0, 1])
    once = dataclasses.replace(task, once=True).bind(vocabulary)
    found = jax.device_get(jax.jit(once.predict)(params, {}, batch, CTX))
    real = batch["text_mask"].any(-1)
    np.testing.assert_array_equal(found["tokens"][real], written[real])
    np.testing.assert_allclose(found["log_probability"][real], predictions["log_probability"][real], rtol=1e-5)
    records = task.read(predictions, batch)
    assert [record["index"] for record in records] == [5, 5, 8] and {r["question"] for r in records} == {""}
    assert [record["answer"] for record in records] == ["a red cat", "red cat", "a dog"]
    perfect = [record | {"prediction": "red cat"} if record["index"] == 5 else record for record in records]
    lone = RougeL()([perfect[2]["prediction"]], [["a dog"]])["rouge_l"]
    assert task.finish(perfect)["rouge_l"] == pytest.approx((1 + lone) / 2)


def test_it_is_shown_where_each_word_that_was_written_was_looked_for(task, params, batch):
    found = task.show(params, {}, batch, CTX)
    assert len(found) == 2
    for panel in found:
        heat = panel.arrays["heat"]
        assert heat.shape[1:] == (2, 2) and len(heat) == len(panel.text["heat"].split("\n"))
        np.testing.assert_allclose(heat.max(axis=(1, 2)), 1)


def test_words_are_not_hidden_from_a_model_that_reads_all_before_a_place(hiding, vocabulary):
    task = Generate(pali(), T)
    told = "data.hide hides words, and Pali tells none; leave it out, or take models.beit3_writer"
    with pytest.raises(ValueError, match=told.replace(".", r"\.")):
        task.init(jax.random.key(0), hiding)
