"""BEiT-3's two published forms: how many parameters, what any subset of modalities gives, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core import paths
from mmjax.encoders.embedding import Embedding
from mmjax.encoders.patches import Patches
from mmjax.interaction.multiway import Multiway
from mmjax.models.beit3 import Beit3
from mmjax.nn.depth_init import DepthInit
from mmjax.nn.patch_embedding import PatchEmbedding
from mmjax.nn.table_position import TablePosition
from tests.reference import compiled

ORDER = ("image", "text")
GIANT = dict(layers=40, heads=16, hidden=6144, shared=True, sub_norm=False, joint=3, start=DepthInit(), scan=True)
PUBLISHED = {
    "base": (768, 16, dict(layers=12, heads=12, hidden=3072, scan=True)),
    "large": (1024, 16, dict(layers=24, heads=16, hidden=4096, scan=True)),
    "giant": (1408, 14, GIANT),
}


def built(dim, patch, multiway, vocab=64_010, codes=8192, length=1022):
    encoders = {
        "image": Patches(dim=dim, stem=PatchEmbedding(patch, dim)),
        "text": Embedding(dim=dim, vocab=vocab, position=TablePosition(length)),
    }
    return Beit3(encoders, (Multiway(ORDER, **multiway),), codes=codes, vocab=vocab)


def batch(size, rows=2, length=5, words=7):
    rng = np.random.default_rng(0)
    text = {"text": rng.integers(0, words, (rows, length)), "text_mask": np.arange(length) < np.array([[5], [3]])}
    image = rng.integers(0, 256, (rows, size, size, 3), dtype=np.uint8)
    return text | {"image": image, "image_mask": np.ones(rows, bool)}


def hiding(given, side=2):
    return given | {"image_hidden": np.zeros((2, side, side), bool)}


def counts(name):
    """Millions of parameters in all, and of those whose path has a word in it."""
    dim, patch, multiway = PUBLISHED[name]
    model, given = built(dim, patch, multiway), hiding(batch(224), 224 // patch)
    shapes = paths.flatten(jax.eval_shape(lambda: model.init(jax.random.key(0), given, train=False))["params"])
    return lambda word="": sum(leaf.size for path, leaf in shapes.items() if word in path) / 1e6


@pytest.mark.parametrize(("name", "millions"), [("base", 276.5), ("large", 746.7), ("giant", 1925)])
def test_parameters_are_as_many_as_published(name, millions):
    assert counts(name)() == pytest.approx(millions, rel=0.001 if name != "giant" else 0.02)


def test_the_giant_shares_attention_and_feeds_both_forward_in_its_last_three_layers():
    giant = counts("giant")
    found = [giant(word) for word in ("/attention/", "image_mlp/", "text_mlp/", "joint_mlp/")]
    np.testing.assert_allclose(found, [317, 692, 692, 52], rtol=0.005)


SMALL = {
    "released": dict(layers=2, heads=2),
    "paper": dict(layers=3, heads=2, shared=True, sub_norm=False, joint=1, start=DepthInit(0.3)),
}


@pytest.fixture(scope="module", params=SMALL)
def small(request):
    """(the model, its parameters, what it makes of a batch under jit)."""
    model = built(8, 4, SMALL[request.param], vocab=7, codes=5, length=6)
    params = jax.jit(lambda: model.init(jax.random.key(0), hiding(batch(8)), train=False)["params"])()
    return request.param, params, compiled(lambda given: model.apply({"params": params}, given, train=False))


def test_a_modality_that_is_not_given_and_one_that_is_missing_are_the_same(small):
    _, _, run = small
    given = batch(8)
    both = run(given)
    assert both["image"].shape == (2, 4, 5) and both["text"].shape == (2, 5, 7) and both["text"].dtype == np.float32
    for name, other in (("image", "text"), ("text", "image")):
        alone = run({key: values for key, values in given.items() if key.startswith(name)})
        missing = run(given | {f"{other}_mask": np.zeros_like(given[f"{other}_mask"])})
        real = given["text_mask"] if name == "text" else np.ones((2, 4), bool)
        assert alone.keys() == {name}
        np.testing.assert_allclose(alone[name][real], missing[name][real], atol=1e-5)
        assert np.abs(alone[name] - both[name])[real].max() > 1e-3


def test_an_example_that_lacks_one_is_fed_forward_as_it_is_beside_one_that_has_both(small):
    _, _, run = small
    given = batch(8)
    mixed = run(given | {"image_mask": np.array([True, False])})
    both, alone = run(given), run({key: given[key] for key in ("text", "text_mask")})
    np.testing.assert_allclose(mixed["text"][0], both["text"][0], atol=1e-5)
    np.testing.assert_allclose(mixed["text"][1][:3], alone["text"][1][:3], atol=1e-5)


def test_a_hidden_patch_leaves_its_place_alone(small):
    _, _, run = small
    given, hidden = batch(8), np.arange(4).reshape(1, 2, 2) == np.ones((2, 1, 1))
    other = given | {"image": given["image"].copy()}
    other["image"][:, :4, 4:] = 255 - other["image"][:, :4, 4:]
    one, another = (run(each | {"image_hidden": hidden}) for each in (given, other))
    np.testing.assert_array_equal(one["image"], another["image"])
    assert np.abs(run(given)["image"] - run(other)["image"]).max() > 1e-3


def test_what_fits_nothing_is_told():
    with pytest.raises(ValueError, match="encoders has text; expected image and text"):
        Beit3({"text": Embedding(8, 7)}, (Multiway(ORDER),), 5, 7)
    model = built(8, 4, SMALL["released"], vocab=7, length=6)
    for given, told in (
        ({"sound": jnp.zeros(2)}, "the batch has sound; expected image, text or both"),
        (batch(8) | {"image_hidden": np.zeros((2, 4), bool)}, r"hidden has the shape \(2, 4\); expected \(2, 2, 2\)"),
        (batch(8, length=7) | {"text_mask": np.ones((2, 7), bool)}, "positions for 6 tokens, but 7 are given"),
    ):
        with pytest.raises(ValueError, match=told):
            jax.eval_shape(lambda given=given: model.init(jax.random.key(0), given, train=False))
