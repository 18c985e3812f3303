"""COCO with Karpathy's splits in small, in the published layout."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SPLITS = ("train", "restval", "val", "test")
COLOURS = {"red": (200, 10, 10), "green": (10, 200, 10), "blue": (10, 10, 200)}


def captions(number: int) -> list[str]:
    """Two or three captions of picture `number`, whose colour they say."""
    colour = list(COLOURS)[number % len(COLOURS)]
    return [f"A {colour} wall. ", f"all is {colour}", f"this is {colour}"][: 2 + number % 2]


def coco(root: Path, each: int = 3) -> Path:
    """A folder with so many pictures of each split: one colour and a number of pixels each."""
    images: list[dict[str, Any]] = []
    for number in range(each * len(SPLITS)):
        split = SPLITS[number % len(SPLITS)]
        filepath = "train2014" if split == "train" else "val2014"
        filename = f"COCO_{filepath}_{number + 7:012}.jpg"
        (root / filepath).mkdir(parents=True, exist_ok=True)
        pixels = np.full((12, 16 + number, 3), list(COLOURS.values())[number % len(COLOURS)], np.uint8)
        Image.fromarray(pixels).save(root / filepath / filename, "JPEG")
        told = [
            {"raw": raw, "tokens": raw.lower().strip(" .").split(), "imgid": number, "sentid": 10 * number + place}
            for place, raw in enumerate(captions(number))
        ]
        images.append(
            {
                "filepath": filepath,
                "filename": filename,
                "split": split,
                "sentences": told,
                "sentids": [one["sentid"] for one in told],
                "imgid": number,
                "cocoid": number + 7,
            }
        )
    (root / "dataset_coco.json").write_text(json.dumps({"images": images, "dataset": "coco"}))
    return root
