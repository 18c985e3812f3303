"""Compose against its parts called by hand, in every placement, and what it owes where modalities are missing."""

import typing
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core import paths
from mmjax.core.tokens import Tokens
from mmjax.encoders.sensor import Sensor
from mmjax.encoders.vector import Vector
from mmjax.fusion.concat import Concat
from mmjax.fusion.decision_average import DecisionAverage
from mmjax.fusion.first_tokens import FirstTokens
from mmjax.fusion.weighted_sum import WeightedSum
from mmjax.heads.classify import Classify
from mmjax.interaction.cross_attention import CrossAttention
from mmjax.models.compose import Compose
from mmjax.nn.joined import Joined
from mmjax.nn.pool import Pool
from mmjax.nn.transformer import Transformer
from tests import reference

B, DIM, CLASSES = 4, 8, 3
ORDER = ("view", "moved")
ENCODERS = {"view": Vector(DIM), "moved": Sensor(DIM, strides=(1,), layers=1, heads=2)}
HEADS = {name: Classify(CLASSES) for name in ORDER}


class Seen(Classify):
    """A head that gives what it is given."""

    def __call__(self, tokens: Tokens, *, train: bool) -> typing.Any:
        return tokens.x, tokens.mask


def batch():
    rng = np.random.default_rng(0)
    return {
        "view": rng.normal(size=(B, 5)).astype(np.float32),
        "view_mask": np.array([True, True, False, True]),
        "moved": rng.normal(size=(B, 6, 2)).astype(np.float32),
        "moved_mask": np.arange(6) < np.array([6, 3, 4, 0])[:, None],
        "label": np.arange(B),
    }


BATCH = batch()
PLACED = {
    "early": Compose(ENCODERS, Concat(ORDER), Classify(CLASSES), trunk=Transformer(1, 2)),
    "hybrid": Compose(ENCODERS, Concat(ORDER), Classify(CLASSES), interactions=(CrossAttention(ORDER, 2, 1),)),
    "late": Compose(ENCODERS, WeightedSum(ORDER), Classify(CLASSES), trunks={"moved": Pool()}),
    "decisions": Compose(ENCODERS, DecisionAverage(ORDER), heads=HEADS),
}


@pytest.fixture(scope="module", params=PLACED)
def placed(request):
    model = PLACED[request.param]
    params = reference.parameters(model, BATCH, train=False)
    return request.param, model, params, jax.jit(partial(model.apply, train=False))


def test_a_fusion_of_decisions_without_heads_that_decide_is_refused():
    with pytest.raises(ValueError, match="DecisionAverage fuses what heads say of each modality; give heads"):
        Compose(ENCODERS, DecisionAverage(ORDER), Classify(CLASSES))


def test_decisions_that_are_not_fused_to_one_are_refused():
    model = Compose(ENCODERS, Concat(ORDER), heads=HEADS)
    with pytest.raises(ValueError, match="Concat makes 2 tokens of the decisions of heads; expected 1"):
        jax.eval_shape(partial(model.init, train=False), jax.random.key(0), BATCH)


def test_each_placement_is_its_parts_one_after_the_other(placed):
    name, model, params, run = placed

    def part(module, key, *given):
        return module.apply({"params": params.get(key, {})}, *given, train=False)

    found = {
        one: part(ENCODERS[one], f"encoders_{one}", jnp.asarray(BATCH[one]), jnp.asarray(BATCH[f"{one}_mask"]))
        for one in ORDER
    }
    if name == "hybrid":
        found = part(model.interactions[0], "interactions_0", found)
    if name == "late":
        found["moved"] = Pool().apply({}, found["moved"], train=False)
    if name == "decisions":
        found = {
            one: Tokens.of(part(HEADS[one], f"heads_{one}", x)[:, None], x.mask.any(1, keepdims=True))
            for one, x in found.items()
        }
        expected = part(model.fusion, "fusion", found).x[:, 0]
    else:
        fused = part(model.fusion, "fusion", found)
        fused = part(model.trunk, "trunk", fused) if name == "early" else fused
        expected = part(model.head, "head", fused)
    np.testing.assert_allclose(run({"params": params}, BATCH), expected, atol=1e-5)


def test_a_missing_modality_may_hold_anything_and_compiles_nothing_anew(placed):
    _, _, params, run = placed
    clean = run({"params": params}, BATCH)
    junk = {**BATCH, "view": np.where(BATCH["view_mask"][:, None], BATCH["view"], np.nan).astype(np.float32)}
    junk["moved"] = np.where(BATCH["moved_mask"][..., None], BATCH["moved"], np.inf).astype(np.float32)
    np.testing.assert_allclose(run({"params": params}, junk), clean, atol=1e-6)
    size = run._cache_size()
    for pattern in np.ndindex(2, 2):
        masks = {
            f"{name}_mask": np.full_like(BATCH[f"{name}_mask"], on) for name, on in zip(ORDER, pattern, strict=True)
        }
        found = run({"params": params}, {**BATCH, **masks})
        assert np.isfinite(found).all()
    assert run._cache_size() == size


def test_each_row_is_by_itself_and_every_parameter_learns(placed):
    _, model, params, run = placed
    clean = np.asarray(run({"params": params}, BATCH))
    other = {**BATCH, "moved": BATCH["moved"] + np.array([0, 1, 0, 0])[:, None, None]}
    changed = np.abs(run({"params": params}, other) - clean).max(-1) > 1e-6
    assert changed.tolist() == [False, True, False, False]
    gradient = jax.grad(lambda params: jnp.sum(jnp.sin(model.apply({"params": params}, BATCH, train=False))))(params)
    still = {path for path, leaf in paths.flatten(gradient).items() if leaf.size > DIM and not np.abs(leaf).max()}
    # Where there is one token to look at, queries and keys decide nothing.
    assert all("/query/" in path or "/key/" in path for path in still)


@pytest.mark.parametrize("name", ["hybrid", "late", "decisions"])
def test_several_questions_about_an_example_are_answered_as_if_each_were_asked_alone(name):
    asked = 3
    rng = np.random.default_rng(2)
    several = {
        **BATCH,
        "view": rng.normal(size=(B, asked, 5)).astype(np.float32),
        "view_mask": np.arange(asked) < np.array([3, 2, 1, 0])[:, None],
    }
    model = PLACED[name].clone(asked=("view",))
    params = reference.parameters(model, several, train=False)
    found = model.apply({"params": params}, several, train=False)
    assert found.shape == (B, asked, CLASSES)
    for q in range(asked):
        alone = {**BATCH, "view": several["view"][:, q], "view_mask": several["view_mask"][:, q]}
        expected = PLACED[name].apply({"params": params}, alone, train=False)
        np.testing.assert_allclose(found[:, q], expected, atol=1e-5)


def test_of_several_each_meets_the_others_alone_and_what_is_fused_stands_side_by_side():
    rng = np.random.default_rng(3)
    two = {**BATCH, "view": rng.normal(size=(B, 2, 5)).astype(np.float32)}
    two["view_mask"] = np.array([[True, True], [True, False], [False, True], [False, False]])
    parts = dict(interactions=(CrossAttention(ORDER, 2, 1),), trunk=Joined())
    model = Compose(ENCODERS, FirstTokens(ORDER), Classify(CLASSES), several=("view",), **parts)
    params = reference.parameters(model, two, train=False)
    run = jax.jit(partial(model.apply, train=False))
    found = run({"params": params}, two)
    passes = Compose(ENCODERS, FirstTokens(ORDER), Seen(CLASSES), interactions=parts["interactions"])
    fused = [
        passes.apply(
            {"params": params}, {**two, "view": two["view"][:, q], "view_mask": two["view_mask"][:, q]}, train=False
        )
        for q in range(2)
    ]
    side_by_side = Tokens(*(np.concatenate(arrays, axis=1) for arrays in zip(*fused, strict=True)))
    expected = Joined().apply({"params": params["trunk"]}, side_by_side, train=False)
    expected = Classify(CLASSES).apply({"params": params["head"]}, expected, train=False)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    junk = two | {"view": np.where(two["view_mask"][..., None], two["view"], np.nan).astype(np.float32)}
    np.testing.assert_allclose(run({"params": params}, junk), found, atol=1e-6)


def test_what_questions_share_is_encoded_once():
    rows = []

    class Counted(Vector):
        def __call__(self, values, mask, *, train):
            rows.append(len(values))
            return super().__call__(values, mask, train=train)

    model = Compose({"view": Counted(DIM), "moved": Counted(DIM)}, WeightedSum(ORDER), Classify(3), asked=("view",))
    given = {"view": np.zeros((B, 6, 5)), "view_mask": np.ones((B, 6), bool), "moved": np.zeros((B, 5))}
    jax.eval_shape(partial(model.init, train=False), jax.random.key(0), given | {"moved_mask": np.ones(B, bool)})
    assert sorted(rows) == [B, 6 * B]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (dict(encoders={}), "encoders is empty"),
        (dict(head=None), "give either head"),
        (dict(heads=HEADS), "give either head"),
        (dict(head=None, heads={"view": Classify(3)}), "heads has view; expected one for each of moved, view"),
        (dict(fusion=Concat(("view", "sound"))), r"Concat has order \('view', 'sound'\); expected each of moved, view"),
        (dict(trunks={"sound": Pool()}), "trunks has 'sound'; expected some of moved, view"),
        (dict(asked=("sound",)), "asked has 'sound'; expected some of moved, view"),
        (dict(several=("sound",)), "several has 'sound'; expected some of moved, view"),
        (dict(several=("view",), asked=("moved",)), "several is .* expected no asked and no heads beside it"),
        (
            dict(head=Pool()),
            "head has Pool, which makes Tokens of Tokens; expected Array of Tokens, as .* mmjax/heads/",
        ),
        (dict(fusion=Classify(3)), "fusion has Classify, which makes Array of Tokens; expected Tokens of Mapping"),
        (dict(encoders=ENCODERS | {"view": Pool()}), "encoders has Pool, .* expected Tokens of Array"),
        (dict(interactions=(Concat(ORDER),)), "interactions has Concat, .* expected Mapping of Mapping"),
        (dict(trunk=Vector(4)), "trunk has Vector, which makes Tokens of Array; expected Tokens of Tokens"),
    ],
)
def test_parts_that_do_not_fit_together_are_told(fields, told):
    with pytest.raises(ValueError, match=told):
        Compose(**dict(encoders=ENCODERS, fusion=Concat(ORDER), head=Classify(CLASSES)) | fields)


def test_a_part_whose_hints_say_nothing_of_its_kind_may_stand_anywhere():
    class Any(Vector):
        def __call__(self, values, mask, *, train: bool) -> typing.Any:
            return super().__call__(values, mask, train=train)

    class Checked(Vector):
        def __call__(self, values: "np.ndarray", mask: "OnlyCheckers", *, train: bool):  # noqa: F821
            return super().__call__(values, mask, train=train)

    Compose({"view": Any(DIM), "moved": Checked(DIM)}, Concat(ORDER), Classify(CLASSES))
