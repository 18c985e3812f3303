"""The same movement with the sensor worn a little otherwise, done with another force and at another pace.

    x'(t) = exp(gain) R x(pace t) + noise      R a small rotation of each three axes

Rotation, scaling, jitter and time-warping are those of Um et al. 2017 (arXiv 1706.00527). Sensors of one device turn
together: draw for each of them from the same state of a generator, as training rows do.
"""

from __future__ import annotations

import dataclasses

import numpy as np

AXES = 3
MOST = {"turn": np.pi, "gain": 2.0, "pace": 2.0, "noise": 1e6}  # beyond it nothing is left of a series


@dataclasses.dataclass(frozen=True)
class SeriesAugment:
    """Steps [T, C] float32, mask [T], generator -> the same shapes.

    `turn` is the deviation of each component of a rotation vector, in radians, for channels in threes, x, y, z, in one
    unit; `gain` that of the log of each channel's factor; `pace` bounds the log of the speed; `noise` is the deviation
    of what is added, in the unit of the values. What is faster ends earlier, what is slower is cut off at the end.
    """

    turn: float = 0.0
    gain: float = 0.0
    pace: float = 0.0
    noise: float = 0.0

    def __post_init__(self):
        for name, most in MOST.items():
            if not 0 <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}; expected 0 to {most:g}")

    def check(self, channels: int) -> None:
        """Raises ValueError where axes are to be turned that do not come in threes."""
        if self.turn and channels % AXES:
            raise ValueError(
                f"turn is {self.turn} and a series has {channels} channels; turn takes threes of axes: set it to 0"
            )

    def __call__(self, steps: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        # Everything is drawn whatever is used, each by its own, so that series of unequal widths draw alike.
        turning, pacing, growing, adding = rng.spawn(4)
        steps, mask = paced(steps, mask, np.exp(pacing.uniform(-self.pace, self.pace)))
        if self.turn:
            turned = steps.reshape(len(steps), -1, AXES) @ rotation(turning.normal(0, self.turn, AXES)).T
            steps = turned.reshape(steps.shape)
        if self.gain:
            steps = steps * np.exp(growing.normal(0, self.gain, steps.shape[1]))
        if self.noise:
            steps = steps + adding.normal(0, self.noise, steps.shape)
        return np.where(mask[:, None], steps, 0).astype(np.float32), mask


def paced(steps: np.ndarray, mask: np.ndarray, pace: float) -> tuple[np.ndarray, np.ndarray]:
    """Steps and mask read from the first one on at `pace` steps a step: linearly, and beside a hole the nearest.

    A step is real where the nearest of those that were there is.
    """
    at = pace * np.arange(len(steps))
    at = at[at <= len(steps) - 1]
    before = at.astype(int)
    after, share = np.minimum(before + 1, len(steps) - 1), at - before
    share = np.where(mask[before] & mask[after], share, np.round(share))[:, None]
    values, known = np.zeros_like(steps), np.zeros_like(mask)
    values[: len(at)] = (1 - share) * steps[before] + share * steps[after]
    known[: len(at)] = mask[np.where(share[:, 0] < 0.5, before, after)]
    return values, known


def rotation(vector: np.ndarray) -> np.ndarray:
    """[3, 3] from a rotation vector in radians (Rodrigues): I + sin(a) K + (1 - cos(a)) K^2, a = |vector|."""
    angle = np.linalg.norm(vector)
    x, y, z = vector / max(angle, 1e-12)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
