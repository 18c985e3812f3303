"""Sizes that a config gives to a modality, refused before anything is read."""

from __future__ import annotations

from typing import Any


def check_sizes(modality: Any, *names: str) -> None:
    """Raises ValueError where a field among `names` is below one."""
    for name in names:
        if getattr(modality, name) < 1:
            raise ValueError(f"{name} is {getattr(modality, name)}; expected at least 1")
