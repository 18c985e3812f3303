"""Scenes of three boxes as in NLVR: items that are scattered in each, or one tower of blocks in each.

What is drawn and how often follows the pictures of NLVR's training split (Suhr et al. 2017, P17-2034): one to seven
items of any colour, shape and size a box, or one to four blocks. A place is drawn from the whole side and moved in
where the item would stand out, which is why many touch the right wall and the bottom.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SIDE = 100  # pixels, of a box
COLOURS, SHAPES, SIZES = ("yellow", "black", "blue"), ("square", "circle", "triangle"), (10, 20, 30)
ITEMS, BLOCKS = 7, 4  # at most, in a box and in a tower
BLOCK, LEFT = 20, 40  # of a tower's block: side and x, in pixels
TRIES = 60  # places drawn for an item before the box does without it


class Item(NamedTuple):
    """A thing with its side `size` and the left upper corner (x, y) of the square around it, in pixels of its box."""

    shape: str
    colour: str
    size: int
    x: int
    y: int


Box = tuple[Item, ...]  # a tower's from its base to its top
Scene = tuple[Box, ...]  # three


def pick(rng: np.random.Generator, options):
    """One of a sequence; many times faster than `rng.choice`, and a row draws hundreds."""
    return options[int(rng.random() * len(options))]


def draw(rng: np.random.Generator, towers: bool) -> Scene:
    """Three towers, or three boxes of scattered items; none is empty."""
    return tuple(tower(rng) if towers else scatter(rng) for _ in range(3))


def tower(rng: np.random.Generator) -> Box:
    """One to four blocks on each other."""
    return tuple(block(pick(rng, COLOURS), level) for level in range(1 + int(rng.random() * BLOCKS)))


def block(colour: str, level: int) -> Item:
    """The block at a level from 0, the base, up; a pixel is left between two."""
    return Item("square", colour, BLOCK, LEFT, SIDE - BLOCK - level * (BLOCK + 1))


def scatter(rng: np.random.Generator) -> Box:
    """One to seven items, none of which overlaps or joins another."""
    box: list[Item] = []
    for _ in range(1 + int(rng.random() * ITEMS)):
        if item := place(rng, pick(rng, SHAPES), pick(rng, COLOURS), pick(rng, SIZES), box):
            box.append(item)
    return tuple(box)


def place(rng: np.random.Generator, shape: str, colour: str, size: int, others: list[Item] | Box) -> Item | None:
    """An item where nothing is yet; None where no place was found."""
    for _ in range(TRIES):
        x, y = (min(int(rng.random() * SIDE), SIDE - size) for _ in range(2))
        # A row tries hundreds of places: a plain loop takes half of the time of all().
        for _, _, side, left, top in others:
            if x + size >= left and left + side >= x and y + size >= top and top + side >= y:
                break
        else:
            return Item(shape, colour, size, x, y)
    return None


def change(rng: np.random.Generator, scene: Scene) -> Scene:
    """The scene with one thing other than it was, so that it still could have been drawn."""
    number = int(rng.random() * len(scene))
    box = scene[number]
    changed = (change_tower if is_tower(scene) else change_items)(rng, box)
    return (*scene[:number], changed, *scene[number + 1 :])


def is_tower(scene: Scene) -> bool:
    """Whether its boxes hold towers."""
    return all(item == block(item.colour, level) for box in scene for level, item in enumerate(box))


def change_tower(rng: np.random.Generator, box: Box) -> Box:
    """A block of another colour, one more or one less on top, or another tower."""
    how = rng.random()
    if how < 0.5:
        level = int(rng.random() * len(box))
        return (*box[:level], block(pick(rng, COLOURS), level), *box[level + 1 :])
    if how < 0.7 and len(box) < BLOCKS:
        return (*box, block(pick(rng, COLOURS), len(box)))
    return box[:-1] if how < 0.9 and len(box) > 1 else tower(rng)


def change_items(rng: np.random.Generator, box: Box) -> Box:
    """An item of another colour or shape or at another place, one more or one less, or another box."""
    how, number = rng.random(), int(rng.random() * len(box))
    item, others = box[number], box[:number] + box[number + 1 :]
    if how < 0.25:
        return (*others, item._replace(colour=pick(rng, COLOURS)))
    if how < 0.4:
        return (*others, item._replace(shape=pick(rng, SHAPES)))
    if how < 0.6:
        moved = place(rng, item.shape, item.colour, pick(rng, SIZES), others)
        return (*others, moved) if moved else box
    if how < 0.77 and len(box) < ITEMS:
        added = place(rng, pick(rng, SHAPES), pick(rng, COLOURS), pick(rng, SIZES), box)
        return (*box, added) if added else box
    return others if how < 0.94 and others else scatter(rng)
