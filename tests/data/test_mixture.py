import numpy as np
import pytest

from mmjax.data.augment import Augment
from mmjax.data.dataset import Dataset
from mmjax.data.mixture import Mixture
from mmjax.data.part import Part
from mmjax.data.prompts.answer_question import AnswerQuestion
from mmjax.data.prompts.detect_objects import DetectObjects
from mmjax.data.scenes import Scenes
from mmjax.data.words import Words

SHAPES = dict(tokenizer=Words(64), size=16, batch=8, questions=2, text_length=6, target_length=3, threads=0)
PLAIN = AnswerQuestion("{question}")


@pytest.fixture
def mixture(drawings) -> Mixture:
    """The first 10 rows (pictures 0 to 2) three times as often as the rest of the training rows."""
    few = Dataset("drawings", data_dir=drawings, train="train[:10]", test="test[:4]")
    many = Dataset("drawings", data_dir=drawings, train="train[10:]")
    return Mixture({"many": Part(many, PLAIN), "few": Part(few, PLAIN, weight=3.0)}, **SHAPES)


def first(batches, count: int) -> list:
    found = [next(batches) for _ in range(count)]
    batches.close()
    return found


def test_examples_are_drawn_by_weight(mixture, tmp_path):
    feed = mixture.open(tmp_path)
    few = feed.parts[0].examples("train")
    assert feed.sources == ("few", "many")
    for batch in first(feed.train(0), 20):
        assert (batch["source"] == (batch["index"] >= few)).all()
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
    alone = [Mixture({name: part}, **SHAPES).open(tmp_path) for name, part in sorted(mixture.parts.items())]
    sizes = [part.examples() for part in alone]
    assert feed.examples() == sum(sizes)
    rows = {name: np.concatenate([batch[name] for batch in feed.split()])[: sum(sizes)] for name in ("text", "index")}
    apart = [
        np.concatenate([batch["text"] for batch in one.split()])[:size] for one, size in zip(alone, sizes, strict=True)
    ]
    sources = np.concatenate([batch["source"] for batch in feed.split()])
    assert sources.tolist() == [*[0] * sizes[0], *[1] * sizes[1], *[-1] * (-sum(sizes) % 8)]
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


def test_the_order_of_the_config_changes_nothing(mixture, tmp_path):
    turned = Mixture(dict(reversed(mixture.parts.items())), **SHAPES)
    (one,), (other,) = (first(data.open(tmp_path).train(0), 1) for data in (mixture, turned))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_blank_batch_has_the_shapes_of_a_real_one_and_takes_no_memory(mixture, tmp_path):
    (batch,) = first(mixture.open(tmp_path).train(0), 1)
    blank = mixture.blank()
    assert {name: (x.shape, x.dtype) for name, x in blank.items()} == {
        name: (x.shape, x.dtype) for name, x in batch.items()
    }
    assert all(not x.strides or set(x.strides) == {0} for x in blank.values())


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (lambda: Part(Dataset("drawings"), PLAIN, weight=0.0), "weight is 0.0, expected a number above 0"),
        (
            lambda: Part(Dataset("drawings"), DetectObjects()),
            "the prompt DetectObjects reads objects, but its rows have",
        ),
        (lambda: Part(Scenes(), DetectObjects(), augment=Augment()), "boxes are asked for cannot be moved"),
        (lambda: Mixture({}, **SHAPES), "expected one or more names"),
    ],
)
def test_parts_that_do_not_fit_are_refused(part, message):
    with pytest.raises(ValueError, match=message):
        part()
