"""A row's video, as frames."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from mmjax.data import images, media
from mmjax.data.modality.sizes import check_sizes


@dataclasses.dataclass(frozen=True)
class Video:
    """The feature `feature` as [frames, size, size, 3] uint8 with mask [frames]; a video without frames is missing.

    It is a file's path, what such a file holds, frames [T, H, W, 3] uint8, or a list of pictures. Of a file come the
    frames at 0, 1 / `fps`, 2 / `fps`, ... seconds or, where that is None, as many as there is room for, from equal
    parts of it. More than `frames` are an error, since which to leave out is the user's to say. `resize` as in
    `data.images.resize`.
    """

    feature: str
    frames: int
    size: int
    fps: float | None = None
    resize: str | None = "stretch"
    files = True  # a path may stand for the frames, or for one of them

    def __post_init__(self):
        check_sizes(self, "frames", "size")

    def blank(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((self.frames, self.size, self.size, 3), np.uint8), np.zeros(self.frames, bool)

    def fit(self, values: Iterable[Any]) -> dict[str, Any]:
        """Nothing: pixels have their scale."""
        return {}

    def __call__(self, value: Any, fitted: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Raises ValueError or FileNotFoundError for what is no video, or more than `frames` frames."""
        frames = self._read(value)
        if len(frames) > self.frames:
            raise ValueError(
                f"{len(frames)} frames, but its frames are {self.frames}: set them to {len(frames)} or more"
            )
        values, mask = self.blank()
        for t, frame in enumerate(frames):
            name = f"frame {t}"
            values[t] = images.resize(images.decode(frame, name), self.size, self.resize, name)
        mask[: len(frames)] = True
        return values, mask

    def _read(self, value: Any) -> Any:
        """Whatever frames there are, each a picture of some kind."""
        if isinstance(value, bytes) and not value:
            return ()
        if isinstance(value, str | os.PathLike | bytes):
            return media.read_video(value, self.fps, None if self.fps else self.frames)
        found = () if value is None else value
        if not isinstance(found, np.ndarray | list | tuple):
            raise ValueError(f"{found!r:.60} is no video: expected a path, an array or a list of pictures")
        if isinstance(found, np.ndarray) and found.size and np.issubdtype(found.dtype, np.number) and found.ndim != 4:
            raise ValueError(f"frames {found.dtype}{list(found.shape)}, expected uint8 [T, H, W, 3]")
        return found
