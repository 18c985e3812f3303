"""Votes of people as scores: which answers are told, in which order, and with which score."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from mmjax.data import prepared
from mmjax.data.modality.text import Text
from mmjax.data.rows import Rows
from mmjax.data.votes import Votes
from mmjax.data.vqav2 import vqav2_dataset_builder
from mmjax.data.words import Words
from tests import vqa

ROWS = (["cat"] * 5 + ["dog"] * 3 + ["emu"] * 2, ["dog"] * 3 + ["cat"], ["dog", "yak"], ["cat"], [], ["gnu"] * 4)


@pytest.fixture
def folder(tmp_path, tfds_set):
    features = {
        "answers": tfds.features.Sequence(tfds.features.Text()),
        "answer": tfds.features.Text(),
        "question": tfds.features.Text(),
    }
    rows = [{"answers": list(row), "answer": row[0] if row else "", "question": "what?"} for row in ROWS]
    tfds_set(tmp_path, "asked", features, {"train": rows, "test": rows[:3]})
    return tmp_path


def feed(folder, votes, name="asked", feature="question", **changes):
    modalities = {"text": Text(feature, 4)}
    config = Rows(name, modalities, labels=votes, tokenizer=Words(32), batch=6, data_dir=str(folder), **changes)
    return config.open(folder / "run")


def test_an_answer_has_the_score_of_how_many_gave_it_and_rare_ones_have_none(folder):
    opened = feed(folder, Votes("answers", 2, least=2))
    assert opened.vocabulary.labels == ("cat", "dog")  # each is the most common one of two rows, gnu of one
    (batch,) = opened.split(split="train")
    expected = [[1, 0.9], [0.3, 0.9], [0, 0.3], [0.3, 0], [-1, -1], [0, 0]]
    np.testing.assert_allclose(batch["labels"], expected, atol=1e-6)
    assert (opened.config.blank()["labels"] == -1).all()


def test_of_one_answer_a_row_the_score_is_1(folder):
    opened = feed(folder, Votes("answer", 3, least=1, scores=(0.0, 1.0)))
    (batch,) = opened.split(split="train")
    assert opened.vocabulary.labels == ("cat", "dog", "gnu")
    expected = [[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0], [-1, -1, -1], [0, 0, 1]]
    np.testing.assert_array_equal(batch["labels"], expected)


def test_what_the_data_set_counts_decides_before_the_training_rows_do(tmp_path, monkeypatch):
    monkeypatch.setattr(vqav2_dataset_builder, "HELD", 1)
    prepared.prepare("vqav2", str(tmp_path), vqa.write(tmp_path / "brought"))
    opened = feed(
        tmp_path,
        Votes("answers", len(vqa.TIMES), least=1),
        "vqav2",
        "questions",
        test="held",
        each=("questions", "answers"),
    )
    assert opened.vocabulary.labels == tuple(vqa.TIMES)
    rows = {"train": 0, "held": 0}
    for split in rows:
        batch = opened.take(range(opened.examples(split)), split)
        every = prepared.peek("vqav2", split, 9, str(tmp_path))
        said = [row["answers"][at : at + 10] for row in every for at in range(0, len(row["answers"]), 10)]
        for answers, scores in zip(said, batch["labels"], strict=False):
            rows[split] += 1
            for answer, score in zip(vqa.TIMES, scores, strict=True):
                assert score == pytest.approx((0, 0.3, 0.6, 0.9, 1)[min(answers.count(answer), 4)])
    assert sum(rows.values()) == 6


@pytest.mark.parametrize(
    ("votes", "told"),
    [
        (
            Votes("answers", 3, least=2),
            r"2 answers are given to at least 2 questions, but data\.labels\.size is 3: make",
        ),
        (
            Votes("answers", 2, ("dog", "yak"), least=1),
            r"names lacks 'cat', the answer to 2 questions \(and 1 more\): add it, or raise data\.labels\.least",
        ),
        (Votes("answers", 1, ("dog",), least=2), "names lacks 'cat', the answer to 2 questions: add it"),
    ],
)
def test_answers_that_do_not_fit_are_told_before_the_training(folder, votes, told):
    with pytest.raises(ValueError, match=told):
        _ = feed(folder, votes).vocabulary


def test_names_may_hold_others_in_any_order(folder):
    opened = feed(folder, Votes("answers", 4, ("yak", "emu", "dog", "cat"), least=2))
    (batch,) = opened.split()
    np.testing.assert_allclose(batch["labels"][:3], [[0, 0.6, 0.9, 1], [0, 0, 0.9, 0.3], [0.3, 0, 0.3, 0]], atol=1e-6)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"least": 0}, "least is 0; expected 1 or more"),
        ({"scores": (0.0,)}, "expected 0.0 for nobody, then one or more"),
        ({"scores": (0.5, 1.0)}, "expected 0.0 for nobody"),
        ({"scores": (0.0, 2.0)}, "numbers from 0 to 1"),
    ],
)
def test_fields_that_make_no_score_are_refused(fields, told):
    with pytest.raises(ValueError, match=told):
        Votes("answers", 2, **fields)
