"""Checkpoint files as arrays: each format against what its own library wrote, damaged files, and files with code."""

import io
import json
import pickle
import zipfile
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from mmjax.weights.read import read

GOLDENS = Path(__file__).parents[1] / "goldens"
WHOLE = np.arange(24, dtype=np.float32).reshape(4, 6) / np.float32(7)
ARRAYS = {
    "weight": WHOLE,
    "view": WHOLE[1:3, ::2],
    "turned": WHOLE.T,
    "half": WHOLE[0].astype(np.float16),
    "brain": WHOLE[1].astype(ml_dtypes.bfloat16),
    "whole": np.arange(-3, 3),
    "yes": np.array([True, False]),
    "one": np.array(2.5),
}


@pytest.mark.parametrize("name", ["arrays.pth", "legacy.pth", "arrays.safetensors"])
def test_all_arrays_are_what_the_formats_own_library_wrote(name):
    found = read([GOLDENS / name])
    assert found.keys() == ARRAYS.keys()
    for key, expected in ARRAYS.items():
        assert found[key].dtype == expected.dtype
        np.testing.assert_array_equal(found[key], expected)


def test_an_npz_is_read_and_its_bfloat16_has_a_type_again(tmp_path):
    np.savez(tmp_path / "a.npz", **{"params/x": WHOLE, "params/brain": ARRAYS["brain"]})
    found = read([tmp_path / "a.npz"])
    np.testing.assert_array_equal(found["params/x"], WHOLE)
    np.testing.assert_array_equal(found["params/brain"], ARRAYS["brain"])
    assert found["params/brain"].dtype == ml_dtypes.bfloat16


def shard(path, **arrays):
    """A safetensors file by its description: the header's length, the header, the bytes."""
    header, start = {"__metadata__": {"format": "np"}}, 0
    for name, array in arrays.items():
        offsets = [start, start := start + array.nbytes]
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": offsets}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(a.tobytes() for a in arrays.values()))
    return path


def test_shards_are_read_together_by_name_or_by_their_index(tmp_path):
    first, second = shard(tmp_path / "1.safetensors", a=WHOLE), shard(tmp_path / "2.safetensors", b=WHOLE + 1)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": first.name, "b": second.name}}))
    for files in ([first, second], [index]):
        found = read(files)
        np.testing.assert_array_equal(found["a"], WHOLE)
        np.testing.assert_array_equal(found["b"], WHOLE + 1)
    with pytest.raises(ValueError, match=r"1\.safetensors holds 'a', which another of the files holds too"):
        read([first, first])


def torch_zip(path, pickled):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
    return path


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_a_pickle_that_would_run_code_is_refused_by_name_and_runs_nothing(tmp_path, form):
    witness = tmp_path / "witness"
    code = pickle.dumps({"model": {}, "x": Calls(Path.touch, witness)})
    path = tmp_path / "bad.pth"
    torch_zip(path, code) if form == "zip" else path.write_bytes(code)
    with pytest.raises(ValueError, match=r"bad\.pth is refused: besides tensors its pickle wants pathlib\S*\.\w+"):
        read([path])
    assert not witness.exists()


@pytest.mark.parametrize("module", ["os.system", "builtins.eval", "torch._utils._rebuild_parameter.__globals__"])
def test_whatever_is_not_needed_for_tensors_is_refused(tmp_path, module):
    package, _, name = module.rpartition(".")
    path = torch_zip(tmp_path / "bad.pt", f"c{package}\n{name}\n(S'true'\ntR.".encode())
    with pytest.raises(ValueError, match=f"is refused: besides tensors its pickle wants {module}"):
        read([path])


def test_a_tensor_that_reaches_out_of_its_storage_is_an_error(tmp_path):
    path = tmp_path / "x.pth"
    with zipfile.ZipFile(GOLDENS / "arrays.pth") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data[:8] if "/data/" in name else data)
    with pytest.raises(ValueError, match=r"x\.pth is no PyTorch checkpoint, or is cut off"):
        read([path])


def test_an_npz_with_pickled_objects_is_refused(tmp_path):
    path = tmp_path / "bad.npz"
    np.savez(path, x=np.array([Calls(print, "code")], object))
    with pytest.raises(ValueError, match=r"bad\.npz is refused: it holds pickled objects"):
        read([path])


@pytest.mark.parametrize("name", ["arrays.safetensors", "arrays.pth", "legacy.pth", "t5.npz"])
def test_a_file_that_is_cut_off_or_of_another_kind_is_one_line(tmp_path, name):
    whole = (GOLDENS / name).read_bytes()
    path = tmp_path / name
    for content in (whole[: len(whole) // 2], whole[:40], b"", b"<html>not found</html>" * 9):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name} is no ") as error:
            read([path])
        assert "\n" not in str(error.value)


def test_a_file_that_is_absent_of_no_known_kind_or_without_tensors_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.npz: no such file"):
        read([tmp_path / "absent.npz"])
    (tmp_path / "x.gguf").write_bytes(b"GGUF")
    with pytest.raises(ValueError, match=r"x\.gguf is of no kind that can be read; expected \.safetensors"):
        read([tmp_path / "x.gguf"])
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(ValueError, match=r"x\.json is no index of shards"):
        read([tmp_path / "x.json"])
    buffer = io.BytesIO()
    pickle.dump({"epoch": 3}, buffer)
    with pytest.raises(ValueError, match="holds no tensors by name but the keys epoch"):
        read([torch_zip(tmp_path / "x.pth", buffer.getvalue())])


def test_a_type_that_numpy_has_not_is_named_and_not_taken_for_a_file_cut_off(tmp_path):
    path = shard(tmp_path / "x.safetensors", a=WHOLE)
    path.write_bytes(path.read_bytes().replace(b'"F32"', b'"F4 "'))
    with pytest.raises(ValueError, match=r"x\.safetensors: 'a' is of type F4 , which cannot be read; expected F64"):
        read([path])


def test_a_damaged_header_in_an_npz_is_not_taken_for_code(tmp_path):
    np.savez(tmp_path / "whole.npz", x=WHOLE)
    with zipfile.ZipFile(tmp_path / "whole.npz") as old, zipfile.ZipFile(tmp_path / "x.npz", "w") as new:
        new.writestr("x.npy", old.read("x.npy")[:200])
    with pytest.raises(ValueError, match=r"x\.npz is no \.npz file, or is damaged"):
        read([tmp_path / "x.npz"])


def test_a_folder_stands_for_its_index_or_its_one_file(tmp_path):
    first, second = shard(tmp_path / "1.safetensors", a=WHOLE), shard(tmp_path / "2.safetensors", b=WHOLE + 1)
    with pytest.raises(ValueError, match="a folder with 2 safetensors checkpoints; name the one"):
        read([tmp_path])
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": first.name, "b": second.name}}))
    assert read([tmp_path]).keys() == {"a", "b"}
    index.unlink(), second.unlink()
    assert read([tmp_path]).keys() == {"a"}
    first.unlink()
    with pytest.raises(ValueError, match="a folder with 0 safetensors checkpoints"):
        read([tmp_path])


def test_what_is_wrong_with_a_file_is_said_in_words_of_its_format(tmp_path):
    path = shard(tmp_path / "x.safetensors", a=WHOLE)
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    with pytest.raises(ValueError, match=r"fetch it again \(the header is cut off\)"):
        read([path])
    path.write_bytes((2).to_bytes(8, "little") + b"[]")
    with pytest.raises(ValueError, match=r"fetch it again \(the header is no object\)"):
        read([path])
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("notes.txt", "no array")
    with pytest.raises(ValueError, match=r"x\.npz is no \.npz file: it holds 'notes\.txt', which is no array"):
        read([tmp_path / "x.npz"])


@pytest.mark.parametrize("how", ["damaged", "unknown packing", "encrypted"])
@pytest.mark.parametrize("name", ["x.npz", "x.pth"])
def test_a_zip_that_cannot_be_unpacked_is_one_line(tmp_path, name, how):
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        member = "x.npy" if name == "x.npz" else "archive/data.pkl"
        archive.writestr(member, io.BytesIO(np.arange(999).tobytes()).getvalue())
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    if how == "damaged":
        data[30 + len(member) + 2 : 30 + len(member) + 60] = b"\xff" * 58
    elif how == "encrypted":
        data[6] |= 1
        data[central + 8] |= 1
    else:
        data[8] = data[central + 10] = 77
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"{name} is no ") as error:
        read([path])
    assert "\n" not in str(error.value)
