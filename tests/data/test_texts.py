"""Several questions about one picture: the set that holds them, and what a batch has of them."""

import collections

import numpy as np
import pytest

from mmjax.data import prepared
from mmjax.data.easyvqa_pictures.easyvqa_pictures_dataset_builder import MANY
from mmjax.data.label import Label
from mmjax.data.modality.picture import Picture
from mmjax.data.modality.text import Text
from mmjax.data.modality.texts import Texts
from mmjax.data.rows import Rows
from mmjax.data.words import Words


def test_the_set_by_pictures_holds_every_question_of_the_set_once_with_its_picture_and_answer(easyvqa):
    single, several = (
        prepared.builder(name, str(easyvqa)).as_data_source("test") for name in ("easyvqa", "easyvqa_pictures")
    )
    expected = collections.Counter((row["image"].tobytes(), row["question"], row["answer"]) for row in single)
    found = collections.Counter()
    for row in several:
        assert 1 <= len(row["questions"]) == len(row["answers"]) <= MANY
        found.update((row["image"].tobytes(), *pair) for pair in zip(row["questions"], row["answers"], strict=True))
    assert found == expected and sum(found.values()) == 9673
    # No picture has two rows that would fit into one.
    rows = collections.Counter(row["image"].tobytes() for row in several)
    asked = collections.Counter(image for image, *_ in found.elements())
    assert all(rows[image] == -(-number // MANY) for image, number in asked.items())


@pytest.fixture(scope="module")
def feed(easyvqa, tmp_path_factory):
    data = Rows(
        name="easyvqa_pictures",
        modalities={"image": Picture("image", size=16), "text": Texts("questions", length=10, many=MANY)},
        label=Label("answers", many=MANY),
        tokenizer=Words(size=64),
        train="train[:200]",
        test="test[:20]",
        batch=8,
        data_dir=str(easyvqa),
    )
    return data.open(tmp_path_factory.mktemp("feed"))


def test_each_text_is_as_it_would_be_alone_and_the_rest_is_masked(feed):
    known, one, rows = feed.vocabulary, Text("question", 10), feed.split_rows("test")
    batch = next(iter(feed.split()))
    for b, row in enumerate(rows[place] for place in range(8)):
        for q, text in enumerate(row["questions"]):
            values, mask = one(text, {"vocabulary": known.words})
            np.testing.assert_array_equal(batch["text"][b, q], values)
            np.testing.assert_array_equal(batch["text_mask"][b, q], mask)
            assert known.labels[batch["label"][b, q]] == row["answers"][q].decode()
        assert not batch["text_mask"][b, len(row["questions"]) :].any()
        assert (batch["label"][b, len(row["questions"]) :] == -1).all()


def test_too_many_texts_are_told_and_one_alone_is_a_list_of_one(feed):
    texts, fitted = Texts("questions", length=10, many=2), {"vocabulary": feed.vocabulary.words}
    with pytest.raises(ValueError, match="3 texts, but many is 2: raise it"):
        texts(["what shape?"] * 3, fitted)
    with pytest.raises(ValueError, match="many is 0; expected at least 1"):
        Texts("questions", length=10, many=0)
    alone, mask = texts("what shape?", fitted)
    np.testing.assert_array_equal(alone[0], Text("question", 10)("what shape?", fitted)[0])
    assert mask.any(1).tolist() == [True, False] and not texts(None, fitted)[1].any()
