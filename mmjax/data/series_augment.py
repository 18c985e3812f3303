"""The same movement with the sensor worn a little otherwise, done with another force and at another pace.

    x'(t) = exp(gain) R x(pace t + start) + noise      R a small rotation of each three axes

Rotation, scaling, jitter and time-warping are those of Um et al. 2017 (arXiv 1706.00527). Sensors of one device turn
together: draw for each of them from the same state of a generator, as training rows do.
"""

from __future__ import annotations

import dataclasses

import numpy as np

AXES = 3


@dataclasses.dataclass(frozen=True)
class SeriesAugment:
    """Steps [T, C] float32, mask [T], generator -> the same shapes.

    `turn` is the deviation of each component of a rotation vector, in radians, for channels in threes, x, y, z, in one
    unit; `gain` that of the log of each channel's factor; `pace` bounds the log of the speed; `noise` is the deviation
    of what is added, in the unit of the values. What is faster ends earlier, and of what is slower a part is taken.
    """

    turn: float = 0.0
    gain: float = 0.0
    pace: float = 0.0
    noise: float = 0.0

    def __post_init__(self):
        for name, value in dataclasses.asdict(self).items():
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name} is {value}; expected 0 or more")

    def check(self, channels: int) -> None:
        """Raises ValueError where axes are to be turned that do not come in threes."""
        if self.turn and channels % AXES:
            raise ValueError(
                f"turn is {self.turn} and a series has {channels} channels; turn takes threes of axes: set it to 0"
            )

    def __call__(self, steps: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        # Everything is drawn whatever is used, each by its own, so that series of unequal widths draw alike.
        turning, pacing, growing, adding = rng.spawn(4)
        steps, mask = paced(steps, mask, np.exp(pacing.uniform(-self.pace, self.pace)), pacing.random())
        if self.turn:
            turned = steps.reshape(len(steps), -1, AXES) @ rotation(turning.normal(0, self.turn, AXES)).T
            steps = turned.reshape(steps.shape)
        if self.gain:
            steps = steps * np.exp(growing.normal(0, self.gain, steps.shape[1]))
        if self.noise:
            steps = steps + adding.normal(0, self.noise, steps.shape)
        return np.where(mask[:, None], steps, 0).astype(np.float32), mask


def paced(steps: np.ndarray, mask: np.ndarray, pace: float, place: float) -> tuple[np.ndarray, np.ndarray]:
    """Steps and mask read at `pace` steps a step, linearly; `place` 0..1 is which part of what is too long is taken.

    A step is real where both that it lies between are.
    """
    real = np.flatnonzero(mask)
    if pace == 1 or not len(real):
        return steps, mask
    length = real[-1] + 1
    most = int((length - 1) / pace) + 1
    start = pace * place * max(most - len(steps), 0)
    at = start + pace * np.arange(min(most, len(steps)))
    before = np.minimum(at.astype(int), length - 1)
    after, share = np.minimum(before + 1, length - 1), (at - before)[:, None]
    values, known = np.zeros_like(steps), np.zeros_like(mask)
    values[: len(at)] = (1 - share) * steps[before] + share * steps[after]
    known[: len(at)] = mask[before] & mask[after]
    return values, known


def rotation(vector: np.ndarray) -> np.ndarray:
    """[3, 3] from a rotation vector in radians (Rodrigues): I + sin(a) K + (1 - cos(a)) K^2, a = |vector|."""
    angle = np.linalg.norm(vector)
    x, y, z = vector / max(angle, 1e-12)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
