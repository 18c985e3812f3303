import dataclasses

import numpy as np
import pytest

from mmjax.data.augment import Augment
from mmjax.data.byte_pair import BytePair
from mmjax.data.dataset import Dataset
from mmjax.data.mixture import Mixture
from mmjax.data.part import Part
from mmjax.data.prompts.answer_question import AnswerQuestion
from mmjax.data.prompts.detect_objects import DetectObjects
from mmjax.data.prompts.fill_spans import FillSpans
from mmjax.data.prompts.split_caption import SplitCaption
from mmjax.data.scenes import Scenes
from mmjax.data.words import Words

SHAPES = dict(tokenizer=Words(64), size=16, batch=8, questions=2, text_length=6, target_length=3, threads=0)
LONG = dict(tokenizer=BytePair(512, sentinels=2), batch=4, questions=3, text_length=60, target_length=40)
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


def test_a_part_that_is_none_is_left_out(mixture):
    assert dataclasses.replace(mixture, parts={**mixture.parts, "few": None}).parts == {"many": mixture.parts["many"]}


def test_a_blank_batch_has_the_shapes_of_a_real_one_and_takes_no_memory(mixture, tmp_path):
    (batch,) = first(mixture.open(tmp_path).train(0), 1)
    blank = mixture.blank()
    assert {name: (x.shape, x.dtype) for name, x in blank.items()} == {
        name: (x.shape, x.dtype) for name, x in batch.items()
    }
    assert all(not x.strides or set(x.strides) == {0} for x in blank.values())


@pytest.fixture
def drawn(tmp_path):
    """A feed whose prompts draw: captions to be finished, and gaps in texts without a picture."""
    scenes = Scenes(train=30, test=9, side=16)
    parts = {"gaps": Part(scenes, FillSpans()), "split": Part(scenes, SplitCaption("go on: {caption}"))}
    return Mixture(parts, **SHAPES | LONG).open(tmp_path)


def pairs(feed, batch, row: int) -> list[tuple[str, str]]:
    """The texts and targets of an example that are there."""
    places = np.flatnonzero(batch["text_mask"][row].any(-1))
    return [tuple(feed.vocabulary.decode(batch[name][row, place]) for name in ("text", "target")) for place in places]


def test_a_prompt_that_draws_fills_the_places_of_a_picture_with_different_pairs(drawn):
    for batch in first(drawn.train(0), 10):
        for row in range(4):
            found = pairs(drawn, batch, row)
            assert 1 <= len(found) <= 3 and len(set(found)) == len(found)
    counts = [len(pairs(drawn, batch, row)) for batch in first(drawn.train(0), 10) for row in range(4)]
    assert np.mean(counts) > 1.5 and max(counts) == 3


def test_evaluation_draws_the_same_pairs_every_time_and_one_for_each_row(drawn):
    once, again = list(drawn.split()), list(drawn.split())
    assert all(np.array_equal(one[name], other[name]) for one, other in zip(once, again, strict=True) for name in one)
    assert sum(batch["text_mask"].any(-1).sum() for batch in once) == drawn.examples() == 18


def test_texts_alone_have_no_picture(drawn):
    for batch in first(drawn.train(0), 5):
        assert (batch["image_mask"] == (batch["source"] == drawn.sources.index("split"))).all()
        assert not batch["image"][~batch["image_mask"]].any() and batch["text_mask"].any((1, 2)).all()


def test_a_draw_that_is_too_long_is_drawn_again(drawn, tmp_path):
    alone = {"split": drawn.parts[1].part}
    feeds = [Mixture(alone, **SHAPES | LONG | {"text_length": limit}).open(tmp_path) for limit in (60, 16)]
    longest = [max(batch["text_mask"].sum(-1).max() for batch in first(feed.train(0), 30)) for feed in feeds]
    assert longest[0] > 16 >= longest[1]


def test_a_row_whose_every_draw_is_too_long_is_asked_as_evaluation_does(drawn, tmp_path):
    alone = {"split": drawn.parts[1].part}
    assert drawn.vocabulary  # is there, so that no row is checked
    feed = Mixture(alone, **SHAPES | LONG | {"target_length": 1}).open(tmp_path)  # nothing fits: an end and no word
    reader, packer = feed.parts[0], feed.packer
    for row in range(10):
        pair = reader.fitting(packer, row, np.random.default_rng(row))
        assert pair == reader.pair("train", row)


@pytest.mark.parametrize(
    ("prompt", "tokenizer", "message"),
    [
        (
            DetectObjects(bins=40),
            Words(128, locations=30),
            r"scenes .* row \d+: <loc00\d\d> is no token of the tokenizer",
        ),
        (DetectObjects(bins=40), BytePair(512), "set tokenizer.locations to"),
        (FillSpans(), Words(128), "<extra_id_0> is no token of the tokenizer: set tokenizer.sentinels to 1 or more"),
    ],
)
def test_tokens_that_a_prompt_writes_and_the_tokenizer_lacks_are_told_before_training(
    tmp_path, prompt, tokenizer, message
):
    parts = {"one": Part(Scenes(train=30, test=9, side=16), prompt)}
    shapes = {**SHAPES, "tokenizer": tokenizer, "text_length": 300, "target_length": 300}
    with pytest.raises(ValueError, match=message):
        _ = Mixture(parts, **shapes).open(tmp_path / "lacking").vocabulary
    held = dataclasses.replace(tokenizer, locations=40, sentinels=9)
    assert Mixture(parts, **{**shapes, "tokenizer": held}).open(tmp_path / "held").vocabulary.count


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (lambda: Part(Dataset("drawings"), PLAIN, weight=0.0), "weight is 0.0, expected a number above 0"),
        (
            lambda: Part(Dataset("drawings"), DetectObjects()),
            "the prompt DetectObjects reads objects, but its rows have",
        ),
        (lambda: Part(Scenes(), DetectObjects(), augment=Augment()), "boxes are asked for cannot be moved"),
        (lambda: Part(Dataset("drawings"), PLAIN, weight=float("inf")), "weight is inf, expected a number above 0"),
        (lambda: Mixture({}, **SHAPES), r"data\.parts is empty, expected one part or more by name"),
        (lambda: Mixture({"one": None}, **SHAPES), r"data\.parts is empty"),
        (lambda: Mixture({"": Part(Dataset("drawings"), PLAIN)}, **SHAPES), 'has a part with the name ""'),
    ],
)
def test_parts_that_do_not_fit_are_refused(part, message):
    with pytest.raises(ValueError, match=message):
        part()
