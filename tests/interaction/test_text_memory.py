"""A memory of texts against loops over rows, tokens, heads and texts; how it comes by its ids; what it refuses."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from mmjax.cli import config
from mmjax.core.build import ConfigError, build, use
from mmjax.encoders.vector import Vector
from mmjax.fusion.concat import Concat
from mmjax.heads.classify import Classify as ClassifyHead
from mmjax.interaction.gating import Gating
from mmjax.interaction.text_memory import TextMemory
from mmjax.models.compose import Compose
from mmjax.tasks.classify import Classify
from tests import reference
from tests.fusion.case import ORDER, D, apply, modalities
from tests.interaction.case import IDS, Spelling

HEADS, TEXTS = 2, ("a b", "c", "a x d")
GIVEN = modalities(lengths={"text": 3, "image": 4, "audio": 2})
LETTERS = {"a": 4, "b": 5, "c": 2, "d": 1}
UNKNOWN = 3


def known(size=6, ends=((), ())):
    """Data that knows four letters."""

    def encode(text):
        return [LETTERS.get(letter, UNKNOWN) for letter in text.split()]

    words = SimpleNamespace(size=size, unk=UNKNOWN, ends=ends, encode=encode)
    return SimpleNamespace(words=words, labels=("yes", "no"))


def cut(x):
    return np.stack(np.split(x, HEADS, axis=-1), axis=2)


def test_each_token_adds_what_it_reads_of_the_means_of_the_texts():
    readers = ("image", "text")
    module = TextMemory(ORDER, Spelling(), TEXTS, heads=HEADS, readers=readers, ids=IDS)
    params, found, maps = apply(module, GIVEN)
    np.testing.assert_array_equal(found["audio"].x[GIVEN["audio"].mask], GIVEN["audio"].x[GIVEN["audio"].mask])
    table = params["encoder"]["embed"]["embedding"].astype(np.float64)
    memory = np.stack([sum(table[one] for one in ids) / len(ids) for ids in IDS])[None]
    memory = reference.layer_norm(memory, params["memory_norm"])
    key, value = (cut(reference.dense(memory, params[name])) for name in ("key", "value"))
    before = 0
    for name in readers:
        tokens = GIVEN[name]
        length = tokens.mask.shape[1]
        seen, none = np.ones((1, length, len(IDS)), bool), np.zeros((HEADS, length, len(IDS)))
        asked = reference.dense(reference.layer_norm(tokens.x, params["norm"]), params["query"])
        for b, real in enumerate(tokens.mask):
            read, weights = reference.attend(cut(asked[b][None]), key, value, seen, none, (D // HEADS) ** -0.5)
            told = reference.dense(np.concatenate([read[0, :, h] for h in range(HEADS)], -1), params["out"])
            np.testing.assert_allclose(found[name].x[b, real], (tokens.x[b] + told)[real], atol=1e-4)
            drawn = maps["texts"][b][:, before : before + length]
            np.testing.assert_allclose(drawn[:, real], weights[0][:, real], atol=1e-5)
        before += length


def test_texts_are_encoded_once_whatever_the_rows_and_their_number_of_readers():
    module = TextMemory(ORDER, Spelling(), TEXTS, ids=IDS)
    params = reference.parameters(module, GIVEN, train=False)
    inside = partial(module.apply, train=False, capture_intermediates=lambda one, _: isinstance(one, Spelling))
    _, state = jax.eval_shape(partial(inside, mutable=["intermediates"]), {"params": params}, GIVEN)
    (tokens,) = state["intermediates"]["encoder"]["__call__"]
    assert tokens.x.shape == (len(IDS), max(map(len, IDS)), D)


def task(*interactions):
    return Classify(Compose({"view": Vector(D)}, Concat(("view",)), ClassifyHead(2), interactions=interactions))


def test_a_task_that_is_bound_to_data_tells_each_memory_in_its_model_the_ids_of_its_texts():
    memory = TextMemory(("view",), Spelling(), TEXTS)
    unbound = task(Gating(("view",)), memory)
    bound = unbound.bind(known())
    assert bound.model.interactions[1].ids == ((4, 5), (2,), (4, UNKNOWN, 1))
    assert bound.model == unbound.model.clone(interactions=(Gating(("view",)), bound.model.interactions[1]))
    assert memory.ids == () and unbound.bind(known()).model == bound.model
    ended = task(memory.clone(ends=True)).bind(known(ends=((0,), (5, 5)))).model.interactions[0]
    assert ended.ids == ((0, 4, 5, 5, 5), (0, 2, 5, 5), (0, 4, UNKNOWN, 1, 5, 5))
    without = task(Gating(("view",)))
    assert without.bind(known()).model is without.model


def test_parameters_need_no_ids_but_outputs_do():
    batch = {"view": np.ones((2, 3), np.float32), "view_mask": np.ones(2, bool), "label": np.zeros(2, np.int32)}
    unbound = task(TextMemory(("view",), Spelling(), TEXTS))
    shapes = [jax.eval_shape(one.init, jax.random.key(0), batch) for one in (unbound, unbound.bind(known()))]
    assert shapes[0] == shapes[1]
    with pytest.raises(ValueError, match="its texts have no ids yet; bind the task to its data, or give ids"):
        jax.eval_shape(partial(unbound.model.apply, train=False), {"params": shapes[0][0]}, batch)


@pytest.mark.parametrize(
    ("fields", "data", "told"),
    [
        ({}, SimpleNamespace(words=None, labels=("yes", "no")), r"it has 3 texts, but the data has no words to read"),
        (dict(texts=("a", "x x")), known(), r"the data's words have nothing of the text 'x x'; say it in words of"),
        (dict(texts=("a", " ")), known(), r"the data's words have nothing of the text ' '"),
        ({}, known(size=7), r"the tokenizer's size is 7 and encoder\.vocab 6; raise it"),
        (dict(ends=True), known(), "the tokenizer puts nothing around a text: leave out ends"),
    ],
    ids=["no words", "nothing known", "nothing", "vocab", "ends"],
)
def test_texts_that_the_data_s_words_cannot_read_are_told_with_the_field_that_holds_them(fields, data, told):
    memory = TextMemory(**{"order": ("view",), "encoder": Spelling(), "texts": TEXTS, **fields})
    with pytest.raises(ValueError, match=rf"^task\.model\.interactions\[0\]: {told}"):
        task(memory).bind(data)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (dict(texts=()), r"texts is \(\); expected at least one, such as a sentence about each class"),
        (dict(readers=("sound",)), r"readers is \('sound',\); expected some of text, image, audio, or None for all"),
        (dict(readers=()), r"readers is \(\); expected some of"),
        (dict(ids=((1,), (2,))), "ids are of 2 texts, but there are 3; leave them out"),
        (dict(heads=0), "heads is 0; expected at least 1"),
    ],
)
def test_fields_that_cannot_be_are_refused(fields, told):
    with pytest.raises(ValueError, match=told):
        TextMemory(**{"order": ORDER, "encoder": Spelling(), "texts": TEXTS, **fields})


def test_one_text_that_is_no_list_is_refused_by_its_config():
    node = use("interaction.text_memory", order=("view",), encoder=use("encoders.vector", dim=8), texts="a cat")
    with pytest.raises(ConfigError, match="texts is 'a cat' of type str; expected tuple"):
        build(node)


def test_heads_that_do_not_divide_the_width_are_told():
    with pytest.raises(ValueError, match="heads 3 does not divide the width 8 of the tokens"):
        apply(TextMemory(ORDER, Spelling(), TEXTS, heads=3, ids=IDS), GIVEN)


def test_the_sentences_of_the_config_are_wholly_known_by_its_data(easyvqa, tmp_path):
    path = Path(__file__).parents[2] / "configs/easy_vqa_fusion.py"
    experiment = config.load(f"{path}:knowledge", ["data.train=train[:5%]", "data.test=test[:1%]"])
    vocabulary = experiment.data.open(tmp_path).vocabulary
    bound = experiment.task.bind(vocabulary)
    (memory,) = bound.model.interactions
    assert [vocabulary.words.decode(ids) for ids in memory.ids] == list(memory.texts)
    params, _ = jax.eval_shape(bound.init, jax.random.key(0), experiment.data.blank())
    assert params["interactions_0"]["encoder"]["embed"]["embedding"].shape == (64, 96)
