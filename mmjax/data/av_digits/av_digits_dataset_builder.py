"""TFDS builder of audio-visual digits: scikit-learn's pictures of digits, each with its digit spoken, both in noise.

picture   8x8, 0..255, plus N(0, GRAIN^2) at each pixel
sound     0.5 s at 8 kHz, somewhere in it one of ten clips of the wheel captcha, faster or slower (pitch and all), in
          white noise and a babble of spoken letters, the clip's power SNR decibels above that of each of the two

The noise is such that neither the eye nor the ear is enough. There is one clip of each digit, so what keeps the test
from being the training is said here: its pictures are others, its clips run at speeds outside of those in training, and
the letters behind them, N to Z, are never heard in training, which has A to M. One voice says nothing of other voices.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from mmjax.data import installed

EXTRA = "'mmjax[data]'"  # brings what the data is made of
RATE, LENGTH = 8000, 4000  # samples a second, and of each row
SEED, COPIES = 0, 4  # renderings of each picture, each with noise and sound of its own
HELD = 360  # the last pictures are the test's: partly by other writers
GRAIN = 80.0
SNR = (-2.0, 4.0)
VOICES = 3  # in the babble
SPEEDS = {"train": ((0.85, 1.15),), "test": ((0.8, 0.85), (1.15, 1.2))}
LETTERS = {"train": "ABCDEFGHIJKLM", "test": "NOPQRSTUVWXYZ"}
DESCRIPTION = """Digits seen and heard, in noise: pictures of scikit-learn (UCI, CC BY 4.0), clips of captcha (BSD)."""


class Builder(tfds.core.GeneratorBasedBuilder):
    """COPIES renderings of 1,437 training and 360 test pictures, the same in every preparation."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(shape=(8, 8, 1), encoding_format="png"),
            "sound": tfds.features.Tensor(shape=(LENGTH,), dtype=np.int16, encoding="bytes"),
            "label": tfds.features.ClassLabel(names=list("0123456789")),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            disable_shuffling=True,
            metadata=tfds.core.MetadataDict(rates={"sound": RATE}),
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        installed.inside("soxr", "__init__.py", EXTRA)  # before anything is drawn
        spoken = installed.inside("captcha", "data", EXTRA)
        table = np.loadtxt(installed.inside("sklearn", "datasets/data/digits.csv.gz", EXTRA), delimiter=",")
        pictures, labels = table[:, :-1].reshape(-1, 8, 8) * (255 / 16), table[:, -1].astype(int)
        clips = {path.parent.name: read(path) for path in spoken.glob("?/default.wav")}
        chosen = {"train": slice(None, -HELD), "test": slice(-HELD, None)}
        return {
            split: self._generate_examples(split, pictures[rows], labels[rows], clips) for split, rows in chosen.items()
        }

    def _generate_examples(
        self, split: str, pictures: np.ndarray, labels: np.ndarray, clips: Mapping[str, np.ndarray]
    ) -> Iterator[tuple[int, dict]]:
        for row in range(COPIES * len(pictures)):
            rng = np.random.default_rng((SEED, split == "test", row))
            label = int(labels[row % len(labels)])
            yield (
                row,
                {
                    "image": io.BytesIO(seen(pictures[row % len(labels)], rng)),
                    "sound": heard(clips, str(label), split, rng),
                    "label": label,
                },
            )


def seen(picture: np.ndarray, rng: np.random.Generator) -> bytes:
    """A picture [8, 8] in 0..255 with noise, as PNG."""
    noisy = np.clip(np.rint(picture + rng.normal(0, GRAIN, picture.shape)), 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(noisy).save(out, "PNG")
    return out.getvalue()


def heard(clips: Mapping[str, np.ndarray], name: str, split: str, rng: np.random.Generator) -> np.ndarray:
    """A clip somewhere in [LENGTH] int16, at a speed of the split, among letters of the split and white noise."""
    clip = at_speed(clips[name], drawn(SPEEDS[split], rng))
    start = rng.integers(LENGTH - len(clip) + 1)
    sound = np.zeros(LENGTH)
    sound[start : start + len(clip)] = clip / power(clip)
    babble = np.zeros(LENGTH)
    for letter in rng.choice(list(LETTERS[split]), VOICES, replace=False):
        voice = at_speed(clips[letter], rng.uniform(0.8, 1.25))
        babble += np.roll(np.resize(voice, LENGTH), rng.integers(LENGTH))
    loud = 10 ** (-rng.uniform(*SNR) / 20)
    sound += loud * (babble / power(babble) + rng.normal(size=LENGTH))
    level = rng.uniform(0.3, 0.9) * 2**15 / np.abs(sound).max()
    return np.rint(level * sound).astype(np.int16)


def drawn(bands: tuple[tuple[float, float], ...], rng: np.random.Generator) -> float:
    """A number of one of the bands."""
    return rng.uniform(*bands[rng.integers(len(bands))])


def at_speed(clip: np.ndarray, speed: float) -> np.ndarray:
    """The clip so many times as fast, and as high."""
    import soxr

    return soxr.resample(clip, RATE * speed, RATE)


def power(sound: np.ndarray) -> float:
    """The root of the mean square."""
    return float(np.sqrt(np.mean(sound**2)))


def read(path: Path) -> np.ndarray:
    """A clip [N] in -1..1, whose 8-bit samples lie around 128."""
    with wave.open(str(path)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 1):
            raise ValueError(f"{path}: expected one channel of 8 bits at {RATE} a second: install captcha anew")
        return np.frombuffer(file.readframes(file.getnframes()), np.uint8) / 128 - 1.0
