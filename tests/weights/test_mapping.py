"""Keys to parameters: big_vision's layouts against Hugging Face's, names that have changed, and what does not fit."""

import ml_dtypes
import numpy as np
import pytest

from mmjax.weights import mapping, paligemma, t5, vit
from tests.weights.test_parity import golden


def taken(weights, family, shapes):
    """The parameters of these shapes that a family finds in the weights."""
    _, _, found = mapping.recognise(weights, family.LAYOUTS)
    return mapping.place(weights, found, shapes, resize=None)[0]


def shapes_of(weights, family):
    """The shapes that the model of a golden has, from Hugging Face's arrays: matrices turned, the rest as they are."""
    _, _, found = mapping.recognise(weights, family.LAYOUTS)
    special = {"image/position/table": (4, 4, 12), "image/stem/patch/kernel": (12, 12)}
    kernels = {path: weights[source.key].shape for path, source in found.items()}
    return {p: special.get(p, s[::-1] if p.endswith("kernel") else s) for p, s in kernels.items()}


def big_vision_picture(weights, root):
    """SigLIP's arrays of Hugging Face as big_vision holds them: heads apart, [in, out], three heads of four."""
    new = {}
    for key, x in weights.items():
        key = key.removeprefix(root).removesuffix(".weight")
        bias = key.endswith(".bias")
        inner, layer = key.removesuffix(".bias"), ""
        leaf = "bias" if bias else "scale" if "norm" in key else "kernel"
        if inner.startswith("encoder.layers."):
            _, _, number, inner = inner.split(".", 3)
            layer = f"Transformer/encoderblock_{number}"
        if inner.endswith(("q_proj", "k_proj", "v_proj")):
            name = {"q": "query", "k": "key", "v": "value"}[inner.split(".")[1][0]]
            x = x.reshape(3, 4) if bias else x.reshape(3, 4, 12).transpose(2, 0, 1)
            new[f"{layer}/MultiHeadDotProductAttention_0/{name}/{leaf}"] = x
        elif inner.endswith("out_proj"):
            x = x if bias else x.reshape(12, 3, 4).transpose(1, 2, 0)
            new[f"{layer}/MultiHeadDotProductAttention_0/out/{leaf}"] = x
        elif "fc" in inner:
            new[f"{layer}/MlpBlock_0/Dense_{int(inner[-1]) - 1}/{leaf}"] = x if bias else x.T
        elif "layer_norm" in inner:
            new[f"{layer}/LayerNorm_{int(inner[-1]) - 1}/{leaf}"] = x
        elif inner == "post_layernorm":
            new[f"Transformer/encoder_norm/{leaf}"] = x
        elif inner.endswith("patch_embedding"):
            new[f"embedding/{leaf}"] = x if bias else x.transpose(2, 3, 1, 0)
        elif inner.endswith("position_embedding"):
            new["pos_embedding"] = x[None]
    return new


def scanned(weights):
    """All layers of a kind in one array, as big_vision's scan holds them."""
    first = {key: key.replace("encoderblock_0/", "encoderblock/") for key in weights if "encoderblock_0/" in key}
    new = {key: x for key, x in weights.items() if "encoderblock_" not in key}
    return new | {
        many: np.stack([weights[key.replace("_0/", f"_{i}/", 1)] for i in range(2)]) for key, many in first.items()
    }


def big_vision_paligemma(weights):
    """PaliGemma's arrays of Hugging Face as big_vision's checkpoints hold them: two layers, four heads of six."""
    picture = {key: x for key, x in weights.items() if key.startswith("vision_tower")}
    new = {f"img/{key}": x for key, x in scanned(big_vision_picture(picture, "vision_tower.vision_model.")).items()}
    new["img/head/kernel"] = weights["multi_modal_projector.linear.weight"].T
    new["img/head/bias"] = weights["multi_modal_projector.linear.bias"]

    def each(name):
        return np.stack([weights[f"language_model.model.layers.{i}.{name}.weight"] for i in range(2)])

    keys, values = (each(f"self_attn.{name}_proj").transpose(0, 2, 1) for name in "kv")
    new |= {
        "llm/embedder/input_embedding": weights["language_model.model.embed_tokens.weight"],
        "llm/final_norm/scale": weights["language_model.model.norm.weight"],
        "llm/layers/pre_attention_norm/scale": each("input_layernorm"),
        "llm/layers/pre_ffw_norm/scale": each("post_attention_layernorm"),
        "llm/layers/attn/q_einsum/w": each("self_attn.q_proj").reshape(2, 4, 6, 16).transpose(0, 1, 3, 2),
        "llm/layers/attn/kv_einsum/w": np.stack([keys, values], axis=1)[:, :, None],
        "llm/layers/attn/attn_vec_einsum/w": each("self_attn.o_proj").reshape(2, 16, 4, 6).transpose(0, 2, 3, 1),
        "llm/layers/mlp/gating_einsum": np.stack([each("mlp.gate_proj"), each("mlp.up_proj")], 1).transpose(0, 1, 3, 2),
        "llm/layers/mlp/linear": each("mlp.down_proj").transpose(0, 2, 1),
    }
    return {f"params/{key}": x for key, x in new.items()}


def same(found, expected):
    assert found.keys() == expected.keys()
    for path, value in expected.items():
        np.testing.assert_array_equal(found[path], value, err_msg=path)


def test_big_visions_paligemma_gives_the_parameters_of_hugging_faces():
    _, weights = golden("paligemma")
    shapes = shapes_of(weights, paligemma)
    same(taken(big_vision_paligemma(weights), paligemma, shapes), taken(weights, paligemma, shapes))


@pytest.mark.parametrize("form", ["loop", "scan", "two towers"])
def test_big_visions_vision_transformer_gives_the_parameters_of_hugging_faces(form):
    _, weights = golden("vit_siglip")
    shapes = shapes_of(weights, vit)
    other = big_vision_picture({k: x for k, x in weights.items() if ".head." not in k}, "vision_model.")
    other = scanned(other) if form == "scan" else other
    root = "params/img/" if form == "two towers" else "params/"
    same(taken({root + key: x for key, x in other.items()}, vit, shapes), taken(weights, vit, shapes))


@pytest.mark.parametrize("inside", ["", "vision_model."])
def test_the_names_that_newer_releases_save_paligemma_under_give_the_same(inside):
    _, weights = golden("paligemma")
    newer = {
        f"model.{key}".replace("language_model.model.", "language_model.").replace("vision_model.", inside): x
        for key, x in weights.items()
    }
    shapes = shapes_of(weights, paligemma)
    same(taken(newer, paligemma, shapes), taken(weights, paligemma, shapes))


def test_a_vision_transformer_is_found_inside_of_paligemma():
    _, weights = golden("paligemma")
    shapes = {path: s for path, s in shapes_of(weights, paligemma).items() if path.startswith("image/")}
    expected = taken(weights, paligemma, shapes)
    same(taken(weights, vit, shapes), expected)


def test_layers_are_stacked_in_order_for_the_scan_form():
    _, weights = golden("t5")
    wanted = {"encoder/stack/layers/mlp/down/kernel": (2, 24, 16), "encoder/norm/scale": (16,)}
    found = taken(weights, t5, wanted)
    for i in range(2):
        expected = weights[f"encoder.block.{i}.layer.1.DenseReluDense.wo.weight"].T
        np.testing.assert_array_equal(found["encoder/stack/layers/mlp/down/kernel"][i], expected)


def test_every_key_has_a_row_that_says_what_became_of_it_and_every_parameter_without_one_too():
    _, weights = golden("t5")
    _, _, found = mapping.recognise(weights, t5.LAYOUTS)
    wanted = {"embed/embedding": (40, 16), "encoder/norm/scale": (16,), "project/kernel": (3, 2)}
    rows = mapping.place(weights, found, wanted, resize=None)[1]
    assert [row.key for row in rows] == [*weights, ""]
    assert {row.key: row.path for row in rows if row.done == "taken"} == {
        "shared.weight": "embed/embedding",
        "encoder.final_layer_norm.weight": "encoder/norm/scale",
    }
    assert rows[-1] == mapping.Row("", "missing", "project/kernel", (3, 2))
    assert {row.done for row in rows[:-1]} == {"taken", "unused"}


def test_positions_of_a_class_token_are_left_out_and_those_of_another_grid_are_resized():
    table = np.arange(10 * 2, dtype=np.float32).reshape(1, 10, 2)
    weights = {"pos_embed": table}
    rules = (mapping.Rule("pos_embed", "position/table", mapping.positions),)
    layout = mapping.Layout("toy", rules)
    found = mapping.sources(weights, layout, "")
    params, _ = mapping.place(weights, found, {"position/table": (3, 3, 2)}, resize=None)
    np.testing.assert_array_equal(params["position/table"], table[0, 1:].reshape(3, 3, 2))
    asked = []

    def resize(grid, shape):
        asked.append((grid, shape))
        return np.ones((*shape, 2))

    params, rows = mapping.place(weights, found, {"position/table": (2, 4, 2)}, resize)
    np.testing.assert_array_equal(asked[0][0], table[0, 1:].reshape(3, 3, 2))
    assert asked[0][1] == (2, 4) and [row.done for row in rows] == ["resized"]


def test_an_array_of_another_shape_is_named_with_both_shapes():
    _, weights = golden("t5")
    _, _, found = mapping.recognise(weights, t5.LAYOUTS)
    with pytest.raises(ValueError, match=r"'lm_head\.weight' \(40, 16\) gives \(16, 40\) for 'head', but .* \(8, 40\)"):
        mapping.place(weights, found, {"head": (8, 40)}, resize=None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder.block.2.layer.0.layer_norm.weight": np.ones(16)}, "the model has fewer layers"),
        ({"encoder.block.0.layer.1.DenseReluDense.wi.weight": np.ones((24, 16))}, "another architecture"),
    ],
    ids=["deeper", "T5 1.0"],
)
def test_more_layers_and_layers_with_more_in_them_are_errors(change, message):
    _, weights = golden("t5")
    layout, root, found = mapping.recognise(weights, t5.LAYOUTS)
    mapping.check_layers(weights, layout, root, found, shapes_of(weights, t5))
    # What old files hold and never used is not.
    old = {"decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight": np.ones((32, 3))}
    mapping.check_layers(weights | old, layout, root, found, shapes_of(weights, t5))
    here = shapes_of(weights, t5)
    layout, root, found = mapping.recognise(weights | change, t5.LAYOUTS)
    with pytest.raises(ValueError, match=message):
        mapping.check_layers(weights | change, layout, root, found, here)


def test_a_parameter_that_the_models_layers_have_not_is_an_error_and_one_of_a_stack_that_is_not_there_is_none():
    _, weights = golden("t5")
    layout, root, found = mapping.recognise(weights, t5.LAYOUTS)
    here = {path for path in shapes_of(weights, t5) if "/cross" not in path}
    with pytest.raises(
        ValueError, match=r"EncDecAttention.* is of 'decoder/stack/layers_\d/cross.* another architecture"
    ):
        mapping.check_layers(weights, layout, root, found, here)
    mapping.check_layers(weights, layout, root, found, {path for path in here if not path.startswith("decoder")})


@pytest.mark.parametrize(
    ("name", "root", "key"),
    [
        ("vit_timm", "", "norm_pre.weight"),
        ("vit_timm", "module.", "patch_embed.norm.bias"),
        ("vit_siglip", "vision_model.", "pre_layrnorm.weight"),
    ],
)
def test_a_norm_that_no_model_here_has_is_an_error(name, root, key):
    _, weights = golden(name)
    weights = {key if root == "vision_model." else root + key: x for key, x in weights.items()}
    layout, found_root, found = mapping.recognise(weights, vit.LAYOUTS)
    assert found_root == root
    mapping.check_layers(weights, layout, root, found, found)
    with pytest.raises(ValueError, match=f"it has '{root}{key}', which a model here has not"):
        mapping.check_layers(weights | {root + key: np.ones(12)}, layout, root, found, found)


@pytest.mark.parametrize("form", [dict, scanned], ids=["loop", "scan"])
def test_heads_are_counted_where_an_axis_tells_them(form):
    _, weights = golden("vit_siglip")
    assert mapping.heads(weights, mapping.recognise(weights, vit.LAYOUTS)[2]) == {}
    picture = {k: x for k, x in weights.items() if "head." not in k}
    arrays = form(big_vision_picture(picture, "vision_model."))
    counted = mapping.heads(arrays, mapping.recognise(arrays, vit.LAYOUTS)[2])
    assert counted == {f"image/stack/layers_{i}/attention/query/kernel": 3 for i in range(2)}
    arrays = big_vision_paligemma(golden("paligemma")[1])
    counted = mapping.heads(arrays, mapping.recognise(arrays, paligemma.LAYOUTS)[2])
    assert {path.split("/")[0]: count for path, count in counted.items()} == {"image": 3, "decoder": 4}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda x: np.round(9 * x).astype(np.int8),
            r"'lm_head\.weight' holds int8 numbers, but 'head' floating-point ones",
        ),
        (lambda x: x > 0, r"'lm_head\.weight' holds bool numbers"),
        (lambda x: np.where(x == x.max(), np.nan, x), r"'lm_head\.weight' holds numbers that are not finite"),
        (lambda x: np.where(x == x.max(), 1e300, x.astype(np.float64)), "not finite in float32"),
    ],
    ids=["quantised", "bool", "nan", "too large"],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_numbers_that_can_be_no_weights_are_named_by_their_key(change, message):
    _, weights = golden("t5")
    _, _, found = mapping.recognise(weights, t5.LAYOUTS)
    with pytest.raises(ValueError, match=message):
        mapping.place(weights | {"lm_head.weight": change(weights["lm_head.weight"])}, found, {"head": (16, 40)}, None)
    half = weights["lm_head.weight"].astype(ml_dtypes.bfloat16)
    params, _ = mapping.place(weights | {"lm_head.weight": half}, found, {"head": (16, 40)}, None)
    np.testing.assert_array_equal(params["head"], half.T)


@pytest.mark.parametrize("form", [dict, scanned], ids=["loop", "scan"])
@pytest.mark.parametrize("root", ["", "params/"])
def test_more_in_a_layer_of_big_visions_is_an_error_too(form, root):
    _, weights = golden("vit_siglip")
    picture = {k: x for k, x in weights.items() if "head." not in k}
    arrays = {root + key: x for key, x in form(big_vision_picture(picture, "vision_model.")).items()}
    layout, root, found = mapping.recognise(arrays, vit.LAYOUTS)
    mapping.check_layers(arrays, layout, root, found, found)
    block = next(key for key in arrays if "encoderblock" in key).split("/LayerNorm")[0].split("/M")[0]
    more = arrays | {f"{block}/LayerScale_0/scale": np.ones((2, 12))}
    with pytest.raises(ValueError, match=r"LayerScale_0.*another architecture"):
        mapping.check_layers(more, layout, root, found, found)


@pytest.mark.parametrize("root", ["vision_model.", "vision_tower.", "model.vision_tower.", "model.vision_model."])
def test_a_picture_tower_is_found_under_all_its_names(root):
    _, weights = golden("vit_siglip")
    renamed = {key.replace("vision_model.", root, 1): x for key, x in weights.items()}
    _, found_root, found = mapping.recognise(renamed, vit.LAYOUTS)
    assert found_root == root
    assert found.keys() == mapping.recognise(weights, vit.LAYOUTS)[2].keys()
