"""Small files of opinions: CMU-MOSI and CMU-MOSEI as papers process them into NumPy arrays, and a user's own posts."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

WIDTHS = {"mosi": {"text": 300, "audio": 5, "vision": 20}, "mosei": {"text": 300, "audio": 74, "vision": 35}}
STEPS, ROWS = 6, 8


def write(folder: Path, name: str) -> Path:
    """ROWS rows a split of the data set `name`, each with padding in front; every sentiment and emotion occurs."""
    folder.mkdir(parents=True)
    for number, split in enumerate(("train", "valid", "test")):
        rng = np.random.default_rng(number)
        found = {part: rng.normal(size=(ROWS, STEPS, width)) for part, width in WIDTHS[name].items()}
        for row in range(ROWS):
            for part in WIDTHS[name]:
                found[part][row, : row % 3] = 0
        labels, names = np.linspace(-3, 3, ROWS), np.array([f"{split}{row}" for row in range(ROWS)])
        emotions = np.maximum(rng.integers(-2, 4, (ROWS, 6)), 0)
        emotions[:6] = np.eye(6)
        np.savez(folder / f"{split}.npz", **found, labels=labels, id=names, emotions=emotions)
    return folder


def posts(folder: Path) -> Path:
    """A .jsonl file of pictures with texts and whether they are positive, which either tells."""
    lines = []
    for number in range(4 * ROWS):
        good = number % 2
        Image.new("RGB", (20, 12), (40 + number, 200 * good, 90)).save(folder / f"{number}.png")
        row = {"text": f"what a {'great' if good else 'sad'} day {number}", "label": "positive" if good else "negative"}
        split = "train" if number < 3 * ROWS else "test"
        lines.append(json.dumps({"image": f"{number}.png", **row, "split": split}))
    path = folder / "posts.jsonl"
    path.write_text("\n".join(lines))
    return path
