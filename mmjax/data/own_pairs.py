"""Rows of one's own as pictures with questions and answers, or captions.

A row is {"image": path, "question": text, "answer": text} or {"image": path, "caption": text}: a caption is also the
answer to CAPTION, and empty in rows of questions. A list of paths is several pictures, or the frames of a video, that
are shown together.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmjax.data import images
from mmjax.data.vocabulary import whole

CAPTION = "describe the picture"  # the question that a caption answers
EXPECTED = 'expected {"image": path, "question": text, "answer": text} or {"image": path, "caption": text}'


@dataclasses.dataclass(frozen=True)
class Pair:
    """A good row; its one digest is of all the pictures' bytes, since several are one picture of a video."""

    digests: tuple[str]
    images: tuple[Path, ...]
    question: str
    answer: str
    caption: str


class Pairs:
    """The form of such a file, which keeps the digests of the pictures that it has seen."""

    expected, shared = EXPECTED, "picture"

    def __init__(self):
        self.digests: dict[Path, str] = {}
        self.several = False

    def parse(self, row: Mapping[str, Any], root: Path) -> Pair:
        """A row as a Pair; ValueError or OSError says what is wrong."""
        if ("caption" in row) == ("answer" in row) or ("question" in row) != ("answer" in row):
            raise ValueError(EXPECTED)
        wanted = ("caption",) if "caption" in row else ("question", "answer")
        if "image" not in row:
            raise ValueError(EXPECTED)
        paths = located(row["image"], root)
        for key in wanted:
            if not isinstance(row.get(key), str) or not row[key].strip():
                raise ValueError(f'"{key}" is {json.dumps(row.get(key))}, expected a text' if key in row else EXPECTED)
            whole(row[key])
        digest = digest_of(paths, self.digests)
        self.several |= len(paths) > 1
        caption = row.get("caption", "").strip()
        question, answer = (CAPTION, caption) if caption else (row["question"].strip(), row["answer"].strip())
        return Pair((digest,), paths, question, answer, caption)

    def features(self) -> dict[str, Any]:
        """The TFDS features of all rows that were parsed."""
        import tensorflow_datasets as tfds

        image = tfds.features.Image(shape=(None, None, 3))
        texts = {name: tfds.features.Text() for name in ("question", "answer", "caption")}
        return {"image": tfds.features.Sequence(image) if self.several else image, **texts, "image_id": np.int64}

    def rates(self) -> dict[str, int]:
        """None: these rows have no sound."""
        return {}

    def stored(self, pair: Pair, number: int) -> dict[str, Any]:
        """What TFDS writes; `number` is that of the digest."""
        texts = {"question": pair.question, "answer": pair.answer, "caption": pair.caption}
        shown = [portable(images.read(path)) for path in pair.images]
        return {"image": shown if self.several else shown[0], **texts, "image_id": number}


def located(value: Any, root: Path) -> tuple[Path, ...]:
    """One path or a list of them, from `root`; ValueError for anything else."""
    shown = [value] if isinstance(value, str) else value
    if not isinstance(shown, list) or not shown or not all(isinstance(path, str) and path.strip() for path in shown):
        raise ValueError(f'"image" is {json.dumps(value)}, expected a path or a list of paths')
    return tuple(root / path for path in shown)


def digest_of(paths: Sequence[Path], seen: dict[Path, str]) -> str:
    """The digest of pictures by their bytes, each of which must be a whole picture; `seen` keeps those of each path."""
    for path in paths:
        if path not in seen:
            encoded = images.read(path)
            images.decode(encoded, os.fspath(path))
            seen[path] = hashlib.sha256(encoded).hexdigest()
    found = [seen[path] for path in paths]
    return found[0] if len(found) == 1 else hashlib.sha256("".join(found).encode()).hexdigest()


def portable(encoded: bytes) -> bytes:
    """Bytes that every reader shows alike: plain RGB PNG and JPEG stay, all else becomes RGB PNG."""
    picture = Image.open(io.BytesIO(encoded), formats=images.formats())
    upright = picture.getexif().get(0x0112, 1) == 1
    if picture.format in ("PNG", "JPEG") and picture.mode == "RGB" and upright and "transparency" not in picture.info:
        return encoded
    out = io.BytesIO()
    Image.fromarray(images.decode(encoded)).save(out, "PNG")
    return out.getvalue()
