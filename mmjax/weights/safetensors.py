"""The safetensors format of Hugging Face: a JSON header that says where each array lies, then the arrays."""

import json
from pathlib import Path

import ml_dtypes
import numpy as np

TYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": ml_dtypes.bfloat16,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U8": np.uint8,
    "BOOL": np.bool_,
}


def read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file, left on disk until they are looked at.

    Raises:
        ValueError: it is no such file, not a whole one, or holds a type that NumPy has not.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            # A file of another kind begins with a number that is far too large to be read.
            if 8 + length > size:
                raise ValueError("the header is cut off")
            header = json.loads(file.read(length))
            if not isinstance(header, dict):
                raise ValueError("the header is no object")
        start = 8 + length
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        unknown = {entry["dtype"]: name for name, entry in entries.items() if entry["dtype"] not in TYPES}
        data = np.memmap(path, np.uint8, "r", offset=start) if size > start else np.zeros(0, np.uint8)
        arrays = {} if unknown else {name: _array(data, entry) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no safetensors file, or is cut off; fetch it again ({error})") from None
    for kind, name in unknown.items():
        raise ValueError(f"{path}: {name!r} is of type {kind}, which cannot be read; expected {', '.join(TYPES)}")
    return arrays


def _array(data: np.ndarray, entry: dict) -> np.ndarray:
    start, end = entry["data_offsets"]
    if not 0 <= start <= end <= len(data):
        raise ValueError(f"an array ends at byte {end} of {len(data)}")
    return data[start:end].view(TYPES[entry["dtype"]]).reshape(entry["shape"])
