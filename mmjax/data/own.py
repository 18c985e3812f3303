"""One's own data as a TFDS data set: rows of a .jsonl file, all checked before one is written.

The first row says which form they have: pictures with questions and answers, or captions (`data.own_pairs`), or any
modalities with a label, labels or a target (`data.own_fields`). A row may name its "split". Without one, it goes to
train or, one in ten, to test by what it shows, with all rows that show the same.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mmjax.data import json_line, own_fields, own_pairs, prepared
from mmjax.data.alike import together

VERSION = "1.0.0"
MARK = "mmjax.json"  # tells our data sets from others, which are never replaced
EXPECTED = f"{own_pairs.EXPECTED}; or {own_fields.EXPECTED.removeprefix('expected ')}"
Form = own_pairs.Pairs | own_fields.Fields


@dataclasses.dataclass(frozen=True)
class Row:
    """A good row: what its form made of it, its split, None where the file names none, and a name for all rows that
    show the same, or are joined by others that do.
    """

    line: int
    given: own_pairs.Pair | own_fields.Given
    split: str | None
    digest: str = ""


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
    rows, bad, form = read(path)
    for line, reason in bad:
        report(f"{path}:{line}: {reason}")
    if bad and not skip_bad:
        raise ValueError(f"{path}: {len(bad)} of {len(rows) + len(bad)} rows are bad: mend them or pass --skip-bad")
    if not rows:
        raise ValueError(f"{path}: no good row in it, {EXPECTED} in each line")
    prepared.make_root(data_dir)
    write(
        divide(rows, path, form.shared),
        form,
        name,
        target,
        {"source": path.name, "rows": len(rows), "skipped": len(bad)},
    )
    return {**prepared.summary(prepared.builder(name, data_dir)), "skipped": len(bad)}


def read(path: Path) -> tuple[list[Row], list[tuple[int, str]], Form | None]:
    """The good rows of a .jsonl file; for every bad one, its line number and what is wrong with it; and their form."""
    if path.is_dir():
        raise ValueError(f"{path}: a folder, expected a file of rows as JSON lines")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, expected rows as JSON lines")
    rows, bad, form = [], [], None
    for line, text in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if not text.strip():
            continue
        try:
            fields = parse(text, form.expected if form else EXPECTED)
            form = form or form_of(fields)
            rows.append(Row(line, form.parse(fields, path.parent), split_of(fields)))
        except (ValueError, OSError) as error:
            bad.append((line, " ".join(str(error).split())))
    joined, splits, good = together(row.given.digests for row in rows), {}, []
    for row in rows:
        row = dataclasses.replace(row, digest=joined[row.given.digests[0]])
        first = splits.setdefault(row.given.digests, row) if row.split else row
        if first.split == row.split:
            good.append(row)
        else:
            told = f"split {row.split!r}, but line {first.line} puts the same {form.shared} into {first.split!r}"
            bad.append((row.line, told))
    return good, sorted(bad), form


def parse(text: bytes, expected: str) -> dict[str, Any]:
    """One line's fields; ValueError says what is wrong."""
    try:
        row = json_line.parse(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error})") from error
    if not isinstance(row, dict):
        raise ValueError(expected)
    return row


def form_of(row: dict[str, Any]) -> Form:
    """The form of a file whose first row this is."""
    return own_pairs.Pairs() if {"question", "answer", "caption"} & set(row) else own_fields.Fields()


def split_of(row: dict[str, Any]) -> str | None:
    """The split that a row names; ValueError where it cannot be called so."""
    split = row.get("split")
    if split is not None and not (isinstance(split, str) and re.fullmatch(r"[a-z]\w*", split) and split != "all"):
        raise ValueError(f'"split" is {json.dumps(split)}, expected a name such as "train" or "test"')
    return split


def divide(rows: Sequence[Row], path: Path, shared: str) -> dict[str, list[Row]]:
    """Rows by split: as named, else as other rows that share something with it, else one in ten for the test."""
    named = {row.digest: row.split for row in rows if row.split}
    chosen = {row.digest: named.get(row.digest) or drawn(row.digest) for row in rows}
    if not named:
        order = sorted(chosen)
        if len(order) < 2:
            raise ValueError(f'{path}: one {shared} cannot be divided into train and test: give each row a "split"')
        if len(set(chosen.values())) == 1:  # so few pictures that none, or all, fell to the test
            chosen[order[0]], chosen[order[-1]] = "test", "train"
    divided: dict[str, list[Row]] = {}
    for row in rows:
        divided.setdefault(row.split or chosen[row.digest], []).append(row)
    return dict(sorted(divided.items(), key=lambda item: (item[0] != "train", item[0])))


def drawn(digest: str) -> str:
    """The split of a row by what it shows: adding rows moves none from one to the other."""
    return "test" if int(digest, 16) % 10 == 0 else "train"


def check_name(name: str, target: Path) -> None:
    """Refuse a name that TFDS cannot hold or that belongs to a data set made otherwise."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"name {name!r}: expected small letters, digits and _, such as 'my_pictures'")
    if name in prepared.ours() or (target.parent.exists() and not (target / MARK).exists()):
        raise ValueError(f"name {name!r} belongs to another data set: choose a name of your own")


def write(divided: dict[str, list[Row]], form: Form, name: str, target: Path, mark: dict[str, Any]) -> None:
    """Write the TFDS data set beside its place and then move it there, so that it is whole or absent."""
    temporary = Path(tempfile.mkdtemp(dir=target.parent.parent, prefix="incomplete."))
    try:
        made = prepared.run(rows_builder(divided, form, name, temporary))
        (made / MARK).write_text(json.dumps(mark))
        target.parent.mkdir(exist_ok=True)
        if target.exists():
            os.replace(target, temporary / "before")
        os.replace(made, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def rows_builder(divided: dict[str, list[Row]], form: Form, name: str, data_dir: Path) -> Any:
    """A TFDS builder of these rows."""
    import tensorflow_datasets as tfds

    class Rows(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version(VERSION)

        def _info(self) -> tfds.core.DatasetInfo:
            return tfds.core.DatasetInfo(
                builder=self,
                description="Rows of a .jsonl file, built by mmjax.",
                features=tfds.features.FeaturesDict(form.features()),
                disable_shuffling=True,
                metadata=tfds.core.MetadataDict(rates=form.rates()),
            )

        def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
            return {split: self._generate_examples(rows) for split, rows in divided.items()}

        def _generate_examples(self, rows: Sequence[Row]) -> Iterator[tuple[int, dict[str, Any]]]:
            numbers: dict[str, int] = {}
            for key, row in enumerate(rows):
                yield key, form.stored(row.given, numbers.setdefault(row.digest, len(numbers)))

    Rows.name = name
    return Rows(data_dir=data_dir, file_format="array_record")
