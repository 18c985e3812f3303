"""NLVR and NLVR2 in small, in the published layouts, and few of the generated pairs."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmjax.data import prepared
from mmjax.data.picks import picks_dataset_builder

PLACES = ((0, 100), (150, 250), (300, 400))  # of the three boxes, in pixels


def picture(number: int, order: int) -> Image.Image:
    """Three boxes, the first of which tells the number and the second the order."""
    pixels = np.full((100, 400, 4), 128, np.uint8)
    for (left, right), grey in zip(PLACES, (number % 256, 10 * order, 211), strict=True):
        pixels[:, left:right, :3] = grey
    pixels[..., 3] = 255
    return Image.fromarray(pixels, "RGBA")


def write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def nlvr(root: Path, train: int = 40, dev: int = 2) -> Path:
    """`nlvr` in a folder: two examples a directory, true and false in turn."""
    for split, count in (("train", train), ("dev", dev)):
        rows = [
            {
                "sentence": f"There is a box with {number} blue items.",
                "label": ("true", "false")[number % 2],
                "identifier": f"{number // 2}-{number % 2}",
                "directory": str(number // 2),
            }
            for number in range(count)
        ]
        write(root / f"nlvr/{split}/{split}.json", rows)
        for number, row in enumerate(rows):
            folder = root / f"nlvr/{split}/images" / row["directory"]
            folder.mkdir(parents=True, exist_ok=True)
            for order in range(6):
                picture(number, order).save(folder / f"{split}-{row['identifier']}-{order}.png")
    return root


def nlvr2(root: Path) -> Path:
    """NLVR2 as its authors give it: two sentences with two pairs each in train, one in dev."""
    for split, sentences in (("train", 2), ("dev", 1)):
        rows = []
        for number in range(2 * sentences):
            sentence, pair = divmod(number, 2)
            row = {
                "sentence": f"Image {sentence} has dogs.",
                "label": ("True", "False")[number % 2],
                "identifier": f"{split}-{sentence}-{pair}-{number % 2}",
                "left_url": "http://example.org/0.png",
                "right_url": "http://example.org/1.png",
                "query": "dogs",
                "synset": "dog",
            }
            if split == "train":
                row["directory"] = str(10 + sentence)
            folder = root / "images" / split / row.get("directory", "")
            folder.mkdir(parents=True, exist_ok=True)
            for side in range(2):
                colour = (10 * number, 100 * side, 7)
                Image.new("RGB", (6 + side, 4), colour).save(folder / f"{split}-{sentence}-{pair}-img{side}.png")
            rows.append(row)
        write(root / f"data/{split}.json", rows)
    return root


def picks(data: Path, train: int = 40, test: int = 10) -> dict[str, Any]:
    """The data set `picks` with few rows, and what was said of it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(picks_dataset_builder, "TRAIN", train)
        patched.setattr(picks_dataset_builder, "TEST", test)
        return prepared.prepare("picks", str(data))
