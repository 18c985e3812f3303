"""Rows of several modalities: what a batch holds, what is fitted, what is missing, and what is told."""

import io
import json

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from mmjax.data import prepared
from mmjax.data.augment import Augment
from mmjax.data.group import Group
from mmjax.data.label import Label
from mmjax.data.modality.picture import Picture
from mmjax.data.modality.series import Series
from mmjax.data.modality.sound import Sound
from mmjax.data.modality.text import Text
from mmjax.data.modality.texts import Texts
from mmjax.data.modality.vector import Vector
from mmjax.data.modality.video import Video
from mmjax.data.rows import Rows
from mmjax.data.series_augment import SeriesAugment
from mmjax.data.target import Target
from mmjax.data.tokenizer_file import TokenizerFile
from mmjax.data.words import Words
from mmjax.train.init_from import InitFrom

NAN = float("nan")
CLASSES = ("walk", "run", "sit")


def png(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 0, 255 - shade)).save(out, "PNG")
    return out.getvalue()


def row(number: int) -> dict:
    """Row 3 has no view, row 4 no words, row 5 no steps and row 6 a step that is no number."""
    steps = np.arange(2 * (number % 4 + 1), dtype=np.float32).reshape(-1, 2)
    if number == 5:
        steps = steps[:0]
    if number == 6:
        steps[1, 0] = NAN
    return {
        "view": np.array([number, NAN if number == 3 else 1, 7], np.float32),
        "steps": steps,
        "said": "" if number == 4 else f"this is {CLASSES[number % 3]}",
        "shown": png(10 * number),
        "kind": CLASSES[number % 3],
        "score": np.array([number / 2], np.float32),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    class Toy(tfds.core.GeneratorBasedBuilder):
        """Rows of four modalities."""

        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {
                "view": tfds.features.Tensor(shape=(3,), dtype=np.float32),
                "steps": tfds.features.Tensor(shape=(None, 2), dtype=np.float32),
                "said": tfds.features.Text(),
                "shown": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
                "kind": tfds.features.Text(),
                "score": tfds.features.Tensor(shape=(1,), dtype=np.float32),
            }
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features), disable_shuffling=True
            )

        def _split_generators(self, dl_manager):
            odd = {**row(0), "kind": "fly"}
            return {
                "train": ((number, row(number)) for number in range(12)),
                "test": ((number, row(number)) for number in range(12, 17)),
                "odd": iter([(0, odd)]),
            }

        def _generate_examples(self):
            yield from ()

    data = tmp_path_factory.mktemp("rows")
    prepared.run(Toy(data_dir=data, file_format="array_record"))
    return data


def rows(folder, **changes) -> Rows:
    fields = dict(
        name="toy",
        modalities={
            "view": Vector("view", 3),
            "steps": Series("steps", 4, 2),
            "said": Text("said", 3),
            "shown": Picture("shown", 8),
        },
        label=Label("kind"),
        tokenizer=Words(size=16),
        batch=4,
        data_dir=str(folder),
    )
    return Rows(**fields | changes)


@pytest.fixture
def feed(folder, tmp_path):
    return rows(folder).open(tmp_path)


def everything(feed, split=None) -> dict[int, dict]:
    found = {}
    for batch in feed.split(split=split):
        for b, index in enumerate(batch["index"]):
            if index >= 0:
                found[int(index)] = {name: value[b] for name, value in batch.items()}
    return found


def test_a_split_gives_each_row_once_with_the_statistics_of_the_training_rows(feed):
    found = everything(feed, "train")
    assert sorted(found) == list(range(12))
    there = [n for n in range(12) if n != 3]
    mean, deviation = np.mean(there), np.std(there)
    for number in there:
        np.testing.assert_allclose(found[number]["view"], [(number - mean) / deviation, 0, 0], atol=1e-5)
        assert found[number]["view_mask"]
    assert [feed.vocabulary.labels[found[n]["label"]] for n in range(3)] == ["walk", "run", "sit"]
    assert feed.vocabulary.words.decode(found[1]["said"]) == "this is run"
    assert found[2]["shown"][0, 0].tolist() == [20, 0, 235]


def test_what_is_empty_or_no_number_is_missing(feed):
    found = everything(feed, "train")
    assert not found[3]["view_mask"] and (found[3]["view"] == 0).all()
    assert not found[4]["said_mask"].any() and found[1]["said_mask"].all()
    assert not found[5]["steps_mask"].any()
    assert found[6]["steps_mask"].tolist() == [True, False, True, False]
    assert all(np.isfinite(row["steps"]).all() for row in found.values())


def test_series_have_the_statistics_of_their_whole_steps(feed):
    steps = np.concatenate([row(n)["steps"] for n in range(12)])
    steps = steps[np.isfinite(steps).all(1)]
    found = everything(feed, "train")[7]
    expected = (row(7)["steps"] - steps.mean(0)) / steps.std(0)
    np.testing.assert_allclose(found["steps"][found["steps_mask"]], expected, atol=1e-5)


def test_training_batches_are_a_function_of_seed_and_number_and_see_every_row(feed):
    first = [next(batches) for batches in [feed.train(3)] for _ in range(6)]
    np.testing.assert_array_equal(next(feed.train(3, start=4))["view"], first[4]["view"])
    assert sorted(np.concatenate([batch["index"] for batch in first[:3]])) == list(range(12))
    assert not np.array_equal(next(feed.train(4))["index"], first[0]["index"])


def test_rows_that_are_kept_make_the_batches_that_others_make_and_are_read_once(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("mmjax.data.row_feed.OVERHEAD", 2**20 // 5)  # room for four rows
    shown = {"shown": Picture("shown", 8, augment=Augment())}
    batches = {}
    for cache in (0, 1):
        feed, places = rows(folder, modalities=shown, tokenizer=None, cache=cache, threads=0).open(tmp_path), []
        _, read = feed.vocabulary, feed._row  # which reads every row for itself
        monkeypatch.setattr(feed, "_row", lambda *args, read=read, places=places: places.append(args[2]) or read(*args))
        drawn = feed.train(0)
        batches[cache] = [next(drawn) for _ in range(6)]  # two epochs
        assert len(places) == (24 if cache == 0 else 20) and len(feed.kept) == (0 if cache == 0 else 4)
    for one, other in zip(*batches.values(), strict=True):
        np.testing.assert_array_equal(one["shown"], other["shown"])


def test_streams_of_a_row_vary_together_in_training_alone_and_each_time_anew(folder, tmp_path):
    streams = {name: Series("steps", 4, 2, augment=SeriesAugment(gain=0.5, pace=0.3)) for name in ("one", "other")}
    feed = rows(folder, modalities=streams, tokenizer=None).open(tmp_path)
    first, again = (batch["one"] for batch in [next(feed.train(0)), next(feed.train(0, start=3))])
    batch = next(feed.train(0))
    np.testing.assert_array_equal(batch["one"], batch["other"])
    np.testing.assert_array_equal(batch["one_mask"], batch["other_mask"])
    plain = rows(folder, modalities={"one": Series("steps", 4, 2)}, tokenizer=None).open(tmp_path / "plain")
    np.testing.assert_array_equal(next(feed.split())["one"], next(plain.split())["one"])
    assert not np.array_equal(first, next(plain.train(0))["one"]) and not np.array_equal(first, again)


def test_series_vary_in_their_own_unit(folder, tmp_path):
    series = Series("steps", 4, 2, augment=SeriesAugment(gain=0.5))
    feed = rows(folder, modalities={"steps": series}, tokenizer=None).open(tmp_path)
    fitted = feed.vocabulary.fitted["steps"]
    given, mask = np.array([[1, 2], [3, 4], [5, 6], [0, 0]], np.float32), np.array([1, 1, 1, 0], bool)
    start, _ = series(given[:3], fitted)
    found, left = series.vary(start, mask, fitted, np.random.default_rng(0))
    factors = (found * fitted["deviation"] + fitted["mean"])[:3] / given[:3]
    np.testing.assert_allclose(factors, np.broadcast_to(factors[0], (3, 2)), rtol=1e-4)
    assert np.array_equal(left, mask) and not found[3].any() and np.abs(np.log(factors)).min() > 0.01


def test_a_blank_batch_has_the_shapes_of_a_real_one(feed):
    real = next(feed.train(0))
    blank = feed.config.blank()
    assert {k: (v.shape, v.dtype) for k, v in blank.items()} == {k: (v.shape, v.dtype) for k, v in real.items()}
    assert not any(blank[name].any() for name in blank if name.endswith("_mask"))


def test_what_was_fitted_is_kept_and_read_without_the_data(folder, feed, tmp_path):
    labels = feed.vocabulary.labels
    again = rows(folder, name="gone").open(tmp_path)
    assert again.vocabulary.labels == labels
    (batch,), errors = again.encode([{"view": [5, 1, 7]}, {"said": "this is run", "steps": [[1, 2]]}])
    assert errors == {}
    assert batch["index"].tolist() == [0, 1, -1, -1]
    assert batch["view_mask"].tolist() == [True, False, False, False]
    np.testing.assert_allclose(batch["view"][0], everything(feed, "train")[5]["view"], atol=1e-5)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"view": [1, 2]}, r"view: 2 numbers of shape \[2\], expected 3"),
        ({"view": ["a", 2, 3]}, "view: a list of 3 paths or texts; expected numbers"),
        ({"views": [1, 2, 3]}, "it has no 'view', but 'views'; did you mean 'view'?"),
        ({"View": [1, 2, 3], "said": "this"}, "it has no 'view', but 'View'; did you mean 'view'?"),
        ({"view": [1, 2, 3], "step": [[1, 2]]}, "it has no 'steps', but 'step'; did you mean 'steps'?"),
        ({"steps": [[1, 2]] * 5}, "steps: 5 steps, but its length is 4: set it to 5 or more"),
        ({"steps": [[1, 2, 3]]}, r"steps: a series of shape \[1, 3\], expected \[steps, 2\]"),
        ({"said": "this is walk run sit"}, "said: .* has 5 tokens, but its length is 3: shorten it, or train"),
        ({"said": 5}, "said: 5 is no text"),
        ({"shown": "nowhere.png"}, "nowhere.png: no such file"),
        ({"shown": 5}, r"shown: 5 is no picture: expected a path, an array \[H, W, 3\] uint8 or a Pillow image"),
        ({"view": None}, "every modality of it is missing"),
        ({"other": 1}, "it has other, expected some of view, steps, said, shown"),
        ({}, "it has nothing, expected some of"),
        ([1], "expected some of"),
    ],
)
def test_a_row_that_cannot_be_asked_is_told_and_the_others_are_answered(feed, asked, told):
    (batch,), errors = feed.encode([asked, {"view": [1, 2, 3]}])
    assert batch["index"].tolist() == [1, -1, -1, -1]
    assert list(errors) == [0]
    with pytest.raises(ValueError, match=told):
        raise ValueError(errors[0])


def test_numbers_may_be_predicted_in_place_of_a_class(folder, tmp_path):
    feed = rows(folder, label=None, target=Target("score")).open(tmp_path)
    found = everything(feed)
    assert {index: float(row["target"][0]) for index, row in found.items()} == {n: (n + 12) / 2 for n in range(5)}
    assert feed.vocabulary.labels == () and all(row["target_mask"] for row in found.values())


def test_a_split_of_which_no_truth_is_known_is_told(folder, tmp_path):
    for split, nothing in (("train", "learn"), ("test", "measure")):
        aim = dict(modalities={"steps": Series("steps", 4, 2)}, tokenizer=None, label=None, target=Target("view", 3))
        opened = rows(folder, **aim, **{split: "train[3:4]"}).open(tmp_path / split)
        with pytest.raises(
            ValueError, match=rf"toy train\[3:4\]: no row has a 'view', .* nothing to {nothing}; set data"
        ):
            _ = opened.vocabulary


def test_one_class_alone_is_told_before_the_training(folder, tmp_path):
    opened = rows(folder, train="train[6:7]").open(tmp_path)
    with pytest.raises(ValueError, match=r"toy train\[6:7\]: kind: every row is 'walk'; expected at least two classes"):
        _ = opened.vocabulary


def test_what_cannot_be_fitted_is_told_by_its_row(folder, tmp_path):
    opened = rows(folder, modalities={"view": Vector("kind", 3)}, tokenizer=None).open(tmp_path)
    with pytest.raises(ValueError, match=r"toy train row 0: view: "):
        _ = opened.vocabulary


def test_one_number_need_be_no_list(folder, tmp_path):
    (batch,), errors = (
        rows(folder, modalities={"score": Vector("score", 1)}, tokenizer=None)
        .open(tmp_path)
        .encode([{"score": 2.0}, {"score": [2.0]}, {"score": 10**400}])
    )
    assert batch["score_mask"].tolist() == [True, True, False, False] and batch["score"][0] == batch["score"][1]
    assert list(errors) == [2] and "is not made of numbers" in errors[2]


def test_a_class_that_no_training_row_has_is_told_before_the_training(folder, tmp_path):
    with pytest.raises(ValueError, match=r"toy test row 0: label 'fly' is none of 'run', 'sit', 'walk'"):
        _ = rows(folder, test="odd").open(tmp_path).vocabulary
    assert not (tmp_path / "inputs.json").exists()
    known = rows(folder, test="odd", label=Label("kind", ("walk", "run", "sit", "fly"))).open(tmp_path)
    assert everything(known)[0]["label"] == 3
    assert json.loads((tmp_path / "inputs.json").read_text())["labels"] == ["walk", "run", "sit", "fly"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (dict(modalities={}), "with 0 modalities"),
        (dict(cache=-1), "cache is -1; expected MiB of training rows to keep, 0 for none"),
        (dict(target=Target("score")), "give one of label"),
        (dict(tokenizer=None), "said is a text and wants data.tokenizer"),
        (dict(modalities={"view": Vector("view", 3)}), "no modality is a text"),
        (dict(modalities={"label": Vector("view", 3)}, tokenizer=None), "no modality may be called 'label'"),
    ],
)
def test_configs_that_fit_no_rows_are_told(folder, changes, told):
    with pytest.raises(ValueError, match=told):
        rows(folder, **changes)


@pytest.mark.parametrize(
    ("kind", "sizes", "told"),
    [
        (Vector, dict(width=0), "width is 0; expected at least 1"),
        (Series, dict(length=-1, channels=3), "length is -1; expected at least 1"),
        (Series, dict(length=1, channels=0), "channels is 0; expected at least 1"),
        (Text, dict(length=0), "length is 0; expected at least 1"),
        (Texts, dict(length=3, many=0), "many is 0; expected at least 1"),
        (Picture, dict(size=0), "size is 0; expected at least 1"),
        (Picture, dict(size=8, resize="zoom"), "resize is 'zoom', expected 'stretch', 'fit', 'crop', None"),
        (Sound, dict(length=0), "length is 0; expected at least 1"),
        (Sound, dict(length=8, rate=0), "rate is 0; expected at least 1"),
        (Video, dict(frames=0, size=8), "frames is 0; expected at least 1"),
        (Target, dict(size=0), "size is 0; expected at least 1"),
    ],
)
def test_sizes_below_one_are_told(kind, sizes, told):
    with pytest.raises(ValueError, match=told):
        kind("x", **sizes)


def test_numbers_beyond_float32_are_told_with_their_place(feed):
    batches, errors = feed.encode(
        [{"view": [1e300, 1, 7]}, {"said": "this", "steps": [[1, 2], [-np.inf, 2]]}, {"said": "this"}]
    )
    assert errors.keys() == {0, 1} and len(batches) == 1
    assert "row 0: view: [0] is 1e+300; expected numbers that float32 holds" in errors[0]
    assert "row 1: steps: [1][0] is -inf; expected" in errors[1]


def test_what_cannot_be_learnt_of_the_training_rows_is_told_once(folder, tmp_path):
    views = {"view": Vector("view", 3, scale="none"), "steps": Series("steps", 4, 2)}
    few = rows(folder, train="train[3:4]", label=Label("kind", names=CLASSES), modalities=views, tokenizer=None)
    feed = few.open(tmp_path)
    assert feed.vocabulary and feed.notes == [
        "toy train[3:4]: no row of 2 of 3 classes, which cannot be learnt: run, sit",
        "toy train[3:4]: no row has view, which cannot be learnt",
    ]
    again = few.open(tmp_path)
    assert again.vocabulary and again.notes == []
    whole = rows(folder).open(tmp_path / "whole")
    assert whole.vocabulary and whole.notes == []


def test_how_many_rows_have_words_that_a_tokenizer_from_elsewhere_does_not_know_is_told(folder, tmp_path):
    other = rows(folder, train="train[:1]", modalities={"said": Text("said", 8)}, label=None).open(tmp_path / "other")
    assert other.vocabulary and other.notes == []  # it knows "this is walk"
    taken = TokenizerFile(str(tmp_path / "other/tokenizer.json"))
    feed = rows(folder, modalities={"said": Text("said", 8)}, tokenizer=taken).open(tmp_path / "mine")
    strange = sum(row(number)["said"] not in ("", "this is walk") for number in range(12))
    assert feed.vocabulary and feed.notes == [
        f"toy train: {strange} of 12 rows have words that the tokenizer does not know; all of these look alike to the "
        "model"
    ]


def test_a_value_may_be_called_as_the_feature_that_its_modality_is_read_from(folder, tmp_path):
    named = {"text": Text("said", 8), "kind_of": Vector("view", 3, scale="none"), "other": Vector("view", 3)}
    feed = rows(folder, modalities=named).open(tmp_path)
    asked = [{"said": "this is run"}, {"text": "this is run"}, {"text": "this is run", "said": "walk"}]
    (batch,), errors = feed.encode([*asked, {"view": [1, 2, 3]}])
    assert errors == {3: "row 3: it has view, expected some of text, kind_of, other"}  # of which is not clear
    np.testing.assert_array_equal(batch["text"][:3], [batch["text"][0]] * 3)
    assert batch["text_mask"][0].sum() == 3


def test_a_feature_that_is_not_there_is_told_with_those_that_are(folder, tmp_path):
    wrong = rows(folder, modalities={"view": Vector("sight", 3)}, tokenizer=None).open(tmp_path)
    with pytest.raises(ValueError, match=r"data.modalities.view.feature is 'sight', but data set 'toy' has kind, said"):
        _ = wrong.vocabulary


def test_rows_of_one_group_have_one_number(folder, tmp_path):
    found = everything(rows(folder, group=Group("said")).open(tmp_path), "train")
    said = {index: row(index)["said"] for index in found}
    for one in found:
        for other in found:
            assert (found[one]["group"] == found[other]["group"]) == (said[one] == said[other])
    assert found[4]["group"] == -1 and rows(folder, group=Group("said")).blank()["group"].tolist() == [-1] * 4
    with pytest.raises(ValueError, match="toy train row 0: group is 3 values; expected one that"):
        next(rows(folder, group=Group("view")).open(tmp_path / "other").train(0))


def test_numbers_in_several_axes_are_a_target_one_row_after_the_other():
    numbers, there = Target("boxes", 6)(np.arange(6.0).reshape(2, 3))
    assert there and numbers.tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(ValueError, match=r"a target of shape \[6\], expected 5 numbers"):
        Target("boxes", 5)(np.arange(6.0).reshape(2, 3))


def test_a_run_may_start_from_one_of_other_classes_that_has_the_same_words(folder, tmp_path):
    one, other = rows(folder).open(tmp_path / "one"), rows(folder, label=Label("said")).open(tmp_path / "other")
    for feed in (one, other):
        assert feed.vocabulary.words is not None
    assert (tmp_path / "one/inputs.json").read_bytes() != (tmp_path / "other/inputs.json").read_bytes()
    InitFrom(str(tmp_path / "one")).check_words(tmp_path / "other", other.word_files)
    (tmp_path / "other/tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match="was trained with another tokenizer"):
        InitFrom(str(tmp_path / "one")).check_words(tmp_path / "other", other.word_files)
