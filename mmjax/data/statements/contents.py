"""What is in a box, in numbers that a picture shows place by place, so that they can be told by summing over places."""

from __future__ import annotations

import itertools

import numpy as np

from mmjax.data.statements.boxes import BLOCKS, COLOURS, SHAPES, SIZES, Box, Scene, is_tower
from mmjax.data.statements.what import beside, walls

WALLS = ("left", "right", "top", "bottom")
PAIRS = tuple(itertools.combinations_with_replacement(range(len(COLOURS)), 2))
INSIDE = len(COLOURS) * (2 * len(SHAPES) + len(WALLS) + len(SIZES) + BLOCKS) + len(PAIRS)


def contents(scene: Scene) -> np.ndarray:
    """[3, 57] float32, box by box: a flat row of

    - counts [3, 3]: items by colour and shape;
    - touching [3, 3]: those of them that touch a wall;
    - walls [3, 4]: items by colour and by the wall that they touch, of WALLS;
    - sizes [3, 3]: items by colour and size, of SIZES;
    - levels [4, 3]: of a tower, whether its block at a level, from its base up, has the colour;
    - beside [6]: pairs of items that touch each other, by their colours, of PAIRS.
    """
    towers = is_tower(scene)
    return np.stack([_of_box(box, towers) for box in scene])


def _of_box(box: Box, tower: bool) -> np.ndarray:
    colours = len(COLOURS)
    counts, touching, sizes = (
        np.zeros((colours, kinds), np.float32) for kinds in (len(SHAPES), len(SHAPES), len(SIZES))
    )
    at, levels = np.zeros((colours, len(WALLS)), np.float32), np.zeros((BLOCKS, colours), np.float32)
    near = np.zeros(len(PAIRS), np.float32)
    of = [COLOURS.index(item.colour) for item in box]
    for level, (colour, item) in enumerate(zip(of, box, strict=True)):
        shape, touched = SHAPES.index(item.shape), walls(item)
        counts[colour, shape] += 1
        touching[colour, shape] += bool(touched)
        sizes[colour, SIZES.index(item.size)] += 1
        for wall in touched:
            at[colour, WALLS.index(wall)] += 1
        if tower:
            levels[level, colour] = 1
    for one, other in itertools.combinations(range(len(box)), 2):
        if beside(box[one], box[other]):
            near[PAIRS.index((min(of[one], of[other]), max(of[one], of[other])))] += 1
    return np.concatenate([part.ravel() for part in (counts, touching, at, sizes, levels, near)])
