"""PaLI: pictures encoded once, masks that hold, causal targets, and cached decoding that equals the whole forward."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.precision import cast
from mmjax.decode.t5_decoder import T5Decoder
from mmjax.encoders.vit import Vit
from mmjax.models.pali import Pali
from mmjax.nn.learned_position import LearnedPosition
from mmjax.nn.patch_embedding import PatchEmbedding
from mmjax.nn.t5_encoder import T5Encoder
from tests import reference

B, Q, L, T, V, PATCHES = 2, 3, 4, 3, 11, 4


def pali():
    trunk = dict(heads=2, head_dim=4, hidden=8)
    image = Vit(6, 1, 2, 8, stem=PatchEmbedding(4, 6), position=LearnedPosition())
    return Pali(vocab=V, dim=8, image=image, encoder=T5Encoder(1, **trunk), decoder=T5Decoder(1, **trunk))


def prefix(*lengths):
    """Masks [B, Q, n] of texts that have these lengths."""
    return np.arange(max(lengths)) < np.reshape(lengths, (B, Q, 1))


def batch():
    rng = np.random.default_rng(0)
    return {
        "image": rng.integers(0, 256, (B, 8, 8, 3), dtype=np.uint8),
        "image_mask": np.ones(B, bool),
        "text": rng.integers(2, V, (B, Q, L)),
        "text_mask": prefix(4, 2, 3, 1, 4, 4),
        "target": rng.integers(2, V, (B, Q, T)),
        "target_mask": prefix(3, 3, 1, 2, 3, 3),
    }


BATCH = batch()
REAL = BATCH["target_mask"]


@pytest.fixture(scope="module")
def params():
    return reference.parameters(pali(), BATCH, train=False)


run = jax.jit(partial(pali().apply, train=False))


@pytest.fixture(scope="module")
def logits(params):
    return np.asarray(run({"params": params}, BATCH))


def changed(**entries):
    return BATCH | entries


def test_each_picture_encoded_once_gives_what_it_gives_with_every_question_by_itself(params, logits):
    alone = {name: value.reshape(B * Q, 1, *value.shape[2:]) for name, value in BATCH.items() if "image" not in name}
    alone |= {name: np.repeat(BATCH[name], Q, axis=0) for name in ("image", "image_mask")}
    np.testing.assert_allclose(run({"params": params}, alone).reshape(logits.shape), logits, atol=1e-5)
    show = partial(pali().apply, train=False, mutable=["maps"])
    _, state = jax.eval_shape(show, {"params": params}, BATCH)
    assert {leaf.shape[0] for leaf in jax.tree.leaves(state["maps"]["image"])} == {B}
    assert {leaf.shape[0] for leaf in jax.tree.leaves(state["maps"]["encoder"])} == {B * Q}


def test_the_memory_is_the_picture_of_the_row_and_then_its_text(params):
    given = changed(image_mask=np.array([True, False]))

    @jax.jit
    def encode(batch):
        return pali().apply({"params": params}, batch, train=False, method="encode").mask

    mask = encode(given).reshape(B, Q, PATCHES + L)
    for b, q in np.ndindex(B, Q):
        expected = [bool(given["image_mask"][b])] * PATCHES + list(given["text_mask"][b, q])
        np.testing.assert_array_equal(mask[b, q], expected)


def test_other_pictures_questions_and_targets_give_other_logits_in_their_own_rows_alone(params, logits):
    other = {name: value.copy() for name, value in BATCH.items()}
    other["image"][1] = 255 - other["image"][1]
    found = np.abs(run({"params": params}, other) - logits).max((2, 3))
    np.testing.assert_array_equal(found > 1e-4, [[False] * Q, [True] * Q])
    other = changed(text=np.where(np.arange(Q)[:, None] == 1, (BATCH["text"] + 1) % V, BATCH["text"]))
    found = np.abs(run({"params": params}, other) - logits).max((2, 3))
    np.testing.assert_array_equal(found > 1e-4, [[False, True, False]] * B)


def test_the_length_that_texts_are_padded_to_does_not_matter(params, logits):
    wider = {
        name: np.pad(BATCH[name], ((0, 0), (0, 0), (0, 3)), constant_values=0 if "mask" in name else 5)
        for name in ("text", "text_mask", "target", "target_mask")
    }
    found = run({"params": params}, changed(**wider))[:, :, :T]
    np.testing.assert_allclose(found[REAL], logits[REAL], atol=1e-5)


@pytest.mark.parametrize("junk", [7, 10**6, -1])
def test_ids_under_the_masks_may_be_anything(params, logits, junk):
    spoilt = {name: np.where(BATCH[f"{name}_mask"], BATCH[name], junk).astype(np.int32) for name in ("text", "target")}
    spoilt["image_mask"] = BATCH["image_mask"]
    found = np.asarray(run({"params": params}, changed(**spoilt)))
    np.testing.assert_allclose(found[REAL], logits[REAL], atol=1e-6)
    assert np.isfinite(found).all()


def test_a_missing_picture_or_question_changes_no_other_row_and_what_lies_there_changes_nothing(params, logits):
    there = {
        "image_mask": np.array([True, False]),
        **{name: BATCH[name].copy() for name in ("text_mask", "target_mask")},
    }
    there["text_mask"][0, 1] = there["target_mask"][0, 1] = False
    found = np.asarray(run({"params": params}, changed(**there)))
    np.testing.assert_allclose(found[0, [0, 2]], logits[0, [0, 2]], atol=1e-5)
    assert np.isfinite(found).all()
    rng = np.random.default_rng(5)
    image, text, target = BATCH["image"].copy(), BATCH["text"].copy(), BATCH["target"].copy()
    image[1] = rng.integers(0, 256, image[1].shape)
    text[0, 1], target[0, 1] = rng.integers(0, V, L), rng.integers(0, V, T)
    again = np.asarray(run({"params": params}, changed(**there, image=image, text=text, target=target)))
    real = there["target_mask"]
    np.testing.assert_allclose(again[real], found[real], atol=1e-6)


def test_gradients_are_finite_whatever_is_missing(params):
    @jax.jit
    @jax.grad
    def gradient(params, batch):
        out = pali().apply({"params": params}, batch, train=False)
        return jnp.sum(jnp.where(batch["target_mask"][..., None], out, 0) ** 2)

    masks = [name for name in BATCH if name.endswith("mask")]
    for missing in (["image_mask"], ["text_mask"], ["image_mask", "text_mask"], masks):
        given = changed(**{name: np.zeros_like(BATCH[name]) for name in missing})
        given["target"] = np.where(given["target_mask"], given["target"], 10**6)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient(params, given)))


def test_a_position_has_seen_the_targets_before_it_and_none_from_itself_on(params, logits):
    everything = changed(target_mask=np.ones_like(REAL))
    before = run({"params": params}, everything)
    for s in range(T):
        target = BATCH["target"].copy()
        target[:, :, s] = (target[:, :, s] + 1) % V
        found = np.abs(run({"params": params}, everything | {"target": target}) - before).max((0, 1, 3))
        np.testing.assert_array_equal(found > 1e-5, np.arange(T) > s)


def test_token_by_token_it_gives_the_logits_of_the_whole_forward(params, logits):
    module, given = pali(), {"params": params}
    every = np.asarray(run(given, changed(target_mask=np.ones_like(REAL))))
    np.testing.assert_allclose(every[REAL], logits[REAL], atol=1e-5)
    memory = jax.jit(partial(module.apply, train=False, method="encode"))(given, BATCH)
    cache, found = jax.jit(partial(module.apply, length=T, method="begin"))(given, memory)
    step = jax.jit(partial(module.apply, method="step"))
    for t in range(T):
        np.testing.assert_allclose(found.reshape(B, Q, V), every[:, :, t], atol=1e-5)
        if t < T - 1:
            cache, found = step(given, cache, BATCH["target"][:, :, t].reshape(-1))


def test_logits_leave_in_fp32_where_all_else_is_bf16(params, logits):
    low = {"params": cast(params, "bfloat16")}
    given = changed(image=jnp.asarray(BATCH["image"], jnp.bfloat16))
    found = run(low, given)
    assert found.dtype == jnp.float32
    assert jax.eval_shape(partial(pali().apply, train=False, method="encode"), low, given).x.dtype == jnp.bfloat16
    assert (found.astype(jnp.bfloat16) != found).mean() > 0.9  # not rounded to bf16 on the way
    assert np.abs(found - logits)[REAL].mean() < 0.1 * np.abs(logits).mean()
