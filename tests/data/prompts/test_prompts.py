"""Each prompt against what its row holds."""

import re

import numpy as np
import pytest

from mmjax.data.prompts.answer_question import AnswerQuestion
from mmjax.data.prompts.ask_question import AskQuestion
from mmjax.data.prompts.caption import Caption
from mmjax.data.prompts.detect_objects import DetectObjects
from mmjax.data.prompts.fill_spans import FillSpans
from mmjax.data.prompts.name_objects import NameObjects
from mmjax.data.prompts.read_words import ReadWords
from mmjax.data.prompts.split_caption import SplitCaption
from mmjax.data.scene import LABELS
from mmjax.data.scenes import Scenes

ROW = {"question": "is it {red}?", "answer": "yes", "caption": "a red circle above a star", "words": ["stop", "here"]}
SCENES = Scenes(train=200).split("train", ("objects",))


def draws(prompt, row, count=200):
    return [prompt(row, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize(
    ("prompt", "text", "target"),
    [
        (AnswerQuestion(), "Answer in en: is it {red}?", "yes"),
        (AnswerQuestion("{question} {in} a word"), "is it {red}? {in} a word", "yes"),
        (AskQuestion(), "Generate a question in en: yes", "is it {red}?"),
        (Caption(), "Generate the alt_text in en at 0:", "a red circle above a star"),
        (ReadWords(), "Generate the ocr_text in en:", "stop here"),
    ],
)
def test_a_fixed_prompt_says_the_row_as_it_is(prompt, text, target):
    assert set(draws(prompt, ROW, 5)) == {(text, target)} and not prompt.drawn


def test_a_caption_is_split_at_every_place_and_both_parts_make_the_whole():
    found = set(draws(SplitCaption(), ROW))
    words = ROW["caption"].split()
    expected = {
        (f"Generate the alt_text in en at {n}: {' '.join(words[:n])}".strip(), " ".join(words[n:])) for n in range(6)
    }
    assert found == expected
    assert draws(SplitCaption(), {"caption": "square"}, 3) == [("Generate the alt_text in en at 0:", "square")] * 3


def test_boxes_are_written_with_their_labels_and_read_back_within_a_bin():
    prompt = DetectObjects(bins=100)
    for row in range(30):
        objects = SCENES.row(row)["objects"]
        (_, target), (_, other) = draws(prompt, {"objects": objects}, 2)
        assert sorted(target.split(" ; ")) == sorted(other.split(" ; "))
        read = {}
        for part in target.split(" ; "):
            *places, label = re.fullmatch(r"<loc(\d{4})><loc(\d{4})><loc(\d{4})><loc(\d{4})> (.+)", part).groups()
            read[label] = [int(place) / 99 for place in places]
        assert read.keys() == {thing["label"] for thing in objects}
        for thing in objects:
            np.testing.assert_allclose(read[thing["label"]], thing["box"], atol=0.5 / 99 + 1e-9)
    there = SCENES.row(1)["objects"]
    _, target = prompt({"objects": there[::-1]}, None)  # evaluation
    downwards = sorted(there, key=lambda thing: thing["box"][0])
    assert target == " ; ".join(map(prompt.written, downwards)) and len(there) > 1
    many = {target for _, target in draws(prompt, {"objects": SCENES.row(1)["objects"][:2]})}
    assert len(many) == len(SCENES.row(1)["objects"][:2])  # both orders of two, one of one


def test_objects_are_named_as_they_are_there():
    prompt, forms, told = NameObjects(names=LABELS), set(), []
    for row in range(200):
        there = SCENES.row(row)["labels"]
        text, target = prompt({"labels": there}, np.random.default_rng(row))
        if text == prompt.every:
            assert target == ", ".join(there)
            forms.add("every")
        elif text.startswith("Answer in en: which of "):
            names = text.removeprefix("Answer in en: which of ").removesuffix(" are in the image?").split(", ")
            assert len(set(names)) == 4 and target == (", ".join(name for name in names if name in there) or "none")
            forms.add("which")
        else:
            name = text.removeprefix("Answer in en: is ").removesuffix(" in the image?")
            assert target == ("yes" if name in there else "no")
            told.append(target)
    assert forms == {"every", "which"} and 0.3 < told.count("yes") / len(told) < 0.7
    only = NameObjects(every="", which="", names=LABELS)
    assert {text.startswith("Answer in en: is ") for text, _ in draws(only, {"labels": ["red ring"]}, 20)} == {True}


@pytest.mark.parametrize("there", [[], ["a"], ["a", "b", "c"]])
def test_objects_can_be_asked_for_where_there_are_none_and_where_none_is_absent(there):
    forms = {"which": "which of {objects}?", "one": "is {objects}?"}
    for form, said in forms.items():
        prompt = NameObjects(**{"every": "", "which": "", "one": "", form: said}, names=("a", "b", "c"))
        for text, target in draws(prompt, {"labels": there}, 30):
            names = text.removesuffix("?").removeprefix(said.split("{")[0]).split(", ")
            assert names != [""] and set(names) <= {"a", "b", "c"}
            right = ", ".join(name for name in names if name in there)
            assert target == ((right or "none") if form == "which" else "yes" if right else "no")


@pytest.mark.parametrize("length", range(6, 21))
def test_the_words_cut_out_of_a_short_text_may_be_any(length):
    """A share of one to three words is one span, which starts everywhere equally often."""
    words = [f"w{number}" for number in range(length)]
    found = [words.index(target.split()[1]) for _, target in draws(FillSpans(), {"text": " ".join(words)}, 400)]
    starts = length - max(1, round(0.15 * length)) + 1
    counts = np.bincount(found, minlength=starts)
    assert len(counts) == starts and counts.min() > 0.2 * 400 / starts and counts.max() < 3 * 400 / starts


@pytest.mark.parametrize("length", [1, 2, 3, 7, 20, 64])
def test_spans_put_back_make_the_text_and_are_the_share_that_was_asked_for(length):
    words = [f"w{number}" for number in range(length)]
    shown, seen = set(), set()
    for text, target in draws(FillSpans(), {"text": " ".join(words)}, 60):
        pieces = re.split(r"(<extra_id_\d+>) ?", target)[1:]
        spans = dict(zip(pieces[::2], (piece.strip() for piece in pieces[1::2]), strict=True))
        assert list(spans) == [f"<extra_id_{number}>" for number in range(len(spans))] and all(spans.values())
        assert " ".join(spans.get(word, word) for word in text.split()) == " ".join(words)
        gone = sum(len(span.split()) for span in spans.values())
        assert gone == max(1, round(0.15 * length)) and len(spans) == max(1, round(gone / 3))
        shown.add(text), seen.add(len(spans))
    assert len(shown) > min(length - 1, 5)


@pytest.mark.parametrize(
    ("prompt", "asked", "said"),
    [
        (AnswerQuestion(), "is it?", "Answer in en: is it?"),
        (AskQuestion(), "yes", "Generate a question in en: yes"),
        (Caption(), None, "Generate the alt_text in en at 0:"),
        (SplitCaption(), "a red", "Generate the alt_text in en at 2: a red"),
        (SplitCaption(), None, "Generate the alt_text in en at 0:"),
        (DetectObjects(), None, "detect"),
        (NameObjects(names=LABELS), None, "Answer in en: list the objects in the image."),
        (NameObjects(names=LABELS), "red ring", "Answer in en: is red ring in the image?"),
        (NameObjects("what is there?", which="", one=""), "red ring", "what is there?"),
        (FillSpans(), "a <extra_id_0>", "a <extra_id_0>"),
    ],
)
def test_a_user_is_asked_for_in_the_same_prompt(prompt, asked, said):
    assert prompt.ask(asked) == said


def test_a_prompt_that_needs_a_text_says_so():
    with pytest.raises(ValueError, match='its "text" is None, expected a question or another text'):
        AnswerQuestion().ask(None)
    with pytest.raises(ValueError, match='its "text" is None'):
        NameObjects(every="", names=LABELS).ask(None)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: AnswerQuestion("what?"), r"prompt is 'what\?', expected a text with \{question\} in it"),
        (lambda: Caption(" "), "prompt is empty"),
        (lambda: ReadWords(""), "prompt is empty"),
        (lambda: DetectObjects(" "), "prompt is empty"),
        (lambda: NameObjects(), "^names is empty, but which and one ask about objects that are not there"),
        (lambda: FillSpans(share=1.0), "share is 1.0 and mean 3.0"),
        (lambda: DetectObjects(bins=1), "bins is 1, expected 2 to 10,000"),
        (lambda: NameObjects(every="", which="", one=""), "expected one prompt and one name"),
    ],
)
def test_impossible_prompts_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
