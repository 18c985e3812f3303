"""Checkpoints: what is read is what was saved, bit for bit, or an error that names it; the newest and the best stay."""

import gc
import shutil
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.train.checkpoint import CheckpointError, Checkpoints, fingerprint
from mmjax.train.mesh import Mesh
from mmjax.train.state import create
from mmjax.train.step import train_step
from tests.train import bits
from tests.train.toy import Toy, optimizer, points

PARTITION = Mesh(axes={"data": 1})
TASK = Toy(hidden=64)  # arrays of more than 1 kB are written without a checksum of their format
# Where one file cannot be read, Orbax leaves its reads of the others unfinished.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def _unfinished_reads_end_here():
    yield
    gc.collect()


@pytest.fixture(scope="module")
def step():
    return PARTITION.compile(train_step(TASK, optimizer()), donate=True)


@pytest.fixture
def state():
    start = jax.jit(partial(create, TASK, optimizer(), 0))(points((1,), 8))
    return PARTITION.put_state(start)


@pytest.fixture(scope="module")
def two(tmp_path_factory, step):
    """A run folder with checkpoints at 1 and 2, and the states that were saved, on the host."""
    folder, states = tmp_path_factory.mktemp("two"), {}
    state = PARTITION.put_state(jax.jit(partial(create, TASK, optimizer(), 0))(points((1,), 8)))
    checkpoints = Checkpoints(folder, keep=5)
    for number in (1, 2):
        state, _ = step(state, points((1, number), 8))
        states[number] = jax.tree.map(np.array, jax.device_get(state))
        checkpoints.save(state, position=10 * number)
    checkpoints.wait()
    checkpoints.close()
    return folder, states


def same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


def read(folder, state, said):
    """(state, position) of the newest checkpoint that can be read."""
    checkpoints = Checkpoints(folder, keep=5, say=said.append)
    found = checkpoints.restore_newest(state, PARTITION.layout(state))
    checkpoints.close()
    return None if found is None else (jax.device_get(found[0]), found[1])


def test_what_is_read_is_what_was_saved_with_its_data_position(two):
    folder, states = two
    said = []
    found, position = read(folder, states[2], said)
    same(found, states[2])
    assert (position, said) == (20, [])
    kept = bits.saved(folder, 2)
    assert kept["progress"] | {"fingerprints": None} == {
        "step": 2,
        "position": 20,
        "key": states[2].key.tolist(),
        "skipped": 0,
        "streak": 0,
        "fingerprints": None,
        "files": {},
        "rows": {},
        "seal": kept["progress"]["seal"],
    }
    np.testing.assert_array_equal(kept["params['dense_0']['kernel']"], states[2].params["dense_0"]["kernel"])
    np.testing.assert_array_equal(kept["average['dense_0']['kernel']"], states[2].opt.average["dense_0"]["kernel"])


def test_a_state_is_saved_as_it_was_though_the_next_step_takes_its_buffers(tmp_path, state, step):
    checkpoints, states = Checkpoints(tmp_path, keep=20), {}
    for number in range(1, 6):
        state, _ = step(state, points((1, number), 8))
        states[number] = jax.tree.map(np.array, jax.device_get(state))
        checkpoints.save(state, number)
    checkpoints.wait()
    for number, expected in states.items():
        found, _ = checkpoints.restore(number, state, PARTITION.layout(state))
        same(jax.device_get(found), expected)
    checkpoints.close()


def test_a_run_without_an_average_or_extra_variables_saves_neither(tmp_path):
    optim = optimizer(average=None)
    state = jax.jit(partial(create, TASK, optim, 0))(points((1,), 8)).replace(extra={})
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(state, 0)
    checkpoints.wait()
    assert {path.name for path in (tmp_path / "checkpoints/0").iterdir() if path.is_dir()} == {
        "params",
        "optimizer",
        "progress",
    }
    found, _ = checkpoints.restore(0, state, PARTITION.layout(state))
    same(jax.device_get(found), jax.device_get(state))
    assert checkpoints.variables(0)["extra"] == {}
    checkpoints.close()


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def damage(path: Path, how: str) -> None:
    if how == "truncated":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif how == "flipped":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))
    else:
        path.unlink()


@pytest.mark.parametrize("how", ["truncated", "flipped", "lost"])
def test_whatever_file_is_damaged_nothing_but_what_was_saved_is_ever_read(two, tmp_path, how):
    folder, states = two
    noticed = []
    for number, path in enumerate(files(folder / "checkpoints/2")):
        name = path.relative_to(folder / "checkpoints/2")
        # The other items of arrays are written as the parameters are.
        if not path.stat().st_size or name.parts[0] in ("optimizer", "average", "extra"):
            continue
        copy = tmp_path / str(number)
        shutil.copytree(folder / "checkpoints/2", copy / "checkpoints/2")
        damage(copy / "checkpoints/2" / name, how)
        checkpoints = Checkpoints(copy)
        try:
            found, position = checkpoints.restore(2, states[2], PARTITION.layout(states[2]))
        except CheckpointError as error:
            noticed.append((name, str(error)))
        else:
            same(jax.device_get(found), states[2])
            assert position == 20
        checkpoints.close()
    assert all("checkpoints/2 is damaged" in error or "checkpoints/2 cannot be read" in error for _, error in noticed)
    assert {name.parts[0] for name, _ in noticed} >= {"params", "progress"}
    assert any("d" in name.parts for name, _ in noticed)


@pytest.mark.parametrize("how", ["truncated", "flipped"])
@pytest.mark.parametrize("item", ["optimizer", "average", "progress"])
def test_a_damaged_newest_checkpoint_is_named_and_set_aside_and_the_one_before_is_read(two, tmp_path, item, how):
    folder, states = two
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    for path in files(copy / "checkpoints/2" / item):
        if path.parent.name == "d" or path.name == "metadata":
            damage(path, how)
    readers, lines = Checkpoints(copy, say=(told := []).append), []
    found, variables = readers.load()
    readers.close()
    assert found == (2 if item == "optimizer" else 1) and len(told) == 2 - found
    same(variables["params"], states[found].opt.average)
    assert files(copy / "checkpoints/2")  # who only reads changes nothing
    restored, position = read(copy, states[2], lines)
    same(restored, states[1])
    assert position == 10
    assert len(lines) == 1 and str(copy / "checkpoints/2") in lines[0]
    assert f"set aside as {copy / 'damaged-2'}" in lines[0]
    assert files(copy / "damaged-2") and not (copy / "checkpoints/2").exists()


def test_a_checkpoint_that_is_damaged_a_second_time_is_set_aside_beside_the_first(two, tmp_path):
    folder, states = two
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    for _ in range(2):
        shutil.rmtree(copy / "checkpoints")
        shutil.copytree(folder / "checkpoints", copy / "checkpoints")
        damage(copy / "checkpoints/2/progress/metadata", "lost")
        assert int(read(copy, states[2], [])[0].step) == 1
    assert sorted(path.name for path in copy.glob("damaged*")) == ["damaged-2", "damaged-2-1"]


def test_where_none_can_be_read_the_run_is_not_begun_anew(two, tmp_path):
    folder, states = two
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    for number in (1, 2):
        damage(copy / f"checkpoints/{number}/progress/metadata", "truncated")
    broken = Checkpoints(copy, say=lambda line: None)
    with pytest.raises(CheckpointError, match=r"none of the checkpoints \[1, 2\] in .*copy.* can be read"):
        broken.load()
    broken.close()
    # And again: the first attempt must not have put away what the second would miss.
    for _ in range(2):
        with pytest.raises(CheckpointError, match=r"none of the checkpoints \[1, 2\] in .*copy.* can be read"):
            read(copy, states[2], [])
    assert not list(copy.glob("damaged*"))


def test_a_new_folder_has_none_and_a_save_cut_off_does_not_count(two, tmp_path):
    folder, states = two
    assert read(tmp_path / "new", states[2], []) is None
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    shutil.copytree(copy / "checkpoints/2", copy / "checkpoints/3.orbax-checkpoint-tmp")
    found, _ = read(copy, states[2], [])
    assert int(found.step) == 2


def test_the_newest_and_the_one_with_the_highest_score_stay(tmp_path, state):
    checkpoints = Checkpoints(tmp_path, keep=2, best="near")
    for number, near in enumerate([0.1, 0.9, 0.3, None, 0.5, None]):
        scores = None if near is None else {"near": near, "other": -near}
        checkpoints.save(state.replace(step=np.int32(number)), number, scores)
    checkpoints.wait()
    assert checkpoints.steps() == [1, 4, 5]
    assert (checkpoints.find(None), checkpoints.find("best"), checkpoints.find("4")) == (5, 1, 4)
    checkpoints.close()
    again = Checkpoints(tmp_path, keep=2, best="near")
    assert again.find("best") == 1
    again.save(state.replace(step=np.int32(6)), 6, {"near": 0.95})
    again.wait()
    assert (again.steps(), again.find("best")) == ([5, 6], 6)
    again.close()


def test_a_best_score_that_is_none_is_told_and_all_else_is_saved(tmp_path, state):
    said = []
    checkpoints = Checkpoints(tmp_path, keep=1, best="neer", say=said.append)
    checkpoints.save(state, 0, {"near": 0.5, "far": 0.1})
    checkpoints.wait()
    assert len(said) == 1 and "'neer'" in said[0] and "near, far" in said[0]
    assert checkpoints.steps() == [0]
    with pytest.raises(CheckpointError, match="no best checkpoint"):
        checkpoints.find("best")
    checkpoints.close()


def test_a_file_that_the_parameters_belong_to_must_be_the_one_they_were_saved_with(tmp_path, state):
    words, said = tmp_path / "words.json", []
    words.write_text("a b")
    writer = Checkpoints(tmp_path, files=("words.json", "others.json"))
    writer.save(state.replace(step=np.int32(3)), 0)
    writer.save(state.replace(step=np.int32(4)), 0)
    writer.close()
    assert Checkpoints(tmp_path).load()[0] == 4 and int(read(tmp_path, state, said)[0].step) == 4
    for text in ("b a", None):
        words.unlink() if text is None else words.write_text(text)
        for attempt in (lambda: Checkpoints(tmp_path).load(), lambda: Checkpoints(tmp_path).load(3)):
            with pytest.raises(ValueError, match=r"words\.json is not the file that checkpoint .*/[34] was saved with"):
                attempt()
        with pytest.raises(ValueError, match="put that file back"):
            read(tmp_path, state, said)
    # It is no damage: nothing is set aside, and what is put back is good again.
    words.write_text("a b")
    assert Checkpoints(tmp_path).load()[0] == 4 and said == [] and not list(tmp_path.glob("damaged*"))


def test_training_goes_on_with_the_rows_it_began_with_alone_and_others_may_read_it_all_the_same(tmp_path, state):
    writer = Checkpoints(tmp_path, rows={"toy train": "9 rows, digest 1"})
    writer.save(state, 0)
    writer.close()
    layout = PARTITION.layout(state)
    for rows in ({"toy train": "9 rows, digest 1"}, {}):
        assert Checkpoints(tmp_path, rows=rows).restore_newest(state, layout)[1] == 0
    with pytest.raises(ValueError, match=r"toy train has 8 rows, digest 2, but checkpoint .*/0 was .* with 9 rows"):
        Checkpoints(tmp_path, rows={"toy train": "8 rows, digest 2"}).restore_newest(state, layout)
    assert Checkpoints(tmp_path).load()[0] == 0 and not list(tmp_path.glob("damaged*"))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (7, r"no checkpoint at step 7; it has 1, 2"),
        ("soon", r"no checkpoint at step soon; it has 1, 2"),
        ("best", r"no best checkpoint; set checkpoint\.best"),
    ],
)
def test_a_step_that_is_not_there_is_named_with_those_that_are(two, asked, message):
    checkpoints = Checkpoints(two[0])
    with pytest.raises(CheckpointError, match=message):
        checkpoints.load(asked)
    checkpoints.close()


def test_a_damaged_checkpoint_that_was_asked_for_by_its_step_is_an_error(two, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(two[0], copy)
    for path in files(copy / "checkpoints/2/average/d"):
        damage(path, "truncated")
    checkpoints = Checkpoints(copy)
    with pytest.raises(CheckpointError, match=r"checkpoint .*checkpoints/2 "):
        checkpoints.load(2)
    checkpoints.close()


def test_a_fingerprint_changes_with_any_bit_and_not_with_the_devices(state):
    before = fingerprint(state.params)
    kernel = np.array(state.params["dense_1"]["kernel"])
    for bit in (0, 13, 31):
        changed = kernel.copy()
        changed.view(np.uint32)[3, 0] ^= np.uint32(1 << bit)
        params = {**state.params, "dense_1": {**state.params["dense_1"], "kernel": changed}}
        assert fingerprint(params) != before
    assert fingerprint(jax.device_get(state.params)) == before


def test_a_fingerprint_is_the_same_number_on_the_host_and_is_what_is_written_down_here():
    leaves = [np.float32([1.5, -2]), np.asarray([3, -1], jnp.bfloat16), np.int32(-7), np.array([True, False])]
    total = 0
    for i, leaf in enumerate(leaves):
        data, size = leaf.tobytes(), leaf.dtype.itemsize
        words = (int.from_bytes(data[j : j + size], "little") for j in range(0, len(data), size))
        total = (total * 31 + (2 * i + 1) * sum(words)) % 2**32
    # On the host nothing is put on a device.
    with jax.transfer_guard("disallow_explicit"):
        assert fingerprint(leaves) == total
    assert fingerprint([jnp.asarray(leaf) for leaf in leaves]) == total
