"""Mixed pictures against loops over their pixels, and what is never mixed."""

import dataclasses
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from mmjax.core.task import Ctx
from mmjax.encoders.patches import Patches
from mmjax.fusion.concat import Concat
from mmjax.heads.classify import Classify as Head
from mmjax.models.beside import Beside
from mmjax.models.compose import Compose
from mmjax.nn.patch_embedding import PatchEmbedding
from mmjax.tasks.classify import Classify
from mmjax.tasks.each import Each
from mmjax.tasks.mix import Mix
from tests import reference

B, SIDE, CLASSES = 64, 8, 5
MODEL = Compose({"image": Patches(6, PatchEmbedding(4, 6))}, Concat(("image",)), Head(CLASSES))
DATA = SimpleNamespace(labels=tuple("abcde"))
KINDS = {"mixup": Mix(cutmix=0), "cutmix": Mix(mixup=0), "both": Mix()}


def batch(seed=0):
    rng = np.random.default_rng(seed)
    return {
        "image": rng.integers(0, 256, (B, SIDE, SIDE, 3), dtype=np.uint8),
        "image_mask": np.arange(B) != 10,
        "label": np.where(np.arange(B) == 20, -1, rng.integers(0, CLASSES, B)).astype(np.int32),
        "index": np.arange(B, dtype=np.int32),
    }


BATCH = batch()
ALONE = {9, 10, 19, 20}  # what has no picture or label, and what comes before it


def told(mix, key=0):
    return jax.device_get(jax.jit(mix)(jax.random.key(key), BATCH))


@pytest.mark.parametrize("kind", KINDS)
def test_every_pixel_is_of_two_pictures_and_the_share_is_what_is_seen_of_the_first(kind):
    found, kinds = told(KINDS[kind]), set()
    for b in range(B):
        other = (b + 1) % B
        first, second = (BATCH["image"][at].astype(np.float64) for at in (b, other))
        assert found["label_other"][b] == BATCH["label"][other] and found["label"][b] == BATCH["label"][b]
        share = float(found["label_share"][b])
        if b in ALONE:
            assert share == 1
            np.testing.assert_array_equal(found["image"][b], first)
            continue
        of_first = (found["image"][b] == first).all(-1)
        if (of_first | (found["image"][b] == second).all(-1)).all():  # each pixel is of one of both
            kinds.add("cutmix")
            assert share == pytest.approx(of_first.mean(), abs=1e-6)
            down, across = np.nonzero(~of_first)
            if len(down):  # what is not of the first is a whole box
                assert not of_first[down.min() : down.max() + 1, across.min() : across.max() + 1].any()
        else:
            kinds.add("mixup")
            np.testing.assert_allclose(found["image"][b], share * first + (1 - share) * second, atol=1e-3)
    assert kinds == ({"mixup", "cutmix"} if kind == "both" else {kind})


def test_shares_are_as_the_papers_draw_them():
    """Of Beta(a, a) the variance is 1 / (4 (2 a + 1)), and a box in the middle has the share that was drawn."""
    many = {"image": np.zeros((4096, 16, 16, 1), np.uint8), "image_mask": np.ones(4096, bool)}
    many |= {"label": np.zeros(4096, np.int32)}
    for a in (0.2, 0.8):
        share = np.asarray(Mix(a, 0)(jax.random.key(1), many)["label_share"])
        assert share.mean() == pytest.approx(0.5, abs=0.02) and share.var() == pytest.approx(
            0.25 / (2 * a + 1), rel=0.08
        )
    share = np.asarray(Mix(0, 1.0)(jax.random.key(1), many)["label_share"])
    # Parts of boxes lie outside: with sides r of the picture and a middle anywhere r (1 - r / 4) of an axis is seen.
    sides = np.sqrt(np.random.default_rng(0).random(1 << 18))
    assert share.mean() == pytest.approx(1 - ((sides * (1 - sides / 4)) ** 2).mean(), abs=0.02)


def test_the_same_key_mixes_alike_and_another_one_otherwise():
    first, again, other = told(Mix()), told(Mix()), told(Mix(), key=1)
    np.testing.assert_array_equal(first["image"], again["image"])
    assert (first["label_share"] != other["label_share"]).mean() > 0.8


@pytest.fixture(scope="module")
def task():
    return Classify(MODEL, smoothing=0.1, mix=Mix()).bind(DATA)


@pytest.fixture(scope="module")
def params():
    return reference.parameters(MODEL, BATCH, train=False)


def test_the_loss_is_the_cross_entropy_with_the_mixed_target(task, params):
    key = jax.random.key(3)
    found, _ = jax.jit(lambda params: task.loss(params, {}, BATCH, Ctx(key, train=True)))(params)
    mixed = jax.device_get(task.mix(jax.random.fold_in(key, 1), BATCH))
    logits = np.asarray(MODEL.apply({"params": params}, mixed, train=False), np.float64)
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    total = right = 0.0
    for b in set(range(B)) - {20}:
        aim, share = np.zeros(CLASSES), mixed["label_share"][b]
        aim[mixed["label"][b]] += share
        aim[mixed["label_other"][b]] += 1 - share
        right += aim[logits[b].argmax()]
        total -= ((0.9 * aim + 0.1 / CLASSES) * log_p[b]).sum()
    assert float(found["cross_entropy"].count) == B - 1
    assert float(found["cross_entropy"].total) == pytest.approx(total, rel=1e-4)
    assert float(found["accuracy"].total) == pytest.approx(right, rel=1e-4)


def test_what_is_evaluated_is_never_mixed(task, params):
    plain, ctx = dataclasses.replace(task, mix=None), Ctx(jax.random.key(3), train=False)
    for one in ("loss", "predict"):
        mixed, same = (jax.device_get(getattr(each, one)(params, {}, BATCH, ctx)) for each in (task, plain))
        jax.tree.map(np.testing.assert_array_equal, mixed, same)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"text": np.zeros((B, 3)), "text_mask": np.ones((B, 3), bool)},
            "mix is of 'image' alone, but the data has text",
        ),
        (
            {"image": BATCH["image"][:, None]},
            r"takes pictures \[B, H, W, C\] with a label each, given image \(64, 1, 8",
        ),
        ({"label": BATCH["label"][:, None]}, r"and label \(64, 1\); leave it out"),
    ],
)
def test_a_batch_that_cannot_be_mixed_is_told(change, expected):
    with pytest.raises(ValueError, match=expected):
        Mix().check(BATCH | change)


def test_each_modality_alone_is_not_mixed():
    alone = {"image": Head(CLASSES)}
    model = Beside(encoders=MODEL.encoders, fusion=MODEL.fusion, head=Head(CLASSES), alone=alone)
    with pytest.raises(ValueError, match=r"mix is of one modality alone, and tasks\.each compares several"):
        Each(model, mix=Mix())


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"mixup": 0, "cutmix": 0}, "mixup is 0 and cutmix 0; expected one above 0"),
        ({"mixup": -1}, "mixup is -1 and cutmix 1.0"),
        ({"cut": 2}, r"cut is 2; expected a share in \[0, 1\]"),
    ],
)
def test_numbers_that_mix_nothing_are_refused(fields, expected):
    with pytest.raises(ValueError, match=expected):
        Mix(**fields)
