"""mmjax align: how late one stream is to another; the last line of standard output is JSON.

Of a film it is how much moves, of a sound how loud it is, of a series its readings, all on one clock; an offset counts
where both have at least half of the shorter one in common.
"""

import argparse
import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmjax.cli.say import say

METHODS = ("correlation", "gcc_phat")
MOST, SLOW = 10.0, 100  # seconds that are looked at if nothing is said, or steps where these are fewer
LEAST = 8  # steps that a stream has
STEPS = 1 << 23  # of the clock: halves of a step are exact in fp32
APART = 0.1  # seconds from the best offset at which another one fits
DOUBT = 0.05  # confidence below which others fit nearly as well


def add(parser: argparse.ArgumentParser) -> None:
    what = "a film (.mp4, ...), a sound (.wav, .flac, ...) or a series (.npy, .csv)"
    parser.add_argument("first", type=Path, help=f"{what}; a film alone is compared with its own sound")
    parser.add_argument("second", type=Path, nargs="?", help="another one; a positive offset says that this is late")
    parser.add_argument("--rate", metavar="N[,N]", help="readings a second, of both series or of each")
    parser.add_argument(
        "--column", metavar="NAME[,NAME]", help="of each series, where one has several: a name, or a number from 0"
    )
    parser.add_argument(
        "--most", type=float, help=f"seconds, the largest offset (default: {MOST:g} or {SLOW} steps, or what there is)"
    )
    parser.add_argument("--method", choices=METHODS, default=METHODS[0], help="gcc_phat for sharp, broad-band streams")
    parser.add_argument("--out", type=Path, default=Path("align.svg"), help="the plot, .svg or .png")


def run(args: argparse.Namespace) -> int:
    from mmjax.cli import lag_figure

    _check_out(args.out, lag_figure.FORMS)
    try:
        streams = _read(args)
    except ImportError as error:
        raise RuntimeError(str(error)) from None
    rate = max(one.rate for one in streams)
    clock, values, real = _on_clock(streams, rate)
    most = _most(args.most, streams, real, rate)
    lags, sure = _compared(args.method, values, real, most, max(2, min(round(APART * rate), most // 4)))
    if not np.isfinite(lags).any():
        raise ValueError(
            f"{streams[0].name} and {streams[1].name}: at no offset up to {most / rate:g} seconds do both change over "
            "half of the shorter one; give a larger --most, or streams that overlap"
        )
    seconds = np.arange(-most, most + 1) / rate
    offset = float(seconds[np.nanargmax(lags)])
    names = [one.name for one in streams]
    lag_figure.draw(args.out, names, clock, np.where(real, values, np.nan), seconds, lags)
    told = f"{abs(offset):.{lag_figure.decimals(seconds)}f}"
    late = f"{told} seconds {'late' if offset > 0 else 'early'} to" if offset else "in step with"
    say(f"{names[1]} is {late} {names[0]}, confidence {sure:.2f}; wrote {args.out}")
    if round(abs(offset) * rate) == most < real.shape[1] - 1:
        say(f"no larger offset was looked at, and this is the largest: give a --most above {most / rate:g}")
    elif sure < DOUBT:
        say("other offsets fit nearly as well: do not rely on this one")
    found = {"offset": round(offset, 6), "confidence": round(sure, 4), "rate": rate, "method": args.method}
    print(json.dumps({**found, "plot": str(args.out)}))
    return 0


def _check_out(out: Path, forms: Sequence[str]) -> None:
    if out.suffix.lower() not in forms:
        raise ValueError(f"--out={out}: expected a name that ends with {' or '.join(forms)}")
    if out.is_dir() or not out.parent.is_dir():
        raise ValueError(
            f"--out={out}: {'a folder' if out.is_dir() else f'{out.parent} is no folder'}; name a file in one"
        )


def _read(args: argparse.Namespace) -> list[Any]:
    """Both streams. Raises ValueError for options that do not fit the files."""
    from mmjax.cli import streams

    if args.second is None:
        if not streams.is_film(args.first):
            raise ValueError(f"{args.first}: expected a second stream; only a film has a sound of its own")
        pair = streams.film(args.first), streams.sound(args.first)
        parts = zip(pair, ("film", "sound"), strict=True)
        return [dataclasses.replace(one, name=f"{args.first} ({part})") for one, part in parts]
    paths = (args.first, args.second)
    number = sum(streams.is_series(path) for path in paths)
    rates = iter(_each("--rate", args.rate, number))
    columns = iter(_each("--column", args.column, number))
    found = []
    for path in paths:
        if streams.is_series(path):
            found.append(streams.series(path, _rate(next(rates)), next(columns)))
        else:
            found.append(streams.film(path) if streams.is_film(path) else streams.sound(path))
    return found


def _each(option: str, given: str | None, number: int) -> list[str | None]:
    """What an option says of each series."""
    if given is None:
        return [None] * number
    words = given.split(",")
    if not number or len(words) not in (1, number):
        raise ValueError(f"{option}={given}: {len(words)} given, for {number} series in .npy or .csv")
    return words * (number // len(words))


def _rate(word: str | None) -> float | None:
    try:
        return None if word is None else float(word)
    except ValueError:
        raise ValueError(f"--rate: {word!r} is no number; expected readings a second") from None


def _on_clock(streams: Sequence[Any], rate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The clock [K], values [2, K] and which are real. Raises ValueError where a stream is too short or constant."""
    import jax

    from mmjax.align.clock import linear

    # In steps, not seconds: whole numbers are exact in fp32 also after hours.
    first = np.floor(min(one.times[0] for one in streams) * rate)
    last = np.ceil(max(one.times[-1] for one in streams) * rate)
    if last - first > STEPS:
        raise ValueError(
            f"{(last - first) / rate:,.0f} seconds at {rate:g} steps a second; at most {STEPS:,} are compared"
        )
    steps = np.arange(last - first + 1)
    values, real = np.zeros((2, len(steps))), np.zeros((2, len(steps)), bool)
    run = jax.jit(linear, static_argnames="gap")
    for n, one in enumerate(streams):
        if np.ptp(one.values) <= 1e-9 * np.abs(one.values).max():
            raise ValueError(f"{one.name}: does not change, so that no offset can be told of it")
        at = one.times * rate - first
        away = one.values / np.abs(one.values).max()  # in any unit, before fp32
        away = (away - away.mean()) / away.std()
        given = away[None, :, None], at[None], np.ones((1, len(at)), bool), steps
        found, mask = jax.device_get(run(*given, gap=one.gap * rate))
        values[n], real[n] = found[0, :, 0], mask[0]
        if real[n].sum() < LEAST:
            raise ValueError(f"{one.name}: {real[n].sum()} steps at {rate:g} a second; expected at least {LEAST}")
    return (first + steps) / rate, values, real


def _most(most: float | None, streams: Sequence[Any], real: np.ndarray, rate: float) -> int:
    """Steps that the second may be early or late."""
    if most is None:
        return max(1, min(max(round(MOST * rate), SLOW), real.shape[1] - 1))
    if not 0.5 < most * rate < math.inf:
        raise ValueError(f"--most={most:g}: expected at least one step of {1 / rate:g} seconds")
    return min(round(most * rate), real.shape[1] - 1)


def _compared(method: str, values: np.ndarray, real: np.ndarray, most: int, apart: int) -> tuple[np.ndarray, float]:
    """Scores [2 most + 1], NaN where both have too little in common, and how sure the best is."""
    import jax

    (start, end), (other, until) = ((np.argmax(mask), len(mask) - np.argmax(mask[::-1])) for mask in real)
    places = np.arange(-most, most + 1)
    shared = np.minimum(end, until - places) - np.maximum(start, other - places)
    enough = shared >= min(end - start, until - other) / 2
    run = jax.jit(_scored, static_argnames=("method", "most", "apart"))
    scores, sure = jax.device_get(run(*values[:, None], *real[:, None], enough, method=method, most=most, apart=apart))
    return np.where(scores > -1, scores, np.nan), float(sure)


def _scored(
    x: Any, y: Any, x_mask: Any, y_mask: Any, enough: Any, method: str, most: int, apart: int
) -> tuple[Any, Any]:
    """Scores [2 most + 1], -1 where none is, and the confidence of the best."""
    import jax.numpy as jnp

    from mmjax.align import correlation as by

    lags = getattr(by, method)(x, y, x_mask, y_mask, most)
    scores = jnp.where(enough & lags.found[:, None], lags.scores, -1)
    return scores[0], by.confidence(by.Lags(scores, jnp.any(scores > -1, axis=1)), apart)[0]
