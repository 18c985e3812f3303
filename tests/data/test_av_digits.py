"""Audio-visual digits: which digit, how noisy, and what the test does not share with the training."""

import hashlib

import numpy as np
import pytest

from mmjax.data import images, installed, prepared
from mmjax.data.av_digits import av_digits_dataset_builder as av_digits

soxr = pytest.importorskip("soxr", reason="soxr is not installed: pip install 'mmjax[data]'")
pytest.importorskip("captcha", reason="captcha is not installed: pip install 'mmjax[data]'")


@pytest.fixture(scope="module")
def rows(small_wheels):
    source = prepared.builder("av_digits", str(small_wheels))
    return {split: list(prepared.open_rows(source, split, "image")) for split in ("train", "test")}


def test_every_digit_of_scikit_learn_is_seen_in_one_split_with_its_label(rows):
    from sklearn.datasets import load_digits

    digits = load_digits()
    assert [len(rows[split]) for split in ("train", "test")] == [1437, 360]
    assert [row["label"] for row in rows["train"] + rows["test"]] == digits.target.tolist()
    # Averaged over many, noise leaves the mean digit; that of zero is darkest in its middle.
    shown = np.mean([images.decode(row["image"])[..., 0] for row in rows["train"] if row["label"] == 0], axis=0)
    clean = np.mean(digits.images[:1437][digits.target[:1437] == 0], axis=0)
    assert np.corrcoef(shown.ravel(), clean.ravel())[0, 1] > 0.95


@pytest.fixture
def clips():
    spoken = installed.inside("captcha", "data", "captcha")
    return {path.parent.name: av_digits.read(path) for path in spoken.glob("?/default.wav")}


@pytest.fixture
def quiet(monkeypatch):
    monkeypatch.setattr(av_digits, "SNR", (200.0, 200.0))


def test_a_sound_is_its_digit_at_the_speed_that_was_drawn(clips, quiet, monkeypatch):
    monkeypatch.setitem(av_digits.SPEEDS, "train", ((2.0, 2.0),))
    sound = av_digits.heard(clips, "7", "train", np.random.default_rng(0)).astype(float)
    half = clips["7"][: len(clips["7"]) // 2 * 2].reshape(-1, 2).mean(1)  # twice as fast, by another way
    found = np.correlate(sound, half)
    lag = int(np.argmax(np.abs(found)))
    part = sound[lag : lag + len(half)]
    assert np.corrcoef(part, half)[0, 1] > 0.9
    outside = np.delete(sound, slice(max(lag - 9, 0), lag + len(half) + 9))
    assert np.abs(outside).max() <= 1


def test_noise_is_as_loud_as_it_says(clips, monkeypatch):
    monkeypatch.setattr(av_digits, "SNR", (-6.0, -6.0))
    monkeypatch.setattr(av_digits, "at_speed", lambda clip, speed: clip)
    rng = np.random.default_rng(1)
    ratios = []
    for _ in range(40):
        sound = av_digits.heard(clips, "5", "test", rng).astype(float)
        # White noise and babble of 10^0.6 times the clip's power each, over all of it and not its part alone.
        clip = clips["5"] / np.sqrt(np.mean(clips["5"] ** 2))
        share = len(clip) / len(sound)
        amplitude = np.abs(np.correlate(sound, clip)).max() / len(clip)
        ratios.append((np.mean(sound**2) - amplitude**2 * share) / amplitude**2)
    assert np.median(ratios) == pytest.approx(2 * 10**0.6, rel=0.2)


def test_the_test_has_speeds_and_letters_of_its_own(clips, monkeypatch):
    names = {id(clip): name for name, clip in clips.items()}
    heard = {"train": [], "test": []}
    for split, found in heard.items():

        def note(clip, speed, found=found):
            found.append((names[id(clip)], speed))
            return clip

        monkeypatch.setattr(av_digits, "at_speed", note)
        rng = np.random.default_rng(2)
        for _ in range(60):
            av_digits.heard(clips, "3", split, rng)
    train, test = ([speed for name, speed in found if name == "3"] for found in heard.values())
    assert max(train) - min(train) > 0.2 and not any(min(train) < speed < max(train) for speed in test)
    assert min(test) < min(train) and max(test) > max(train)
    behind = [{name for name, _ in found if name != "3"} for found in heard.values()]
    assert behind[0].isdisjoint(behind[1]) and min(map(len, behind)) >= 10


def test_a_row_is_the_same_whenever_it_is_made(rows, clips):
    rng = np.random.default_rng((av_digits.SEED, False, 0))
    av_digits.seen(np.zeros((8, 8)), rng)
    np.testing.assert_array_equal(rows["train"][0]["sound"], av_digits.heard(clips, "0", "train", rng))
    assert len({hashlib.sha256(row["sound"]).digest() for row in rows["train"]}) == 1437


def test_a_package_that_is_absent_is_named_with_what_installs_it(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"package soxr is absent: pip install 'mmjax\[data\]'"):
        prepared.prepare("av_digits", str(tmp_path / "data"))
