"""Draw pictures like those of easy-VQA with sizes, places and tints of its own, and ask about each of them.

python draw.py --count=300 --seed=2026 --out=DIR   fills DIR/pictures/*.png and DIR/rows.jsonl; a row is
{"image": path from DIR, "question": ..., "answer": ...}: a picture's shape, its colour, and a yes or no.
"""

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw

SIDE = 64
FINE = 8  # drawn so many times larger and averaged: soft edges at places and sizes between whole pixels
COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "teal": (0, 128, 128),
    "brown": (165, 42, 42),
    "gray": (128, 128, 128),
    "black": (0, 0, 0),
}
SHAPES = ("circle", "rectangle", "triangle")
SMALL, LARGE = 8, 40  # pixels; the set has 8 to 34
DARK = 215  # the lowest channel of a background; the set's is 230

SHAPE_QUESTIONS = (
    "what shape is in the image?",
    "what shape does the image contain?",
    "what shape is present?",
    "what is the {colour} shape?",
)
COLOUR_QUESTIONS = (
    "what color is the shape?",
    "what color is the {shape}?",
    "what is the color of the shape?",
    "what is the color of the {shape}?",
)
THERE = (
    "is a {thing} present?",
    "is there a {thing}?",
    "is there a {thing} in the image?",
    "does the image contain a {thing}?",
)
NOT_THERE = (
    "is no {thing} present?",
    "is there not a {thing}?",
    "is there not a {thing} in the image?",
    "does the image not contain a {thing}?",
)


def sides(rng: random.Random, shape: str) -> tuple[float, float]:
    """Width and height in pixels."""
    width = rng.uniform(SMALL, LARGE)
    if shape == "circle":
        return width, width
    if shape == "rectangle":
        return width, rng.uniform(SMALL, LARGE)
    return width, min(width * rng.uniform(0.75, 1.15), LARGE)


def draw(rng: random.Random, shape: str, colour: str) -> Image.Image:
    """One shape, wholly inside a picture [64, 64] of one light tint."""
    tint = tuple(rng.randint(DARK, 255) for _ in range(3))
    picture = Image.new("RGB", (SIDE * FINE, SIDE * FINE), tint)
    width, height = sides(rng, shape)
    left, top = rng.uniform(0, SIDE - width), rng.uniform(0, SIDE - height)
    x0, y0, x1, y1 = (round(v * FINE) for v in (left, top, left + width, top + height))
    pen = ImageDraw.Draw(picture)
    if shape == "circle":
        pen.ellipse((x0, y0, x1 - 1, y1 - 1), fill=COLOURS[colour])
    elif shape == "rectangle":
        pen.rectangle((x0, y0, x1 - 1, y1 - 1), fill=COLOURS[colour])
    else:
        pen.polygon(((x0, y1 - 1), ((x0 + x1) // 2, y0), (x1 - 1, y1 - 1)), fill=COLOURS[colour])
    return picture.resize((SIDE, SIDE), Image.Resampling.BOX)


def ask(rng: random.Random, shape: str, colour: str, answer: str) -> Iterator[tuple[str, str]]:
    """A question about the shape, one about the colour, and one whose answer is the given yes or no."""
    yield rng.choice(SHAPE_QUESTIONS).format(colour=colour), shape
    yield rng.choice(COLOUR_QUESTIONS).format(shape=shape), colour
    there = rng.random() < 0.5  # is the thing asked for in the picture?
    if rng.random() < 0.5:
        thing = shape if there else rng.choice([other for other in SHAPES if other != shape])
    else:
        other = colour if there else rng.choice([other for other in COLOURS if other != colour])
        thing = f"{other} shape"
    yield rng.choice(THERE if there == (answer == "yes") else NOT_THERE).format(thing=thing), answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    (options.out / "pictures").mkdir(parents=True, exist_ok=True)
    with open(options.out / "rows.jsonl", "w") as file:
        for number in range(options.count):
            shape, colour = rng.choice(SHAPES), rng.choice(list(COLOURS))
            image = f"pictures/{number:04}.png"
            draw(rng, shape, colour).save(options.out / image)
            for question, answer in ask(rng, shape, colour, ("yes", "no")[number % 2]):
                print(json.dumps({"image": image, "question": question, "answer": answer}), file=file)


if __name__ == "__main__":
    main()
