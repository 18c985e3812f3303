"""Files of packages that are installed for what they hold: they are found by path, and nothing of them is imported."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def inside(package: str, path: str, install: str) -> Path:
    """A file or folder of an installed package.

    Raises:
        FileNotFoundError: it is not there; `pip install <install>` brings it.
    """
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    found = Path(folders[0]) / path if folders else None
    if found is None or not found.exists():
        raise FileNotFoundError(f"{path} of the package {package} is absent: pip install {install}")
    return found
