from pathlib import Path

import numpy as np
import pytest

from mmjax.data import requests
from mmjax.data.batches import Batches
from mmjax.data.packing import Packer
from mmjax.data.prompts.answer_question import AnswerQuestion
from mmjax.data.prompts.caption import Caption
from mmjax.data.prompts.fill_spans import FillSpans
from mmjax.data.prompts.name_objects import NameObjects
from mmjax.data.prompts.split_caption import SplitCaption
from mmjax.data.vocabulary import Vocabulary
from mmjax.data.words import Words

IMAGE = np.zeros((8, 8, 3), np.uint8)
LETTERS = Vocabulary(  # a token a letter; everything else is dropped, as some published tokenizers do
    32, 30, 0, 1, 2, lambda text: [ord(letter) - 93 for letter in text if "a" <= letter <= "z"], str
)


ASK = {"": AnswerQuestion("{question}")}


def pack(rows, prompts=ASK, pictures=None):
    shapes = Batches(tokenizer=Words(8), size=8, questions=2, text_length=4, target_length=2, pictures=pictures)
    return requests.pack(rows, Packer(LETTERS, shapes), prompts, Path("."))


def test_a_text_without_any_token_is_told():
    examples, errors = pack([{"image": IMAGE, "text": "!?"}, {"image": IMAGE, "text": "ab"}])
    assert errors == {0: "row 0: its text '!?' holds no token"}
    assert [example["index"] for example in examples] == [1]


@pytest.mark.parametrize("row", [{"image": IMAGE}, {"image": IMAGE, "text": "x"}])
def test_a_prompt_without_a_place_for_the_text_needs_none(row):
    examples, errors = pack([row], {"": Caption("what")})
    assert errors == {} and examples[0]["text"][0].tolist() == LETTERS.encode("what")


def test_a_text_is_put_into_the_prompt_and_goes_before_a_question():
    examples, _ = pack([{"image": IMAGE, "text": "b", "question": "z"}], {"": AnswerQuestion("a {question} c")})
    assert examples[0]["text"][0][:3].tolist() == LETTERS.encode("abc")


def test_rows_with_the_same_array_share_an_example_and_equal_arrays_do_not():
    rows = [{"image": IMAGE, "text": letter} for letter in "abc"]
    assert [example["index"] for example in pack(rows)[0]] == [0, 2]
    assert [example["index"] for example in pack([row | {"image": IMAGE.copy()} for row in rows])[0]] == [0, 1, 2]


def test_in_a_mixture_a_row_names_the_task_that_asks_or_asks_in_its_own_words():
    prompts = {"say": Caption("say"), "ask": AnswerQuestion("a {question} c"), "fill": FillSpans()}
    rows = [
        {"image": IMAGE, "text": "b", "task": "ask"},
        {"image": IMAGE, "task": "say"},
        {"image": IMAGE.copy(), "text": "dd"},
        {"text": "ee", "task": "fill"},
        {"text": "ff", "task": "ask"},
        {"image": IMAGE, "text": "g", "task": "sing"},
        {"image": IMAGE},
    ]
    examples, errors = pack(rows, prompts)
    asked = {
        int(example["index"]): LETTERS.encode(text)
        for example, text in zip(examples, ("abc", "say", "dd", "ee"), strict=True)
    }
    for example in examples:
        ids = asked[int(example["index"])]
        assert example["text"][0][: len(ids)].tolist() == ids and example["text_mask"][0].sum() == len(ids)
    assert [int(example["source"]) for example in examples] == [1, 0, 0, 2]
    assert [bool(example["image_mask"]) for example in examples] == [True, True, True, False]
    assert errors[4] == 'row 4: it has no "image", only text, task'
    assert errors[5] == "row 5: its \"task\" is 'sing', expected one of 'say', 'ask', 'fill'"
    assert errors[6] == 'row 6: its "text" is None, expected a question or another text'


def test_rows_with_a_field_of_a_wrong_kind_are_told_alone():
    rows = [
        {"image": IMAGE, "text": "a", "task": ["say"]},
        {"image": [], "task": "say"},
        {"image": IMAGE, "task": "say"},
    ]
    examples, errors = pack(rows, {"say": Caption("say"), "ask": AnswerQuestion()})
    assert [int(example["index"]) for example in examples] == [2]
    assert errors[0] == "row 0: its \"task\" is ['say'], expected one of 'say', 'ask'"
    assert errors[1] == 'row 1: its "image" is an empty list, expected a picture or a list of pictures'


@pytest.mark.parametrize("text", [5, ["a"], {}, [], 0, False])
@pytest.mark.parametrize("prompt", [SplitCaption("a {caption}"), NameObjects("b", which="", one=""), Caption("c")])
def test_a_text_that_is_none_is_the_error_of_its_row_alone(prompt, text):
    examples, errors = pack([{"image": IMAGE, "text": text}, {"image": IMAGE, "text": "b"}], {"": prompt})
    assert errors == {0: f'row 0: its "text" is {text!r}, expected a question or another text'}
    assert [int(example["index"]) for example in examples] == [1]


@pytest.mark.parametrize("image", [5, {"a": 1}, [IMAGE, None], True])
def test_an_image_of_a_wrong_kind_is_told(image):
    wrong = image[1] if isinstance(image, list) else image
    _, errors = pack([{"image": image, "text": "a"}], pictures=2)
    assert errors == {0: f'row 0: its "image" is {wrong!r}, expected a path, an array or a Pillow image'}


@pytest.mark.parametrize("task", ["of mine", ["x"], 3])
def test_without_a_mixture_a_field_called_task_is_the_users_own(task):
    examples, errors = pack([{"image": IMAGE, "text": "ab", "task": task}])
    assert errors == {} and examples[0]["text"][0][:2].tolist() == LETTERS.encode("ab")


def test_several_pictures_of_a_row_stand_in_order_and_too_many_are_told():
    dark, light = IMAGE, IMAGE + 200
    rows = [{"image": [light, dark], "text": "a"}, {"image": [light, dark], "text": "b"}, {"image": light, "text": "c"}]
    rows.append({"image": [dark] * 4, "text": "d"})
    examples, errors = pack(rows, pictures=3)
    assert [int(example["index"]) for example in examples] == [0, 2]  # the same two pictures share an example
    assert [example["image_mask"].tolist() for example in examples] == [[True, True, False], [True, False, False]]
    np.testing.assert_array_equal(examples[0]["image"], [light, dark, np.zeros_like(dark)])
    assert errors == {3: "row 3: it has 4 pictures, but data.pictures is 3: set it to 4 or more, or give at most 3"}
    assert pack(rows[:1])[1] == {
        0: "row 0: it has 2 pictures, but data.pictures is None: set it to 2 or more, or give at most 1"
    }
