"""Public checkpoints, as their publishers call the keys, give what the public implementations gave (tests/goldens)."""

from pathlib import Path

import jax
import numpy as np
import pytest

from mmjax.core import paths
from mmjax.decode.gemma_decoder import GemmaDecoder
from mmjax.decode.t5_decoder import T5Decoder
from mmjax.encoders.vit import Vit
from mmjax.models.pali import Pali
from mmjax.models.paligemma import Paligemma
from mmjax.nn.learned_position import LearnedPosition
from mmjax.nn.patch_embedding import PatchEmbedding
from mmjax.nn.t5_encoder import T5Encoder
from mmjax.weights import mapping, paligemma, t5, vit

GOLDENS = Path(__file__).parents[1] / "goldens"
SHAPES = dict(layers=2, heads=3, head_dim=6, hidden=24)


def golden(name):
    """What was given and found, and the weights by their published keys."""
    with np.load(GOLDENS / f"{name}.npz") as file:
        arrays = dict(file)
    weights = {key.removeprefix("weights/"): arrays.pop(key) for key in list(arrays) if key.startswith("weights/")}
    return arrays, weights


def imported(init, weights, family):
    """The parameters that a model's `init(key)` makes: what the family fills from the weights, the others zero."""
    fresh = paths.flatten(jax.eval_shape(init, jax.random.key(0)))
    _, _, found = mapping.recognise(weights, family.LAYOUTS)
    shapes = {path: leaf.shape for path, leaf in fresh.items() if path.split("/")[0] in family.PARTS}
    taken, _ = mapping.place(weights, found, shapes, resize=None)
    assert taken.keys() == shapes.keys()
    rest = {path: np.zeros(leaf.shape, leaf.dtype) for path, leaf in fresh.items() if path not in taken}
    return paths.unflatten(taken | rest)


def small_vit(dim=12, **changes):
    sizes = dict(layers=2, heads=3, hidden=20)
    return Vit(dim=dim, stem=PatchEmbedding(2, dim), position=LearnedPosition(), **sizes | changes)


@pytest.mark.parametrize("scan", [False, True], ids=["loop", "scan"])
@pytest.mark.parametrize("name", ["t5", "t5_tied", "mt5"])
def test_t5s_memory_and_logits_are_those_of_hugging_face(name, scan):
    given, weights = golden(name)
    encoder, decoder = T5Encoder(**SHAPES, scan=scan), T5Decoder(**SHAPES, scan=scan)
    model = Pali(40, 16, small_vit(), encoder, decoder, tied=name == "t5_tied")
    # A missing picture changes nothing, so what is left of PaLI is T5.
    batch = {"image": np.zeros((2, 4, 4, 3), np.uint8), "image_mask": np.zeros(2, bool)}
    batch |= {key: given[key][:, None] for key in ("text", "text_mask", "target")}
    batch["target_mask"] = np.ones_like(batch["target"], bool)
    params = {"params": imported(lambda key: model.init(key, batch, train=False)["params"], weights, t5)}
    memory = model.apply(params, batch, train=False, method="encode")
    real = given["text_mask"]
    np.testing.assert_allclose(np.asarray(memory.x)[:, 4:][real], given["memory"][real], rtol=0, atol=1e-4)
    logits = model.apply(params, batch, train=False)
    # Logits that are not tied are larger by the root of the width: on some processors rounding leaves 1.7e-4 of one.
    near = 1e-4 if name == "t5_tied" else 3e-4
    np.testing.assert_allclose(logits[:, 0], given["logits"], rtol=0, atol=near)


@pytest.mark.parametrize("scan", [False, True], ids=["loop", "scan"])
@pytest.mark.parametrize("name", ["vit_timm", "vit_siglip"])
def test_the_tokens_of_a_vision_transformer_are_those_of_timm_and_of_siglip(name, scan):
    given, weights = golden(name)
    form = dict(hidden=24, approximate=False) if name == "vit_timm" else dict(hidden=20)
    model = small_vit(scan=scan, **form)

    pictures = given["image"], np.ones(2, bool)
    # The models of the package have their vision transformer under `image`.
    params = imported(lambda key: {"image": model.init(key, *pictures, train=False)["params"]}, weights, vit)["image"]
    found = model.apply({"params": params}, *pictures, train=False)
    np.testing.assert_allclose(found.x, given["tokens"], rtol=0, atol=1e-4)


def small_paligemma(scan):
    decoder = GemmaDecoder(layers=2, heads=4, head_dim=6, hidden=24, kv_heads=1, scan=scan)
    return Paligemma(40, 16, small_vit(scan=scan), decoder, bos=2, separator=7)


def asked(given):
    """The batch of a golden whose second text is shorter: what stands in its place is masked."""
    batch = {"image": given["image"], "image_mask": np.ones(2, bool)}
    batch |= {key: given[key][:, None] for key in ("text", "text_mask", "target")}
    return batch | {"target_mask": np.ones_like(batch["target"], bool)}


@pytest.mark.parametrize("scan", [False, True], ids=["loop", "scan"])
def test_paligemmas_logits_are_those_of_hugging_face_also_where_a_shorter_text_is_padded(scan):
    given, weights = golden("paligemma")
    model, batch = small_paligemma(scan), asked(given)
    params = imported(lambda key: model.init(key, batch, train=False)["params"], weights, paligemma)
    logits = model.apply({"params": params}, batch, train=False)
    np.testing.assert_allclose(logits[:, 0], given["logits"], rtol=0, atol=1e-4)
