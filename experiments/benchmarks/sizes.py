"""What is measured: sizes and seeded batches, the same for every contender. NumPy alone: peers import it too."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

CLASSES = 1000
VIT = dict(dim=384, layers=12, heads=6, hidden=1536, patch=16, size=96, batch=32)
DEEP = dict(dim=192, layers=24, heads=3, hidden=768, patch=16, size=96, batch=32)
# A small ViT before an encoder and a decoder of T5's kind.
PALI = dict(dim=256, layers=4, heads=8, head_dim=32, hidden=1024, vocab=8192, text=16, target=16, batch=32)
PALI_VIT = dict(dim=256, layers=2, heads=8, hidden=1024, patch=16, size=96)
# Encoders of pictures, texts and series that one model composes.
COMPOSED = dict(dim=192, layers=2, heads=6, hidden=768, patch=16, size=96, vocab=4096, length=32, steps=64, channels=6)
COMPOSED |= dict(classes=10, batch=32)
# Features that MultiBench has of the words, sounds and faces of CMU-MOSI, 50 steps of each; what is told is a number.
SERIES = {"text": 300, "audio": 5, "video": 20}
STEPS = 50
# MultiBench's late fusion by transformers, whose layers are PyTorch's with 5 heads and 2048 hidden units.
LATE = dict(dim=160, layers=5, heads=5, hidden=2048, head=256, batch=32)
# MultiBench's MulT for MOSI; all its feed-forward parts are four times as wide as what they are given.
MULT = dict(dim=40, layers=4, heads=8, hidden=160, self_layers=4, batch=32)
# A small BEiT-3 over 50 tokens of a picture and 24 of a text.
BEIT3 = dict(dim=384, layers=12, heads=6, hidden=1536, patch=16, size=112, vocab=8192, length=24, classes=2, batch=16)
# The same writes of pictures alone, by beams.
WRITTEN = dict(batch=1, beams=3, penalty=0.6)
DECODED = 32  # tokens, of which none ends an answer
RATE = 1e-6  # so low that no batch is learnt by heart: gradients of what is learnt become denormal, which is slow
SIDE = 2048  # of the square matrices whose product is the machine's best
AHEAD = 8  # batches that are made before the clock starts


def pictures(size: int, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Endless image [B, size, size, 3] uint8 and label [B] int32."""
    rng = np.random.default_rng(0)
    made = [
        (rng.integers(256, size=(batch, size, size, 3), dtype=np.uint8), rng.integers(CLASSES, size=batch).astype("i4"))
        for _ in range(AHEAD)
    ]
    return itertools.cycle(made)


def questions(batch: int) -> Iterator[dict[str, np.ndarray]]:
    """Endless batches of one question about each picture, in the form of `mmjax.data`, with texts of every length."""
    rng = np.random.default_rng(0)
    made = []
    for image, _ in itertools.islice(pictures(PALI_VIT["size"], batch), AHEAD):
        row = {"image": image, "image_mask": np.ones(batch, bool)}
        row |= {"source": np.zeros(batch, np.int32), "index": np.arange(batch, dtype=np.int32)}
        for name in ("text", "target"):
            length = PALI[name]
            real = np.arange(length) < rng.integers(length // 2, length + 1, size=(batch, 1, 1))
            row[name] = np.where(real, rng.integers(2, PALI["vocab"], size=(batch, 1, length)), 0).astype(np.int32)
            row[f"{name}_mask"] = real
        made.append(row)
    return itertools.cycle(made)


def composed(names: Sequence[str]) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Endless batches of some of image, text and series, texts and series of every length, and label [B] int32."""
    size, rng = COMPOSED, np.random.default_rng(0)
    rows = size["batch"]
    made = []
    for _ in range(AHEAD):
        words, steps = (rng.integers(size[most] // 2, size[most] + 1, (rows, 1)) for most in ("length", "steps"))
        every = {
            "image": rng.integers(256, size=(rows, size["size"], size["size"], 3), dtype=np.uint8),
            "image_mask": np.ones(rows, bool),
            "text": rng.integers(1, size["vocab"], size=(rows, size["length"]), dtype=np.int32),
            "text_mask": np.arange(size["length"]) < words,
            "series": rng.standard_normal((rows, size["steps"], size["channels"]), np.float32),
            "series_mask": np.arange(size["steps"]) < steps,
        }
        batch = {key: x for key, x in every.items() if key.removesuffix("_mask") in names}
        made.append((batch, rng.integers(size["classes"], size=rows).astype("i4")))
    return itertools.cycle(made)


def pairs() -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Endless pictures with texts of every length, and label [B] int32."""
    size, rng = BEIT3, np.random.default_rng(0)
    rows, length = size["batch"], size["length"]
    made = []
    for _ in range(AHEAD):
        batch = {
            "image": rng.integers(256, size=(rows, size["size"], size["size"], 3), dtype=np.uint8),
            "image_mask": np.ones(rows, bool),
            "text": rng.integers(2, size["vocab"], size=(rows, length), dtype=np.int32),
            "text_mask": np.arange(length) < rng.integers(length // 2, length + 1, (rows, 1)),
        }
        made.append((batch, rng.integers(size["classes"], size=rows).astype("i4")))
    return itertools.cycle(made)


def shown(batch: int) -> Iterator[dict[str, np.ndarray]]:
    """Endless batches of pictures of which a caption is to be written, in the form of `mmjax.data`."""
    made = []
    for image, _ in itertools.islice(pictures(BEIT3["size"], batch), AHEAD):
        row = {"image": image, "image_mask": np.ones(batch, bool), "index": np.arange(batch, dtype=np.int32)}
        for name, length in (("text", 1), ("target", DECODED)):  # a text is the token that begins one
            row[name] = np.full((batch, 1, length), 2, np.int32)
            row[f"{name}_mask"] = np.ones((batch, 1, length), bool)
        made.append(row)
    return itertools.cycle(made)


def series(batch: int) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Endless batches of SERIES, all of full length, and a number [B] in [-3, 3]."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(AHEAD):
        values = {name: rng.standard_normal((batch, STEPS, width), np.float32) for name, width in SERIES.items()}
        made.append((values, rng.uniform(-3, 3, batch).astype(np.float32)))
    return itertools.cycle(made)
