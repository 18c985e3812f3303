"""Pictures of every common kind as plain RGB: bytes, file or array -> [H, W, 3] uint8."""

from __future__ import annotations

import functools
import io
import itertools
import os
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

LIMIT = 64_000_000  # pixels; a larger picture is refused before its pixels are unpacked
AHEAD = 256  # files that are read before the first of them is asked for
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "MPO", "JPEG2000", "AVIF")

# What is wrong with a picture is said once, by `decode`: Pillow's warnings would only repeat it.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def decode(
    source: bytes | str | os.PathLike | np.ndarray | Image.Image, name: str = "picture", limit: int = LIMIT
) -> np.ndarray:
    """Encoded bytes, a file's path, an array or a Pillow image -> [H, W, 3] uint8.

    `name` is what errors call bytes and arrays (a path names itself); `limit` is the most pixels to read.
    Raises FileNotFoundError for an absent file and ValueError for anything that is no whole picture.
    """
    if isinstance(source, np.ndarray):
        return from_array(source, name)
    if isinstance(source, (str, os.PathLike)):
        name, source = os.fspath(source), read(source)
    try:
        picture = source if isinstance(source, Image.Image) else Image.open(io.BytesIO(source), formats=formats())
        check_size(picture.size, name, limit)
        return np.array(to_rgb(picture))
    except Image.DecompressionBombError as error:
        raise ValueError(f"{name}: too many pixels, at most {limit:,} are read: make it smaller") from error
    except TooLarge:
        raise
    except Exception as error:  # Pillow's decoders answer broken bytes with a dozen kinds of exception
        raise ValueError(f"{name}: not a readable picture ({describe(error)})") from error


def png(image: np.ndarray) -> bytes:
    """[H, W, 3] uint8 as the bytes of a PNG file."""
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()


def resize(
    image: np.ndarray, size: int | tuple[int, int], how: str | None = "stretch", name: str = "picture"
) -> np.ndarray:
    """[H, W, 3] uint8 -> [*sides(size), 3] uint8; what shrinks is averaged by area, what grows is bicubic.

    "stretch" does not keep the aspect ratio, "fit" keeps the whole picture on white, "crop" the most of its middle that
    has the aspect ratio of `size`, and None takes only pictures which have the size. Nothing larger than the picture
    and the result is made, however long and narrow it is. Raises ValueError for one that has not, or that OpenCV cannot
    scale.
    """
    height, width = image.shape[:2]
    wanted = sides(size)
    if (height, width) == wanted:
        return image
    if how is None:
        raise ValueError(
            f"{name}: {width} x {height} pixels, but data.size is {size} and data.resize None: make all pictures "
            "equal, or set data.resize to 'stretch', 'fit' or 'crop'"
        )
    try:
        return RULES[how](image, *wanted)
    except cv2.error as error:
        said = " ".join(str(error).split())
        raise ValueError(
            f"{name}: {width} x {height} pixels cannot be resized to {wanted[1]} x {wanted[0]} ({said})"
        ) from error


def sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width) of a size: of a number a square's."""
    return tuple(size) if isinstance(size, tuple | list) else (size, size)


def stretch(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """[H, W, 3] -> [height, width, 3], each side by itself."""
    return scale(image, height, width)


def fit(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """[H, W, 3] -> [height, width, 3]: all of it in the middle of a white ground."""
    whole = min(height / image.shape[0], width / image.shape[1])
    scaled = scale(image, *(max(1, round(whole * side)) for side in image.shape[:2]))
    top, left = (height - scaled.shape[0]) // 2, (width - scaled.shape[1]) // 2
    white = np.full((height, width, 3), 255, np.uint8)
    white[top : top + len(scaled), left : left + scaled.shape[1]] = scaled
    return white


def crop(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """[H, W, 3] -> [height, width, 3]: the most of its middle with that aspect ratio, cut out before it is scaled."""
    whole = min(image.shape[0] / height, image.shape[1] / width)
    rows, columns = (
        max(1, min(side, round(whole * to))) for side, to in zip(image.shape, (height, width), strict=False)
    )
    top, left = (image.shape[0] - rows) // 2, (image.shape[1] - columns) // 2
    return np.ascontiguousarray(scale(image[top : top + rows, left : left + columns], height, width))


RULES = {"stretch": stretch, "fit": fit, "crop": crop}


def check_rule(how: str | None, name: str) -> None:
    """ValueError unless it is one of RULES, or None."""
    if how is not None and how not in RULES:
        raise ValueError(f"{name} is {how!r}, expected {', '.join(map(repr, (*RULES, None)))}")


def scale(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """[H, W, 3] uint8 -> [height, width, 3] uint8, each side shrunk by area or grown bicubically."""
    for (rows, columns), method in (
        ((min(height, image.shape[0]), min(width, image.shape[1])), cv2.INTER_AREA),
        ((height, width), cv2.INTER_CUBIC),
    ):
        if (rows, columns) != image.shape[:2]:
            image = cv2.resize(image, (columns, rows), interpolation=method)
    return image


def to_rgb(picture: Image.Image) -> Image.Image:
    """A Pillow image of any mode as RGB, turned as its EXIF says, on white where it is transparent."""
    picture.load()
    picture = upright(picture)
    if picture.mode.startswith("I"):
        return from_deep(picture)
    if picture.mode == "F":
        raise ValueError("32-bit float pixels have no fixed range: save it with 8 or 16 bits")
    if "A" in picture.getbands() or "a" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return picture.convert("RGB")


def upright(picture: Image.Image) -> Image.Image:
    """Turned as the EXIF orientation says; unreadable EXIF data is no reason to lose the picture."""
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:
        return picture


def from_deep(picture: Image.Image) -> Image.Image:
    """16-bit grey (mode I;16, or I with values below 65,536) as RGB: the upper eight bits."""
    values = np.asarray(picture).astype(np.int64)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise ValueError("32-bit pixels beyond the 16-bit range: save it with 8 or 16 bits")
    return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")


def from_array(values: np.ndarray, name: str = "picture") -> np.ndarray:
    """[H, W], [H, W, 1], [H, W, 3] or [H, W, 4] uint8 -> [H, W, 3] uint8."""
    channels = values.shape[2] if values.ndim == 3 else 1
    if values.dtype != np.uint8 or values.ndim not in (2, 3) or channels not in (1, 3, 4) or not values.size:
        raise ValueError(
            f"{name}: array {values.dtype}{list(values.shape)}, expected uint8 [H, W, 3], [H, W, 4] or [H, W]"
        )
    if channels == 3:
        return values
    return np.array(
        to_rgb(Image.fromarray(values if values.ndim == 3 and channels == 4 else values.reshape(values.shape[:2])))
    )


def read(path: str | os.PathLike) -> bytes:
    """The bytes of a file; FileNotFoundError or ValueError in one line that names it."""
    if "\0" in os.fspath(path):
        raise ValueError(f"{os.fspath(path)!r}: a path with a NUL in it, expected that of a picture")
    if Path(path).is_dir():
        raise ValueError(f"{os.fspath(path)}: a folder, expected a picture file")
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{os.fspath(path)}: no such file, expected a picture") from error


def wholes(paths: Iterable[str | os.PathLike]) -> Iterator[bytes]:
    """The bytes of pictures' files in order, each of which threads have decoded: one that cannot be is told now."""
    left = iter(paths)
    with ThreadPoolExecutor() as pool:
        while some := list(itertools.islice(left, AHEAD)):
            yield from pool.map(_whole, some)


def _whole(path: str | os.PathLike) -> bytes:
    encoded = read(path)
    decode(encoded, os.fspath(path))
    return encoded


class TooLarge(ValueError):
    """More pixels than allowed."""


def check_size(size: tuple[int, int], name: str, limit: int) -> None:
    """Refuse a picture by its header, before a small file can unpack to gigabytes."""
    width, height = size
    if width * height > limit:
        raise TooLarge(f"{name}: {width} x {height} pixels, at most {limit:,} are read: make it smaller")


@functools.cache
def formats() -> tuple[str, ...]:
    """Those of FORMATS that this Pillow reads; formats that run other programs (EPS) are never tried."""
    Image.init()
    return tuple(kind for kind in FORMATS if kind in Image.OPEN)


def describe(error: Exception) -> str:
    """What Pillow said, in one line, without the address of a buffer."""
    if isinstance(error, Image.UnidentifiedImageError):
        return "no known picture format"
    return " ".join(str(error).split()) or type(error).__name__
