"""Sound and video of every common kind from disk, as arrays: soundfile reads sound, PyAV video, soxr changes rates.

The three come with `pip install 'mmjax[media]'`; nothing here needs them before a file is read.
"""

from __future__ import annotations

import importlib
import io
import itertools
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import numpy as np

SECONDS = 3600  # of sound; more is refused before it is unpacked
LOUDEST = 1.5  # of a sound file; more is another unit
BYTES = 2**31  # of unpacked frames
MOTION = 64  # pixels a side of the pictures that are compared
STILL = 1 / 16  # of white: what compression alone changes of a pixel
OGG_PAGE = 27 + 255 + 255 * 255  # bytes at most: header, table, and what it tells of
WHOLE = 0.9  # of the length that a file tells of; with less it is cut off
FORMATS = ("mov", "matroska", "webm", "avi", "mpeg", "mpegts", "asf", "flv", "ogg", "gif")  # as FFmpeg calls them
CONTAINERS = (".mp4", ".m4v", ".m4a", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".3gp", ".wmv", ".flv")


def read_audio(path: str | os.PathLike, rate: int) -> np.ndarray:
    """A sound file, or the sound of a video -> [N] float32 in -1..1, one channel (the mean) at `rate` samples a second.

    What filters and codecs leave beyond 1 is cut off there; much more is another unit, and refused.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no sound, none that can be read, too much of it, or a rate below 1.
        ImportError: the library that reads it is not installed.
    """
    if rate < 1:
        raise ValueError(f"rate is {rate}; expected samples a second, at least 1")
    name = _check_file(path, "a sound file")
    found, given = _from_container(name) if name.lower().endswith(CONTAINERS) else _from_sound(name)
    if not len(found):
        raise ValueError(f"{name}: holds no sound, not a single sample")
    if not np.isfinite(found).all():
        raise ValueError(f"{name}: holds samples that are no numbers")
    mono = found.mean(axis=1)
    if given != rate:
        mono = _library("soxr").resample(mono, given, rate)
    if not len(mono):
        raise ValueError(f"{name}: {len(found)} samples at {given} a second leave none at {rate}")
    if (loudest := np.abs(mono).max()) > LOUDEST:
        raise ValueError(f"{name}: samples of up to {loudest:.3g}; scale the file to -1..1")
    return np.clip(mono, -1, 1).astype(np.float32)


def read_video(video: str | os.PathLike | bytes, fps: float | None = None, count: int | None = None) -> np.ndarray:
    """The frames of a video, a path or what such a file holds -> [T, H, W, 3] uint8, upright.

    With `fps`, those shown at 0, 1 / fps, 2 / fps, ... seconds; with `count`, those shown in the middle of so many
    equal parts, one several times where there are fewer; with neither, every frame. Of a damaged video it is what can
    be decoded.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no frames, none that can be read, too many, or both `fps` and `count`.
        ImportError: PyAV is not installed.
    """
    if fps is not None and count is not None:
        raise ValueError(f"given fps {fps} and count {count}; expected one of them, or neither for every frame")
    if (fps is not None and not fps > 0) or (count is not None and count < 1):
        raise ValueError(f"fps is {fps} and count {count}; expected more than 0")
    name, source = ("video", io.BytesIO(video)) if isinstance(video, bytes) else (_check_file(video, "a video"), None)
    with _opened(name, "video", source) as (container, stream):
        start, end = _span(name, container, stream)
        wanted = None
        if fps is not None:
            wanted = [start + k / fps for k in range(max(1, math.ceil((end - start) * fps - 1e-6)))]
        elif count is not None:
            wanted = [start + (k + 0.5) * (end - start) / count for k in range(count)]
        container.seek(0)
        frames = _chosen(name, container.decode(stream), wanted)
    if not frames:
        raise ValueError(f"{name}: holds no frames")
    shapes = {frame.shape for frame in frames}
    if len(shapes) > 1:
        raise ValueError(f"{name}: its frames change their size, {sorted(shapes)}; cut it into parts of one size each")
    return np.stack(frames)


def read_motion(video: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    """How much changes from each frame to the next [T - 1] float32, 0 to 1, and in the middle of which times, seconds.

    It is the mean difference of grey pictures of at most MOTION pixels a side, one after the other: a long film takes
    no more memory than a short one.

    Raises:
        FileNotFoundError: no such file.
        ValueError: fewer than two frames, none that can be read, or in which nothing moves.
        ImportError: PyAV is not installed.
    """
    name, before = _check_file(video, "a video"), None
    times, changes, most = [], [], 0.0
    with _opened(name, "video") as (container, stream):
        _span(name, container, stream)
        container.seek(0)
        scale = min(1, MOTION / max(stream.width, stream.height))
        size = {"width": max(1, round(stream.width * scale)), "height": max(1, round(stream.height * scale))}
        for frame in container.decode(stream):
            if frame.time is None:
                continue
            grey = frame.reformat(format="gray", **size).to_ndarray().astype(np.float32) / 255
            if before is not None:
                times.append((before[0] + frame.time) / 2)
                away = np.abs(grey - before[1])
                changes.append(away.mean())
                most = max(most, away.max())
            before = frame.time, grey
    if not changes:
        raise ValueError(f"{name}: holds fewer than two frames, so that nothing moves")
    if most < STILL:
        raise ValueError(
            f"{name}: nothing moves: between no two frames does a point change by {STILL:.0%} of white (at most "
            f"{most:.1%}, as by compression alone); give a film in which something does"
        )
    return np.array(changes, np.float32), np.array(times)


def sound_begins(path: str | os.PathLike) -> float:
    """When the sound of a video begins, in seconds of its clock; the sound alone does not say. It raises as the others.

    A sound file begins at 0.
    """
    name = _check_file(path, "a sound file")
    if not name.lower().endswith(CONTAINERS):
        return 0.0
    with _opened(name, "audio") as (container, stream):
        return next((float(frame.time) for frame in container.decode(stream) if frame.time is not None), 0.0)


def _check_file(path: str | os.PathLike, expected: str) -> str:
    name = os.fspath(path)
    if Path(name).is_dir():
        raise ValueError(f"{name}: a folder, expected {expected}")
    if not Path(name).exists():
        raise FileNotFoundError(f"{name}: no such file, expected {expected}")
    if not Path(name).stat().st_size:
        raise ValueError(f"{name}: an empty file, expected {expected}")
    return name


def _library(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as error:  # soundfile says OSError where its C library is missing
        raise ImportError(
            f"{name} is needed for this and cannot be used: pip install 'mmjax[media]' ({error})"
        ) from None


def _from_sound(name: str) -> tuple[np.ndarray, int]:
    """[N, C] float32 and the rate of a sound file."""
    soundfile = _library("soundfile")
    _check_whole(name)
    try:
        with soundfile.SoundFile(name) as file:
            _check_seconds(name, file.frames / file.samplerate)
            found, told = file.read(dtype="float32", always_2d=True), file.frames
            if len(found) < WHOLE * told and _tells_length(name):
                raise ValueError(f"{name}: cut off, {len(found):,} samples of {told:,}; copy it again")
            return found, file.samplerate
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a headerless kind, told by its ending
        raise ValueError(f"{name}: not a readable sound file ({_line(error)})") from None


def _check_whole(name: str) -> None:
    """That a .wav or .aiff file has the bytes of which it tells, and an .ogg file its last page.

    What soundfile makes of a part is a shorter sound.
    """
    with open(name, "rb") as file:
        kind, size = file.read(4), file.read(4)
        if kind == b"OggS":
            file.seek(max(0, Path(name).stat().st_size - OGG_PAGE))
            if not _ends(file.read()):
                raise ValueError(f"{name}: cut off, without the page that ends it; copy it again, or convert it")
    order = {b"RIFF": "little", b"FORM": "big"}.get(kind)
    told, there = int.from_bytes(size, order or "big") + 8, Path(name).stat().st_size
    # Streams tell of none, or of all that the field holds; some writers count the first 8 bytes twice.
    if order and size not in (bytes(4), b"\xff" * 4) and there < told - 8:
        raise ValueError(f"{name}: cut off, {there:,} bytes of {told:,}; copy it again")


def _ends(rest: bytes) -> bool:
    """Whether the last page of an .ogg file is whole and says that the stream ends with it (RFC 3533, section 6)."""
    page = rest[max(rest.rfind(b"OggS"), 0) :]
    head = 27 + page[26] if len(page) > 26 else len(page) + 1
    return len(page) >= head and len(page) >= head + sum(page[27:head]) and bool(page[5] & 4)


def _tells_length(name: str) -> bool:
    """Whether an .mp3 file says how many frames it has; of others the length is a guess by the first."""
    with open(name, "rb") as file:
        head = file.read(2**16)
    return b"Xing" in head or b"Info" in head


def _from_container(name: str) -> tuple[np.ndarray, int]:
    """[N, C] float32 and the rate of the first sound track in a video's file."""
    av = _library("av")
    with _opened(name, "audio") as (container, stream):
        _span(name, container, stream)
        container.seek(0)
        convert = av.AudioResampler(format="fltp")  # floats, channel by channel, whatever the samples are
        parts, total = [np.zeros((0, 1), np.float32)], 0
        for frame in itertools.chain(container.decode(stream), [None]):
            for piece in convert.resample(frame):
                # Channels may become more or fewer within a file: their mean is what is asked for.
                parts.append(piece.to_ndarray().mean(axis=0)[:, None])
                total += len(parts[-1])
            _check_seconds(name, total / stream.rate)
        return np.concatenate(parts), stream.rate


def _check_seconds(name: str, seconds: float) -> None:
    if seconds > SECONDS:
        raise ValueError(f"{name}: {seconds:,.0f} seconds of sound, at most {SECONDS:,} are read; cut it into parts")


@contextmanager
def _opened(name: str, kind: str, source: IO[bytes] | None = None) -> Iterator[tuple[Any, Any]]:
    """A container, from a source or the file of that name, and its first track of a kind.

    What FFmpeg says of a broken file becomes one line.
    """
    av = _library("av")
    try:
        # Of other kinds some are texts drawn as frames, some lists that reach for other files or the network.
        allowed = {"protocol_whitelist": "file", "format_whitelist": ",".join(FORMATS)}
        with av.open(source or name, options=allowed) as container:
            tracks = getattr(container.streams, kind)
            if not tracks:
                raise ValueError(f"{name}: has no {kind} track")
            yield container, tracks[0]
    except av.error.FFmpegError as error:  # some of them are ValueErrors too
        raise ValueError(f"{name}: not a readable video such as .mp4 or .webm ({_line(error)})") from None


def _span(name: str, container: Any, stream: Any) -> tuple[float, float]:
    """When a track begins and ends, in seconds, by its packets: headers may be wrong or say nothing.

    Raises ValueError where all tracks end long before what the file tells of: it is a part of one.
    """
    packets = [p for p in container.demux() if p.pts is not None]
    told = (container.duration or 0) / 1e6  # in microseconds
    last = max((float((p.pts + (p.duration or 0)) * p.time_base) for p in packets), default=0.0)
    if packets and last < WHOLE * told and told - last > 0.5:  # the last frame of a slide show may have no duration
        raise ValueError(f"{name}: cut off, {last:.1f} seconds of {told:.1f}; copy it again")
    shown = [(p.pts * p.time_base, p.duration or 0) for p in packets if p.stream_index == stream.index]
    if not shown:
        return 0.0, 0.0
    times = sorted(float(at) for at, _ in shown)
    last = max(float(at + duration * stream.time_base) for at, duration in shown)
    # Where packets have no duration the last frame is shown as long as the others are on average.
    step = (times[-1] - times[0]) / max(len(times) - 1, 1)
    return times[0], last if last > times[-1] else times[-1] + step


def _chosen(name: str, frames: Iterator[Any], wanted: Sequence[float] | None) -> list[np.ndarray]:
    """The frames shown at the wanted times, which rise, or all of them."""
    found: list[np.ndarray] = []
    pending, before = list(wanted or ()), None
    for frame in frames:
        if wanted is None:
            found.append(_upright(frame))
            _check_bytes(name, found, len(found))
            continue
        while pending and before is not None and frame.time is not None and frame.time > pending[0] + 1e-6:
            pending.pop(0)
            found.append(found[-1] if before is _SHOWN else _upright(before))
            before = _SHOWN
            _check_bytes(name, found, len(wanted))
        if not pending:
            return found
        before = frame
    if before is not None and pending:
        found += [found[-1] if before is _SHOWN else _upright(before)] * len(pending)
    return found


_SHOWN = object()  # the frame before is the last one found


def _check_bytes(name: str, found: Sequence[np.ndarray], count: int) -> None:
    if found[-1].nbytes * count > BYTES:
        raise ValueError(
            f"{name}: {count:,} frames of {found[-1].shape[1]} x {found[-1].shape[0]} pixels are more than "
            f"{BYTES / 2**30:.0f} GiB; take fewer by fps or count"
        )


def _upright(frame: Any) -> np.ndarray:
    """[H, W, 3] uint8, turned as the file says: phones film on their side."""
    turns = round(frame.rotation / 90) % 4
    return np.rot90(frame.to_ndarray(format="rgb24"), turns)


def _line(error: Exception) -> str:
    """What a library said, in one line, without the file's name, which stands before."""
    text = getattr(error, "strerror", None) or getattr(error, "error_string", None) or str(error)
    return " ".join(str(text).split())
