from pathlib import Path

import numpy as np
import pytest

from mmjax.data import requests
from mmjax.data.packing import Packer
from mmjax.data.vocabulary import Vocabulary

IMAGE = np.zeros((8, 8, 3), np.uint8)
LETTERS = Vocabulary(  # a token a letter; everything else is dropped, as some published tokenizers do
    32, 30, 0, 1, 2, lambda text: [ord(letter) - 93 for letter in text if "a" <= letter <= "z"], str
)


def pack(rows, prompt="{text}"):
    packer = Packer(LETTERS, size=8, questions=2, text_length=4, target_length=2)
    return requests.pack(rows, packer, prompt, Path("."))


def test_a_text_without_any_token_is_told():
    examples, errors = pack([{"image": IMAGE, "text": "!?"}, {"image": IMAGE, "text": "ab"}])
    assert errors == {0: "row 0: its text '!?' holds no token"}
    assert [example["index"] for example in examples] == [1]


@pytest.mark.parametrize("row", [{"image": IMAGE}, {"image": IMAGE, "text": "x"}])
def test_a_prompt_without_a_place_for_the_text_needs_none(row):
    examples, errors = pack([row], prompt="what")
    assert errors == {} and examples[0]["text"][0].tolist() == LETTERS.encode("what")


def test_a_text_is_put_into_the_prompt_and_goes_before_a_question():
    examples, _ = pack([{"image": IMAGE, "text": "b", "question": "z"}], prompt="a {text} c")
    assert examples[0]["text"][0][:3].tolist() == LETTERS.encode("abc")


def test_rows_with_the_same_array_share_an_example_and_equal_arrays_do_not():
    rows = [{"image": IMAGE, "text": letter} for letter in "abc"]
    assert [example["index"] for example in pack(rows)[0]] == [0, 2]
    assert [example["index"] for example in pack([row | {"image": IMAGE.copy()} for row in rows])[0]] == [0, 1, 2]
