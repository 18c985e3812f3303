"""Filling in what is hidden: the loss by loops, streams, what is not trained, devices, and what is told and drawn."""

import dataclasses
from functools import partial
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from mmjax.core import paths
from mmjax.core.task import Ctx, Task
from mmjax.encoders.vit import Vit
from mmjax.models.coder import Coder
from mmjax.models.vqkd import Vqkd
from mmjax.nn.learned_position import LearnedPosition
from mmjax.nn.patch_embedding import PatchEmbedding
from mmjax.nn.table_position import TablePosition
from mmjax.nn.transformer import Transformer
from mmjax.optim.constant import Constant
from mmjax.optim.group import Group
from mmjax.optim.optimizer import Optimizer
from mmjax.optim.sgd import Sgd
from mmjax.tasks.masked import Masked
from mmjax.train.mesh import Mesh
from mmjax.train.pmap import Pmap
from mmjax.train.state import create
from mmjax.train.step import train_step
from tests.command import module
from tests.models.test_beit3 import SMALL, built

B, L, CODES, VOCAB = 8, 5, 5, 7
NAMES = ("pairs_image", "pairs_text", "texts_text")


def coder(**kind):
    vit = Vit(dim=8, layers=1, heads=2, hidden=8, stem=PatchEmbedding(4, 8), position=LearnedPosition())
    told = kind or dict(patch=4)
    return Coder(Vqkd(vit, Transformer(layers=1, heads=2, hidden=8), TablePosition(4), dim=3, **told), CODES)


def test_a_tokenizer_of_other_patches_sees_the_picture_resized():
    teacher = Vit(dim=8, layers=1, heads=2, hidden=8, stem=PatchEmbedding(4, 8), position=LearnedPosition())
    image, mask = pairs()["image"], np.ones(B, bool)
    large = np.asarray(jax.image.resize(image.astype(np.float32), (B, 12, 12, 3), "bilinear"))
    plain = coder(teacher=teacher)
    params = plain.init(jax.random.key(0), large, mask)
    codes = plain.clone(size=12).apply(params, image, mask)
    assert codes.shape == (B, 9) and len(np.unique(codes)) > 1
    np.testing.assert_array_equal(codes, plain.apply(params, large, mask))
    with pytest.raises(ValueError, match="size is 12, but the model tells pixels"):
        coder().clone(size=12)


def task(names=NAMES, **kind):
    model = built(8, 4, SMALL["released"], vocab=VOCAB, codes=CODES, length=6).clone(coder=coder(**kind))
    return Masked(model, dict(zip(names, (1.0, 0.5, 2.0), strict=False)))


def pairs(seed=0):
    """Rows of which some lack the picture, and of which uneven numbers of patches and words are hidden."""
    rng = np.random.default_rng(seed)
    hidden = rng.random((B, 4)) < 0.5
    places = np.full((B, 4), -1, np.int32)
    for b in range(B):
        found = np.flatnonzero(hidden[b])
        places[b, : len(found)] = found
    return {
        "image": rng.integers(0, 256, (B, 8, 8, 3), dtype=np.uint8),
        "image_mask": np.arange(B) != 2,
        "image_hidden": hidden.reshape(B, 2, 2),
        "image_places": np.where(np.arange(B)[:, None] == 2, -1, places),
        **texts(rng),
    }


def texts(rng):
    places = np.array([[0, 2], [1, -1], [3, 4], [-1, -1]] * 2, np.int32)
    return {
        "text": rng.integers(0, VOCAB, (B, L), dtype=np.int32),
        "text_mask": np.ones((B, L), bool),
        "text_places": places,
        "text_told": rng.integers(0, VOCAB, (B, 2), dtype=np.int32),
    }


def batch(seed=0):
    beside = {"pairs": pairs(seed), "texts": texts(np.random.default_rng(100 + seed))}
    named = {f"{stream}/{key}": value for stream, rows in beside.items() for key, value in rows.items()}
    return named | {"index": np.arange(B, dtype=np.int32)}


@pytest.fixture(scope="module")
def started():
    made = task()
    params, extra = jax.jit(partial(made.init, jax.random.key(0)))(batch())
    return made, params, extra


def test_the_loss_is_that_of_loops_over_what_is_hidden_in_each_stream(started):
    made, params, extra = started
    found, _ = jax.jit(lambda params: made.loss(params, extra, batch(), Ctx(jax.random.key(0), False)))(params)
    assert isinstance(made, Task) and set(made.weights) <= set(found)
    streams = {"pairs": pairs(), "texts": texts(np.random.default_rng(100))}
    codes = made.model.coder.apply({"params": params["coder"]}, pairs()["image"], pairs()["image_mask"])
    for stream, rows in streams.items():
        whole = {key: value for key, value in rows.items() if not key.endswith("_places")}
        logits = made.model.apply({"params": params}, whole, train=False)
        for name in logits:
            costs, right = [], []
            for b, i in np.ndindex(rows[f"{name}_places"].shape):
                at = rows[f"{name}_places"][b, i]
                if at < 0:
                    continue
                told = codes[b, at] if name == "image" else rows["text_told"][b, i]
                one = np.asarray(logits[name][b, at], np.float64)
                costs.append(np.log(np.exp(one).sum()) - one[told])
                right.append(one.argmax() == told)
            mean = found[f"{stream}_{name}"]
            assert float(mean.value) == pytest.approx(np.mean(costs), rel=1e-4) and mean.count == len(costs)
            assert float(found[f"{stream}_{name}_accuracy"].value) == pytest.approx(np.mean(right))


def test_a_batch_of_one_stream_without_a_name_is_called_by_its_modalities():
    made, given = task(("image", "text")), pairs() | {"index": np.arange(B)}
    params, extra = jax.jit(partial(made.init, jax.random.key(0)))(given)
    found, _ = made.loss(params, extra, given, Ctx(jax.random.key(0), False))
    assert set(found) == {"image", "text", "image_accuracy", "text_accuracy"}


def test_what_tells_the_codes_is_not_moved_by_training():
    groups = (("^coder/", Group(frozen=True)), (".*", Group()))
    optim = Optimizer(rule=Sgd(momentum=0.0), schedule=Constant(0.1), groups=groups).over(9)
    before, after = trained(optim, steps=0)[0], trained(optim)[0]
    for path, leaf in paths.flatten(before).items():
        assert np.array_equal(leaf, paths.flatten(after)[path]) == path.startswith("coder/"), path


def test_what_is_filled_in_is_scored_recorded_and_drawn(started):
    made, params, extra = started
    ctx = Ctx(jax.random.key(0), False)
    predictions = jax.device_get(made.predict(params, extra, batch(), ctx))
    scores = made.score(predictions, batch())
    assert set(scores) == {f"{name}_accuracy" for name in NAMES}
    found, _ = made.loss(params, extra, batch(), ctx)
    for name, mean in scores.items():
        assert float(mean.value) == pytest.approx(float(found[name].value))
    records = made.read(predictions, batch())
    assert len(records) == len({(record["index"], record["place"]) for record in records})
    assert sum(len(record["prediction"]) for record in records) == sum(int(found[name].count) for name in NAMES)
    words = SimpleNamespace(decode=lambda ids: " ".join(map(str, ids)), size=VOCAB)
    panels = made.bind(SimpleNamespace(words=words)).show(params, extra, batch(), ctx)
    first = panels[0]
    given = pairs()
    np.testing.assert_array_equal(first.arrays["image"][:, :8], given["image"][0])
    seen, filled = first.arrays["image"][:, 8:16], first.arrays["image"][:, 16:]
    covered = given["image_hidden"][0].repeat(4, 0).repeat(4, 1)
    assert (seen[covered] == 128).all() and (filled[~covered] == given["image"][0][~covered]).all()
    assert (filled[covered] != given["image"][0][covered]).any()
    assert first.text["stream"] == "pairs" and first.text["seen"] == " ".join(map(str, given["text"][0]))
    whole = given["text"][0].copy()
    whole[[0, 2]] = given["text_told"][0]
    assert first.text["there was"] == " ".join(map(str, whole))
    kinds = [panel.kind for panel in panels]
    assert kinds.count("picture") == B - 1 and kinds.count("table") == B + 1  # a pair without its picture is a text


def test_a_tokenizer_that_tells_no_pixels_leaves_the_third_picture_out():
    teacher = Vit(dim=6, layers=1, heads=2, hidden=8, stem=PatchEmbedding(4, 6), position=LearnedPosition())
    made, given = task(teacher=teacher), batch()
    params, extra = jax.jit(partial(made.init, jax.random.key(0)))(given)
    assert not any("decoder" in path or "teacher" in path for path in paths.flatten(params))
    words = SimpleNamespace(decode=lambda ids: "", size=VOCAB)
    panels = made.bind(SimpleNamespace(words=words)).show(params, extra, given, Ctx(jax.random.key(0), False))
    assert panels[0].arrays["image"].shape == (8, 16, 3)


def test_what_does_not_fit_is_told():
    key, given = jax.random.key(0), batch()
    for made, rows, told in (
        (task(("pairs_image", "pairs_text")), given, "weights has pairs_image, pairs_text; expected a weight for each"),
        (task(("texts_text",)), {k: v for k, v in given.items() if "pairs" not in k}, "no stream has all of image"),
        (dataclasses.replace(task(), model=task().model.clone(coder=None)), given, "model.coder is None; expected"),
    ):
        with pytest.raises(ValueError, match=told):
            jax.eval_shape(made.init, key, rows)
    other = pairs() | {"image_hidden": np.zeros((B, 1, 2), bool)}
    with pytest.raises(ValueError, match=r"codes of 4 patches, but of 1 x 2 some are hidden; set coder\.size"):
        jax.eval_shape(lambda: task().model.init(key, other, method="hidden"))
    with pytest.raises(ValueError, match=r"coder\.codes is 5 and codes 4; make them equal"):
        task().model.clone(codes=4)
    with pytest.raises(ValueError, match=r"the tokenizer's size is 9 and task.model.vocab 7"):
        task().bind(SimpleNamespace(words=SimpleNamespace(size=9)))


def trained(optim=None, steps=2, partition=None):
    made, partition = task(), partition or Mesh(axes={"data": 1})
    optim = optim or Optimizer(rule=Sgd(momentum=0.0), schedule=Constant(0.1)).over(9)
    state = partition.put_state(jax.jit(lambda: create(made, optim, 0, batch()))())
    step, told = partition.compile(train_step(made, optim, axis=partition.axis), donate=False), {}
    for seed in range(steps):
        state, metrics = step(state, partition.put_batch(batch(seed)))
        told = {name: mean.total / mean.count for name, mean in partition.fetch(metrics)["means"].items()}
    return jax.device_get((partition.fetch(state.params), told))


@pytest.mark.long  # sums over devices are the trainer's; those of codes are tested always
def test_devices_change_nothing(environment):
    done = module("tests.tasks.test_masked", env=environment(4))
    assert done.returncode == 0, done.stderr


def compare() -> None:
    """On four devices: two steps of a mesh and of pmap against those of one."""
    one = trained()
    for partition in (Mesh(axes={"data": 2, "fsdp": 2}), Pmap()):
        found = trained(partition=partition)
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), one, found)


if __name__ == "__main__":
    compare()
