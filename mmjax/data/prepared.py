"""Prepared TFDS data sets on disk: prepare one, list them, look into one, open a split row by row."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import io
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmjax.data import images
from mmjax.data.each import COUNTS

LOOKED_AT = 256  # rows of a split that its digest reads


def root(data_dir: str | None = None) -> Path:
    """Where prepared data sets lie: the argument, else $TFDS_DATA_DIR, else ~/tensorflow_datasets."""
    return Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()


def make_root(data_dir: str | None = None) -> None:
    """Makes the folder where prepared data sets lie; OSError in one line where it cannot be."""
    folder = root(data_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"{folder}, where prepared data goes, cannot be made: {error.strerror}; set TFDS_DATA_DIR to a folder that "
            "can be written"
        ) from None


def prepare(name: str, data_dir: str | None = None, folder: str | os.PathLike | None = None) -> dict[str, Any]:
    """Prepare a data set of mmjax, or of TFDS, by name; once: a second call only reads what is there.

    `folder` holds the files of one that the user brings, which its builder finds as `dl_manager.manual_dir`; it may be
    a .zip file of them.
    -> {"name", "version", "folder", "splits": {split: rows}, "notes": [text], "before": it was there already}.

    Raises:
        ValueError: an unknown name, or a folder where the builder takes none.
        FileNotFoundError: no folder where it wants one, with its MANUAL_DOWNLOAD_INSTRUCTIONS.
    """
    import tensorflow_datasets as tfds

    options = {"data_dir": root(data_dir), "file_format": "array_record"}
    with quiet():
        if name in ours():
            source = importlib.import_module(f"mmjax.data.{name}.{name}_dataset_builder").Builder(**options)
        else:
            try:
                source = tfds.builder(name, **options)
            except tfds.core.registered.DatasetNotFoundError as error:
                raise ValueError(f"no data set is called {name!r}{nearest(name, ours())}") from error
    before = bool(source.info.splits)
    if folder is not None or not before:
        check_folder(name, source.MANUAL_DOWNLOAD_INSTRUCTIONS, folder)
    make_root(data_dir)
    with unpacked(None if before else folder) as files:
        run(source, files)
    return {**summary(source), "before": before}


def check_folder(name: str, wanted: str | None, folder: str | os.PathLike | None) -> None:
    """Raise unless a folder is given where a builder says what it wants in it, and none where it says nothing."""
    if wanted is None:
        if folder is not None:
            raise ValueError(f"data set {name!r} is not made from a folder: leave out --source={os.fspath(folder)}")
        return
    how = f"{' '.join(wanted.split()).rstrip('.')}; then run `mmjax data build {name} --source=FOLDER`"
    if folder is None:
        raise FileNotFoundError(f"data set {name!r} is made from files that you bring: {how}")
    if zipfile.is_zipfile(folder):
        return
    if not Path(folder).is_dir() or not any(Path(folder).iterdir()):
        found = "an empty folder" if Path(folder).is_dir() else "a file" if Path(folder).exists() else "no such folder"
        raise FileNotFoundError(f"--source={os.fspath(folder)}: {found}, expected the files of {name!r}: {how}")


@contextlib.contextmanager
def unpacked(folder: str | os.PathLike | None) -> Iterator[str | os.PathLike | None]:
    """The folder itself, or one for a while with what a .zip file holds; errors name the file and not that folder."""
    if folder is None or not zipfile.is_zipfile(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory() as made:
        try:
            with zipfile.ZipFile(folder) as packed:
                packed.extractall(made)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise ValueError(f"--source={os.fspath(folder)}: not a readable .zip file ({error})") from error
        if not any(Path(made).iterdir()):
            raise FileNotFoundError(f"--source={os.fspath(folder)}: an empty .zip, expected the files of the data set")
        try:
            yield made
        except (FileNotFoundError, ValueError) as error:
            kind = FileNotFoundError if isinstance(error, FileNotFoundError) else ValueError
            raise kind(str(error).replace(made, os.fspath(folder))) from error


def run(source: Any, folder: str | os.PathLike | None = None) -> Path:
    """Let a TFDS builder write its files, if they are not there; -> where they lie. `folder` as in `prepare`."""
    import tensorflow_datasets as tfds

    config = tfds.download.DownloadConfig(manual_dir=folder, try_download_gcs=False)
    with quiet(), contextlib.redirect_stdout(io.StringIO()):  # TFDS prints there, where results of ours go
        try:
            source.download_and_prepare(download_config=config)
        except BaseException:
            _tidy(source)
            raise
    return Path(source.data_path)


def _tidy(source: Any) -> None:
    """Takes away the empty folders that TFDS leaves where it did not come to an end."""
    downloads = Path(source.data_path).parents[1] / "downloads"
    for folder in (Path(source.data_path).parent, downloads / "extracted", downloads):
        with contextlib.suppress(OSError):  # not there, or not empty
            folder.rmdir()


def ours() -> list[str]:
    """The data sets that mmjax itself can prepare: the folders here that hold a builder."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/*_dataset_builder.py"))


def summary(source: Any) -> dict[str, Any]:
    """What was prepared: name, version, folder, rows by split of a TFDS builder, and what it notes about them."""
    return {
        "name": source.info.full_name.rsplit("/", 1)[0],
        "version": str(source.version),
        "folder": str(source.data_path),
        "splits": {split: info.num_examples for split, info in source.info.splits.items()},
        "notes": list((source.info.metadata or {}).get("notes", ())),
    }


def built(data_dir: str | None = None) -> list[tuple[str, str, dict[str, int], int]]:
    """Every prepared data set as (name, version, {split: rows}, rows), sorted by name."""
    found = []
    for path in sorted(root(data_dir).glob("**/dataset_info.json")):
        if "incomplete." in str(path.parent.relative_to(root(data_dir))):
            continue  # left by a preparation that was killed
        info = json.loads(path.read_text())
        splits = {split["name"]: sum(map(int, split.get("shardLengths", ()))) for split in info.get("splits", ())}
        name = "/".join(path.parent.relative_to(root(data_dir)).parts[:-1])
        found.append((name, info.get("version", path.parent.name), splits, sum(splits.values())))
    return found


def builder(name: str, data_dir: str | None = None) -> Any:
    """The TFDS builder of a prepared data set; FileNotFoundError names what is there instead."""
    import tensorflow_datasets as tfds

    try:
        with quiet():
            source = tfds.builder(name, data_dir=root(data_dir))
    except (tfds.core.registered.DatasetNotFoundError, ValueError) as error:
        raise FileNotFoundError(absent(name, data_dir)) from error
    if not source.info.splits:
        raise FileNotFoundError(absent(name, data_dir))
    return source


def absent(name: str, data_dir: str | None) -> str:
    """The one line said when a data set is not prepared."""
    there = ", ".join(found for found, *_ in built(data_dir)) or "none"
    return (
        f"data set {name!r} is not prepared in {root(data_dir)} (there: {there}): "
        f"run `mmjax data build {name}`, or `mmjax data build --source=FILE.jsonl --name={name}` for data of your own"
    )


def listed(source: Any, feature: str) -> bool:
    """Whether a row of a TFDS builder has a list of this feature."""
    import tensorflow_datasets as tfds

    return isinstance(source.info.features[feature], tfds.features.Sequence)


def pictures(source: Any) -> list[str]:
    """The features of a TFDS builder that hold a picture, or a sequence of them."""
    import tensorflow_datasets as tfds

    kinds = {name: getattr(kind, "feature", kind) for name, kind in source.info.features.items()}
    return [name for name, kind in kinds.items() if isinstance(kind, tfds.features.Image)]


def open_rows(source: Any, split: str, *encoded: str) -> Sequence[Mapping[str, Any]]:
    """One split ("test", "train[:90%]") with random access; the features `encoded` stay the bytes that they are.

    `images.decode` is stricter with pictures than TFDS, and reads more kinds.

    Raises ValueError for a split that is not there, or files that cannot be read row by row.
    """
    import tensorflow_datasets as tfds

    class Encoded(tfds.decode.SkipDecoding):
        def decode_batch_example_np(self, encoded: Any) -> Any:  # of a sequence of pictures, which TFDS forgot
            return encoded

    decoders: dict[str, Any] = {}
    for name in encoded:
        *outer, last = name.split("/")
        if (outer or [last])[0] in source.info.features:
            node = decoders
            for part in outer:
                node = node.setdefault(part, {})
            node[last] = Encoded()
    empty = f"data set {source.name!r}: {split!r} holds no row, or is no slice such as train[:90%] or train[5:10]"
    try:
        rows = source.as_data_source(split, decoders=decoders or None)
        if len(rows):  # an error where a slice ends before it begins
            return rows
    except (ValueError, KeyError) as error:
        if split.partition("[")[0] in source.info.splits:
            raise ValueError(empty) from error
        there = ", ".join(source.info.splits)
        raise ValueError(
            f"data set {source.name!r} has no split {split!r}: it has {there} (and slices, train[:90%])"
        ) from error
    except NotImplementedError as error:
        raise ValueError(
            f"data set {source.name!r} is stored as {source.info.file_format.value} in {source.data_path}, "
            "which has no random access: prepare it again with file_format=array_record"
        ) from error
    raise ValueError(empty)


def counts(source: Any, split: str) -> np.ndarray | None:
    """How many things each row of a split holds, see `data.each`, where the builder's metadata says so."""
    import tensorflow_datasets as tfds

    known = dict(source.info.metadata or {}).get(COUNTS)
    if known is None:
        return None
    parts = tfds.core.ReadInstruction.from_spec(split).to_absolute(source.info.splits)
    return np.concatenate([known[part.splitname][part.from_ : part.to] for part in parts])


def told(source: Any, split: str) -> dict[str, str]:
    """{name of a split: how many rows it has, and a digest of some}: what tells it from one with other rows.

    Rows are taken from all over the split, and of a few all, so that large data sets need not be read.
    """
    rows, digest = open_rows(source, split).data_source, 0
    for place in np.linspace(0, len(rows) - 1, min(len(rows), LOOKED_AT), dtype=int):
        # Sorted, for TFDS writes the fields of a row in any order.
        digest = zlib.crc32(np.sort(np.frombuffer(rows[int(place)], np.uint8)), digest)
    return {f"{source.name} {split}": f"{len(rows):,} rows, digest {digest:08x}"}


def peek(name: str, split: str, count: int, data_dir: str | None = None) -> list[dict[str, Any]]:
    """The first `count` rows of a split: pictures as [H, W, 3] uint8, texts as str, numbers as they are."""
    source = builder(name, data_dir)
    shown = pictures(source)
    rows = open_rows(source, split, *shown)
    return [
        {
            key: readable(value, f"{name} {split} row {number}", key in shown)
            for key, value in sorted(rows[number].items())
        }
        for number in range(min(count, len(rows)))
    ]


def readable(value: Any, name: str, picture: bool) -> Any:
    """One feature of a row as Python shows it; a picture that is missing is None."""
    if isinstance(value, list) or (isinstance(value, np.ndarray) and value.dtype == object):
        return [readable(one, name, picture) for one in value]
    if isinstance(value, bytes) and picture:
        return images.decode(value, name) if value else None
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:  # what a file holds
            return f"<{len(value):,} bytes>"
    return value.item() if isinstance(value, np.generic) else value


def nearest(name: str, known: Sequence[str]) -> str:
    """The end of an error about a name: the nearest known one, and all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    return (
        f", did you mean {close[0]!r}?" if close else ":"
    ) + f" mmjax has {', '.join(known)}; others as TFDS names them"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """TFDS without progress bars and chatter on the terminal."""
    import tensorflow_datasets as tfds
    from absl import logging

    level = logging.get_verbosity()
    tfds.disable_progress_bar()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(level)
        tfds.enable_progress_bar()
