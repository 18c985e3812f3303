"""Files as streams of one number at a time: how a film moves, how loud a sound is, or a series from .npy or .csv."""

import csv
import dataclasses
import math
from pathlib import Path

import numpy as np

from mmjax.cli.say import say
from mmjax.data import media

SERIES, SOUNDS_ALONE = (".npy", ".csv"), (".m4a",)
RATE, SAMPLES = 100, 16_000  # a second: of films and sounds as streams, and of sounds before
FILM_GAP = 1.0  # seconds between frames: over more, nothing is known in between


@dataclasses.dataclass(frozen=True)
class Stream:
    """values and times [N], in seconds; how many steps a second it is worth, and over how long a gap it holds."""

    name: str
    values: np.ndarray
    times: np.ndarray
    rate: float
    gap: float


def is_series(path: Path) -> bool:
    return path.suffix.lower() in SERIES


def is_film(path: Path) -> bool:
    return path.suffix.lower() in media.CONTAINERS and path.suffix.lower() not in SOUNDS_ALONE


def film(path: Path) -> Stream:
    """How much moves from frame to frame; it raises as `media.read_motion`."""
    values, times = media.read_motion(path)
    return Stream(str(path), values, times, RATE, FILM_GAP)


def sound(path: Path) -> Stream:
    """The root of the energy of each 10 ms, from a sound file or a video; it raises as `media.read_audio`."""
    wave, size = media.read_audio(path, SAMPLES), SAMPLES // RATE
    if len(wave) < size:
        raise ValueError(f"{path}: {len(wave) / SAMPLES:.4f} seconds of sound; expected at least {1 / RATE}")
    loud = np.sqrt(np.square(wave[: len(wave) // size * size]).reshape(-1, size).mean(axis=1))
    times = media.sound_begins(path) + (np.arange(len(loud)) + 0.5) / RATE
    return Stream(str(path), loud, times, RATE, 1.5 / RATE)


def series(path: Path, rate: float | None, column: str | None) -> Stream:
    """The readings of a file, those that are no numbers left out.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no rate, no such column, or what is no series of numbers.
    """
    if path.is_dir():
        raise ValueError(f"{path}: a folder, expected a series in .npy or .csv")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file, expected a series in .npy or .csv")
    table, names = _from_npy(path) if path.suffix.lower() == ".npy" else _from_csv(path)
    values = table[:, _place(path, names, column)]
    if rate is None or not 0 < rate < math.inf:
        raise ValueError(
            f"{path}: its rate is {'not said' if rate is None else f'{rate:g}'}; give --rate=READINGS_A_SECOND, above 0"
        )
    real = np.isfinite(values)
    if not real.any():
        raise ValueError(f"{path}: holds no reading that is a number")
    if not real.all():
        say(f"{path}: {np.sum(~real):,} of {len(real):,} readings are no numbers and left out")
    return Stream(str(path), values[real], np.flatnonzero(real) / rate, rate, 1.5 / rate)


def _place(path: Path, names: list[str], column: str | None) -> int:
    """Where in a row the column is, by its name or number."""
    if column is None and len(names) == 1:
        return 0
    if column in names:
        return names.index(column)
    told = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    if column is None:
        raise ValueError(f"{path}: has {len(names)} columns ({told}); choose one by --column")
    raise ValueError(f"{path}: has no column {column!r}; it has {told}")


def _from_npy(path: Path) -> tuple[np.ndarray, list[str]]:
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        pickled = "pickle" in str(error)
        raise ValueError(
            f"{path}: {'holds pickled objects, which are never loaded' if pickled else 'not a readable .npy file'}; "
            "save an array of numbers by numpy.save"
        ) from None
    if (
        not isinstance(found, np.ndarray)
        or found.dtype.kind not in "biuf"
        or found.ndim not in (1, 2)
        or not found.size
    ):
        what = f"{found.dtype} {list(found.shape)}" if isinstance(found, np.ndarray) else "an archive"
        raise ValueError(f"{path}: holds {what}; expected real numbers [steps] or [steps, columns]")
    found = found.astype(np.float64).reshape(len(found), -1)
    return found, [str(n) for n in range(found.shape[1])]


def _from_csv(path: Path) -> tuple[np.ndarray, list[str]]:
    """The table, and its columns' names in the first line, where that is not of numbers, or numbers from 0."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = [(n, cells) for n, cells in enumerate(csv.reader(file), 1) if any(cell.strip() for cell in cells)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not a readable .csv file ({error})") from None
    if not lines:
        raise ValueError(f"{path}: holds no rows")
    names = [cell.strip() for cell in lines[0][1]]
    if any(_number(cell) is None for cell in names):
        lines = lines[1:]
    else:
        names = [str(n) for n in range(len(names))]
    rows = []
    for number, cells in lines:
        row = [_number(cell) for cell in cells]
        if len(row) != len(names):
            raise ValueError(f"{path}:{number}: {len(row)} cells, where there are {len(names)} columns")
        if None in row:
            raise ValueError(f"{path}:{number}: {cells[row.index(None)]!r} is no number; leave what is missing empty")
        rows.append(row)
    return np.array(rows, np.float64).reshape(len(rows), len(names)), names


def _number(cell: str) -> float | None:
    """What a cell says, NaN where it is empty, None where it is no number."""
    try:
        return float(cell) if cell.strip() else math.nan
    except ValueError:
        return None
