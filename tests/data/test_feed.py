import dataclasses
import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmjax.data import images
from mmjax.data.augment import Augment
from mmjax.data.feed import Feed
from mmjax.data.hide_words import HideWords
from mmjax.data.packing import Pair
from mmjax.data.pictures import Pictures
from mmjax.data.prompts.caption import Caption
from mmjax.data.words import Words
from tests.data.conftest import draw, questions, write_rows

SHAPES = {"size": 16, "batch": 4, "questions": 3, "text_length": 6, "target_length": 3}
CONFIG = Pictures("drawings", tokenizer=Words(64), **SHAPES, threads=0)
OTHER = """
import hashlib, sys
from tests.data.test_feed import CONFIG, digest
import dataclasses
feed = dataclasses.replace(CONFIG, data_dir=sys.argv[1]).open(sys.argv[2])
batches = feed.train(7, start=3)
print(digest(next(batches)), digest(next(batches)))
"""


def digest(batch) -> str:
    return hashlib.sha256(b"".join(batch[name].tobytes() for name in sorted(batch))).hexdigest()


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def first(batches, count: int) -> list:
    found = [next(batches) for _ in range(count)]
    batches.close()
    return found


def read(feed, batch) -> list[tuple[int, list[tuple[str, str]]]]:
    """(picture number by its pixels, its questions and answers) of every example of a batch that is there."""
    numbers = {draw(number).tobytes(): number for number in range(30)}
    found = []
    for row in np.flatnonzero(batch["image_mask"]):
        pairs = []
        for place in np.flatnonzero(batch["text_mask"][row].any(-1)):
            text, target = batch["text"][row, place], batch["target"][row, place]
            assert batch["text_mask"][row, place].tolist() == (text != feed.vocabulary.pad).tolist()
            assert batch["target_mask"][row, place].tolist() == (target != feed.vocabulary.pad).tolist()
            assert target[batch["target_mask"][row, place]][-1] == feed.vocabulary.eos
            pairs.append((feed.vocabulary.decode(text), feed.vocabulary.decode(target)))
        found.append((numbers[batch["image"][row].tobytes()], pairs))
    return found


@pytest.fixture
def feed(drawings, tmp_path) -> Feed:
    return dataclasses.replace(CONFIG, data_dir=drawings).open(tmp_path)


def test_a_training_batch_holds_pictures_with_their_own_questions(feed):
    for batch in first(feed.train(0), 20):
        for number, pairs in read(feed, batch):
            assert set(pairs) <= set(questions(number)) and len(set(pairs)) == len(pairs)
            assert len(pairs) == min(3, len(questions(number)))
        assert batch["image"].dtype == np.uint8 and batch["text"].dtype == batch["index"].dtype == np.int32


def test_every_epoch_shows_each_picture_once_in_another_order(feed):
    numbers = [number for batch in first(feed.train(0), 23) for number, _ in read(feed, batch)]
    epochs = [numbers[start : start + 23] for start in range(0, 92, 23)]
    assert all(sorted(epoch) == list(range(23)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_all_questions_are_drawn_sooner_or_later(feed):
    drawn = Counter(
        pair
        for batch in first(feed.train(0), 400)
        for number, pairs in read(feed, batch)
        for pair in pairs
        if number == 2
    )
    assert set(drawn) == set(questions(2)) and len(drawn) == 11
    assert max(drawn.values()) < 2.5 * min(drawn.values())


def test_batch_k_depends_on_seed_and_k_alone(feed, drawings, tmp_path):
    straight = first(feed.train(7), 9)
    for start in (1, 3, 8):
        assert same(first(feed.train(7, start=start), 1)[0], straight[start])
    assert not same(straight[0], straight[1])
    assert not same(first(feed.train(8), 1)[0], straight[0])
    threaded = dataclasses.replace(CONFIG, data_dir=drawings, threads=3, prefetch=2).open(tmp_path)
    assert all(map(same, first(threaded.train(7), 9), straight))
    augmented = dataclasses.replace(CONFIG, data_dir=drawings, augment=Augment(), threads=2).open(tmp_path)
    views = first(augmented.train(7), 9)
    assert same(first(augmented.train(7, start=5), 1)[0], views[5])
    assert not np.array_equal(views[0]["image"], straight[0]["image"])


def test_another_process_makes_the_same_batches(feed, drawings, tmp_path):
    expected = [digest(batch) for batch in first(feed.train(7, start=3), 2)]
    root = Path(__file__).parents[2]
    run = [sys.executable, "-c", OTHER, drawings, str(tmp_path)]
    assert subprocess.run(run, capture_output=True, text=True, check=True, cwd=root).stdout.split() == expected


@pytest.mark.parametrize("hosts", [2, 4])
def test_hosts_share_the_batches_of_one(feed, hosts):
    for start in (0, 5):
        whole = first(feed.train(1, start=start), 6)
        parts = [first(feed.train(1, start=start, host=(host, hosts)), 6) for host in range(hosts)]
        for step in range(6):
            joined = {name: np.concatenate([part[step][name] for part in parts]) for name in whole[0]}
            assert same(joined, whole[step])
    whole = list(feed.split())
    parts = [list(feed.split(host=(host, hosts))) for host in range(hosts)]
    assert {len(part) for part in parts} == {len(whole)}
    for step, batch in enumerate(whole):
        assert same({name: np.concatenate([part[step][name] for part in parts]) for name in batch}, batch)


def test_hosts_that_cannot_share_evenly_are_told(feed):
    with pytest.raises(ValueError, match=r"data\.batch is 4, which 3 hosts cannot share evenly"):
        feed.train(0, host=(0, 3))


@pytest.mark.parametrize(("split", "pictures"), [(None, range(23, 30)), ("train", range(23)), ("train[:7]", range(2))])
def test_a_split_shows_every_question_once_and_in_order(feed, split, pictures):
    batches = list(feed.split(split=split))
    found = [pair for batch in batches for _, pairs in read(feed, batch) for pair in pairs]
    assert found == [pair for number in pictures for pair in questions(number)]
    indices = np.concatenate([batch["index"] for batch in batches])
    count = feed.examples(split)
    assert indices.tolist() == [*range(count), *[-1] * (-count % 4)]
    assert all(len(batch["index"]) == 4 for batch in batches)
    last = batches[-1]
    for name in ("image_mask", "text_mask", "target_mask"):
        assert not last[name][last["index"] == -1].any()
    for name in ("text", "target"):
        assert (last[name][last["index"] == -1] == feed.vocabulary.pad).all()


def test_take_gives_the_examples_of_split_by_their_index(feed):
    everything = [row for batch in feed.split() for row in zip(*(batch[name] for name in sorted(batch)), strict=True)]
    wanted = [7, 0, 7, 3, 11]
    batch = feed.take(wanted)
    assert batch["index"].tolist() == [*wanted, -1, -1, -1]
    for row, index in enumerate(wanted):
        assert all(np.array_equal(batch[name][row], everything[index][i]) for i, name in enumerate(sorted(batch)))
    assert feed.take([])["index"].tolist() == [-1] * 4
    with pytest.raises(ValueError, match=r"split 'test' has no example \d+, it has 0 to \d+"):
        feed.take([feed.examples()])


def test_the_index_of_a_training_example_finds_its_picture(feed):
    (batch,) = first(feed.train(2), 1)
    again = feed.take(batch["index"], split="train")
    np.testing.assert_array_equal(again["image"], batch["image"])


def test_the_vocabulary_is_made_of_the_training_split_and_kept(feed, drawings, tmp_path):
    words = {word for number in range(23) for pair in questions(number) for text in pair for word in text.split()}
    assert feed.vocabulary.count == len(words) + 4
    assert all(3 not in feed.vocabulary.encode(word) for word in words)
    assert 3 in feed.vocabulary.encode("picture 29")  # a test picture's number
    again = dataclasses.replace(CONFIG, name="moved away", data_dir=drawings).open(tmp_path)
    assert again.vocabulary.encode("picture 3") == feed.vocabulary.encode("picture 3")  # no data set is opened


@pytest.mark.parametrize(("field", "limit", "kind"), [("text_length", 3, "text"), ("target_length", 2, "target")])
def test_rows_that_are_too_long_are_named_before_training(drawings, tmp_path, field, limit, kind):
    short = dataclasses.replace(CONFIG, data_dir=drawings, **{field: limit})
    message = (
        rf"drawings train row 0: the {kind} has \d tokens.* data\.{field} is {limit}: set it to {limit + 1} or more"
    )
    for _ in range(2):  # the same command again is told the same
        with pytest.raises(ValueError, match=message):
            _ = short.open(tmp_path).vocabulary
    assert list(tmp_path.iterdir()) == []
    _ = dataclasses.replace(CONFIG, data_dir=drawings).open(tmp_path).vocabulary
    with pytest.raises(ValueError, match=rf"the {kind} has \d tokens"):  # a vocabulary that was there checks no row
        next(short.open(tmp_path).train(0))
    with pytest.raises(ValueError, match=rf"the {kind} has \d tokens"):
        list(dataclasses.replace(short, threads=2).open(tmp_path).split())


def test_captions_are_asked_for_by_one_prompt(drawings, tmp_path):
    fields = {"image": "image", "caption": "answer", "group": "image_id"}
    config = dataclasses.replace(CONFIG, data_dir=drawings, fields=fields, prompt=Caption("what is it ?"))
    feed = config.open(tmp_path)
    for number, pairs in read(feed, first(feed.train(0), 1)[0]):
        assert {text for text, _ in pairs} == {"what is it ?"}
        assert {target for _, target in pairs} <= {target for _, target in questions(number)}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"batch": 0}, r"data\.batch is 0, expected 1 or more"),
        ({"fields": {"image": "image"}}, r"^fields has image; it may have image, group, question, .* and needs one"),
        ({"fields": {"image": "i", "target": "t"}}, r"^fields has image, target; it may have image, group, question"),
        (
            {"fields": {"image": "i", "caption": "c"}},
            r"AnswerQuestion reads question, but its rows have image, caption",
        ),
        (
            {"fields": {"question": "q", "answer": "a"}},
            r"AnswerQuestion reads image, but its rows have question, answer",
        ),
        ({"pictures": 0}, r"data\.pictures is 0, expected 1 or more"),
        ({"resize": "zoom"}, r"data\.resize is 'zoom', expected 'stretch', 'fit', 'crop', None"),
    ],
)
def test_impossible_configs_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(CONFIG, **wrong)


@pytest.fixture
def album(tmp_path) -> Path:
    """A folder with three pictures and a file that is none."""
    for number in range(3):
        Image.fromarray(draw(number, 20)).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.png").write_text("no picture")
    return tmp_path


def answers(feed, batches) -> dict[int, str]:
    """{row number: text asked} by the rule that question q of an example is row index + q."""
    found = {}
    for batch in batches:
        assert not batch["target_mask"].any() and len(batch["index"]) == 4
        for row, start in enumerate(batch["index"]):
            for place in np.flatnonzero(batch["text_mask"][row].any(-1)):
                assert start >= 0 and start + place not in found
                found[int(start + place)] = feed.vocabulary.decode(batch["text"][row, place])
    return found


def test_rows_of_a_user_are_all_asked_and_neighbours_share_a_picture(feed, album):
    rows = [{"image": f"{number // 5 % 3}.png", "question": f"picture {number}"} for number in range(23)]
    batches, errors = feed.encode(rows, album)
    assert errors == {} and answers(feed, batches) == {number: f"picture {number}" for number in range(23)}
    shown = [
        (batch["image"][row], start) for batch in batches for row, start in enumerate(batch["index"]) if start >= 0
    ]
    assert len(shown) == 9  # five neighbours are three and two, the last three are one example
    for image, start in shown:
        np.testing.assert_array_equal(image, images.resize(draw(start // 5 % 3, 20), 16))
    assert {len(batch["index"]) for batch in batches} == {4} and batches[-1]["index"][-1] == -1


def test_bad_rows_are_told_by_their_number_and_lose_no_other(feed, album):
    rows = [
        {"image": "0.png", "text": "picture 1"},
        {"text": "picture 1"},
        {"image": "0.png", "text": "picture 2"},
        {"image": "0.png", "text": ""},
        {"image": "0.png", "text": "picture 3"},
        {"image": "0.png", "text": "picture " * 7},
        {"image": "0.png", "question": "picture 4"},
        {"image": "notes.png", "text": "picture 5"},
        {"image": "notes.png", "text": "picture 6"},
        {"image": "none.png", "text": "picture 7"},
        "picture 8",
        {"image": np.zeros((4, 4)), "text": "picture 9"},
        {"image": "1.png", "text": "picture 10"},
    ]
    batches, errors = feed.encode(rows, album)
    asked = {0: "1", 2: "2", 4: "3", 6: "4", 12: "10"}
    assert answers(feed, batches) == {row: f"picture {number}" for row, number in asked.items()}
    assert list(errors) == [1, 3, 5, 7, 8, 9, 10, 11]
    assert errors[1] == 'row 1: it has no "image", only text'
    assert errors[3] == "row 3: its \"text\" is '', expected a question or another text"
    assert errors[5] == "row 5: the text has 7 tokens, but data.text_length is 6: set it to 7 or more"
    assert errors[7] == errors[8] == f"{album / 'notes.png'}: not a readable picture (no known picture format)"
    assert errors[9] == f"{album / 'none.png'}: no such file, expected a picture"
    assert errors[10] == 'row 10: it is \'picture 8\', expected {"image": ..., "text": ...}'
    assert errors[11].startswith("row 11: array float64[4, 4], expected uint8")


def test_arrays_and_pillow_images_can_be_asked_about(feed):
    image = draw(5, 16)
    rows = [{"image": image, "text": "picture 1"}, {"image": Image.fromarray(image), "text": "picture 2"}]
    batches, errors = feed.encode(rows)
    assert errors == {} and answers(feed, batches) == {0: "picture 1", 1: "picture 2"}
    np.testing.assert_array_equal(batches[0]["image"][1], image)
    assert feed.encode([]) == ([], {})


def test_rows_of_a_jsonl_file_can_be_encoded_as_they_are(feed, album):
    path = write_rows(album, [{"image": "2.png", "text": "picture 2", "comment": [1]}])
    batches, errors = feed.encode([json.loads(line) for line in path.read_text().splitlines()], path.parent)
    assert errors == {} and answers(feed, batches) == {0: "picture 2"}


def test_what_is_hidden_depends_on_seed_and_place_alone_and_evaluation_hides_nothing(drawings, tmp_path):
    config = dataclasses.replace(
        CONFIG, data_dir=drawings, tokenizer=Words(64, sentinels=1), hide=HideWords(0.5, masked=1.0, other=0.0), drawn=2
    )
    feed = config.open(tmp_path)
    straight = first(feed.train(7), 4)
    assert same(first(feed.train(7, start=3), 1)[0], straight[3])
    for batch in straight:
        told, mask = batch["target_told"], batch["target_mask"]
        assert told.shape == (4, 2, 3) and told.sum() >= mask.any(-1).sum() and not told[~mask].any()
        np.testing.assert_array_equal(batch["target_seen"], np.where(told, feed.vocabulary.mask, batch["target"]))
    assert {name: rows.shape for name, rows in config.blank().items()} == {n: x.shape for n, x in straight[0].items()}
    (batch, *_) = first(feed.split(), 2)
    assert batch["target"].shape == (4, 3, 3) and "target_told" not in batch
    (asked,), _ = feed.encode([{"image": draw(1), "text": "picture 1 question 0"}])
    assert asked.keys() == batch.keys()
    with pytest.raises(ValueError, match="<extra_id_0>, which stands for a hidden word, is no token of the tokenizer"):
        _ = dataclasses.replace(config, tokenizer=Words(64)).open(tmp_path / "other").vocabulary
    with pytest.raises(ValueError, match=r"data\.drawn is 4, expected at most data\.questions, 3"):
        dataclasses.replace(config, drawn=4)


def test_where_nothing_is_asked_the_text_is_the_token_that_texts_begin_with(feed):
    ids = feed.packer.ids(Pair("", "red 1", "a row"))
    assert ids["text"] == [feed.vocabulary.bos] and feed.vocabulary.decode(ids["text"]) == ""
