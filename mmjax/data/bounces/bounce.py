"""A thing that falls and bounces, as a film, as sound, as readings of a sensor in it, and as a record about it.

height   h(t) = v_k (t - t_k) - g (t - t_k)^2 / 2 after bounce k at t_k,   v_{k+1} = e v_k   (in boxes and seconds)
sound    sum over k of v_k sin(2 pi f (t - t_k)) exp(-(t - t_k) / tau), f by what it is made of
sensor   the same with a low f by how full it is, beside gravity on the way down and up; read at times of its own

What it is takes all of them: the film shows its shape, the sound what it is made of, the sensor whether it is hollow;
the record's weight depends on all three, and its cells may be empty.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmjax.data.generator import BOUNCE, generator

SECONDS, FRAMES, SIDE, RATE, READINGS = 2.0, 32, 24, 4000, 48
SHAPES = ("ball", "cube")
PITCHES = {"wood": 250.0, "metal": 800.0}  # Hz
SHAKES = {"hollow": 9.0, "solid": 3.0}  # Hz
MAKERS = ("north", "south", "west")
NAMES = tuple("_".join(parts) for parts in itertools.product(SHAPES, PITCHES, SHAKES))
UNREAD, EMPTY = 0.2, 0.2  # shares of channels and of cells
LAMP = 6  # pixels, the side of the square that each of two lamps lights, in the upper corners
FLASH, BEEP = 0.125, 0.06  # seconds that they last
BEEP_PITCH, BEEP_LEVEL = 1600.0, 2.0  # Hz, above what anything rings at; beside speeds at bounces of 1 to 4


@dataclasses.dataclass(frozen=True)
class Signals:
    """When the lamp in the left and that in the right corner light up, and a beep begins, in seconds without delay."""

    left: float
    right: float
    beep: float


@dataclasses.dataclass(frozen=True)
class Flight:
    """Where a thing of half-width `radius` is: heights of its underside and places along the floor, in boxes."""

    gravity: float
    radius: float
    start: float  # along the floor, 0 to 1 between the walls
    pace: float  # boxes a second along the floor
    times: np.ndarray  # [K + 1]: when it would have left the floor before the film, and the bounces
    speeds: np.ndarray  # [K + 1]: with which it leaves the floor then

    def height(self, t: np.ndarray) -> np.ndarray:
        """[N] of times [N]."""
        last = np.searchsorted(self.times, t, side="right") - 1
        since = t - self.times[last]
        return np.maximum(self.speeds[last] * since - self.gravity * since**2 / 2, 0)

    def along(self, t: np.ndarray) -> np.ndarray:
        """[N] of times [N]: it turns at the walls."""
        folded = np.mod(self.start + self.pace * t, 2)
        return np.where(folded > 1, 2 - folded, folded)

    def ringing(self, t: np.ndarray, pitch: float, lasts: float) -> np.ndarray:
        """[N] of times [N]: what each bounce sets swinging, `pitch` in Hz, for about `lasts` seconds."""
        since = t[:, None] - self.times[None, 1:]
        swing = np.sin(2 * np.pi * pitch * since) * np.exp(-np.maximum(since, 0) / lasts)
        return np.sum(np.where(since >= 0, swing * self.speeds[None, 1:], 0), axis=1)


def example(seed: int, number: int, late: float = 0.0, signals: Signals | None = None) -> dict[str, Any]:
    """Row `number`: a pure function of seed, number, how many seconds the sound is late to all else, and `signals`.

    -> {"film" [FRAMES, SIDE, SIDE, 3] uint8, "sound" [SECONDS RATE] int16, "sensor" [L, 3] float32 (time, upward and
    sideways acceleration, NaN where it was not read), "record" {column: value}, "label", "times" [K] of the bounces}.
    """
    rng = generator(BOUNCE, seed, number)
    label = NAMES[rng.integers(len(NAMES))]
    shape, made, full = label.split("_")
    way = flight(rng)
    return {
        "film": film(way, shape, rng, signals),
        "sound": sound(way, PITCHES[made] * rng.uniform(0.8, 1.25), rng, late, signals),
        "sensor": readings(way, SHAKES[full] * rng.uniform(0.8, 1.25), rng),
        "record": record(way, shape, made, full, rng),
        "label": label,
        "times": way.times[1:].astype(np.float32),
    }


def flight(rng: np.random.Generator) -> Flight:
    """A fall from rest and every bounce within the film."""
    gravity, drop, back = rng.uniform(6, 10), rng.uniform(0.5, 0.9), rng.uniform(0.7, 0.9)
    speed = np.sqrt(2 * gravity * drop)
    times, speeds = [-speed / gravity], [speed]  # from rest at the top, where the film begins
    while (landing := times[-1] + 2 * speeds[-1] / gravity) < SECONDS and speeds[-1] > 0.5:
        times.append(landing)
        speeds.append(speeds[-1] * back)
    pace = rng.uniform(0.1, 0.6) * rng.choice((-1, 1))
    return Flight(gravity, rng.uniform(0.15, 0.2), rng.uniform(), pace, np.array(times), np.array(speeds))


def film(way: Flight, shape: str, rng: np.random.Generator, signals: Signals | None = None) -> np.ndarray:
    """[FRAMES, SIDE, SIDE, 3] uint8 at 0, 1 / fps, ... seconds; edges are soft."""
    t = np.arange(FRAMES) * SECONDS / FRAMES
    room = 1 - 2 * way.radius
    x = way.radius + room * way.along(t)
    y = 1 - way.radius - room * way.height(t)
    middles = (np.arange(SIDE) + 0.5) / SIDE
    across, down = middles[None, None] - x[:, None, None], middles[None, :, None] - y[:, None, None]
    away = np.hypot(across, down) if shape == "ball" else np.maximum(np.abs(across), np.abs(down))
    # A ball and a cube of one radius differ in area too, which would tell them without their form.
    size = way.radius if shape == "ball" else way.radius * np.sqrt(np.pi) / 2
    share = np.clip((size - away) * SIDE + 0.5, 0, 1)[..., None]
    ground, ink = rng.uniform(0, 100, 3), rng.uniform(155, 255, 3)
    noisy = ground + share * (ink - ground) + rng.normal(0, 8, (FRAMES, SIDE, SIDE, 3))
    if signals is not None:
        for corner, flash in ((slice(LAMP), signals.left), (slice(-LAMP, None), signals.right)):
            noisy[(t >= flash) & (t < flash + FLASH), :LAMP, corner] = 255
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def sound(
    way: Flight, pitch: float, rng: np.random.Generator, late: float = 0.0, signals: Signals | None = None
) -> np.ndarray:
    """[SECONDS RATE] int16 in noise, of what was `late` seconds before."""
    t = np.arange(round(SECONDS * RATE)) / RATE
    wave = way.ringing(t - late, pitch, 0.08) + rng.normal(0, 0.1, len(t))
    if signals is not None:
        since = t - late - signals.beep
        wave += np.where((since >= 0) & (since < BEEP), BEEP_LEVEL * np.sin(2 * np.pi * BEEP_PITCH * since), 0)
    return np.rint(wave * rng.uniform(0.3, 0.9) * 2**15 / np.abs(wave).max()).astype(np.int16)


def readings(way: Flight, pitch: float, rng: np.random.Generator) -> np.ndarray:
    """[READINGS, 3] float32, sorted by time; each channel is read now and then."""
    t = np.sort(rng.uniform(0, SECONDS, READINGS))
    up = 30 * way.ringing(t, pitch, 0.2) - way.gravity
    sideways = rng.normal(0, 1, READINGS)
    read = np.stack([up, sideways], axis=1) + rng.normal(0, 1, (READINGS, 2))
    read[rng.uniform(size=read.shape) < UNREAD] = np.nan
    return np.concatenate([t[:, None], read], axis=1).astype(np.float32)


def record(way: Flight, shape: str, made: str, full: str, rng: np.random.Generator) -> Mapping[str, Any]:
    """Weight in grams, width in centimetres, and a maker that says nothing; some are not known."""
    width = 200 * way.radius
    filled = 1.0 if full == "solid" else 0.4
    weight = width**3 * (7.8 if made == "metal" else 0.7) * filled * (0.52 if shape == "ball" else 0.7)
    cells = {"weight": weight * np.exp(rng.normal(0, 0.4)), "width": width, "maker": str(rng.choice(MAKERS))}
    return {name: value for name, value in cells.items() if rng.uniform() >= EMPTY}
