"""What every model owes that writes text about pictures: masks that hold, causal targets, decoding like the forward.

A new such model needs a builder in `MODELS`.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.precision import cast
from mmjax.decode.gemma_decoder import GemmaDecoder
from mmjax.decode.t5_decoder import T5Decoder
from mmjax.encoders.embedding import Embedding
from mmjax.encoders.patches import Patches
from mmjax.encoders.vit import Vit
from mmjax.interaction.multiway import Multiway
from mmjax.models.beit3_writer import Beit3Writer
from mmjax.models.pali import Pali
from mmjax.models.paligemma import Paligemma
from mmjax.nn.depth_init import DepthInit
from mmjax.nn.learned_position import LearnedPosition
from mmjax.nn.patch_embedding import PatchEmbedding
from mmjax.nn.t5_encoder import T5Encoder
from mmjax.nn.table_position import TablePosition
from tests import reference

ONE = (Beit3Writer,)  # whose positions would not tell several pictures apart
B, Q, L, T, V, PATCHES = 2, 3, 4, 3, 11, 4
IMAGE = Vit(6, 1, 2, 8, stem=PatchEmbedding(4, 6), position=LearnedPosition())


def pali(scan=False, tied=False):
    trunk = dict(layers=2, heads=2, head_dim=4, hidden=8, scan=scan)
    return Pali(vocab=V, dim=8, image=IMAGE, encoder=T5Encoder(**trunk), decoder=T5Decoder(**trunk), tied=tied)


def paligemma(scan=False):
    decoder = GemmaDecoder(layers=2, heads=2, head_dim=4, hidden=8, scan=scan)
    return Paligemma(vocab=V, dim=8, image=IMAGE, decoder=decoder, bos=0, separator=1)


def beit3_writer(scan=False, **form):
    encoders = {
        "image": Patches(8, PatchEmbedding(4, 8)),
        "text": Embedding(8, V, position=TablePosition(20)),
    }
    multiway = Multiway(("image", "text"), layers=2, heads=2, hidden=12, scan=scan, **form)
    return Beit3Writer(encoders, (multiway,), vocab=V, mask=1)


MODELS = {
    "pali": pali(),
    "pali, tied, scanned": pali(scan=True, tied=True),
    "paligemma": paligemma(),
    "paligemma, scanned": paligemma(scan=True),
    "beit3_writer": beit3_writer(),
    "beit3_writer, as the paper has it, scanned": beit3_writer(
        scan=True, shared=True, sub_norm=False, joint=1, start=DepthInit(0.3)
    ),
}


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


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param]


@pytest.fixture(scope="module")
def params(model):
    return reference.parameters(model, BATCH, train=False)


@pytest.fixture(scope="module")
def run(model):
    return jax.jit(partial(model.apply, train=False))


@pytest.fixture(scope="module")
def logits(run, params):
    return np.asarray(run({"params": params}, BATCH))


def changed(**entries):
    return BATCH | entries


def test_each_picture_encoded_once_gives_what_it_gives_with_every_question_by_itself(model, run, params, logits):
    alone = {name: value.reshape(B * Q, 1, *value.shape[2:]) for name, value in BATCH.items() if "image" not in name}
    alone |= {name: np.repeat(BATCH[name], Q, axis=0) for name in ("image", "image_mask")}
    np.testing.assert_allclose(run({"params": params}, alone).reshape(logits.shape), logits, atol=1e-5)
    show = partial(model.apply, train=False, mutable=["maps"])
    _, state = jax.eval_shape(show, {"params": params}, BATCH)
    maps = jax.tree.leaves(state["maps"].get("image", state["maps"]))
    assert {leaf.shape[-4] for leaf in maps if leaf.shape[-2] in (PATCHES, 1 + PATCHES)} == {B}


def test_other_pictures_questions_and_targets_give_other_logits_in_their_own_rows_alone(run, params, logits):
    other = {name: value.copy() for name, value in BATCH.items()}
    other["image"][1] = 255 - other["image"][1]
    found = np.abs(run({"params": params}, other) - logits).max((2, 3))
    np.testing.assert_array_equal(found > 1e-4, [[False] * Q, [True] * Q])
    other = changed(text=np.where(np.arange(Q)[:, None] == 1, (BATCH["text"] + 1) % V, BATCH["text"]))
    found = np.abs(run({"params": params}, other) - logits).max((2, 3))
    np.testing.assert_array_equal(found > 1e-4, [[False, True, False]] * B)


def test_the_length_that_texts_are_padded_to_does_not_matter(run, params, logits):
    wider = {
        name: np.pad(BATCH[name], ((0, 0), (0, 0), (0, 3)), constant_values=0 if "mask" in name else 5)
        for name in ("text", "text_mask", "target", "target_mask")
    }
    found = run({"params": params}, changed(**wider))[:, :, :T]
    np.testing.assert_allclose(found[REAL], logits[REAL], atol=1e-5)


@pytest.mark.parametrize("junk", [7, 10**6, -1])
def test_ids_under_the_masks_may_be_anything(run, params, logits, junk):
    spoilt = {name: np.where(BATCH[f"{name}_mask"], BATCH[name], junk).astype(np.int32) for name in ("text", "target")}
    spoilt["image_mask"] = BATCH["image_mask"]
    found = np.asarray(run({"params": params}, changed(**spoilt)))
    np.testing.assert_allclose(found[REAL], logits[REAL], atol=1e-6)
    assert np.isfinite(found).all()


def test_a_missing_picture_or_question_changes_no_other_row_and_what_lies_there_changes_nothing(run, params, logits):
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


def test_one_of_several_pictures_is_one_picture_and_missing_ones_change_nothing_wherever_they_stand(
    model, run, params, logits
):
    if isinstance(model, ONE):
        with pytest.raises(ValueError, match=r"Patches takes values .* given"):
            run({"params": params}, changed(image=BATCH["image"][:, None], image_mask=np.ones((B, 1), bool)))
        return
    one = run({"params": params}, changed(image=BATCH["image"][:, None], image_mask=np.ones((B, 1), bool)))
    np.testing.assert_allclose(one, logits, atol=1e-5)
    junk = np.random.default_rng(1).integers(0, 256, (B, 3, 8, 8, 3), dtype=np.uint8)
    for place in range(3):
        junk[:, place] = BATCH["image"]
        found = run({"params": params}, changed(image=junk, image_mask=np.arange(3) == np.full((B, 1), place)))
        np.testing.assert_allclose(found[REAL], logits[REAL], atol=1e-5)


@pytest.mark.parametrize("model", [name for name, one in MODELS.items() if not isinstance(one, ONE)], indirect=True)
def test_two_pictures_are_both_looked_at_and_their_order_counts(model, run, params, logits):
    pair = np.stack([BATCH["image"], 255 - BATCH["image"]], axis=1)
    both = run({"params": params}, changed(image=pair, image_mask=np.ones((B, 2), bool)))
    turned = run({"params": params}, changed(image=pair[:, ::-1], image_mask=np.ones((B, 2), bool)))
    assert np.abs(both - logits).max() > 1e-3
    assert np.abs(both - turned).max() > 1e-3


def test_gradients_are_finite_whatever_is_missing(model, params):
    @jax.jit
    @jax.grad
    def gradient(params, batch):
        out = model.apply({"params": params}, batch, train=False)
        return jnp.sum(jnp.where(batch["target_mask"][..., None], out, 0) ** 2)

    masks = [name for name in BATCH if name.endswith("mask")]
    for missing in (["image_mask"], ["text_mask"], ["image_mask", "text_mask"], masks):
        given = changed(**{name: np.zeros_like(BATCH[name]) for name in missing})
        given["target"] = np.where(given["target_mask"], given["target"], 10**6)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient(params, given)))


def test_a_position_has_seen_the_targets_before_it_and_none_from_itself_on(run, params):
    everything = changed(target_mask=np.ones_like(REAL))
    before = run({"params": params}, everything)
    for s in range(T):
        target = BATCH["target"].copy()
        target[:, :, s] = (target[:, :, s] + 1) % V
        found = np.abs(run({"params": params}, everything | {"target": target}) - before).max((0, 1, 3))
        np.testing.assert_array_equal(found > 1e-5, np.arange(T) > s)


def test_token_by_token_it_gives_the_logits_of_the_whole_forward(model, run, params, logits):
    given = {"params": params}
    every = np.asarray(run(given, changed(target_mask=np.ones_like(REAL))))
    np.testing.assert_allclose(every[REAL], logits[REAL], atol=1e-5)
    memory = jax.jit(partial(model.apply, train=False, method="encode"))(given, BATCH)
    cache, found = jax.jit(partial(model.apply, length=T, method="begin"))(given, memory)
    step = jax.jit(partial(model.apply, method="step"))
    for t in range(T):
        np.testing.assert_allclose(found.reshape(B, Q, V), every[:, :, t], atol=1e-5)
        if t < T - 1:
            cache, found = step(given, cache, BATCH["target"][:, :, t].reshape(-1))


def test_hidden_times_kernel_are_the_logits(model, params, logits):
    hidden, kernel = jax.jit(
        lambda batch: (
            model.apply({"params": params}, batch, train=False, method="hidden"),
            model.apply({"params": params}, method="kernel"),
        )
    )(BATCH)
    np.testing.assert_allclose(np.float64(hidden) @ np.float64(kernel), logits, atol=1e-4)


def test_logits_leave_in_fp32_where_all_else_is_bf16(model, run, params, logits):
    low = {"params": cast(params, "bfloat16")}
    given = changed(image=jnp.asarray(BATCH["image"], jnp.bfloat16))
    found = run(low, given)
    assert found.dtype == jnp.float32
    memory = jax.tree.leaves(jax.eval_shape(partial(model.apply, train=False, method="encode"), low, given))
    assert {leaf.dtype for leaf in memory if jnp.issubdtype(leaf.dtype, jnp.floating)} == {jnp.dtype("bfloat16")}
    assert (found.astype(jnp.bfloat16) != found).mean() > 0.9  # not rounded to bf16 on the way
    assert np.abs(found - logits)[REAL].mean() < 0.1 * np.abs(logits).mean()
