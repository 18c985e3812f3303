"""MOSI and MOSEI from miniatures written in their published layouts."""

import dataclasses
import json
import pickle
import sys

import numpy as np
import pytest

from mmjax.data import prepared
from mmjax.data.modality.series import Series
from mmjax.data.mosei.folder import check, load
from mmjax.data.mosei.folds import read_folds
from mmjax.data.rows import Rows
from mmjax.data.target import Target

WIDTHS = {"text": 300, "audio": 74, "vision": 35}
LENGTH = 6


def arrays(count=3, name="video", **changes):
    """A split: padding in front, as the published files have it, and example n with n + 2 words."""
    rng = np.random.default_rng(count)
    found = {part: rng.normal(size=(count, LENGTH, width)) for part, width in WIDTHS.items()}
    for n in range(count):
        for part in WIDTHS:
            found[part][n, : LENGTH - n - 2] = 0
    labels, names = np.linspace(-3, 3, count), np.array([f"{name}{n}[{n}]" for n in range(count)])
    return {**found, "labels": labels, "id": names} | changes


def write(folder, **splits):
    for split, given in splits.items():
        np.savez(folder / f"{split}.npz", **given)
    return folder


def test_arrays_become_rows_without_their_padding(tmp_path):
    train, valid = arrays(4), arrays(2)
    found = load(write(tmp_path, train=train, valid=valid, test=arrays(1, labels=np.zeros((1, 1, 1)))))
    assert {split: len(rows) for split, rows in found.splits.items()} == {"train": 4, "valid": 2, "test": 1}
    for n, row in enumerate(found.splits["train"]):
        assert row["id"] == f"video{n}[{n}]" and row["label"] == train["labels"][n]
        for name in WIDTHS:
            np.testing.assert_array_equal(row[name], train[name][n, LENGTH - n - 2 :].astype(np.float32))
            assert row[name].dtype == np.float32
    assert found.repaired == dict.fromkeys(WIDTHS, 0) and not found.dropped


def test_numbers_that_are_none_become_zero_and_are_counted(tmp_path):
    given = arrays()
    given["audio"][2, 3, :5], given["vision"][1, 4, 0] = -np.inf, np.nan
    found = load(write(tmp_path, train=given))
    assert found.repaired == {"text": 0, "audio": 5, "vision": 1}
    rows = found.splits["train"]
    assert not np.any(rows[2]["audio"][1, :5]) and np.any(rows[2]["audio"][1, 5:])
    assert all(np.isfinite(row[name]).all() for row in rows for name in WIDTHS)


def test_steps_stay_aligned_where_one_modality_failed_and_one_that_failed_wholly_has_no_steps(tmp_path):
    given = arrays()
    given["vision"][2, :3] = 0  # the first of its four words but one without a face
    given["audio"][1] = -np.inf
    rows = load(write(tmp_path, train=given)).splits["train"]
    assert [len(rows[2][name]) for name in WIDTHS] == [4, 4, 4] and not np.any(rows[2]["vision"][0])
    assert [rows[1][name].shape for name in WIDTHS] == [(3, 300), (0, 74), (3, 35)]


def test_series_of_other_lengths_are_cut_each_for_itself(tmp_path):
    given = arrays(1)
    given["audio"] = np.pad(np.ones((1, 20, 74)), [(0, 0), (3, 7), (0, 0)])
    row = load(write(tmp_path, train=given)).splits["train"][0]
    assert [len(row[name]) for name in WIDTHS] == [2, 20, 2]


def test_an_id_of_several_parts_is_joined_and_one_without_a_label_is_left_out(tmp_path):
    names = np.array([["abc", "0.5", "2.5"], ["abc", "2.5", "4"]]).astype("S")
    found = load(write(tmp_path, test=arrays(2, id=names, labels=np.array([np.nan, 1]))))
    assert [row["id"] for row in found.splits["test"]] == ["abc_2.5_4"]
    assert found.dropped == {"no label": 1}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"labels": np.array([0, 4, 0])}, r"train\.npz: video1\[1\] has the label 4; expected a number from -3 to 3"),
        ({"audio": np.zeros((3, 6))}, r"train\.npz: audio is float64 \(3, 6\); expected numbers \[3, L, C\]"),
        ({"emotions": np.zeros((3, 4))}, r"emotions are float64 \(3, 4\); expected numbers \[3, 6\]"),
        ({"labels": np.zeros((3, 7))}, r"labels are float64 \(3, 7\); expected one number for each of 3"),
        ({"id": np.array(["a", "b", 3], object)}, r"train\.npz: not readable \(an array of Python objects, which is a"),
    ],
)
def test_arrays_that_are_not_of_the_layout_are_told_by_file_and_name(tmp_path, changes, wrong):
    with pytest.raises(ValueError, match=wrong):
        load(write(tmp_path, train=arrays(3, **changes)))


def test_a_missing_array_a_broken_file_and_an_empty_folder_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no \.npz and no \.csd file in it"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        load(tmp_path / "absent")
    given = arrays()
    del given["vision"]
    with pytest.raises(ValueError, match=r"valid\.npz: no array 'vision'; it has text, audio, labels, id"):
        load(write(tmp_path, valid=given))
    (tmp_path / "valid.npz").write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(ValueError, match=r"valid\.npz: not readable"):
        load(tmp_path)


class Trap:
    """What a pickle can do to who reads it."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was read",)


def test_pickles_are_refused_unread_with_what_to_do(tmp_path):
    path = tmp_path / "mosei_senti_data.pkl"
    path.write_bytes(pickle.dumps(Trap()))
    for source in (path, tmp_path):
        with pytest.raises(ValueError, match=r"mosei_senti_data\.pkl: a pickle.*is not opened.*numpy\.savez"):
            load(source)


# Computational sequences.

NAMES = {
    "text": ("CMU_MOSEI_TimestampedWordVectors.csd", "glove_vectors"),
    "audio": ("CMU_MOSEI_COVAREP.csd", "COVAREP"),
    "vision": ("CMU_MOSEI_VisualFacet42.csd", "FACET 4.2"),
    "labels": ("CMU_MOSEI_Labels.csd", "All Labels"),
}
FOLDS = {"train": ["one"], "test": ["two", "three"]}


def steps(length, start=0.0, count=4):
    """Intervals of one length after each other."""
    starts = start + length * np.arange(count)
    return np.stack([starts, starts + length], axis=1)


def sequences():
    """{role: {video: (intervals, features)}}: words of 1 s, sound at 4 Hz, pictures at 2 Hz, segments of sentiment."""
    rng = np.random.default_rng(0)

    def of(name, *intervals):
        return {
            video: (at, rng.normal(size=(len(at), WIDTHS[name])))
            for video, at in zip(FOLDS_OF, intervals, strict=False)
        }

    text = of("text", steps(1.0), steps(1.0, 0.5, 3), steps(1.0), steps(1.0))
    text["two"] = np.vstack([text["two"][0], [[1.2, 1.2]]]), np.vstack([text["two"][1], np.ones((1, 300))])  # no time
    labels = {
        "one": (np.array([[0.0, 2.0], [2.0, 4.0]]), np.array([[1.5, 0, 1 / 3, 0, 0, 0, 0], [-3.0] + [0] * 6])),
        "two": (np.array([[0.2, 2.0], [10.0, 12.0]]), np.array([[0.0] * 7, [1.0] * 7])),
        "three": (np.array([[0.0, 4.0]]), np.array([[np.nan] * 7])),
        "other": (np.array([[0.0, 4.0]]), np.array([[1.0] * 7])),
    }
    audio = of("audio", steps(0.25, count=16), steps(0.25, count=8), steps(0.25))
    vision = of("vision", steps(0.5, count=8), steps(0.5, 20.0))
    return {"text": text, "audio": audio, "vision": vision, "labels": labels}


FOLDS_OF = ("one", "two", "three", "other")


def save(folder, given, folds=FOLDS):
    h5py = pytest.importorskip("h5py")
    for role, (name, root) in NAMES.items():
        with h5py.File(folder / name, "w") as file:
            data = file.create_group(root).create_group("data")
            file[root].create_group("metadata")
            for video, (intervals, features) in given[role].items():
                data.create_group(video)
                data[video]["intervals"], data[video]["features"] = intervals, features
    (folder / "folds.json").write_text(json.dumps(folds))
    return folder


def overlapping(intervals, time):
    """Numbers of the intervals that share more than an instant with a time."""
    return [n for n, (start, end) in enumerate(intervals) if min(end, time[1]) - max(start, time[0]) > 1e-4]


def test_sequences_become_rows_of_words_with_the_mean_of_the_sound_and_pictures_in_each(tmp_path):
    given = sequences()
    found = load(save(tmp_path, given))
    rows = [row for rows in found.splits.values() for row in rows]
    assert [row["id"] for row in rows] == ["one[0]", "one[1]", "two[0]"]
    assert [row["label"] for row in rows] == [1.5, -3.0, 0.0]
    assert [row["emotions"].tolist() for row in rows] == [[0, 1, 0, 0, 0, 0], [0] * 6, [0] * 6]
    assert found.dropped == {"no words": 1, "no label": 1, "no fold": 1}
    for row in rows:
        video, segment = row["id"][:3], int(row["id"][4])
        times, vectors = given["text"][video]
        words = overlapping(times, given["labels"][video][0][segment])
        assert len(words) == 2
        np.testing.assert_allclose(row["text"], vectors[words], rtol=1e-6)
        for name in ("audio", "vision"):
            intervals, values = given[name][video]
            for w, word in enumerate(words):
                heard = overlapping(intervals, times[word])
                if heard:
                    np.testing.assert_allclose(row[name][w], sum(values[n] for n in heard) / len(heard), atol=1e-6)
    assert rows[2]["vision"].shape == (0, 35), "no picture falls into the time of this segment"
    assert found.splits.keys() == FOLDS.keys()


def test_a_word_without_sound_is_zero_beside_words_that_have_some(tmp_path):
    given = sequences()
    given["audio"]["one"] = tuple(part[:4] for part in given["audio"]["one"])  # the first second alone
    row = load(save(tmp_path, given)).splits["train"][0]
    assert np.any(row["audio"][0]) and not np.any(row["audio"][1])


def test_frames_count_whatever_their_order_and_numbers_that_are_none_are_zero_in_their_mean(tmp_path):
    given = sequences()
    intervals, values = given["audio"]["one"]
    values[0, 0], values[5, 1] = -np.inf, np.nan
    turned = np.random.default_rng(1).permutation(len(values))
    given["audio"]["one"] = intervals[turned], values[turned]
    found = load(save(tmp_path, given))
    assert found.repaired == {"text": 0, "audio": 2, "vision": 0}
    np.testing.assert_allclose(found.splits["train"][0]["audio"][0, 0], values[1:4, 0].sum() / 4, rtol=1e-5)


def test_frames_that_lie_within_longer_ones_count_beside_them(tmp_path):
    given = sequences()
    values = np.stack([np.full(74, value) for value in (1.0, 2.0, 4.0)])
    given["audio"]["one"] = np.array([[0.0, 4.0], [0.1, 0.3], [1.2, 1.4]]), values
    rows = load(save(tmp_path, given)).splits["train"]
    assert [row["audio"][:, 0].tolist() for row in rows] == [[1.5, 2.5], [1.0, 1.0]]


def test_a_video_that_one_modality_lacks_keeps_its_rows(tmp_path):
    given = sequences()
    del given["audio"]["one"]
    rows = load(save(tmp_path, given)).splits["train"]
    assert [(len(row["text"]), len(row["audio"]), len(row["vision"])) for row in rows] == [(2, 0, 2)] * 2


def test_folds_may_be_lines_of_text(tmp_path):
    save(tmp_path, sequences())
    wanted = load(tmp_path)
    (tmp_path / "folds.json").unlink()
    (tmp_path / "folds.txt").write_text("train one\n\ntest two\ntest three\n")
    found = load(tmp_path)
    assert [row["id"] for row in found.splits["test"]] == [row["id"] for row in wanted.splits["test"]] == ["two[0]"]


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("folds.json", "[1]", r"folds\.json: not of the form \{SPLIT: \[VIDEO, \.\.\.\]\}"),
        ("folds.json", '{"train": ["one"], "test": ["one"]}', "the video one is in the splits train and test"),
        ("folds.txt", "train one\ntwo", r"folds\.txt:2: 'two'; expected SPLIT VIDEO"),
        ("none", "", r"neither folds\.json nor folds\.txt in it"),
    ],
)
def test_folds_that_are_none_are_told(tmp_path, name, text, wrong):
    save(tmp_path, sequences())
    (tmp_path / "folds.json").unlink()
    (tmp_path / name).write_text(text)
    with pytest.raises((ValueError, FileNotFoundError), match=wrong):
        load(tmp_path)


def test_files_that_are_no_sequences_or_not_those_wanted_are_told(tmp_path):
    given = sequences()
    save(tmp_path, given)
    words, sound = tmp_path / NAMES["text"][0], tmp_path / NAMES["audio"][0]
    extra = words.rename(tmp_path / "CMU_MOSEI_Glove.csd")
    words.write_bytes(extra.read_bytes())
    with pytest.raises(ValueError, match=r"Glove\.csd and .*WordVectors\.csd could both be the text: keep one"):
        load(tmp_path)
    extra.unlink()
    sound.write_bytes(b"no HDF5")
    with pytest.raises(ValueError, match=r"COVAREP\.csd: no computational sequence, ROOT/data/VIDEO/features"):
        load(tmp_path)
    sound.unlink()
    with pytest.raises(FileNotFoundError, match=r"no \.csd file of audio; its name would hold one of covarep, "):
        load(tmp_path)
    given["audio"]["one"] = steps(1.0, count=3), np.zeros((2, 74))
    with pytest.raises(ValueError, match=r"COVAREP\.csd: one has intervals \(3, 2\) and features \(2, 74\)"):
        load(save(tmp_path, given))
    given = sequences()
    given["text"] = {"one": (steps(1.0), np.full((4, 1), b"word"))}
    with pytest.raises(ValueError, match=r"its features are \|S4, expected numbers, such as word vectors"):
        load(save(tmp_path, given))


def test_without_h5py_the_line_says_what_to_install(tmp_path, monkeypatch):
    for name, _ in NAMES.values():
        (tmp_path / name).touch()
    (tmp_path / "folds.json").write_text(json.dumps(FOLDS))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ValueError, match=r"\.csd files are HDF5, which needs h5py: pip install 'mmjax\[media\]'"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["mosi", "mosei"])
def test_the_users_folder_becomes_a_data_set_of_series_with_a_number(tmp_path, name):
    given = arrays(3, "test")
    given["audio"][1], given["vision"][2, 3, 0] = 0, np.nan
    brought = tmp_path / "brought"
    brought.mkdir()
    write(brought, train=arrays(4), test={**given, "labels": np.array([1.2, np.nan, -3])})
    found = prepared.prepare(name, str(tmp_path / "data"), brought)
    assert found["splits"] == {"train": 4, "test": 2}
    assert found["notes"] == ["1 segments left out: no label", "1 numbers of vision were none and are 0"]
    modalities = {part: Series(part, LENGTH, width, "none") for part, width in WIDTHS.items()}
    config = Rows(name, modalities, target=Target("label"), batch=2, data_dir=str(tmp_path / "data"))
    (batch,) = config.open(tmp_path / "run").split()
    np.testing.assert_allclose(batch["target"][:, 0], [1.2, -3], rtol=1e-6)
    assert batch["text_mask"].sum(1).tolist() == [2, 4]
    np.testing.assert_array_equal(batch["text"][1, :4], given["text"][2, LENGTH - 4 :].astype(np.float32))


def test_a_sentiment_is_also_one_of_seven_ratings_and_emotions_are_seen_unseen_or_not_asked(tmp_path):
    labels, rated = np.array([0.5, 1.5, -2.6]), np.array([[0, 1 / 3, 3, 0, 0, 0], [np.nan] * 6, [0] * 6])
    (tmp_path / "brought").mkdir()
    write(tmp_path / "brought", train=arrays(3, labels=labels, emotions=rated), test=arrays(1, "test"))
    prepared.prepare("mosei", str(tmp_path / "data"), tmp_path / "brought")
    rows = prepared.peek("mosei", "train", 3, str(tmp_path / "data"))
    assert [row["rating"] - 3 for row in rows] == [round(float(label)) for label in labels] == [0, 2, -3]
    np.testing.assert_array_equal([row["emotions"] for row in rows], np.sign(rated))
    assert np.isnan(prepared.peek("mosei", "test", 1, str(tmp_path / "data"))[0]["emotions"]).all()


def test_a_modality_that_a_row_lacks_is_missing_in_a_batch(tmp_path):
    given, brought = arrays(2), tmp_path / "brought"
    given["audio"][0] = 0
    brought.mkdir()
    prepared.prepare("mosi", str(tmp_path / "data"), write(brought, train=given | {"id": ["a", "b"]}, test=given))
    config = Rows("mosi", {"audio": Series("audio", LENGTH, 74)}, target=Target("label"), batch=2)
    (batch,) = dataclasses.replace(config, data_dir=str(tmp_path / "data")).open(tmp_path / "run").split()
    assert batch["audio_mask"].sum(1).tolist() == [0, 3] and not batch["audio"][0].any()


def test_a_folder_in_neither_layout_is_told_by_the_builder(tmp_path):
    (tmp_path / "brought").mkdir()
    (tmp_path / "brought/mosi.pkl").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match=r"mosi\.pkl: a pickle.*is not opened"):
        prepared.prepare("mosi", str(tmp_path / "data"), tmp_path / "brought")
    with pytest.raises(FileNotFoundError, match=r"'mosi' is made from files that you bring: put train\.npz"):
        prepared.prepare("mosi", str(tmp_path / "data"))
    assert prepared.built(str(tmp_path / "data")) == []


def test_a_set_without_rows_to_train_or_test_with_or_of_two_widths_is_not_built(tmp_path):
    given = load(write(tmp_path, train=arrays(2), valid=arrays(1, labels=np.full(1, np.nan))))
    with pytest.raises(
        ValueError, match="no row of the split 'test'; it has train 2, valid 0 rows, 1 left out: no label"
    ):
        check(given, tmp_path)
    wide = arrays(1, "test")
    wide["audio"] = wide["audio"][..., :70]
    with pytest.raises(ValueError, match="audio has width 70 in test and 74 in train; expected one"):
        check(load(write(tmp_path, test=wide)), tmp_path)
    check(load(write(tmp_path, test=arrays(1, "test"))), tmp_path)
    with pytest.raises(ValueError, match=r"'video0\[0\]' is in \w+ and in \w+; expected it in one split"):
        check(load(write(tmp_path, test=arrays(1))), tmp_path)


def test_files_that_only_look_right_are_told(tmp_path):
    np.save(tmp_path / "train.npy", np.zeros(3))
    (tmp_path / "train.npy").rename(tmp_path / "train.npz")
    with pytest.raises(ValueError, match=r"train\.npz: not readable"):
        load(tmp_path)
    for name in ("id", "text"):
        with pytest.raises(ValueError, match=rf"train\.npz: {name} is no array of rows"):
            load(write(tmp_path, train=arrays(1, **{name: np.float32(1)})))
    (tmp_path / "folds.json").write_text('{"train": "v1"}')
    with pytest.raises(ValueError, match=r"folds\.json: not of the form .* \('train' has no list of videos\)"):
        read_folds(tmp_path)
