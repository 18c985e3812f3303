"""The smartwatch recordings of the wheel seglearn as arrays, without running what the pickle inside may call.

The file is an .npy that holds one dict, which NumPy saves as a pickle, and a pickle is a program: it may name any
function and call it. Here the names by which NumPy saves arrays stand for inert records, and any other name is refused.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

SENSORS = 6


def read(path: Path) -> dict[str, Any]:
    """X, a list of recordings [T, 6] float32 (accelerometer, then gyroscope, 50 Hz), and y, side and subject of each.

    Raises:
        ValueError: the file wants anything besides arrays (it is named), is damaged, or holds other things.
    """
    try:
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            shape, _, kind = np.lib.format.read_array_header_1_0(file)
            if shape != () or not kind.hasobject:
                raise ValueError(f"an array {kind}{list(shape)}")
            found = _plain(_Unpickler(file).load())[0]
        recordings = [np.asarray(one, np.float32) for one in found["X"]]
        told = {name: [int(one) for one in found[name]] for name in ("y", "side", "subject")}
    except _Refused as refused:
        raise ValueError(
            f"{path} is refused: besides arrays its pickle wants {refused}, which could run code"
        ) from None
    except (pickle.UnpicklingError, EOFError, LookupError, *_WRONG) as error:
        said = f"{type(error).__name__}: {error}"
        raise ValueError(f"{path} is no whole file of smartwatch recordings ({said:.120}); install it anew") from None
    for number, one in enumerate(recordings):
        if one.ndim != 2 or one.shape[1] != SENSORS:
            raise ValueError(f"{path}: recording {number} has shape {list(one.shape)}, expected [steps, {SENSORS}]")
    if len({len(recordings), *map(len, told.values())}) > 1:
        raise ValueError(f"{path}: {len(recordings)} recordings, but another number of y, side or subject")
    return {"X": recordings, **told}


# What a pickle that describes no real arrays ends in.
_WRONG = (ValueError, TypeError, AttributeError, OverflowError, UnicodeError, RecursionError, MemoryError)


class _Refused(Exception):
    """A name in a pickle that is not needed for arrays."""


class _Type:
    """A saved dtype: its name, and then in which order its bytes are."""

    def __init__(self, name: str, *_: Any):
        self.kind = np.dtype(str(name))

    def __setstate__(self, state: tuple) -> None:
        if state[1] in ("<", ">"):
            self.kind = self.kind.newbyteorder(state[1])


class _Array:
    """A saved array: its shape, type and bytes, or a list where it holds objects."""

    def __setstate__(self, state: tuple) -> None:
        _, shape, kind, fortran, data = state
        if kind.kind.hasobject:
            self.values = list(data)
        else:
            self.values = np.frombuffer(data, kind.kind).reshape(shape, order="F" if fortran else "C")


class _Unpickler(pickle.Unpickler):
    """Reads arrays as `_Array`; of all names that are not needed for that it stops at the first."""

    def find_class(self, module: str, name: str) -> Any:
        found = {
            ("numpy", "ndarray"): None,
            ("numpy", "dtype"): _Type,
            ("multiarray", "_reconstruct"): lambda *_: _Array(),
            ("multiarray", "scalar"): lambda kind, data: np.frombuffer(data, kind.kind)[0],
            ("_codecs", "encode"): lambda text, _: text.encode("latin-1"),
        }
        short = module.removeprefix("numpy.core.").removeprefix("numpy._core.")
        if (short, name) not in found:
            raise _Refused(f"{module}.{name}")
        return found[short, name]


def _plain(saved: Any) -> Any:
    """Arrays and containers of them in place of the records; ValueError for anything else that a pickle can make.

    NumPy asks objects for attributes, and a pickle may set any on the records' makers: none may go on from here.
    """
    if isinstance(saved, _Array):
        return _plain(saved.values)
    if isinstance(saved, list | tuple):
        return [_plain(one) for one in saved]
    if isinstance(saved, dict):
        return {name: _plain(one) for name, one in saved.items()}
    if saved is None or isinstance(saved, str | bytes | int | float | np.ndarray | np.generic):
        return saved
    raise ValueError(f"it holds {type(saved).__name__}")
