"""The arrays of checkpoint files by name: safetensors (one file, shards or their index), .npz, and PyTorch's."""

import json
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import ml_dtypes
import numpy as np

from mmjax.weights import safetensors, torch_file

# What a zip file ends in that is cut off, damaged, encrypted or packed by an unknown method.
DAMAGED = (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)


def read(files: Sequence[Path]) -> dict[str, np.ndarray]:
    """The arrays of all files together; no code in them is run. An `.index.json` stands for the shards beside it.

    A folder stands for its safetensors files: the one index, or else the one file.

    Raises:
        ValueError: a file of no known kind, a damaged one, one with code, or a name that two files hold.
        OSError: a file that is not there.
    """
    arrays: dict[str, np.ndarray] = {}
    for path in (part for file in files for part in _parts(file)):
        found = _reader(path)(path)
        twice = arrays.keys() & found.keys()
        if twice:
            raise ValueError(f"{path} holds {min(twice)!r}, which another of the files holds too; name each file once")
        arrays |= found
    return arrays


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file; NumPy writes a bfloat16 as two bytes without a type, as big_vision's files do.

    Raises:
        ValueError: it is no such file, or holds pickled objects.
    """
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is no .npz file, or is cut off; fetch it again")
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except DAMAGED as error:
        if "allow_pickle" in str(error):
            raise ValueError(
                f"{path} is refused: it holds pickled objects, which could run code; expected plain arrays by name"
            ) from None
        raise ValueError(f"{path} is no .npz file, or is damaged; fetch it again ({error})") from None
    other = [name for name, array in found.items() if not isinstance(array, np.ndarray)]
    if other:
        raise ValueError(f"{path} is no .npz file: it holds {other[0]!r}, which is no array; expected arrays alone")
    return {name: _typed(array) for name, array in found.items()}


READERS = {
    ".safetensors": safetensors.read,
    ".npz": read_npz,
    ".pth": torch_file.read,
    ".pt": torch_file.read,
    ".bin": torch_file.read,
}


def _reader(path: Path):
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, expected a checkpoint ({', '.join(READERS)} or .index.json)")
    if path.suffix not in READERS:
        raise ValueError(f"{path} is of no kind that can be read; expected {', '.join(READERS)} or .index.json")
    return READERS[path.suffix]


def _parts(file: Path) -> list[Path]:
    if file.is_dir():
        held = sorted(file.glob("*.safetensors.index.json")) or sorted(file.glob("*.safetensors"))
        if len(held) != 1:
            raise ValueError(f"{file}: a folder with {len(held)} safetensors checkpoints; name the one that is meant")
        return _parts(held[0])
    if file.suffix != ".json" or not file.is_file():
        return [file]
    try:
        names = json.loads(file.read_text())["weight_map"].values()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{file} is no index of shards; expected a 'weight_map' of names and files") from None
    return [file.parent / name for name in sorted(set(names))]


def _typed(array: np.ndarray) -> np.ndarray:
    return array.view(ml_dtypes.bfloat16) if array.dtype == np.dtype("V2") else array
