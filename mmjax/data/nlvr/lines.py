"""The files of NLVR and NLVR2: one JSON object a line."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmjax.data.json_line import lines, parse

LABELS = ("false", "true")


def read(path: Path, keys: Sequence[str]) -> list[dict[str, Any]]:
    """The examples of a file, each with those keys, all of them texts, and a label of LABELS in small letters.

    Raises:
        ValueError: no UTF-8, a line that is none, a label that is neither, or an identifier again; a line is named with
            its number.
    """
    rows, seen = [], set()
    for number, line in enumerate(lines(path), 1):
        if not line.strip():
            continue
        where = f"{path} line {number}"
        try:
            row = parse(line)
        except ValueError as error:
            raise ValueError(f"{where}: not JSON; expected one example a line, as published") from error
        lacking = [key for key in keys if not isinstance(row, dict) or not isinstance(row.get(key), str)]
        if lacking:
            raise ValueError(
                f"{where}: no text {lacking[0]!r}; expected an object with {', '.join(keys)}, one a line, as published"
            )
        if row["label"].lower() not in LABELS:
            raise ValueError(f"{where}: the label is {row['label']!r}; expected 'true' or 'false'")
        if row["identifier"] in seen:
            raise ValueError(f"{where}: the identifier is {row['identifier']!r} again; expected each example once")
        seen.add(row["identifier"])
        rows.append({**row, "label": row["label"].lower()})
    if not rows:
        raise ValueError(f"{path}: no example in it; expected one JSON object a line, as published")
    return rows


def held_out(name: str, share: int) -> bool:
    """Whether what is called so is held out, one in `share`; the name alone decides."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % share == 0
