"""Random numbers of what is drawn by number: for each purpose, seed and number a stream of its own.

NumPy cuts integers into words of 32 bits before it mixes them, so that (0, 5, 1) and (0, 2 ** 32 + 5) are one seed.
Here every word has its place: seed, purpose, upper and lower half of the number.
"""

from __future__ import annotations

import numpy as np

WORD = 1 << 32
SCENE, QUESTIONS, EVALUATION, RELATIONS, BOUNCE, LATE, STATEMENT = range(7)  # what is drawn


def generator(purpose: int, seed: int, number: int) -> np.random.Generator:
    """The generator for a purpose of a seed below 2 ** 32 and a number below 2 ** 64.

    Raises:
        ValueError: seed or number is not in its range.
    """
    if not 0 <= seed < WORD or not 0 <= number < WORD * WORD:
        raise ValueError(f"seed is {seed} and number {number}, expected 0 <= seed < 2 ** 32 and 0 <= number < 2 ** 64")
    return np.random.default_rng((seed, purpose, *divmod(number, WORD)))
