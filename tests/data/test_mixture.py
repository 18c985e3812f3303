import dataclasses

import numpy as np
import pytest

from mmjax.data.mixture import Mixture
from mmjax.data.pictures import Pictures
from mmjax.data.words import Words

CONFIG = Pictures("drawings", Words(64), size=16, batch=8, questions=2, text_length=6, target_length=3, threads=0)


@pytest.fixture
def mixture(drawings) -> Mixture:
    """The first 10 rows (pictures 0 to 2) three times as often as the rest of the training rows."""
    few = dataclasses.replace(CONFIG, data_dir=drawings, train="train[:10]", test="test[:4]")
    many = dataclasses.replace(CONFIG, data_dir=drawings, train="train[10:]")
    return Mixture((few, many), (3.0, 1.0))


def first(batches, count: int) -> list:
    found = [next(batches) for _ in range(count)]
    batches.close()
    return found


def test_examples_are_drawn_by_weight(mixture, tmp_path):
    feed = mixture.open(tmp_path)
    few = feed.parts[0].examples("train")
    for batch in first(feed.train(0), 20):
        assert (batch["index"] < few).sum() == 6 and (batch["index"] >= few).sum() == 2


def test_batches_are_functions_of_seed_and_number(mixture, tmp_path):
    feed = mixture.open(tmp_path)
    straight = first(feed.train(3), 8)
    for start in (2, 7):
        (later,) = first(feed.train(3, start=start), 1)
        assert all(np.array_equal(later[name], straight[start][name]) for name in later)
    halves = [first(feed.train(3, host=(host, 2)), 8) for host in range(2)]
    for step, batch in enumerate(straight):
        for name in batch:
            np.testing.assert_array_equal(np.concatenate([half[step][name] for half in halves]), batch[name])
    assert not np.array_equal(straight[0]["index"], first(feed.train(4), 1)[0]["index"])


def test_evaluation_runs_through_the_parts_in_order(mixture, tmp_path):
    feed = mixture.open(tmp_path)
    alone = [part.open(tmp_path) for part in mixture.parts]
    sizes = [part.examples() for part in alone]
    assert feed.examples() == sum(sizes)
    rows = {name: np.concatenate([batch[name] for batch in feed.split()])[: sum(sizes)] for name in ("text", "index")}
    apart = [
        np.concatenate([batch["text"] for batch in one.split()])[:size] for one, size in zip(alone, sizes, strict=True)
    ]
    np.testing.assert_array_equal(rows["text"], np.concatenate(apart))
    assert rows["index"].tolist() == list(range(sum(sizes)))
    np.testing.assert_array_equal(feed.take([sizes[0]])["text"][0], alone[1].take([0])["text"][0])


def test_an_index_of_the_stream_finds_its_picture_again(mixture, tmp_path):
    feed = mixture.open(tmp_path)
    (batch,) = first(feed.train(1), 1)
    np.testing.assert_array_equal(feed.take(batch["index"], "train")["image"], batch["image"])


def test_one_vocabulary_covers_all_parts(mixture, tmp_path):
    feed = mixture.open(tmp_path)
    texts = [text for part in feed.parts for pair in part.pairs("train") for text in (pair.text, pair.target)]
    assert all(3 not in feed.vocabulary.encode(text) for text in texts)


@pytest.mark.parametrize(
    ("change", "weights", "message"),
    [
        ({}, (1.0,), "2 parts and 1 weights"),
        ({}, (1.0, 0.0), "expected numbers above 0"),
        ({"batch": 16}, (1.0, 1.0), r"parts differ in batch \(8, 16\)"),
        ({"tokenizer": Words(65)}, (1.0, 1.0), "parts differ in tokenizer"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(change, weights, message):
    with pytest.raises(ValueError, match=message):
        Mixture((CONFIG, dataclasses.replace(CONFIG, **change)), weights)
