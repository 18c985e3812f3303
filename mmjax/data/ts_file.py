"""Files of the UEA and UCR archive (.ts): a header of @ lines, then a series and its class in each line.

A line holds the channels one after the other, `1.0,2.0:3.0,4.0:label`; "?" is a value that is missing. See
https://www.aeon-toolkit.org/en/stable/api_reference/file_specifications/ts.html
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mmjax.data import installed


def read(path: Path) -> Iterator[tuple[np.ndarray, str]]:
    """Each case as (steps [T, C] float32, class).

    Raises:
        ValueError: a line whose channels have unequal lengths, or that holds what is no number.
    """
    lines = enumerate(path.read_text("utf-8").splitlines(), 1)
    for _, line in lines:
        if line.strip().lower() == "@data":
            break
    for number, line in lines:
        if not line.strip():
            continue
        *channels, name = line.strip().split(":")
        try:
            values = [[float(x) if x != "?" else np.nan for x in channel.split(",")] for channel in channels]
            yield np.array(values, np.float32).T, name
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {len(channels)} channels that make no series ({error})") from None


def folder(problem: str) -> Path:
    """Where the wheel of aeon has a problem's files. Raises FileNotFoundError."""
    return installed.inside("aeon", f"datasets/data/{problem}", "--no-deps aeon==1.6.0")
