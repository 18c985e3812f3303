"""Smartwatch recordings: windows and folds by subject, from a pickle of which nothing is run."""

import os
import pickle
import pickletools

import numpy as np
import pytest

from mmjax.data import prepared
from mmjax.data.smartwatch import watch_file
from tests import wheels


@pytest.fixture
def site(tmp_path):
    with wheels.installed(tmp_path / "site") as site:
        yield site


def save(path, pickled: bytes) -> None:
    """An .npy of one object with this pickle."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
        file.write(pickled)


def test_folds_share_no_subject_and_hold_every_window_once(site, tmp_path):
    recordings = wheels.watch(site)
    found = prepared.prepare("smartwatch", str(tmp_path / "data"))
    assert list(found["splits"]) == [f"fold_{k}" for k in range(5)]
    source = prepared.builder("smartwatch", str(tmp_path / "data"))
    seen, people = [], []
    for split in found["splits"]:
        rows = list(prepared.open_rows(source, split, "image"))
        people.append({int(row["subject"]) for row in rows})
        for row in rows:
            first, last = row["accelerometer"][0], row["gyroscope"][-1]
            seen.append((first[0], first[1], last[0], last[2], row["label"], row["side"]))
    assert people == [{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}]
    expected = []
    for steps, label, side in zip(recordings["X"], recordings["y"], recordings["side"], strict=True):
        start, sign = 0, np.float32(-1 if side == 0 else 1)  # left arms are mirrored
        while start + 200 <= len(steps):
            first, last = np.float32(steps[start]), np.float32(steps[start + 199])
            expected.append((sign * first[0], first[1], last[3], sign * last[5], label, side))
            start += 100
    assert sorted(seen) == sorted(expected)
    assert len(prepared.open_rows(source, "fold_1+fold_3", "image")) == sum(
        found["splits"][f"fold_{k}"] for k in (1, 3)
    )


@pytest.mark.parametrize("protocol", [2, 4])
def test_the_file_is_read_as_numpy_itself_reads_it(tmp_path, protocol):
    wheels.watch(tmp_path)
    path = tmp_path / "seglearn/data/watch_dataset.npy"
    trusted = np.load(path, allow_pickle=True)
    # Before 2.0 NumPy wrote other names.
    older = pickle.dumps(trusted, protocol).replace(b"numpy._core", b"numpy.core") if protocol == 2 else None
    save(path, older or pickle.dumps(trusted, protocol))
    found = watch_file.read(path)
    for one, other in zip(found["X"], trusted.item()["X"], strict=True):
        np.testing.assert_array_equal(one, other.astype(np.float32))
    for name in ("y", "side", "subject"):
        assert found[name] == list(trusted.item()[name])


def test_arrays_of_any_order_and_single_numbers_are_what_they_were(tmp_path):
    rows = np.arange(12.0).reshape(2, 6)
    kept = {"X": [np.asfortranarray(rows), rows.astype(">f4")], "y": np.int16([3, 4]), "side": (np.int8(1), 0)}
    save(tmp_path / "watch.npy", pickle.dumps(np.array(kept | {"subject": [7, np.int64(8)]}, object), 2))
    found = watch_file.read(tmp_path / "watch.npy")
    for one in found.pop("X"):
        np.testing.assert_array_equal(one, rows)
    assert found == {"y": [3, 4], "side": [1, 0], "subject": [7, 8]}


class Call:
    """Pickled, it is a call."""

    def __init__(self, function, *arguments):
        self.made = function, arguments

    def __reduce__(self):
        return self.made


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda mark: Call(os.mkdir, mark), "posix.mkdir|nt.mkdir"),
        (lambda mark: Call(eval, f"__import__('os').mkdir({mark!r})"), "builtins.eval|__builtin__.eval"),
        (lambda mark: Call(np.save, mark, 1), "numpy.*save"),
    ],
)
def test_a_pickle_that_would_run_something_is_refused_by_its_name_and_runs_nothing(tmp_path, call, named):
    mark = str(tmp_path / "mark.npy")
    made = pickle.dumps({"X": [call(mark)]}, 2)
    assert any(op.name == "REDUCE" for op, _, _ in pickletools.genops(made))
    save(tmp_path / "watch.npy", made)
    with pytest.raises(ValueError, match=f"watch.npy is refused: besides arrays its pickle wants ({named})"):
        watch_file.read(tmp_path / "watch.npy")
    assert not os.path.exists(mark)


def test_what_a_pickle_makes_of_the_readers_own_parts_goes_no_further(tmp_path):
    # A record's maker with an attribute that NumPy would follow to any address of memory.
    interface = {"data": (16, True), "shape": (1,), "typestr": "<f4", "version": 3}
    state = pickle.dumps((None, {"__array_interface__": interface}), 2)[2:-1]
    maker = b"cnumpy.core.multiarray\nscalar\n" + state + b"b"
    save(tmp_path / "watch.npy", b"\x80\x02}X\x01\x00\x00\x00X](" + maker + b"es.")
    with pytest.raises(ValueError, match="it holds function"):
        watch_file.read(tmp_path / "watch.npy")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1000]), "no whole file of smartwatch recordings"),
        (lambda path: path.write_bytes(b"PK" + bytes(100)), "no whole file of smartwatch recordings"),
        (lambda path: np.save(path, np.zeros(3)), r"an array float64\[3\]"),
        (lambda path: np.save(path, {"X": []}), "KeyError: 'y'"),
        (lambda path: np.save(path, {"X": [np.zeros((2, 5))], "y": [0], "side": [0], "subject": [1]}), r"\[2, 5\]"),
        (
            lambda path: np.save(path, {"X": [], "y": [0], "side": [], "subject": []}),
            "0 recordings, but another number",
        ),
        (lambda path: save(path, b"cnumpy\nndarray\n(tR."), "no whole file of smartwatch recordings"),
    ],
)
def test_a_file_that_is_damaged_or_another_is_told(tmp_path, change, told):
    wheels.watch(tmp_path)
    path = tmp_path / "seglearn/data/watch_dataset.npy"
    change(path)
    with pytest.raises(ValueError, match=f"watch_dataset.npy.*{told}"):
        watch_file.read(path)


def test_the_wheel_that_is_not_installed_is_named_with_the_command_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"absent: pip install --no-deps seglearn==1\.2\.5$"):
        prepared.prepare("smartwatch", str(tmp_path / "data"))
