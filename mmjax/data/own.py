"""One's own pictures and texts as a TFDS data set: rows of a .jsonl file, all checked before one is written.

A row is {"image": path, "question": text, "answer": text} or {"image": path, "caption": text}: a caption is also the
answer to CAPTION, and empty in rows of questions. A row may name its "split". Without one, a picture goes to train or,
one in ten, to test by its content, with all its rows. A list of paths is several pictures, or the frames of a video,
that are shown together.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmjax.data import images, prepared
from mmjax.data.vocabulary import whole

CAPTION = "describe the picture"  # the question that a caption answers
VERSION = "1.0.0"
MARK = "mmjax.json"  # tells our data sets from others, which are never replaced
EXPECTED = 'expected {"image": path, "question": text, "answer": text} or {"image": path, "caption": text}'


@dataclasses.dataclass(frozen=True)
class Row:
    """A good row: `digest` is of the pictures' bytes, `split` None where the file names none."""

    line: int
    images: tuple[Path, ...]
    digest: str
    question: str
    answer: str
    caption: str
    split: str | None


def build(
    source: str | os.PathLike,
    name: str,
    data_dir: str | None = None,
    skip_bad: bool = False,
    report: Callable[[str], object] = lambda line: print(line, file=sys.stderr),
) -> dict[str, Any]:
    """Make the data set `name` of the rows of `source`, replacing an earlier one that was made so.

    Every bad row is reported in a line `file:number: reason`; without `skip_bad` one is enough to build
    nothing.
    -> {"name", "version", "folder", "splits": {split: rows}, "skipped": number of bad rows}.
    """
    path = Path(source)
    target = prepared.root(data_dir) / name / VERSION
    check_name(name, target)
    rows, bad = read(path)
    for line, reason in bad:
        report(f"{path}:{line}: {reason}")
    if bad and not skip_bad:
        raise ValueError(f"{path}: {len(bad)} of {len(rows) + len(bad)} rows are bad: mend them or pass --skip-bad")
    if not rows:
        raise ValueError(f"{path}: no good row in it, {EXPECTED} in each line")
    write(divide(rows, path), name, target, {"source": path.name, "rows": len(rows), "skipped": len(bad)})
    return {**prepared.summary(prepared.builder(name, data_dir)), "skipped": len(bad)}


def read(path: Path) -> tuple[list[Row], list[tuple[int, str]]]:
    """The good rows of a .jsonl file and, for every bad one, its line number and what is wrong with it."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, expected rows as JSON lines")
    rows, bad, digests, splits = [], [], {}, {}
    for line, text in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if not text.strip():
            continue
        try:
            row = parse(line, text, path.parent, digests)
            first = splits.setdefault(row.digest, row) if row.split else row
            if first.split != row.split:
                raise ValueError(
                    f"split {row.split!r}, but line {first.line} puts the same picture into {first.split!r}"
                )
            rows.append(row)
        except (ValueError, OSError) as error:
            bad.append((line, " ".join(str(error).split())))
    return rows, bad


def parse(line: int, text: bytes, root: Path, digests: dict[Path, str]) -> Row:
    """One line as a Row; ValueError or OSError says what is wrong. `digests` keeps the pictures seen."""
    try:
        row = json.loads(text)
    except ValueError as error:
        raise ValueError(f"not JSON ({error})") from error
    if not isinstance(row, dict) or ("caption" in row) == ("answer" in row) or ("question" in row) != ("answer" in row):
        raise ValueError(EXPECTED)
    wanted = ("caption",) if "caption" in row else ("question", "answer")
    shown = row.get("image")
    shown = [shown] if isinstance(shown, str) else shown
    if not isinstance(shown, list) or not shown or not all(isinstance(path, str) and path.strip() for path in shown):
        given = f'"image" is {json.dumps(shown)}, expected a path or a list of paths'
        raise ValueError(given if "image" in row else EXPECTED)
    for key in wanted:
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise ValueError(f'"{key}" is {json.dumps(row.get(key))}, expected a text' if key in row else EXPECTED)
        whole(row[key])
    split = row.get("split")
    if split is not None and not (isinstance(split, str) and re.fullmatch(r"[a-z]\w*", split) and split != "all"):
        raise ValueError(f'"split" is {json.dumps(split)}, expected a name such as "train" or "test"')
    paths = tuple(root / path for path in shown)
    for path in paths:
        if path not in digests:
            encoded = images.read(path)
            images.decode(encoded, os.fspath(path))
            digests[path] = hashlib.sha256(encoded).hexdigest()
    found = [digests[path] for path in paths]
    digest = found[0] if len(found) == 1 else hashlib.sha256("".join(found).encode()).hexdigest()
    caption = row.get("caption", "").strip()
    question, answer = (CAPTION, caption) if caption else (row["question"].strip(), row["answer"].strip())
    return Row(line, paths, digest, question, answer, caption, split)


def divide(rows: Sequence[Row], path: Path) -> dict[str, list[Row]]:
    """Rows by split: as named, else as the picture's other rows, else one picture in ten for the test."""
    named = {row.digest: row.split for row in rows if row.split}
    chosen = {row.digest: named.get(row.digest) or drawn(row.digest) for row in rows}
    if not named:
        order = sorted(chosen)
        if len(order) < 2:
            raise ValueError(f'{path}: one picture cannot be divided into train and test: give each row a "split"')
        if len(set(chosen.values())) == 1:  # so few pictures that none, or all, fell to the test
            chosen[order[0]], chosen[order[-1]] = "test", "train"
    divided: dict[str, list[Row]] = {}
    for row in rows:
        divided.setdefault(chosen[row.digest], []).append(row)
    return dict(sorted(divided.items(), key=lambda item: (item[0] != "train", item[0])))


def drawn(digest: str) -> str:
    """The split of a picture by its content: adding rows moves no picture from one to the other."""
    return "test" if int(digest, 16) % 10 == 0 else "train"


def check_name(name: str, target: Path) -> None:
    """Refuse a name that TFDS cannot hold or that belongs to a data set made otherwise."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"name {name!r}: expected small letters, digits and _, such as 'my_pictures'")
    if name in prepared.ours() or (target.parent.exists() and not (target / MARK).exists()):
        raise ValueError(f"name {name!r} belongs to another data set: choose a name of your own")


def write(divided: dict[str, list[Row]], name: str, target: Path, mark: dict[str, Any]) -> None:
    """Write the TFDS data set beside its place and then move it there, so that it is whole or absent."""
    target.parent.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent.parent, prefix="incomplete."))
    try:
        made = prepared.run(rows_builder(divided, name, temporary))
        (made / MARK).write_text(json.dumps(mark))
        target.parent.mkdir(exist_ok=True)
        if target.exists():
            os.replace(target, temporary / "before")
        os.replace(made, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def rows_builder(divided: dict[str, list[Row]], name: str, data_dir: Path) -> Any:
    """A TFDS builder of these rows."""
    import tensorflow_datasets as tfds

    several = any(len(row.images) > 1 for rows in divided.values() for row in rows)

    class Rows(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version(VERSION)

        def _info(self) -> tfds.core.DatasetInfo:
            image = tfds.features.Image(shape=(None, None, 3))
            features = {
                "image": tfds.features.Sequence(image) if several else image,
                "question": tfds.features.Text(),
                "answer": tfds.features.Text(),
                "caption": tfds.features.Text(),
                "image_id": np.int64,
            }
            return tfds.core.DatasetInfo(
                builder=self,
                description="Rows of a .jsonl file, built by mmjax.",
                features=tfds.features.FeaturesDict(features),
                disable_shuffling=True,
            )

        def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
            return {split: self._generate_examples(rows) for split, rows in divided.items()}

        def _generate_examples(self, rows: Sequence[Row]) -> Iterator[tuple[int, dict[str, Any]]]:
            numbers: dict[str, int] = {}
            for key, row in enumerate(rows):
                picture = numbers.setdefault(row.digest, len(numbers))
                texts = {"question": row.question, "answer": row.answer, "caption": row.caption}
                shown = [portable(images.read(path)) for path in row.images]
                yield key, {"image": shown if several else shown[0], **texts, "image_id": picture}

    Rows.name = name
    return Rows(data_dir=data_dir, file_format="array_record")


def portable(encoded: bytes) -> bytes:
    """Bytes that every reader shows alike: plain RGB PNG and JPEG stay, all else becomes RGB PNG."""
    picture = Image.open(io.BytesIO(encoded), formats=images.formats())
    upright = picture.getexif().get(0x0112, 1) == 1
    if picture.format in ("PNG", "JPEG") and picture.mode == "RGB" and upright and "transparency" not in picture.info:
        return encoded
    out = io.BytesIO()
    Image.fromarray(images.decode(encoded)).save(out, "PNG")
    return out.getvalue()
