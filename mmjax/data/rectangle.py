"""A rectangle of a picture by its share and its shape, as random crops and random erasing draw it."""

from __future__ import annotations

import numpy as np

TRIES = 10  # of a rectangle that fits


def drawn(
    rng: np.random.Generator, sides: tuple[int, int], area: tuple[float, float], aspect: tuple[float, float]
) -> tuple[slice, slice] | None:
    """Rows and columns; the share of the picture is uniform in `area`, height over width log-uniform in `aspect`.

    None where none of ten fits.
    """
    whole = np.array(sides)
    for _ in range(TRIES):
        root = np.exp(rng.uniform(*np.log(aspect)) / 2)
        size = np.rint(np.sqrt(rng.uniform(*area) * whole.prod()) * np.array([root, 1 / root])).astype(int)
        if (size >= 1).all() and (size <= whole).all():
            top, left = rng.integers(whole - size + 1)
            return slice(top, top + size[0]), slice(left, left + size[1])
    return None


def check(name: str, bounds: tuple[float, float], most: float = np.inf) -> None:
    """ValueError unless these are two numbers to draw between, above 0 and up to `most`."""
    low, high = bounds
    if not 0 < low <= high <= most or high == np.inf:
        raise ValueError(f"{name} is {(low, high)}; expected two numbers with 0 < low <= high <= {most:g}")


def check_share(name: str, value: float) -> None:
    """ValueError unless it is a number in [0, 1]."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}; expected a number in [0, 1]")
