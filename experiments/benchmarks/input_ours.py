"""mmjax's input: JPEG 256 to 224, flipped at random, batched, normalised on the device."""

import dataclasses
import tempfile
from pathlib import Path

import jax
import numpy as np

from experiments.benchmarks import photos
from mmjax.data import own
from mmjax.data.pictures import Pictures
from mmjax.data.words import Words


@dataclasses.dataclass(frozen=True)
class Flip:
    """The mirror image, one time in two."""

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return image[:, ::-1] if rng.random() < 0.5 else image


def stream():
    """Some batches of a feed."""
    folder = Path(tempfile.mkdtemp())
    own.build(photos.folder() / "rows.jsonl", "photos", str(folder))
    data = Pictures(
        name="photos",
        tokenizer=Words(size=32),
        augment=Flip(),
        size=photos.SMALL,
        batch=photos.BATCH,
        questions=1,
        text_length=8,
        data_dir=str(folder),
    )
    batches = data.open(folder).train(seed=0)
    normalised = jax.jit(lambda image: image.astype(np.float32) / 127.5 - 1.0)

    def run():
        for _ in range(photos.LOOK):
            normalised(next(batches)["image"]).block_until_ready()

    return run, lambda: {"pictures": photos.LOOK * photos.BATCH, "version": jax.__version__}
