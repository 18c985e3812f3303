"""Pictures as JPEG files that stand for photographs: smooth colours, edges and some grain; NumPy and Pillow alone."""

import json
import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

COUNT, SIDE, SMALL, BATCH, LOOK = 512, 256, 224, 32, 64


def folder() -> Path:
    """The folder of the files 0.jpg ... and of rows.jsonl, drawn once."""
    path = Path(tempfile.gettempdir()) / "mmjax_benchmark_photos"
    if not path.exists():
        begun = Path(tempfile.mkdtemp(dir=path.parent))
        for number in range(COUNT):
            draw(number).save(begun / f"{number}.jpg", quality=90)
        rows = [{"image": f"{number}.jpg", "caption": "a photo", "split": split(number)} for number in range(COUNT)]
        (begun / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
        os.replace(begun, path)
    return path


def split(number: int) -> str:
    return "train" if number < COUNT - 1 else "test"


def draw(number: int) -> Image.Image:
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(256, size=(8, 8, 3), dtype=np.uint8)).resize((SIDE, SIDE))
    blocks = Image.fromarray(rng.integers(256, size=(16, 16, 3), dtype=np.uint8)).resize((SIDE, SIDE), Image.NEAREST)
    grain = rng.normal(0, 8, (SIDE, SIDE, 3))
    return Image.fromarray(np.clip(0.7 * np.asarray(coarse) + 0.3 * np.asarray(blocks) + grain, 0, 255).astype("u1"))
