"""PyTorch's .pt, .pth and .bin files as arrays, without running what the pickle inside may call.

A pickle is a program: it may name any function and call it. Here the names by which tensors are saved stand for inert
records, any other name is refused, and the numbers are read from where the records say that they lie.
"""

import collections
import pickle
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import ml_dtypes
import numpy as np

TYPES = {
    "DoubleStorage": np.float64,
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "BFloat16Storage": ml_dtypes.bfloat16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ShortStorage": np.int16,
    "CharStorage": np.int8,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}
# Where training scripts put the weights beside other things.
PARTS = ("state_dict", "model", "model_state_dict", "module")


class Tensor(NamedTuple):
    """A tensor as the pickle describes it: elements of a storage from `offset` on, `strides` apart."""

    storage: tuple[str, str]
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a state dict, which is the whole file or its part `state_dict`, `model`, ...

    Raises:
        ValueError: the file holds code (it is named), no tensors, or is no whole file of PyTorch's.
    """
    try:
        saved, storages = _zipped(path) if zipfile.is_zipfile(path) else _legacy(path)
        arrays = {name: _array(tensor, storages) for name, tensor in _tensors(saved).items()}
    except _Refused as refused:
        raise ValueError(
            f"{path} is refused: besides tensors its pickle wants {refused}, which could run code; load it where you "
            "trust it and save the tensors alone, or take the safetensors file"
        ) from None
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, LookupError, *_WRONG) as error:
        raise ValueError(f"{path} is no PyTorch checkpoint, or is cut off; fetch it again ({error!r:.120})") from None
    if not arrays:
        there = f"the keys {', '.join(map(str, saved))}" if isinstance(saved, dict) else f"a {type(saved).__name__}"
        raise ValueError(f"{path} holds no tensors by name but {there:.120}; expected a state dict, alone or in a key")
    return arrays


# What a pickle that describes no real tensors ends in, and a zip that is damaged, encrypted or of an unknown kind.
_WRONG = (ValueError, TypeError, AttributeError, OverflowError, zlib.error, NotImplementedError, RuntimeError)


class _Refused(Exception):
    """A name in a pickle that is not needed for tensors."""


class _Unpickler(pickle.Unpickler):
    """Reads tensors as `Tensor` and storages as (type, key); of all other names it stops at the first."""

    def find_class(self, module: str, name: str) -> Any:
        found = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, size, strides, *_: Tensor(
                storage, offset, size, strides
            ),
            ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
        }
        if (module, name) in found:
            return found[module, name]
        if module == "torch" and name in TYPES:
            return name
        raise _Refused(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        _, kind, key, *_ = pid
        return str(kind), str(key)


def _zipped(path: Path) -> tuple[Any, dict[str, bytes]]:
    """What the pickle describes, and the bytes of each storage: the form since PyTorch 1.6."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        pickled = next((name for name in names if name.endswith("data.pkl")), None)
        if pickled is None:
            raise KeyError("no data.pkl")
        with archive.open(pickled) as file:
            saved = _Unpickler(file).load()
        folder = pickled.removesuffix("data.pkl") + "data/"
        return saved, {name.removeprefix(folder): archive.read(name) for name in names if name.startswith(folder)}


def _legacy(path: Path) -> tuple[Any, dict[str, bytes]]:
    """The same of the older form: pickles of a magic number, versions, the objects and the keys, then the storages."""
    with path.open("rb") as file:
        if _Unpickler(file).load() != 0x1950A86A20F9469CFC6C:
            raise pickle.UnpicklingError("no magic number")
        for _ in range(2):
            _Unpickler(file).load()
        unpickler = _Kinds(file)
        saved = unpickler.load()
        keys = _Unpickler(file).load()
        return saved, dict(_stored(file, keys, unpickler.kinds))


class _Kinds(_Unpickler):
    """Also remembers the type of each storage, which the older form needs to know how long it is."""

    def __init__(self, file: BinaryIO):
        super().__init__(file)
        self.kinds: dict[str, str] = {}

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        kind, key = super().persistent_load(pid)
        self.kinds[key] = kind
        return kind, key


def _stored(file: BinaryIO, keys: list[str], kinds: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        yield key, file.read(count * np.dtype(TYPES[kinds[key]]).itemsize)


def _tensors(saved: Any) -> dict[str, Tensor]:
    """The tensors of a mapping, or of the part of it that training scripts keep them in."""
    parts = [saved, *(saved[name] for name in PARTS if name in saved)] if isinstance(saved, dict) else []
    for part in parts:
        found = {n: value for n, value in part.items() if isinstance(value, Tensor)} if isinstance(part, dict) else {}
        if found:
            return found
    return {}


def _array(tensor: Tensor, storages: dict[str, bytes]) -> np.ndarray:
    (kind, key), offset, shape, strides = tensor
    kind = np.dtype(TYPES[kind])
    # NumPy refuses what lies outside of the buffer.
    steps = tuple(step * kind.itemsize for step in strides)
    if min(steps, default=0) < 0:
        raise KeyError(f"strides {strides}")
    return np.ndarray(shape, kind, storages[key], offset * kind.itemsize, steps)
