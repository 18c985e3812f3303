"""Rows of one's own with any modalities: what becomes of each kind of field, what is missing, and what is told."""

import json

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from mmjax.data import own, own_fields, prepared
from mmjax.data.byte_pair import BytePair
from mmjax.data.label import Label
from mmjax.data.labels import Labels
from mmjax.data.modality.picture import Picture
from mmjax.data.modality.series import Series
from mmjax.data.modality.sound import Sound
from mmjax.data.modality.text import Text
from mmjax.data.modality.vector import Vector
from mmjax.data.modality.video import Video
from mmjax.data.rows import Rows
from mmjax.data.target import Target
from tests.data.conftest import draw, write_rows
from tests.data.test_media import film

SPLITS = ("train", "train", "train", "test")


@pytest.fixture
def folder(tmp_path):
    """Four pictures and a tone of 0.1 s at 8,000 samples a second."""
    for number in range(4):
        Image.fromarray(draw(number)).save(tmp_path / f"{number}.png")
    tone = np.sin(np.arange(800) * 2 * np.pi * 100 / 8000) / 2
    soundfile.write(tmp_path / "tone.wav", tone, 8000)
    return tmp_path


def feed(folder, rows, modalities, **fields):
    own.build(write_rows(folder, rows), "mine", str(folder / "data"))
    config = Rows("mine", modalities, **{"batch": 4, "data_dir": str(folder / "data"), **fields})
    return config.open(folder / "run")


def everything(opened, split):
    (batch,) = opened.split(split=split)
    return {name: value[batch["index"] >= 0] for name, value in batch.items()}


def test_pictures_texts_and_classes_are_read_by_their_names(folder):
    rows = [
        {"image": f"{n}.png", "text": f"picture {n}", "label": n % 2, "split": split} for n, split in enumerate(SPLITS)
    ]
    rows[1]["text"], rows[2]["image"], rows[2]["label"] = "", None, None
    opened = feed(
        folder,
        rows,
        {"image": Picture("image", 16), "text": Text("text", 12)},
        label=Label("label"),
        tokenizer=BytePair(300),
    )
    train, test = everything(opened, "train"), everything(opened, "test")
    assert opened.vocabulary.labels == ("0", "1") and train["label"].tolist() == [0, 1, -1]
    assert train["image_mask"].tolist() == [True, True, False] and train["text_mask"].any(1).tolist() == [1, 0, 1]
    np.testing.assert_array_equal(test["image"][0], draw(3))
    assert opened.vocabulary.words.decode(test["text"][0]) == "picture 3" and test["label"].tolist() == [1]


def test_other_names_hold_what_their_first_value_is(folder):
    rows = [
        {"front": f"{n}.png", "side": f"{3 - n}.png", "age": 20 + n, "mood": [n, None], "pulse": [[1, 2]] * (n + 1),
         "target": n / 2, "split": split}
        for n, split in enumerate(SPLITS)
    ]  # fmt: skip
    rows[1]["pulse"][0] = [1, None]
    del rows[2]["pulse"], rows[3]["front"], rows[3]["mood"]
    modalities = {"front": Picture("front", 16), "side": Picture("side", 16), "age": Vector("age", 1, "none")}
    modalities |= {"mood": Vector("mood", 2, "none"), "pulse": Series("pulse", 4, 2, "none")}
    opened = feed(folder, rows, modalities, target=Target("target"))
    train, test = everything(opened, "train"), everything(opened, "test")
    assert train["age"][:, 0].tolist() == [20, 21, 22] and train["target"][:, 0].tolist() == [0, 0.5, 1]
    assert train["pulse_mask"].tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert not train["mood_mask"].any() and not test["front_mask"].any()
    np.testing.assert_array_equal(test["side"][0], draw(0))
    shown = prepared.peek("mine", "test", 1, str(folder / "data"))[0]
    assert shown["front"] is None and shown["side"].shape == (16, 16, 3)


def test_sounds_are_stored_at_one_rate_and_lists_of_pictures_are_frames(folder):
    rows = [
        {"sound": "tone.wav", "film": [f"{m}.png" for m in range(n + 1)], "labels": ["a", "b"][:n], "split": split}
        for n, split in enumerate(SPLITS)
    ]
    rows[1]["sound"] = None
    modalities = {"sound": Sound("sound", 1600), "film": Video("film", 4, 16)}
    opened = feed(folder, rows, modalities, labels=Labels("labels", 2))
    train, test = everything(opened, "train"), everything(opened, "test")
    assert train["labels"].tolist() == [[0, 0], [1, 0], [1, 1]]
    assert train["sound_mask"].sum(1).tolist() == [1600, 0, 1600]
    expected = np.sin(np.arange(1600) * 2 * np.pi * 100 / 16000) / 2
    np.testing.assert_allclose(train["sound"][0, 100:1500], expected[100:1500], atol=2e-3)
    assert train["film_mask"].sum(1).tolist() == [1, 2, 3]
    np.testing.assert_array_equal(test["film"][0], [draw(m) for m in range(4)])


def test_videos_are_stored_as_they_are_and_read_at_the_rate_that_a_config_asks_for(folder):
    video, other = film(av, folder / "film.mp4"), film(av, folder / "other.mp4", frames=8, sound=False)
    rows = [{"video": "film.mp4", "clip": "film.mp4", "label": n % 2, "split": split} for n, split in enumerate(SPLITS)]
    rows[1]["video"], rows[3]["video"], rows[3]["clip"] = None, "other.mp4", "other.mp4"
    modalities = {"video": Video("video", 4, 16, fps=2), "clip": Video("clip", 3, 16)}
    opened = feed(folder, rows, modalities, label=Label("label"))
    train, test = everything(opened, "train"), everything(opened, "test")
    assert train["video_mask"].sum(1).tolist() == [4, 0, 4] and train["clip_mask"].all()
    np.testing.assert_array_equal(train["video"][2], Video("video", 4, 16, fps=2)(video, {})[0])
    np.testing.assert_array_equal(test["clip"][0], Video("clip", 3, 16)(other, {})[0])
    shown = prepared.peek("mine", "train", 2, str(folder / "data"))
    assert shown[0]["clip"] == f"<{video.stat().st_size:,} bytes>" and shown[1]["video"] == ""


def test_rows_that_show_the_same_picture_are_in_one_split_whatever_they_say(folder):
    for number in range(4, 30):
        Image.fromarray(draw(number)).save(folder / f"{number}.png")
    rows = [{"image": f"{n}.png", "text": f"{n} {k}", "label": k} for n in range(30) for k in range(2)]
    own.build(write_rows(folder, rows), "mine", str(folder / "data"))
    found = {
        split: {row["text"].split()[0] for row in prepared.peek("mine", split, 100, str(folder / "data"))}
        for split in ("train", "test")
    }
    assert not found["train"] & found["test"] and len(found["train"] | found["test"]) == 30


GOOD = {"image": "0.png", "text": "fine", "view": [1, 2], "steps": [[1], [2]], "labels": ["a"], "score": 1}
BAD = [
    ({"image": "absent.png"}, '"image": .*absent.png: no such file'),
    ({"image": ["0.png"]}, r'"image": it is \["0.png"\], expected a path'),
    ({"text": 5}, '"text": it is 5, expected a text'),
    ({"text": "\ud800"}, '"text": its text holds half a character'),
    ({"view": [1, 2, 3]}, r'"view": 3 numbers of shape \[3\], but the first row has 2'),
    ({"view": [10**400, 2]}, r'"view": \[0\] is 10000000000000000000, expected a number that float32 holds, or null'),
    ({"view": ["a", 2]}, r'"view": \[0\] is "a", expected a number'),
    ({"view": [1, 1e300]}, r'"view": \[1\] is 1e\+300, expected a number that float32 holds, or null'),
    ({"view": []}, r'"view": it is \[\], expected numbers; leave it out, or say null, where there are none'),
    ({"view": [[1, 2]]}, r'"view": 2 numbers of shape \[1, 2\], but the first row has 2'),
    ({"steps": [[1], [2, 3]]}, r'"steps": it is .*, expected numbers, in lists of one length, and there are 1 and 2'),
    ({"steps": [[1], [float("inf")]]}, r'"steps": \[1\]\[0\] is Infinity, expected a number that float32 holds'),
    ({"person": {"age": float("inf")}}, r'"person": "age": it is Infinity, expected a number that float32 holds'),
    ({"steps": [[1, 2]]}, r'"steps": a series of shape \[1, 2\], but the first row\'s is \[steps, 1\]'),
    (
        {"steps": [[1.7e9], [1.7e9 + 1]]},
        r'"steps": its first column grows .* float32 does not tell apart; count it from',
    ),
    ({"labels": "a"}, r'"labels": it is "a", expected a list of classes'),
    ({"labels": None}, r'"labels": it is null, expected a list of classes'),
    ({"labels": ["a", True]}, '"labels": it is true, expected a class, a text or a whole number'),
    ({"score": True}, '"score": it is true, expected a number'),
    ({"clip": "loud.wav"}, '"clip": .*loud.wav: samples of up to 3; scale the file to -1..1'),
    ({"film": "film.mp4"}, '"film": .*film.mp4: not a readable video such as .mp4'),
    ({"film": "absent.mp4"}, '"film": .*absent.mp4: no such file, expected a video'),
    ({"no name": 1}, 'no field may be called "no name"'),
    ({"image": None, "text": None, "view": None, "steps": None, "score": None}, "every modality of it is missing"),
    ({"image": None, "text": " ", "view": [None, None], "steps": [[None]], "score": None}, "every modality of it is"),
    ({"label": "a"}, "it has label and labels, but the first row labels"),
    ({"split": "all"}, '"split" is "all"'),
]


def test_rows_that_share_a_picture_or_a_sound_are_in_one_split(folder):
    rows = [
        {"image": "0.png", "sound": "tone.wav", "label": 0},
        {"image": "1.png", "sound": "tone.wav", "label": 1},
        {"image": "1.png", "sound": None, "label": 0},
        *({"image": f"{n}.png", "sound": None, "label": 0} for n in (2, 3)),
    ]
    found, bad, form = own.read(write_rows(folder, rows))
    assert not bad and len({row.digest for row in found[:3]}) == 1 and len({row.digest for row in found}) == 3
    divided = own.divide(found, folder, form.shared)
    assert sum({1, 2, 3} <= {row.line for row in some} for some in divided.values()) == 1
    # Who names splits may share a sound between them, but not all that a row shows.
    rows[0]["split"], rows[2]["split"], rows[3]["split"] = "train", "test", "test"
    found, bad, form = own.read(write_rows(folder, [*rows, rows[3] | {"split": "train"}]))
    assert bad == [(6, "split 'train', but line 4 puts the same content into 'test'")]
    divided = own.divide(found, folder, form.shared)
    assert {row.line: split for split, some in divided.items() for row in some if row.split} == {
        1: "train", 3: "test", 4: "test"
    }  # fmt: skip


def test_a_rate_that_is_not_that_of_the_stored_sound_is_told(folder):
    rows = [{"sound": "tone.wav", "label": n, "split": split} for n, split in enumerate(("train", "test"))]
    rows[1]["sound"] = None
    rows[1]["image"] = "1.png"
    opened = feed(folder, rows, {"sound": Sound("sound", 1600, rate=8000)}, label=Label("label"))
    with pytest.raises(ValueError, match="its sound has 16000 samples a second, but rate is 8000: set it to 16000"):
        _ = opened.vocabulary


def test_every_bad_row_is_told_by_line_and_field(folder):
    rows = [GOOD, *({**GOOD, **changes} for changes, _ in BAD), {"image": "1.png"}]
    (folder / "film.mp4").write_bytes(b"no film")
    soundfile.write(folder / "loud.wav", np.full(99, 3.0), 16_000, subtype="FLOAT")
    path, said = folder / "rows.jsonl", []
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(ValueError, match=f"{len(rows) - 1} of {len(rows)} rows are bad"):
        own.build(path, "mine", str(folder / "data"), report=said.append)
    assert len(said) == len(BAD) + 1
    for line, (text, (_, told)) in enumerate(zip(said, BAD, strict=False), 2):
        with pytest.raises(ValueError, match=f":{line}: {told}"):
            raise ValueError(text)
    assert said[-1].endswith(own_fields.EXPECTED)


def test_a_field_that_looks_like_another_is_told_and_names_of_their_own_are_none(folder):
    for name, meant in {"tetx": "text", "Image": "image", "vidoe": "video", "soud": "sound"}.items():
        _, bad, _ = own.read(
            write_rows(folder, [{"image": "0.png", "label": 1}, {"image": "1.png", name: "x", "label": 1}])
        )
        assert bad == [(2, f'"{name}" looks like "{meant}"; did you mean that? If not, take a name less like it')]
    _, bad, _ = own.read(write_rows(folder, [{"image": "1.png", "context": "a", "texts": "b", "next": 3, "label": 1}]))
    assert bad == []


def test_a_first_row_without_a_truth_is_told_what_rows_there_are(folder, capsys):
    with pytest.raises(ValueError, match="1 of 1 rows are bad"):
        own.build(write_rows(folder, [{"image": "0.png", "text": "fine"}]), "mine", str(folder / "data"))
    assert '"label", "labels" or "target"' in capsys.readouterr().err
