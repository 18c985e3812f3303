"""BEiT-3 that writes: words asked for one by one against whole forwards, who learns of whom, what it is made of."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core import paths
from mmjax.decode.beam import Beam
from mmjax.decode.greedy import Greedy
from mmjax.encoders.embedding import Embedding
from mmjax.encoders.patches import Patches
from mmjax.interaction.cross_attention import CrossAttention
from mmjax.interaction.multiway import Multiway
from mmjax.models.beit3 import Beit3
from mmjax.models.beit3_writer import Beit3Writer
from mmjax.nn.depth_init import DepthInit
from mmjax.nn.patch_embedding import PatchEmbedding
from mmjax.nn.table_position import TablePosition
from tests import reference

B, Q, L, T, V, D, MASK = 2, 2, 2, 4, 9, 8, 8
FORMS = {
    "released": dict(layers=2),
    "paper": dict(layers=3, shared=True, sub_norm=False, joint=1, start=DepthInit(0.3)),
}


def parts(form="released", **changes):
    position = TablePosition(changes.pop("length", 12))
    encoders = {"image": Patches(D, PatchEmbedding(4, D)), "text": Embedding(D, V, position=position)}
    multiway = Multiway(("image", "text"), **dict(heads=2, hidden=12) | FORMS[form] | changes)
    return dict(encoders=encoders, interactions=(multiway,), vocab=V)


def batch():
    rng = np.random.default_rng(0)

    def upto(length, *lengths):
        return np.arange(length) < np.reshape(lengths, (B, Q, 1))

    return {
        "image": rng.integers(0, 256, (B, 8, 8, 3), dtype=np.uint8),
        "image_mask": np.ones(B, bool),
        "text": rng.integers(2, MASK, (B, Q, L)),
        "text_mask": upto(L, 1, 2, 2, 1),
        "target": rng.integers(2, MASK, (B, Q, T)),
        "target_mask": upto(T, 4, 3, 2, 4),
    }


GIVEN = batch()


@pytest.fixture(scope="module", params=FORMS)
def model(request):
    return Beit3Writer(**parts(request.param), mask=MASK)


@pytest.fixture(scope="module")
def params(model):
    return reference.parameters(model, GIVEN, train=False)


def with_seen(given, hidden):
    return given | {"target_seen": np.where(hidden, MASK, given["target"])}


def at_once(model, params, given):
    """Logits [V] of what stands last in a text, by one forward of picture and text that share a mask."""
    image, text = given
    words = {"image": image[None], "image_mask": np.ones(1, bool)}
    words |= {"text": np.asarray(text)[None], "text_mask": np.ones((1, len(text)), bool)}
    both = Beit3(model.encoders, model.interactions, codes=1, vocab=V)
    whole = 5 + len(text)
    sees = np.tril(np.ones((whole, whole), bool)) | (np.arange(whole) < 5)
    sees[:5, 5:] = False
    variables = {"params": params}
    x = both.apply(variables, words, train=False, mask=jnp.asarray(sees)[None], method="encode")["text"].x
    return np.asarray(x[0, -1] @ params["heads_text"]["kernel"] + params["heads_text"]["bias"])


def test_writing_asks_by_a_hidden_word_after_those_that_stand_there(model, params):
    """One pass for each place, of the picture, the text, the words before and a hidden one: no cache, no padding."""
    memory = model.apply({"params": params}, GIVEN, train=False, method="encode")
    cache, found = jax.jit(partial(model.apply, length=T, method="begin"))({"params": params}, memory)
    step = jax.jit(partial(model.apply, method="step"))
    for t in range(T):
        for b, q in np.ndindex(B, Q):
            text, target = (GIVEN[name][b, q] for name in ("text", "target"))
            before = [*text[GIVEN["text_mask"][b, q]], *target[:t], MASK]
            wanted = at_once(model, params, (GIVEN["image"][b], before))
            np.testing.assert_allclose(found.reshape(B, Q, V)[b, q], wanted, atol=2e-4)
        if t < T - 1:
            cache, found = step({"params": params}, cache, GIVEN["target"][:, :, t].ravel())


def test_in_training_a_hidden_word_is_told_from_the_picture_and_what_is_seen_before_it(model, params):
    hidden = np.array([[[0, 1, 0, 1], [1, 0, 1, 0]], [[1, 1, 0, 0], [0, 0, 1, 1]]], bool)
    given = with_seen(GIVEN, hidden)
    found = np.asarray(jax.jit(partial(model.apply, train=False))({"params": params}, given))
    for b, q, t in zip(*np.nonzero(hidden & GIVEN["target_mask"]), strict=True):
        text = GIVEN["text"][b, q][GIVEN["text_mask"][b, q]]
        wanted = at_once(model, params, (GIVEN["image"][b], [*text, *given["target_seen"][b, q, : t + 1]]))
        np.testing.assert_allclose(found[b, q, t], wanted, atol=2e-4)


def test_by_gradient_no_word_learns_of_a_later_one_and_no_picture_of_a_word(model, params):
    """Of what is read of each word: its embedding and its place, which here are one input."""
    table = np.asarray(params["encoders_text"]["embed"]["embedding"])
    given = {name: values[:1, :1] if "image" not in name else values[:1] for name, values in GIVEN.items()}
    words = np.arange(2, 2 + T)  # each once, so that a row of the table is one place of the target
    given |= {"text": np.zeros((1, 1, L), int), "text_mask": np.ones((1, 1, L), bool)}
    given |= {"target": words[None, None], "target_seen": words[None, None], "target_mask": np.ones((1, 1, T), bool)}

    def told(table, place):
        embedded = paths.unflatten(paths.flatten(params) | {"encoders_text/embed/embedding": table})
        return jnp.sum(model.apply({"params": embedded}, given, train=False)[0, 0, place] ** 2)

    reach = jax.jit(jax.vmap(jax.grad(told), in_axes=(None, 0)))(table, jnp.arange(T))
    learns = np.abs(reach).max(axis=-1)[:, words] > 1e-9
    np.testing.assert_array_equal(learns, np.tril(np.ones((T, T), bool)))

    def looked(table):
        embedded = paths.unflatten(paths.flatten(params) | {"encoders_text/embed/embedding": table})
        memory = model.apply({"params": embedded}, given, train=False, method="encode")
        return sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(memory.pictures))

    assert not np.any(jax.jit(jax.grad(looked))(table))


def test_what_stands_under_a_mask_and_how_far_it_is_padded_changes_nothing_of_training(model, params):
    hidden = np.random.default_rng(3).random((B, Q, T)) < 0.6
    run = jax.jit(partial(model.apply, train=False))
    plain = np.asarray(run({"params": params}, with_seen(GIVEN, hidden)))
    junk = {name: np.where(GIVEN[f"{name}_mask"], GIVEN[name], 10**6) for name in ("text", "target")}
    wide = {
        name: np.pad(values, ((0, 0), (0, 0), (0, 2)), constant_values=0 if "mask" in name else 5)
        for name, values in (GIVEN | junk | {"target_seen": with_seen(GIVEN | junk, hidden)["target_seen"]}).items()
        if "image" not in name
    }
    found = run({"params": params}, GIVEN | wide)[:, :, :T]
    np.testing.assert_allclose(found[GIVEN["target_mask"]], plain[GIVEN["target_mask"]], atol=1e-5)


def search_of(model, params, search):
    memory = model.apply({"params": params}, GIVEN, train=False, method="encode")
    cache, logits = model.apply({"params": params}, memory, T, method="begin")
    step, pick = (partial(model.apply, {"params": params}, method=name) for name in ("step", "pick"))
    return search(step, pick, cache, logits, length=T, eos=1, pad=0, key=jax.random.key(0))


def test_a_beam_of_one_is_greedy_and_a_wide_one_finds_the_best_of_all(model, params):
    greedy, one, wide = (
        jax.jit(partial(search_of, model, search=search))(params) for search in (Greedy(), Beam(1), Beam(V**2))
    )
    np.testing.assert_array_equal(one[0], greedy[0])
    np.testing.assert_allclose(one[1], greedy[1], atol=1e-5)
    assert (wide[1] >= greedy[1] - 1e-5).all()
    # What it says of its sequence is what a whole forward says of it.
    tokens = np.asarray(wide[0]).reshape(B, Q, T)
    real = np.cumsum(tokens == 1, axis=-1) - (tokens == 1) == 0
    given = GIVEN | {"target": tokens, "target_mask": real}
    logits = np.array(jax.jit(partial(model.apply, train=False))({"params": params}, given))
    log_p = np.take_along_axis(np.asarray(jax.nn.log_softmax(logits)), tokens[..., None], axis=-1)[..., 0]
    np.testing.assert_allclose(np.where(real, log_p, 0).sum(-1).ravel(), wide[1], atol=1e-4)


def test_parameters_are_those_of_pretraining_without_the_head_for_codes(model):
    form = "paper" if model.interactions[0].shared else "released"
    pretrained = Beit3(**parts(form), codes=5)
    pair = {name: GIVEN[name] for name in ("image", "image_mask")} | {
        name: GIVEN[name][:, 0] for name in ("text", "text_mask")
    }
    wanted = jax.eval_shape(lambda: pretrained.init(jax.random.key(0), pair, train=False))["params"]
    found = jax.eval_shape(lambda: model.init(jax.random.key(0), GIVEN, train=False))["params"]
    shapes = {path: leaf.shape for path, leaf in paths.flatten(wanted).items() if not path.startswith("heads_image")}
    assert {path: leaf.shape for path, leaf in paths.flatten(found).items()} == shapes


def test_what_fits_nothing_is_told():
    with pytest.raises(ValueError, match="encoders has text; expected image and text"):
        Beit3Writer(**parts() | dict(encoders={"text": Embedding(D, V)}))
    with pytest.raises(ValueError, match=r"vocab is 7 and encoders\.text.vocab 9"):
        Beit3Writer(**parts() | dict(vocab=7))
    with pytest.raises(ValueError, match=r"CrossAttention cannot be read part by part; take interaction\.multiway"):
        Beit3Writer(**parts() | dict(interactions=(CrossAttention(("image", "text"), layers=1),)))
    for model, told in (
        (Beit3Writer(**parts()), "mask is None: which token stands for a hidden word"),
        (Beit3Writer(**parts(length=5), mask=MASK), "positions for 5 words, but texts and targets have room for 6"),
    ):
        with pytest.raises(ValueError, match=told):
            jax.eval_shape(lambda model=model: model.init(jax.random.key(0), GIVEN, train=False))
