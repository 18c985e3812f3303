"""Which split each video is in: folds.json or folds.txt beside computational sequences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path


def read_folds(folder: Path) -> dict[str, str]:
    """The split of each video of a folder, from {SPLIT: [VIDEO, ...]} or lines `SPLIT VIDEO`.

    Raises:
        FileNotFoundError: neither file is there.
        ValueError: a file of another form, or a video in two splits.
    """
    folds: dict[str, str] = {}
    for split, video in _listed(folder):
        if folds.setdefault(video, split) != split:
            raise ValueError(f"{folder}: the video {video} is in the splits {folds[video]} and {split}; expected one")
    return folds


def _listed(folder: Path) -> Iterator[tuple[str, str]]:
    table, lines = folder / "folds.json", folder / "folds.txt"
    if table.is_file():
        try:
            told = json.loads(table.read_text()).items()
            strings = next((split for split, videos in told if not isinstance(videos, list)), None)
            if strings is not None:
                raise TypeError(f"{strings!r} has no list of videos")
            yield from ((split, str(video)) for split, videos in told for video in videos)
        except (ValueError, AttributeError, TypeError) as error:
            raise ValueError(f"{table}: not of the form {{SPLIT: [VIDEO, ...]}} ({error})") from error
    elif lines.is_file():
        for number, line in enumerate(lines.read_text().splitlines(), 1):
            if line.strip():
                if len(line.split()) != 2:
                    raise ValueError(f"{lines}:{number}: {line.strip()!r}; expected SPLIT VIDEO")
                split, video = line.split()
                yield split, video
    else:
        raise FileNotFoundError(
            f"{folder}: neither folds.json nor folds.txt in it; write the standard folds as {{SPLIT: [VIDEO, ...]}}"
        )
