"""Pictures to codes: the loss by loops, what is learnt by whom, devices, and what is told."""

import dataclasses
from functools import partial

import jax
import numpy as np
import pytest

from mmjax.core.task import Ctx, Task
from mmjax.encoders.vit import Vit
from mmjax.models.vqkd import Vqkd as Model
from mmjax.nn.learned_position import LearnedPosition
from mmjax.nn.patch_embedding import PatchEmbedding
from mmjax.nn.quantizer import Quantizer
from mmjax.nn.table_position import TablePosition
from mmjax.nn.transformer import Transformer
from mmjax.optim.constant import Constant
from mmjax.optim.optimizer import Optimizer
from mmjax.optim.sgd import Sgd
from mmjax.tasks.vqkd import Vqkd
from mmjax.train.checkpoint import Checkpoints
from mmjax.train.mesh import Mesh
from mmjax.train.pmap import Pmap
from mmjax.train.state import create
from mmjax.train.step import train_step
from tests.command import module

B, L = 8, 4


def vit(dim=8, patch=2):
    sizes = dict(dim=dim, layers=1, heads=2, hidden=8)
    return Vit(stem=PatchEmbedding(patch, dim), position=LearnedPosition(), **sizes)


def task(**fields):
    kind = fields or dict(patch=2)
    model = Model(vit(), Transformer(layers=1, heads=2, hidden=8), TablePosition(L), dim=3, **kind)
    return Vqkd(model, Quantizer(codes=6, keep=0.8), commitment=0.5)


TASKS = {"pixels": task(), "teacher": task(teacher=vit(6))}
OPTIM = Optimizer(rule=Sgd(momentum=0.0), schedule=Constant(0.1)).over(9)


def batch(seed=0):
    image = np.random.default_rng(seed).integers(0, 256, (B, 4, 4, 3), dtype=np.uint8)
    return {"image": image, "image_mask": np.arange(B) != 2, "index": np.arange(B, dtype=np.int32)}


def trained(task, steps=2, partition=None):
    partition = partition or Mesh(axes={"data": 1})
    state = jax.jit(lambda: create(task, OPTIM, 0, batch()))()
    step = partition.compile(train_step(task, OPTIM, axis=partition.axis), donate=False)
    state = partition.put_state(state)
    for seed in range(steps):
        state, metrics = step(state, partition.put_batch(batch(seed)))
    told = {name: mean.total / mean.count for name, mean in partition.fetch(metrics)["means"].items()}
    return jax.device_get((partition.fetch((state.params, state.extra)), told))


@pytest.fixture(scope="module", params=TASKS)
def started(request):
    """(the task, its parameters, a codebook that began, a batch)."""
    task, given = TASKS[request.param], batch()
    params, extra = jax.jit(partial(task.init, jax.random.key(0)))(given)
    _, extra = jax.jit(lambda params: task.loss(params, extra, given, Ctx(jax.random.key(0), train=True)))(params)
    return task, params, extra, given


def test_the_loss_is_that_of_loops_over_patches_and_nothing_counts_of_what_is_missing(started):
    task, params, extra, given = started
    ctx = Ctx(jax.random.key(0), train=False)
    found, after = jax.jit(lambda params: task.loss(params, extra, given, ctx))(params)
    jax.tree.map(np.testing.assert_array_equal, after, extra)  # codes move in training alone

    def run(method, *args, **options):
        return np.asarray(task.model.apply({"params": params}, *args, given["image_mask"], method=method, **options))

    z, codes = run("encode", given["image"], train=False), np.asarray(extra["codebook"]["codes"])
    np.testing.assert_allclose(np.linalg.norm(z, axis=-1), 1, atol=1e-5)
    chosen = codes[(z @ codes.T).argmax(-1)]
    told, target = run("decode", chosen, train=False), run("target", given["image"])
    total, far = [], []
    for b, at in np.ndindex(B, L):
        if given["image_mask"][b]:
            one, other = told[b, at], target[b, at]
            cosine = one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
            total.append(np.mean((one - other) ** 2) if task.model.patch else 1 - cosine)
            far.append(np.mean((z[b, at] - chosen[b, at]) ** 2))
    assert float(found["reconstruction"].value) == pytest.approx(np.mean(total), rel=1e-4)
    assert float(found["commitment"].value) == pytest.approx(np.mean(far), rel=1e-4)
    predictions = jax.device_get(task.predict(params, extra, given, ctx))
    error = task.score(predictions, given)["reconstruction_error"]
    assert float(error.value) == pytest.approx(np.mean(total), rel=1e-4)
    if task.model.patch:
        pixels = given["image"][0].reshape(2, 2, 2, 2, 3)[1, :, 0] / 127.5 - 1  # the patch below the first
        np.testing.assert_allclose(target[0, 2], pixels.reshape(-1), atol=1e-6)


def test_gradients_go_through_the_codes_to_the_encoder_and_none_to_a_teacher(started):
    task, params, extra, given = started

    def total(params):
        found, _ = task.loss(params, extra, given, Ctx(jax.random.key(0), train=True))
        return found["reconstruction"].value

    gradient = jax.jit(jax.grad(total))(params)
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradient["encoder"]["stem"]))
    if "teacher" in gradient:
        assert not any(np.any(leaf) for leaf in jax.tree.leaves(gradient["teacher"]))


def test_a_run_s_checkpoint_gives_back_what_predicts(tmp_path):
    task = TASKS["pixels"]
    state = jax.jit(lambda: create(task, OPTIM, 0, batch()))()
    state, _ = jax.jit(train_step(task, OPTIM))(state, batch())
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(state, 1)
    checkpoints.wait()
    kept = checkpoints.variables(checkpoints.find(None))
    checkpoints.close()
    ctx = Ctx(jax.random.key(0), False)
    found = task.predict(kept["params"], kept["extra"], batch(), ctx)
    jax.tree.map(np.testing.assert_array_equal, found, task.predict(state.params, state.extra, batch(), ctx))


def test_usage_counts_codes_and_how_evenly_they_occur(started):
    task, params, extra, given = started
    assert isinstance(task, Task)
    predictions = jax.device_get(task.predict(params, extra, given, Ctx(jax.random.key(0), False)))
    records = task.read(predictions, given)
    assert [record["index"] for record in records] == [0, 1, 3, 4, 5, 6, 7]
    even = [{"prediction": [0, 1]}, {"prediction": [1, 0]}, {"prediction": [3, 3]}]
    assert task.finish(even) == {"codebook_usage": 0.5, "codebook_perplexity": pytest.approx(3)}
    assert task.finish([]) == {}


def test_a_report_shows_patches_of_codes_and_what_codes_tell_of_pixels(started):
    task, params, extra, given = started
    panels = task.show(params, extra, given, Ctx(jax.random.key(0), False))
    meanings = panels[0].arrays["image"]
    ids = np.asarray(task.predict(params, extra, given, Ctx(jax.random.key(0), False))["codes"])[given["image_mask"]]
    first = int(panels[0].text["codes"].split(",")[0])
    b, at = np.argwhere(ids == first)[0]
    patch = given["image"][given["image_mask"]][b].reshape(2, 2, 2, 2, 3)[at // 2, :, at % 2]
    np.testing.assert_array_equal(meanings[:2, :2], patch)
    assert len(panels) == (1 + B - 1 if task.model.patch else 1)
    if task.model.patch:
        np.testing.assert_array_equal(panels[1].arrays["image"][:, :4], given["image"][0])


def test_what_does_not_fit_is_told():
    with pytest.raises(ValueError, match="teacher is NoneType and patch None; expected one of both"):
        Model(vit(), Transformer(layers=1, heads=2), TablePosition(L))
    for change, told in (
        (dict(patch=4), "of 4 patches 1 are to be told"),
        (dict(teacher=vit(6, 4)), "1 are to be told"),
    ):
        with pytest.raises(ValueError, match=told):
            jax.eval_shape(task(**change).init, jax.random.key(0), batch())
    with pytest.raises(ValueError, match="takes pictures, but the data gives index"):
        TASKS["pixels"].init(jax.random.key(0), {"index": np.arange(2)})
    with pytest.raises(ValueError, match=r"commitment is -1; expected"):
        dataclasses.replace(TASKS["pixels"], commitment=-1)


def test_devices_change_nothing(environment):
    done = module("tests.tasks.test_vqkd", env=environment(4))
    assert done.returncode == 0, done.stderr


def compare() -> None:
    """On four devices: two steps of a mesh and of pmap against those of one."""
    one = trained(TASKS["pixels"])
    for partition in (Mesh(axes={"data": 2, "fsdp": 2}), Pmap()):
        found = trained(TASKS["pixels"], partition=partition)
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), one, found)


if __name__ == "__main__":
    compare()
