"""The smallest run that is a real one: PaLI of a few thousand numbers, asked about coloured squares.

This file is a config too: `mmjax train --config=tests/tiny.py --workdir=DIR`, where the data set "squares" is prepared.
"""

import json
import os
from pathlib import Path

import numpy as np
from PIL import Image

from mmjax.core.build import choose, experiment, use

CONFIG = Path(__file__)
COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}
TRAIN, TEST = 20, 7  # pictures; batches of 8 leave the last one of the test ragged


def get_config(variant="base"):
    steps = choose(variant, base=12, long=40, once=1)
    trunk = dict(layers=1, heads=2, head_dim=8, hidden=32)
    image = use(
        "encoders.vit",
        dim=16,
        layers=1,
        heads=2,
        hidden=32,
        stem=use("nn.patch_embedding", size=4, dim=16),
        position=use("nn.learned_position"),
    )
    model = use(
        "models.pali",
        vocab=32,
        dim=16,
        image=image,
        encoder=use("nn.t5_encoder", **trunk),
        decoder=use("decode.t5_decoder", **trunk),
    )
    data = use("data.pictures", name="squares", tokenizer=use("data.words", size=32), augment=use("data.augment"))
    data.update(size=16, batch=8, questions=2, text_length=8, target_length=2)
    return experiment(
        task=use("tasks.generate", model=model, length=2),
        data=data,
        optim=use(
            "optim.optimizer",
            rule=use("optim.adamw", b2=0.98, decay=0.05),
            schedule=use("optim.warmup_cosine", peak=3e-3, warmup=2, steps=100),
            clip=1.0,
            average=use("optim.average", decay=0.9),
        ),
        steps=steps,
        log=dict(every=1),
        checkpoint=dict(every=3, keep=2, best="exact_match"),
    )


def draw(number: int) -> np.ndarray:
    """Picture `number` [16, 16, 3]: a square on a light ground, in a place of its own."""
    image = np.full((16, 16, 3), 230 + number % 20, np.uint8)
    left, top = number % 8, number // 8 % 8
    image[top : top + 6, left : left + 6] = list(COLOURS.values())[number % 3]
    return image


def ask(number: int) -> list[tuple[str, str]]:
    """One, two or three questions about picture `number`."""
    right, other = (list(COLOURS)[(number + shift) % 3] for shift in (0, 1))
    asked = [("what color is the square?", right), (f"is it {right}?", "yes"), (f"is it {other}?", "no")]
    return asked[: 1 + number % 3]


def rows(folder: Path) -> Path:
    """The pictures as files in a folder, and the .jsonl file of all questions beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(TRAIN + TEST):
        Image.fromarray(draw(number)).save(folder / f"{number}.png")
        split = "train" if number < TRAIN else "test"
        texts = [{"question": question, "answer": answer} for question, answer in ask(number)]
        lines += [json.dumps({"image": f"{number}.png", "split": split, **text}) for text in texts]
    path = folder / "squares.jsonl"
    path.write_text("\n".join(lines) + os.linesep)
    return path
