"""The numbers of a run: one JSON object a line in `metrics.jsonl`, and the same as TensorBoard events.

Opening the log at a step forgets whatever a killed run wrote beyond it: a resumed run writes no step twice.
"""

import contextlib
import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.summary import Summary

Row = dict[str, Any]


class Log:
    """Appends (step, split, values) to a run folder: a row is on disk, or not at all, when `write` returns.

    Written by the first process of a run only.
    """

    def __init__(self, workdir: str | Path, step: int = 0):
        """Opens the log of a run that has done `step` steps; rows of later steps are dropped.

        Raises:
            OSError: the folder cannot be written.
            ValueError: metrics.jsonl holds a line, other than a torn last one, that is no row.
        """
        self.path = Path(workdir) / "metrics.jsonl"
        events = Path(workdir) / "events"
        rows = [row for row in read(workdir) if row["step"] <= step]
        # A run stopped between its scores and its end may score that step again: the row is there already.
        self._step, self._done = step, {row["split"] for row in rows if row["step"] == step}
        try:
            events.mkdir(parents=True, exist_ok=True)
            _replace(self.path, rows)
            self._file = self.path.open("ab", buffering=0)
            self._events = _events(events, step)
        except OSError as error:
            raise _unwritable(self.path.parent, error) from error

    def write(self, step: int, split: str, values: Mapping[str, Any]) -> None:
        """Adds one row.

        Args:
            step: how many steps the run has done.
            split: what the numbers are about, such as "train" or "test".
            values: numbers by name, Python's or 0-d arrays; those that are not finite are kept as null.

        Raises:
            ValueError: a value that is not one number, or one named step or split.
            OSError: the disk does not take the row (the file is left as it was).
        """
        if step == self._step and split in self._done:
            return
        row = {"step": int(step), "split": split}
        for name, value in values.items():
            if name in row:
                raise ValueError(f"a metric cannot be called {name!r}: that key of metrics.jsonl is taken")
            row[name] = _number(name, value)
        length = os.fstat(self._file.fileno()).st_size
        try:
            _append(self._file, _line(row))
            self._events.write_event(_event(row))
            self._events.flush()
        except OSError as error:
            os.ftruncate(self._file.fileno(), length)
            raise _unwritable(self.path.parent, error) from error

    def close(self) -> None:
        """Closes both files; every row is written already."""
        self._file.close()
        # After a write that failed the rest of it fails again here, and would hide the first error.
        with contextlib.suppress(OSError):
            self._events.close()

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def read(workdir: str | Path) -> list[Row]:
    """The rows of a run in the order they were written, null as nan; a run without a log has none.

    A last line that a killed process left unfinished is passed over.

    Raises:
        ValueError: another line is not a row; the message names the file and the line.
    """
    path = Path(workdir) / "metrics.jsonl"
    if not path.exists():
        return []
    *lines, _torn = path.read_bytes().split(b"\n")
    return [_parse(line, f"{path} line {number}") for number, line in enumerate(lines, 1)]


def _parse(line: bytes, place: str) -> Row:
    try:
        row = json.loads(line)
        known = isinstance(row["step"], int) and isinstance(row["split"], str)
    except (ValueError, TypeError, KeyError):
        known = False
    if not known:
        raise ValueError(f'{place} is not like {{"step": 1, "split": "train", ...}}; delete that line')
    return {name: math.nan if value is None else value for name, value in row.items()}


def _line(row: Row) -> bytes:
    # JSON has no nan and no infinity, and many readers refuse a file that holds them.
    plain = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
    return json.dumps(plain, ensure_ascii=False).encode() + b"\n"


def _number(name: str, value: Any) -> int | float:
    array = np.asarray(value)
    if array.ndim == 0 and array.dtype.kind in "iub":
        return int(array)
    # bfloat16 is of kind V to NumPy.
    if array.ndim == 0 and array.dtype.kind in "fV":
        # The shortest decimal that stands for the number: 0.1 in single precision, not 0.10000000149011612.
        return float(str(array.astype(np.float32 if array.dtype.itemsize < 8 else np.float64)[()]))
    raise ValueError(f"metric {name!r} is {type(value).__name__} of shape {array.shape}; expected one number")


def _replace(path: Path, rows: list[Row]) -> None:
    fresh = path.with_name(path.name + ".tmp")
    with open(fresh, "wb") as file:
        file.writelines(map(_line, rows))
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def _append(file: Any, line: bytes) -> None:
    while line:
        line = line[file.write(line) :]


def _events(folder: Path, step: int) -> EventsWriter:
    # SummaryWriter writes from a thread that dies when the disk is full, and then blocks training.
    # File names have a resolution of a second: without a suffix a quick restart empties the file before.
    writer = EventsWriter(str(folder / "events"), f".{time.time_ns()}")
    purge = SessionLog(status=SessionLog.START)
    writer.write_event(Event(step=step + 1, wall_time=time.time(), session_log=purge))
    writer.flush()
    return writer


def _event(row: Row) -> Event:
    values = [
        Summary.Value(tag=f"{row['split']}/{name}", simple_value=value)
        for name, value in row.items()
        if name not in ("step", "split")
    ]
    return Event(step=row["step"], wall_time=time.time(), summary=Summary(value=values))


def _unwritable(folder: Path, error: OSError) -> OSError:
    return OSError(f"cannot write the metrics of {folder}: {error.strerror}; mend that and run again")
