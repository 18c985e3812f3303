"""Data sets side by side: what a batch has of each, in which order, with which words, and what is refused."""

import numpy as np
import pytest

from mmjax.data.hide import Hide
from mmjax.data.modality.picture import Picture
from mmjax.data.modality.text import Text
from mmjax.data.rows import Rows
from mmjax.data.streams import Streams
from mmjax.data.words import Words

PICTURE, TEXT = Picture("image", 8), Text("question", 9)
WORDS = Words(64, sentinels=1)


def rows(data_dir, train, test, words=WORDS, batch=4, **modalities):
    hide = Hide((2, 2), least=1)
    return Rows(
        "drawings", modalities, hide=hide, tokenizer=words, train=train, test=test, batch=batch, data_dir=data_dir
    )


@pytest.fixture
def streams(drawings) -> Streams:
    pairs = rows(drawings, "train[:10]", "test[:6]", image=PICTURE, text=TEXT)
    texts = rows(drawings, "train[10:]", "test[:3]", text=TEXT)
    return Streams({"texts": texts, "pairs": pairs})


def test_an_example_has_a_row_of_each_stream_with_the_words_of_all(streams, tmp_path):
    feed = streams.open(tmp_path)
    batch = next(feed.train(0))
    blank = streams.blank()
    assert {key: (value.shape, value.dtype) for key, value in batch.items()} == {
        key: (value.shape, value.dtype) for key, value in blank.items()
    }
    assert batch["pairs/image"].shape == (4, 8, 8, 3) and "texts/image" not in batch
    assert (tmp_path / "tokenizer.json").is_file() and not list(tmp_path.glob("*/tokenizer.json"))
    words = feed.vocabulary.words
    assert all(words.encode(text) for text in feed.texts()) and words.unk not in batch["texts/text"]


def test_batches_are_functions_of_seed_and_number_and_streams_are_shuffled_apart(streams, tmp_path):
    feed = streams.open(tmp_path)
    batches = feed.train(3)
    straight = [next(batches) for _ in range(6)]
    later = next(feed.train(3, start=4))
    halves = [next(feed.train(3, 4, (host, 2))) for host in range(2)]
    for key, value in straight[4].items():
        np.testing.assert_array_equal(later[key], value)
        np.testing.assert_array_equal(np.concatenate([half[key] for half in halves]), value)
    first = np.concatenate([batch["pairs/index"] for batch in straight[:3]])
    assert sorted(first[:10]) == list(range(10)) and not np.array_equal(first[:10], np.arange(10))
    assert not np.array_equal(straight[0]["pairs/text"], next(feed.train(4))["pairs/text"])


def test_evaluation_hides_the_same_each_time_and_fills_the_shorter_stream_with_nothing(streams, tmp_path):
    feed = streams.open(tmp_path)
    assert feed.examples() == 6
    once, again = (list(feed.split()) for _ in range(2))
    for one, other in zip(once, again, strict=True):
        for key in one:
            np.testing.assert_array_equal(one[key], other[key])
    index = np.concatenate([batch["index"] for batch in once])
    texts = np.concatenate([batch["texts/index"] for batch in once])
    np.testing.assert_array_equal(index, [0, 1, 2, 3, 4, 5, -1, -1])
    np.testing.assert_array_equal(texts, [0, 1, 2, -1, -1, -1, -1, -1])
    taken = feed.take([5, 1])
    for key in ("pairs/text", "pairs/image_hidden", "index"):
        np.testing.assert_array_equal(taken[key][1], once[0][key][1])
    assert (np.concatenate([batch["texts/text_places"] for batch in once])[3:] == -1).all()


def test_what_does_not_belong_together_is_refused(drawings, tmp_path, streams):
    texts = streams.parts["texts"]
    for part, told in (
        (rows(drawings, "train", "test", batch=2, text=TEXT), "parts.texts.batch is 4; expected 2, as all others have"),
        (rows(drawings, "train", "test", Words(32, sentinels=1), text=TEXT), r"parts.texts.tokenizer is Words"),
    ):
        with pytest.raises(ValueError, match=told):
            Streams({"more": part, "texts": texts})
    with pytest.raises(ValueError, match="parts is empty"):
        Streams({})
    with pytest.raises(ValueError, match="answers nothing by itself"):
        streams.open(tmp_path).encode([{}])
    none = Streams({"texts": rows(drawings, "train", "test", Words(64), text=TEXT)})
    with pytest.raises(ValueError, match=r"hidden word, is no token of the tokenizer: set tokenizer\.sentinels to 1"):
        none.open(tmp_path / "none").train(0)
    with pytest.raises(ValueError, match="hide is for image and text, but there are said"):
        rows(drawings, "train", "test", said=TEXT)
