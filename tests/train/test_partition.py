"""One device, every mesh and pmap make the same of the same steps; meshes refuse what they cannot do, by name."""

import subprocess
import sys

import jax
import numpy as np
import pytest

from mmjax.train.mesh import Mesh
from tests.command import ROOT
from tests.train.partitions import MICROBATCHES, PARTITIONS, PREDICTED
from tests.train.toy import LENGTH, points

OTHERS = [name for name in PARTITIONS if name != "one device"]


@pytest.fixture(scope="module")
def found(tmp_path_factory, environment):
    """{name: array} of everything that `tests.train.partitions` computes on eight simulated devices."""
    folder = tmp_path_factory.mktemp("partitions")
    command = [sys.executable, "-m", "tests.train.partitions", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment(8), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(np.load(folder / "found.npz"))


def below(found, prefix):
    chosen = {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}
    assert chosen, prefix
    return chosen


def close(one, other, atol, rtol=1e-6):
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], rtol=rtol, atol=atol, err_msg=name)


def test_the_batches_of_the_comparison_hold_different_counts_on_each_device_and_microbatch():
    for count in (8, 32):
        counts = points((12, 0), 32)["mask"].reshape(count, -1, LENGTH).sum((1, 2))
        assert counts.min() < counts.mean() < counts.max()


@pytest.mark.parametrize("name", OTHERS)
def test_pali_has_the_loss_and_parameters_of_one_device_after_five_steps(found, name):
    state, metrics = "pali/{}/[0]", "pali/{}/[1]"
    close(below(found, metrics.format(name)), below(found, metrics.format("one device")), 1e-5)
    one = below(found, state.format("one device"))
    close(below(found, state.format(name)), one, 1e-5)
    moved = [value for key, value in one.items() if key.startswith(".params")]
    assert len(moved) > 40 and found["pali/one device/[0].step"] == 5


@pytest.mark.parametrize("microbatches", MICROBATCHES)
@pytest.mark.parametrize("name", PARTITIONS)
def test_microbatches_on_any_devices_equal_the_whole_batch_on_one(found, name, microbatches):
    close(below(found, f"toy/{microbatches}/{name}/"), below(found, "toy/1/one device/"), 1e-6)


@pytest.mark.parametrize("name", PREDICTED[1:])
def test_predictions_and_scores_are_those_of_one_device_in_the_order_of_the_batch(found, name):
    tokens = below(found, "predicted/one device/[0]['tokens']")[""]
    np.testing.assert_array_equal(below(found, f"predicted/{name}/[0]['tokens']")[""], tokens)
    assert tokens.shape == (8, 2, 2) and len(np.unique(tokens)) > 2
    close(below(found, f"predicted/{name}/[1]"), below(found, "predicted/one device/[1]"), 1e-6)


def test_fsdp_and_tensor_axes_split_the_parameters_and_a_data_axis_does_not(found):
    share = {name: float(found[f"share/{name}"]) for name in PARTITIONS}
    assert share["data"] == share["one device"] == 1
    assert share["fsdp"] < 1 / 7 and share["data x fsdp"] < 1 / 3.5
    assert share["data x tensor"] < 1 / 2


@pytest.mark.parametrize("place", ["two devices", "eight devices", "pmap"])
def test_a_state_saved_on_eight_devices_is_read_on_others_bit_for_bit(found, place):
    saved, read = below(found, "saved/"), below(found, f"read/{place}/")
    assert saved.keys() == read.keys()
    for name, value in saved.items():
        np.testing.assert_array_equal(read[name], value, err_msg=name)


def layout(mesh, **shapes):
    params = {name: jax.ShapeDtypeStruct(shape, np.float32) for name, shape in shapes.items()}
    return mesh.layout({"params": params})["params"]


def test_a_parameter_that_no_rule_covers_is_named():
    with pytest.raises(ValueError, match=r"partition\.rules: no rule covers parameter 'bias' \(rules: 'kernel'\)"):
        layout(Mesh(axes={"data": 1}, rules=(("kernel", "fsdp"),)), kernel=(4, 4), bias=(4,))


def test_a_rule_over_an_unknown_axis_names_the_parameter_and_the_axes():
    with pytest.raises(ValueError, match=r"split 'kernel' over 'rows'; expected None or one of data, fsdp, tensor"):
        layout(Mesh(axes={"data": 1}, rules=((".*", "rows"),)), kernel=(4, 4))
    with pytest.raises(ValueError, match=r"axes has 'rows'; expected some of data, fsdp, tensor"):
        Mesh(axes={"rows": 2})


def test_a_split_of_more_dimensions_than_there_are_is_refused():
    with pytest.raises(ValueError, match=r"split 'bias' of shape \(4,\) as \(None, 'tensor'\)"):
        layout(Mesh(axes={"data": 1}, rules=((".*", (None, "tensor")),)), bias=(4,))


FOUR = """
from mmjax.train.loop import Run
from mmjax.train.mesh import Mesh
from mmjax.train.pmap import Pmap
from tests.train.test_partition import layout
from tests.train.toy import Points, experiment
for attempt in (
    lambda: layout(Mesh(axes={"tensor": 4}, rules=((".*", (None, "tensor")),)), kernel=(8, 6)),
    lambda: Mesh(axes={"data": 2, "fsdp": 2}).check_batch(6),
    lambda: Run(experiment(data=Points(batch=12), microbatches=2, partition=Mesh(axes={"data": 4})), None, print),
    lambda: Mesh(axes={"data": 3, "fsdp": -1}).mesh,
    lambda: Mesh(axes={"data": 8}).mesh,
    lambda: Pmap().check_batch(6),
    lambda: Pmap(5).check_batch(10),
):
    try:
        attempt()
    except ValueError as error:
        print(error)
found = layout(Mesh(axes={"fsdp": 4}), layers=(8, 4, 6), odd=(7, 3), wide=(4, 8), tall=(12, 8))
print({name: tuple(place.spec) for name, place in found.items()})
"""


UNEVEN = "6 examples cannot be shared evenly by 4 devices; choose a multiple, or "
TAKES_THOSE_THERE = "--config.partition.use=train.mesh takes those that are there"


def test_what_four_devices_cannot_share_evenly_is_refused_or_replicated(environment):
    command = [sys.executable, "-c", FOUR]
    done = subprocess.run(command, cwd=ROOT, env=environment(4), capture_output=True, text=True, check=True)
    *refused, specs = done.stdout.splitlines()
    assert refused == [
        "partition.rules split 'kernel' of shape (8, 6) as (None, 'tensor'), which its sides do not allow",
        UNEVEN + "other sizes of data and fsdp in partition.axes",
        "data.batch is 12 in 2 microbatches: " + UNEVEN + "other sizes of data and fsdp in partition.axes",
        "partition.axes are {'data': 3, 'fsdp': -1}, which 4 devices cannot form; " + TAKES_THOSE_THERE,
        "partition.axes are {'data': 8}, which 4 devices cannot form; " + TAKES_THOSE_THERE,
        UNEVEN + "another number of partition.devices",
        "partition.devices is 5; expected 1 to 4",
    ]
    # A stack is never split between its layers, and a single axis takes the largest side that it divides.
    assert specs == str({"layers": (None, "fsdp", None), "odd": (), "tall": ("fsdp", None), "wide": (None, "fsdp")})
