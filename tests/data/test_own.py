import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmjax.data import images, own, own_pairs, prepared
from mmjax.data.pictures import Pictures
from mmjax.data.prompts.caption import Caption
from mmjax.data.words import Words
from tests.data.conftest import draw, write_rows

READER = """
import sys
import tensorflow_datasets as tfds
for split in ("train", "test"):
    for row in tfds.data_source("mine", split=split, data_dir=sys.argv[1]):
        print(split, row["question"].decode(), row["answer"].decode(), row["image"].sum())
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with 40 pictures."""
    for number in range(40):
        Image.fromarray(draw(number)).save(tmp_path / f"{number}.png")
    return tmp_path


def two(number: int, **more) -> list[dict]:
    return [{"image": f"{number}.png", "question": f"q{place}", "answer": f"a{number}", **more} for place in range(2)]


def read(data_dir: Path, name: str = "mine") -> dict[str, list[tuple[str, str]]]:
    (splits,) = (splits for found, _, splits, _ in prepared.built(str(data_dir)) if found == name)
    rows = {split: prepared.peek(name, split, 1000, str(data_dir)) for split in splits}
    return {split: [(row["question"], row["answer"]) for row in found] for split, found in rows.items()}


def test_rows_are_read_by_name_in_another_process(folder):
    rows = [row for number in range(40) for row in two(number)]
    summary = own.build(write_rows(folder, rows), "mine", str(folder / "data"))
    assert sum(summary["splits"].values()) == 80 and summary["skipped"] == 0
    run = [sys.executable, "-c", READER, str(folder / "data")]
    lines = subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()
    seen = {tuple(line.split()[1:]) for line in lines}
    assert seen == {(row["question"], row["answer"], str(draw(int(row["answer"][1:])).sum())) for row in rows}


def test_a_built_set_trains_and_evaluates_by_name(folder):
    own.build(write_rows(folder, [row for number in range(40) for row in two(number)]), "mine", str(folder / "data"))
    feed = Pictures("mine", tokenizer=Words(64), size=16, data_dir=str(folder / "data"), threads=0).open(folder / "run")
    batch = next(feed.train(0))
    assert batch["image_mask"].all() and (batch["text_mask"].any(-1).sum(-1) == 2).all()
    assert sum(batch["target_mask"].any(-1).sum() for batch in feed.split()) == len(read(folder / "data")["test"])


def test_captions_answer_one_question(folder):
    rows = [{"image": f"{number}.png", "caption": f" square {number} "} for number in range(10)]
    own.build(write_rows(folder, rows), "mine", str(folder / "data"))
    found = [pair for pairs in read(folder / "data").values() for pair in pairs]
    assert sorted(found) == sorted((own_pairs.CAPTION, f"square {number}") for number in range(10))


def test_prompts_that_read_captions_leave_out_rows_with_questions(folder):
    captions = [{"image": f"{number}.png", "caption": f"square number {number}"} for number in range(10)]
    captions[7]["split"], captions[8]["split"] = "train", "test"
    rows = [row for number in range(4, 20) for row in two(number)] + captions
    own.build(write_rows(folder, rows), "mine", str(folder / "data"))
    fields = {"image": "image", "caption": "caption", "group": "image_id"}
    shapes = dict(tokenizer=Words(64), size=16, text_length=20, data_dir=str(folder / "data"), threads=0)
    feed = Pictures("mine", fields=fields, prompt=Caption("what"), **shapes).open(folder / "run")
    found = [pair.target for split in ("train", "test") for pair in feed.parts[0].pairs(split)]
    assert sorted(found) == sorted(row["caption"] for row in captions)
    assert feed.examples() + feed.examples("train") == 10
    numbers = {draw(number).tobytes(): f"square number {number}" for number in range(40)}
    for batch in feed.split(split="train"):
        for row in np.flatnonzero(batch["image_mask"]):
            said = feed.vocabulary.decode(batch["target"][row, 0])
            assert said == numbers[batch["image"][row].tobytes()]
    own.build(write_rows(folder, two(0, split="train") + two(1, split="test")), "mine", str(folder / "data"))
    with pytest.raises(ValueError, match="mine train: no row has a caption, which its prompt reads"):
        _ = Pictures("mine", fields=fields, prompt=Caption("what"), **shapes).open(folder / "other").vocabulary


def test_a_picture_is_in_one_split_whatever_its_name_and_the_other_rows(folder):
    for number in range(40):
        (folder / f"copy{number}.png").write_bytes((folder / f"{number}.png").read_bytes())
    rows = [row for number in range(40) for row in two(number)]
    copies = [row | {"image": "copy" + row["image"]} for row in rows]
    own.build(write_rows(folder, rows + copies), "mine", str(folder / "data"))
    many = read(folder / "data")
    train, test = ({answer for _, answer in many[split]} for split in ("train", "test"))
    assert not train & test and len(train | test) == 40 and 1 <= len(test) <= 10
    own.build(write_rows(folder, rows[20:][::-1]), "mine", str(folder / "data"))
    fewer = {answer for _, answer in read(folder / "data")["test"]}
    assert fewer == test & {row["answer"] for row in rows[20:]}


@pytest.mark.parametrize("count", range(2, 8))
def test_few_pictures_still_fill_both_splits(folder, count):
    rows = [row for number in range(count) for row in two(number)]
    splits = own.build(write_rows(folder, rows), "mine", str(folder / "data"))["splits"]
    assert list(splits) == ["train", "test"] and min(splits.values()) >= 2


def test_rows_go_to_the_split_that_they_name_with_all_of_their_picture(folder):
    rows = [*two(0, split="train"), *two(1, split="test"), *two(2, split="dev"), *two(1)]
    own.build(write_rows(folder, rows), "mine", str(folder / "data"))
    pairs = {split: sorted(answer for _, answer in found) for split, found in read(folder / "data").items()}
    assert pairs == {"train": ["a0"] * 2, "test": ["a1"] * 4, "dev": ["a2"] * 2}


BAD = {
    "{broken": "not JSON",
    "[1, 2]": own_pairs.EXPECTED,
    '{"image": "0.png"}': own_pairs.EXPECTED,
    '{"image": "0.png", "question": "q"}': own_pairs.EXPECTED,
    '{"image": "0.png", "answer": "a"}': own_pairs.EXPECTED,
    '{"image": "0.png", "question": "q", "answer": "a", "caption": "c"}': own_pairs.EXPECTED,
    '{"caption": "c"}': own_pairs.EXPECTED,
    '{"image": [], "caption": "c"}': '"image" is [], expected a path or a list of paths',
    '{"image": ["0.png", 3], "caption": "c"}': '"image" is ["0.png", 3], expected a path or a list of paths',
    '{"image": "0.png", "caption": " "}': '"caption" is " ", expected a text',
    '{"image": "0.png", "question": "q", "answer": 3}': '"answer" is 3, expected a text',
    '{"image": "0.png", "caption": "c", "split": "all"}': '"split" is "all", expected a name',
    '{"image": "0.png", "caption": "c", "split": 1}': '"split" is 1, expected a name',
    '{"image": "none.png", "caption": "c"}': "none.png: no such file, expected a picture",
    '{"image": "notes.png", "caption": "c"}': "notes.png: not a readable picture (no known picture format)",
    '{"image": "torn.png", "caption": "c"}': "torn.png: not a readable picture (image file is truncated)",
    '{"image": "0.png", "caption": "c", "caption": "d"}': '"caption" stands twice in it',
    '{"image": ".", "caption": "c"}': "a folder, expected a picture file",
}


def test_every_bad_row_is_told_by_its_line_and_nothing_is_built(folder):
    (folder / "notes.png").write_text("no picture")
    (folder / "torn.png").write_bytes((folder / "3.png").read_bytes()[:60])
    good = [json.dumps(row) for number in range(1, 4) for row in two(number)]
    path = folder / "rows.jsonl"
    path.write_bytes(
        ("\ufeff" + "\n".join(good[:3]) + "\n\n" + "\n".join([*BAD, *good[3:]])).encode() + b"\n\xff\xfe\n"
    )
    said: list[str] = []
    with pytest.raises(ValueError, match=rf"^{path}: 19 of 25 rows are bad: mend them or pass --skip-bad$"):
        own.build(path, "mine", str(folder / "data"), report=said.append)
    assert prepared.built(str(folder / "data")) == [] and len(said) == 19
    for line, (start, reason) in enumerate(BAD.items(), 5):
        found = next(text for text in said if text.startswith(f"{path}:{line}: "))
        assert reason in found and "\n" not in found, start
    assert said[-1].startswith(f"{path}:26: not JSON")
    summary = own.build(path, "mine", str(folder / "data"), skip_bad=True, report=said.append)
    assert summary["skipped"] == 19 and sum(summary["splits"].values()) == 6 and len(said) == 38


def test_a_row_that_would_put_a_picture_into_two_splits_is_bad(folder):
    said: list[str] = []
    rows = [*two(0, split="train"), *two(1, split="test"), two(0, split="test")[0]]
    with pytest.raises(ValueError, match="1 of 5 rows are bad"):
        own.build(write_rows(folder, rows), "mine", str(folder / "data"), report=said.append)
    assert said == [f"{folder / 'rows.jsonl'}:5: split 'test', but line 1 puts the same picture into 'train'"]


def test_bad_rows_are_told_on_standard_error(folder, capsys):
    with pytest.raises(ValueError, match="1 of 1 rows are bad"):
        own.build(write_rows(folder, [[]]), "mine", str(folder / "data"))
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith(f"{folder / 'rows.jsonl'}:1: expected ")


def test_files_with_nothing_to_build_are_told(folder):
    with pytest.raises(FileNotFoundError, match=r"absent\.jsonl: no such file, expected rows as JSON lines"):
        own.build(folder / "absent.jsonl", "mine", str(folder / "data"))
    with pytest.raises(ValueError, match="no good row in it"):
        own.build(write_rows(folder, []), "mine", str(folder / "data"))
    with pytest.raises(ValueError, match=r'one picture cannot be divided .* give each row a "split"'):
        own.build(write_rows(folder, two(0)), "mine", str(folder / "data"))


def test_a_build_replaces_an_earlier_one_and_no_other_data_set(folder, tfds_set):
    import tensorflow_datasets as tfds

    data = folder / "data"
    own.build(write_rows(folder, [*two(0, split="train"), *two(1, split="test")]), "mine", str(data))
    own.build(write_rows(folder, [*two(2, split="train"), *two(3, split="test")]), "mine", str(data))
    assert {answer for _, answer in read(data)["train"]} == {"a2"}
    assert [path.name for path in data.iterdir()] == ["mine"]  # nothing is left behind
    tfds_set(data, "others", {"text": tfds.features.Text()}, {"train": [{"text": "theirs"}]})
    for name in ("others", "easyvqa"):
        with pytest.raises(ValueError, match=f"name '{name}' belongs to another data set"):
            own.build(write_rows(folder, two(0, split="train")), name, str(data))
    for name in ("Mine", "my-data", "", "../mine"):
        with pytest.raises(ValueError, match="expected small letters"):
            own.build(write_rows(folder, two(0, split="train")), name, str(data))


def test_a_failed_build_leaves_the_earlier_one(folder, monkeypatch):
    data = folder / "data"
    own.build(write_rows(folder, [*two(0, split="train"), *two(1, split="test")]), "mine", str(data))
    path = write_rows(folder, [*two(2, split="train"), *two(3, split="test")])
    reading = images.read

    def vanish(image):  # the last picture is deleted between the check and the writing
        encoded = reading(image)
        if Path(image).name == "3.png":
            Path(image).unlink()
        return encoded

    monkeypatch.setattr(images, "read", vanish)
    with pytest.raises(FileNotFoundError, match=r"3\.png: no such file"):
        own.build(path, "mine", str(data))
    assert {answer for _, answer in read(data)["train"]} == {"a0"}
    assert [path.name for path in data.iterdir()] == ["mine"]


def test_unusual_pictures_are_stored_as_any_reader_shows_them(folder):
    turned = Image.Exif()
    turned[0x0112] = 6
    red = Image.new("RGB", (8, 4), (200, 0, 0))
    kinds = {"plain.png": (red, {}), "turned.png": (red, {"exif": turned}), "cmyk.jpg": (red.convert("CMYK"), {})}
    kinds["clear.png"] = (Image.new("RGBA", (8, 4), (0, 0, 0, 0)), {})
    for name, (picture, options) in kinds.items():
        picture.save(folder / name, **options)
        encoded = (folder / name).read_bytes()
        stored = own_pairs.portable(encoded)
        plain = Image.open(io.BytesIO(stored))
        assert plain.mode == "RGB" and plain.getexif().get(0x0112, 1) == 1
        np.testing.assert_array_equal(np.asarray(plain), images.decode(encoded))
        assert (stored == encoded) == (name == "plain.png")


def test_several_pictures_of_a_row_are_shown_together(folder):
    shown = {0: [3, 4, 5], 1: [6], 2: [7, 3]}
    rows = [
        {"image": [f"{number}.png" for number in numbers], "question": f"q{row}", "answer": "q0 q1 q2", "split": split}
        for split in ("train", "test")
        for row, numbers in shown.items()
        if (split == "train") == (row > 0)
    ]
    own.build(write_rows(folder, rows), "mine", str(folder / "data"))
    config = Pictures(
        "mine", tokenizer=Words(64), size=16, pictures=3, batch=2, data_dir=str(folder / "data"), threads=0
    )
    feed = config.open(folder / "run")
    seen = {}
    for split in ("train", "test"):
        for batch in feed.split(split=split):
            for row in np.flatnonzero(batch["index"] >= 0):
                question = feed.vocabulary.decode(batch["text"][row, 0])
                seen[question] = batch["image"][row][batch["image_mask"][row]]
                assert not batch["image"][row][~batch["image_mask"][row]].any()
    assert seen.keys() == {"q0", "q1", "q2"}
    for row, numbers in shown.items():
        np.testing.assert_array_equal(seen[f"q{row}"], [draw(number) for number in numbers])
    assert next(feed.train(0))["image"].shape == (2, 3, 16, 16, 3)
    one = Pictures("mine", tokenizer=Words(64), size=16, data_dir=str(folder / "data"), threads=0)
    with pytest.raises(ValueError, match=r"mine train: its rows have lists of pictures, but data\.pictures is None"):
        _ = one.open(folder / "other").vocabulary
    assert not (folder / "other/tokenizer.json").exists()
    few = Pictures("mine", tokenizer=Words(64), size=16, pictures=1, data_dir=str(folder / "data"), threads=0)
    with pytest.raises(ValueError, match=r"mine test row 0: it has 3 pictures, but data\.pictures is 1: set it to 3"):
        next(few.open(folder / "run").split())
