"""Prepared TFDS data sets on disk: prepare one, list them, look into one, open a split row by row."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmjax.data import images

IMAGE = "image"  # pictures are read as bytes: `images.decode` is stricter than TFDS and handles more kinds


def root(data_dir: str | None = None) -> Path:
    """Where prepared data sets lie: the argument, else $TFDS_DATA_DIR, else ~/tensorflow_datasets."""
    return Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()


def prepare(name: str, data_dir: str | None = None) -> dict[str, Any]:
    """Prepare a data set of mmjax, or of TFDS, by name; once: a second call only reads what is there.

    -> {"name", "version", "folder", "splits": {split: rows}}. Raises ValueError for an unknown name.
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
    run(source)
    return summary(source)


def run(source: Any) -> Path:
    """Let a TFDS builder write its files, if they are not there; -> their folder."""
    import tensorflow_datasets as tfds

    with quiet(), contextlib.redirect_stdout(io.StringIO()):  # TFDS prints there, where results of ours go
        source.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    return Path(source.data_path)


def ours() -> list[str]:
    """The data sets that mmjax itself can prepare: the folders here that hold a builder."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/*_dataset_builder.py"))


def summary(source: Any) -> dict[str, Any]:
    """What was prepared: name, version, folder and rows by split of a TFDS builder."""
    return {
        "name": source.info.full_name.rsplit("/", 1)[0],
        "version": str(source.version),
        "folder": str(source.data_path),
        "splits": {split: info.num_examples for split, info in source.info.splits.items()},
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


def open_rows(source: Any, split: str, image: str) -> Sequence[Mapping[str, Any]]:
    """One split ("test", "train[:90%]") with random access; the feature `image` stays encoded bytes.

    Raises ValueError for a split that is not there, or files that cannot be read row by row.
    """
    import tensorflow_datasets as tfds

    class Encoded(tfds.decode.SkipDecoding):
        def decode_batch_example_np(self, encoded: Any) -> Any:  # of a sequence of pictures, which TFDS forgot
            return encoded

    decoders: Any = Encoded()
    for name in reversed(image.split("/")):
        decoders = {name: decoders}
    known = image.split("/")[0] in source.info.features
    try:
        return source.as_data_source(split, decoders=decoders if known else None)
    except (ValueError, KeyError) as error:
        there = ", ".join(source.info.splits)
        raise ValueError(
            f"data set {source.name!r} has no split {split!r}: it has {there} (and slices, train[:90%])"
        ) from error
    except NotImplementedError as error:
        raise ValueError(
            f"data set {source.name!r} is stored as {source.info.file_format.value} in {source.data_path}, "
            "which has no random access: prepare it again with file_format=array_record"
        ) from error


def peek(name: str, split: str, count: int, data_dir: str | None = None) -> list[dict[str, Any]]:
    """The first `count` rows of a split: pictures as [H, W, 3] uint8, texts as str, numbers as they are."""
    rows = open_rows(builder(name, data_dir), split, IMAGE)
    return [
        {key: readable(key, value, f"{name} {split} row {number}") for key, value in sorted(rows[number].items())}
        for number in range(min(count, len(rows)))
    ]


def readable(key: str, value: Any, name: str) -> Any:
    """One feature of a row as Python shows it."""
    if key == IMAGE:
        return images.decode(value, name) if isinstance(value, bytes) else [images.decode(one, name) for one in value]
    if isinstance(value, bytes):
        return value.decode()
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
