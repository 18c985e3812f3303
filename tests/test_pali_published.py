"""The published sizes without their memory: parameters counted, shapes of a step, the place of each parameter."""

import math
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest
from jax.sharding import AbstractMesh, AxisType

from mmjax.cli import config
from mmjax.core import paths
from mmjax.core.task import Ctx
from mmjax.train import memory
from mmjax.train.loop import Run
from mmjax.train.state import create

CONFIG = Path(__file__).parents[1] / "configs/pali_published.py"
SIZES = ("3b", "15b", "17b", "paligemma_3b")


@pytest.fixture(scope="module", params=SIZES)
def size(request):
    return request.param


@pytest.fixture(scope="module")
def experiment(size):
    return config.load(f"{CONFIG}:{size}")


def nothing(data):
    """Two rows in the shapes that a run would have."""
    return {name: rows[:2] for name, rows in data.blank().items()}


@pytest.fixture(scope="module")
def state(experiment):
    return jax.eval_shape(partial(create, experiment.task, experiment.optim, 0, nothing(experiment.data)))


def count(state, *starts):
    flat = paths.flatten(state.params)
    return sum(math.prod(leaf.shape) for path, leaf in flat.items() if path.startswith(starts or ("",)))


def blocks(dim, layers, hidden):
    """A ViT's blocks: four projections, two norms and a feed-forward, all with biases."""
    return layers * (4 * (dim * dim + dim) + 4 * dim + 2 * dim * hidden + hidden + dim)


def mt5(dim, layers, inner, hidden, heads, vocab=250_112):
    """Encoder and decoder without biases, a table of 32 buckets a head in each, embeddings and logits apart."""
    attention, mlp = 4 * dim * inner, 3 * dim * hidden
    encoder = layers * (attention + mlp + 2 * dim) + dim + 32 * heads
    decoder = layers * (2 * attention + mlp + 3 * dim) + dim + 32 * heads
    return encoder + decoder + 2 * vocab * dim


VIT_G, VIT_E = blocks(1664, 48, 8192), blocks(1792, 56, 15360)
MT5_L, MT5_XXL = mt5(1024, 24, 1024, 2816, 16), mt5(4096, 24, 4096, 10240, 64)
PARTS = {"3b": (VIT_G, MT5_L), "15b": (VIT_G, MT5_XXL), "17b": (VIT_E, MT5_XXL)}


def test_the_parts_have_the_sizes_that_were_published():
    assert [round(n / 1e9, 2) for n in (VIT_G, VIT_E, MT5_L)] == [1.84, 3.80, 1.23]
    assert round(MT5_XXL / 1e9, 1) == 12.9


def test_each_preset_has_its_parts_and_what_joins_them(size, state):
    total = count(state)
    if size == "paligemma_3b":
        gemma = 18 * (2 * 2048 * 2048 + 2 * 2048 * 256 + 3 * 2048 * 16384 + 2 * 2048) + 2048
        assert count(state, "image/stack") == blocks(1152, 27, 4304)
        assert count(state, "decoder") == gemma
        # The checkpoint that Hugging Face has holds 2,923,466,480: its 257,216 words are 64 more.
        assert total == 2_923_466_480 - 64 * 2048
        return
    vit, text = PARTS[size]
    assert count(state, "image/stack") == vit
    assert count(state, "encoder", "decoder", "embed", "head") == text
    rest = total - vit - text
    width, dim = (1792 if size == "17b" else 1664), (1024 if size == "3b" else 4096)
    assert rest == (14 * 14 * 3 + 1 + 256 + 2) * width + (width + 1) * dim
    assert round(total / 1e9, 1) == {"3b": 3.1, "15b": 14.8, "17b": 16.7}[size]


def test_a_step_of_the_preset_has_the_shapes_it_should_and_the_vit_of_pali_has_no_gradient(size, experiment, state):
    loss = partial(experiment.task.loss, ctx=Ctx(jax.random.key(0), train=True))
    found, _ = jax.eval_shape(loss, state.params, {}, nothing(experiment.data))
    assert {mean.total.shape for mean in found.values()} == {()}
    trainable = experiment.optim.trainable(state.params)
    assert any(path.startswith("image/") for path in trainable) == (size == "paligemma_3b")
    moments = {path for path, leaf in paths.flatten(state.params).items() if leaf.size > 1e6} & trainable
    kept = sum(leaf.size for leaf in jax.tree.leaves(state.opt.chain))
    of_them = sum(paths.flatten(state.params)[path].size for path in moments)
    assert kept > 2 * of_them if size == "paligemma_3b" else kept < 0.01 * of_them


def test_every_parameter_and_what_the_optimiser_keeps_of_it_has_a_place_on_a_large_mesh(experiment, state):
    partition = experiment.partition
    partition.__dict__["mesh"] = AbstractMesh((2, 16, 4), ("data", "fsdp", "tensor"), (AxisType.Auto,) * 3)
    layout = partition.layout(state)
    placed = paths.flatten(layout.params)
    for path, leaf in paths.flatten(state.params).items():
        share = math.prod(placed[path].shard_shape(leaf.shape)) / leaf.size
        if leaf.size > 1e7:
            assert share <= 1 / 16, path
            assert share == 1 / 64 or path.startswith(("image/position", "image/stem", "decoder")), path
    needs = memory.needed(state, layout, experiment.optim.trainable(state.params))
    assert needs["parameters"] < 1.2 * 4 * count(state) / 64
    assert sum(needs.values()) < 4 * 2**30


def test_each_preset_is_placed_on_any_usual_number_of_devices(size, experiment, state):
    partition = experiment.partition
    least = 64 if size in ("15b", "17b") else 16
    for devices in (least, 64, 256, 1024):
        axes = {"data": devices // least, "fsdp": 16, "tensor": least // 16}
        assert {name: n for name, n in axes.items() if partition.axes.get(name, 1) != n} in (
            {},
            {"data": devices // least},
        )
        partition.__dict__["mesh"] = AbstractMesh(tuple(axes.values()), tuple(axes), (AxisType.Auto,) * 3)
        partition.layout(state)
        partition.check_batch(experiment.data.batch)


def test_a_chunk_of_the_loss_is_no_narrower_than_the_model(experiment):
    assert experiment.task.chunk >= experiment.task.model.dim


def test_a_frozen_tower_that_was_taken_from_nowhere_is_refused_where_it_is_not_a_trial(size, experiment):
    assert not experiment.frozen_fresh
    assert config.load(f"{CONFIG}:smoke").frozen_fresh


@pytest.mark.long
def test_the_form_of_paligemma_learns_one_batch_too_and_shows_where_it_looked(easyvqa, tmp_path):
    learn = ("optim.schedule.use=optim.constant", "optim.schedule.peak=0.003")
    experiment = config.load(f"{CONFIG}:paligemma_smoke", learn)
    with Run(experiment, tmp_path, print) as running:
        state, _ = running._start()
        rows = next(running.feed.train(experiment.seed))
        batch = running.partition.put_batch(rows)
        for _ in range(80):
            state, metrics = running.step(state, batch)
        assert float(running.partition.fetch(metrics)["scalars"]["loss"]) < 0.1
        panels = running.task.show(state.params, {}, rows, Ctx(jax.random.key(0), train=False))
    assert {panel.text["verdict"] for panel in panels} == {"right"}
    for panel in panels:
        assert panel.arrays["heat"].shape[1:] == (4, 4)
        np.testing.assert_allclose(panel.arrays["heat"].max((1, 2)), 1, atol=0.01)
