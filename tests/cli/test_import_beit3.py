"""mmjax import beit3: checkpoints in the published layout, for every model that takes one, and what does not fit."""

import json
import pickle
import zipfile
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tokenizers
from tokenizers import models, pre_tokenizers

from mmjax.__main__ import main
from mmjax.cli import config
from mmjax.cli.import_ import _tell_heads
from mmjax.core import paths
from mmjax.train.checkpoint import Checkpoints
from mmjax.weights import beit3
from tests import reference
from tests import tiny_beit3 as tiny
from tests.weights.test_parity import golden
from tests.weights.test_read import Calls, shard, torch_zip

D, LAYERS, VOCAB, PATCH = tiny.DIM, tiny.LAYERS, tiny.VOCAB, tiny.PATCH
SIDE = tiny.SIDE // PATCH


def shapes(side=SIDE, length=10, norm=True, dim=D, layers=LAYERS, words=VOCAB, patch=PATCH):
    """The towers' keys and shapes as published: feed-forwards of 4 D, two rows before the first position of a table."""
    found = {
        "text_embed.weight": (words, dim),
        "vision_embed.mask_token": (1, 1, dim),
        "vision_embed.cls_token": (1, 1, dim),
        "vision_embed.proj.weight": (dim, 3, patch, patch),
        "vision_embed.proj.bias": (dim,),
        "encoder.embed_positions.A.weight": (2 + 1 + side**2, dim),
        "encoder.embed_positions.B.weight": (2 + length, dim),
    }
    for tower in "AB":
        for layer in (f"encoder.layers.{i}" for i in range(layers)):
            for one in ("k_proj", "v_proj", "q_proj", "out_proj"):
                found |= linear(f"{layer}.self_attn.{one}.{tower}", (dim, dim))
            for one in ("self_attn.inner_attn_ln", "self_attn_layer_norm", "final_layer_norm"):
                found |= linear(f"{layer}.{one}.{tower}", (dim,))
            found |= linear(f"{layer}.ffn.{tower}.fc1", (4 * dim, dim))
            found |= linear(f"{layer}.ffn.{tower}.fc2", (dim, 4 * dim))
            found |= linear(f"{layer}.ffn.{tower}.ffn_layernorm", (4 * dim,))
        if norm:
            found |= linear(f"encoder.layer_norm.{tower}", (dim,))
    return {f"beit3.{key}": size for key, size in found.items()}


def linear(name, size):
    return {f"{name}.weight": size, f"{name}.bias": size[:1]}


def pretrained(codes=tiny.CODES, words=VOCAB, dim=D):
    """The heads that fill in patches and words."""
    return linear("mim_head", (codes, dim)) | linear("mlm_head", (words, dim))


PRETRAINED = pretrained()
ASKED = linear("pooler.norm", (D,)) | linear("pooler.dense", (D, D)) | linear("head.0", (2 * D, D))
ASKED |= linear("head.1", (2 * D,)) | linear("head.3", (tiny.CLASSES, 2 * D))
TWO = linear("head.norm1", (4 * D,)) | linear("head.dense1", (2 * D, 4 * D)) | linear("head.norm2", (2 * D,))
TWO |= linear("head.dense2", (tiny.CLASSES, 2 * D))
ONE = linear("fc_norm", (D,)) | linear("head", (tiny.CLASSES, D))
RETRIEVED = {"vision_head.weight": (D, D), "language_head.weight": (D, D), "logit_scale": ()}


def drawn(sizes):
    """Arrays of these shapes; norms, too, are none that would hide where they stand."""
    rng = np.random.default_rng(0)
    return {key: rng.normal(size=size).astype(np.float32) for key, size in sizes.items()}


def saved(path, arrays, key="model"):
    """What torch.save writes of {key: {name: tensor}}, by its description: each tensor is a call with its storage."""

    def text(value):
        raw = value.encode()
        return b"X" + len(raw).to_bytes(4, "little") + raw

    def number(value):
        return b"J" + int(value).to_bytes(4, "little")

    def numbers(values):
        return b"(" + b"".join(map(number, values)) + b"t"

    def tensor(place, array):
        strides = [stride // array.itemsize for stride in array.strides]
        storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(str(place)) + text("cpu")
        storage += number(array.size) + b"tQ"
        hooks = b"ccollections\nOrderedDict\n)R"
        return (
            b"ctorch._utils\n_rebuild_tensor_v2\n("
            + storage
            + number(0)
            + numbers(array.shape)
            + numbers(strides)
            + b"\x89"
            + hooks
            + b"tR"
        )

    items = b"".join(text(name) + tensor(place, array) + b"s" for place, (name, array) in enumerate(arrays.items()))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}" + text(key) + b"}" + items + b"s.")
        for place, array in enumerate(arrays.values()):
            archive.writestr(f"archive/data/{place}", array.tobytes())
    return path


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """A tokenizer of as many words as the checkpoints."""
    words = {word: i for i, word in enumerate(["<pad>", "</s>", "<s>", "<unk>", *(f"w{i}" for i in range(VOCAB - 4))])}
    tokenizer = tokenizers.Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    path = tmp_path_factory.mktemp("words") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@pytest.fixture
def run(words, tmp_path, capsys):
    """(the checkpoint, the variant, changes) to the exit code, the JSON line and what was said of `mmjax import`."""

    def run(file, variant="base", *changes, more=()):
        given = ["import", "beit3", str(file), f"--config={tiny.CONFIG}:{variant}", f"--out={tmp_path / 'out'}", *more]
        given += [f"--config.{change}" for change in changes]
        code = main(
            [*given, *([] if variant in ("picture", "imagenet") else [f"--config.data.tokenizer.path={words}"])]
        )
        out, said = capsys.readouterr()
        return code, json.loads(out) if out else None, said

    return run


def parts(paths):
    """What of a model these parameters are of."""
    return {path.split("/")[0] for path in paths}


@pytest.fixture
def params(tmp_path):
    """What the folder holds after an import, by path."""
    return lambda: paths.flatten(Checkpoints(tmp_path / "out").load()[1]["params"])


def test_the_layout_here_is_torchscales():
    keys = golden("beit3")[1].keys()
    assert {f"beit3.{key}" for key in keys} == set(shapes())


FORMS = {
    "pth": lambda path, arrays: saved(path / "x.pth", arrays),
    "safetensors": lambda path, arrays: shard(path / "x.safetensors", **arrays),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scan", [False, True], ids=["loop", "scan"])
def test_a_pretrained_checkpoint_lands_where_it_belongs_and_every_key_is_told(form, scan, run, params, tmp_path):
    arrays = drawn(shapes() | PRETRAINED | {"beit3.encoder.output_projection.weight": (VOCAB, D)})
    multiway = f'{{"use": "interaction.multiway", "order": ("image", "text"), "layers": 2, "heads": 3, "scan": {scan}}}'
    code, told, said = run(FORMS[form](tmp_path, arrays), "base", f"task.model.interactions=({multiway},)")
    assert code == 0, said
    assert told["unused"] == ["beit3.encoder.output_projection.weight"] and parts(told["missing"]) == {"coder"}
    assert told["taken"] == len(arrays) - 1 and told["resized"] == 0 and all(key in said for key in arrays)
    found = params()
    for tower, name in (("A", "image"), ("B", "text")):
        for i in range(LAYERS):
            layer = f"beit3.encoder.layers.{i}"
            pairs = {
                f"{name}_attention/query/kernel": arrays[f"{layer}.self_attn.q_proj.{tower}.weight"].T,
                f"{name}_attention/out_norm/scale": arrays[f"{layer}.self_attn.inner_attn_ln.{tower}.weight"],
                f"{name}_mlp/down/kernel": arrays[f"{layer}.ffn.{tower}.fc2.weight"].T,
                f"{name}_mlp_norm/bias": arrays[f"{layer}.final_layer_norm.{tower}.bias"],
            }
            for path, wanted in pairs.items():
                here = "interactions_0/stack/layers" + ("" if scan else f"_{i}")
                value = found[f"{here}/{path}"]
                np.testing.assert_array_equal(value[i] if scan else value, wanted)
    positions = arrays["beit3.encoder.embed_positions.A.weight"]
    np.testing.assert_array_equal(found["encoders_image/class_position"], positions[2])
    np.testing.assert_array_equal(found["encoders_image/position/table"], positions[3:].reshape(SIDE, SIDE, D))
    np.testing.assert_array_equal(found["heads_image/kernel"], arrays["mim_head.weight"].T)
    np.testing.assert_array_equal(found["heads_text/bias"], arrays["mlm_head.bias"])


def test_pictures_of_another_size_and_shorter_texts_take_tables_that_fit(run, params, tmp_path):
    arrays = drawn(shapes(side=6, length=20) | PRETRAINED)
    flat = arrays["beit3.encoder.embed_positions.A.weight"]
    flat[3:] = flat[3]  # what is the same everywhere is so at any size
    code, told, said = run(saved(tmp_path / "x.pth", arrays))
    assert code == 0 and told["resized"] == 1 and parts(told["missing"]) == {"coder"}, said
    found = params()
    table = np.broadcast_to(flat[3], (SIDE, SIDE, D))
    np.testing.assert_allclose(found["encoders_image/position/table"], table, atol=1e-5)
    rows = arrays["beit3.encoder.embed_positions.B.weight"][2 : 2 + tiny.LENGTH]
    np.testing.assert_array_equal(found["encoders_text/position/table"], rows)


def batch(many):
    rng = np.random.default_rng(1)
    lead = (2, 2) if many else (2,)
    image = rng.integers(0, 256, (*lead, tiny.SIDE, tiny.SIDE, 3), dtype=np.uint8)
    text, mask = rng.integers(4, VOCAB, (2, 6)), np.arange(6) < np.array([[6], [3]])
    return {"image": image, "image_mask": np.ones(lead, bool), "text": text, "text_mask": mask}


def norm(x, arrays, key):
    return reference.layer_norm(x, {"scale": arrays[f"{key}.weight"], "bias": arrays[f"{key}.bias"]}, 1e-5)


def mapped(x, arrays, key):
    return x @ arrays[f"{key}.weight"].T + arrays[f"{key}.bias"]


def asked(x, arrays):
    """What the published head for questions makes of the tokens [B, L, D] of picture and text."""
    pooled = np.tanh(mapped(norm(x[:, 0], arrays, "pooler.norm"), arrays, "pooler.dense"))
    return mapped(reference.gelu(norm(mapped(pooled, arrays, "head.0"), arrays, "head.1")), arrays, "head.3")


def compared(passes, arrays):
    """What the published head for two pictures and a statement makes of the tokens of both passes."""
    first = [x[:, at] for x in passes for at in (0, 1 + SIDE**2)]
    inner = mapped(norm(np.concatenate(first, axis=-1), arrays, "head.norm1"), arrays, "head.dense1")
    return mapped(reference.gelu(norm(inner, arrays, "head.norm2")), arrays, "head.dense2")


@pytest.mark.parametrize("variant", ["vqa", "nlvr2"])
def test_a_finetuned_checkpoint_answers_at_once_as_the_published_head_does(variant, run, params, tmp_path):
    arrays = drawn(shapes(norm=variant == "nlvr2") | (ASKED if variant == "vqa" else TWO))
    code, told, said = run(saved(tmp_path / "x.pth", arrays), variant)
    assert code == 0 and told["missing"] == [] and "holds the whole model" in said, said
    assert told["unused"] == ["beit3.vision_embed.mask_token"]
    given, flat = batch(many=variant == "nlvr2"), params()
    model = config.load(f"{tiny.CONFIG}:{variant}").task.model
    tree = paths.unflatten(flat)

    def towers(model, given):
        met = model._met(model.encoded(given, train=False), False)
        return jnp.concatenate([met[name].x for name in tiny.ORDER], axis=1)

    def passed(given):
        return model.clone(several=()).apply({"params": tree}, given, method=towers)

    if variant == "vqa":
        expected = asked(np.asarray(passed(given)), arrays)
    else:
        each = [given | {name: given[name][:, q] for name in ("image", "image_mask")} for q in range(2)]
        expected = compared([np.asarray(passed(one)) for one in each], arrays)
    logits = jax.jit(lambda given: model.apply({"params": tree}, given, train=False))(given)
    np.testing.assert_allclose(logits, expected, atol=1e-3, rtol=1e-4)


def test_a_checkpoint_of_classes_tells_them_at_once_as_the_published_head_does(run, params, tmp_path):
    """It holds pictures' part alone, and its first map takes pixels by other statistics."""
    arrays = {key: value for key, value in drawn(shapes(norm=False) | ONE).items() if not key.endswith("mask_token")}
    arrays = {key: value for key, value in arrays.items() if ".B." not in key and "text_embed" not in key}
    channels = ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))
    path = saved(tmp_path / "x.pth", arrays)
    code, told, said = run(path, "imagenet", f"task.model.encoders.image.channels={channels}")
    assert code == 0 and told["missing"] == told["unused"] == [] and "holds the whole model" in said, said
    model, tree = config.load(f"{tiny.CONFIG}:imagenet").task.model, paths.unflatten(params())
    image = model.encoders["image"].clone(channels=channels)
    given = {name: batch(many=False)[name] for name in ("image", "image_mask")}
    tokens = image.apply({"params": tree["encoders_image"]}, *given.values(), train=False)
    kernel = arrays["beit3.vision_embed.proj.weight"]
    pixels = (given["image"] / 255 - [mean for mean, _ in channels]) / [deviation for _, deviation in channels]
    first = np.einsum("bhwc,dchw->bd", pixels[:, :PATCH, :PATCH], kernel) + arrays["beit3.vision_embed.proj.bias"]
    position = arrays["beit3.encoder.embed_positions.A.weight"][3]
    np.testing.assert_allclose(tokens.x[:, 1], first + position, rtol=1e-4, atol=1e-4)
    met = model.interactions[0].apply({"params": tree["interactions_0"]}, {"image": tokens}, train=False)["image"].x
    expected = mapped(norm(np.asarray(met)[:, 1:].mean(axis=1), arrays, "fc_norm"), arrays, "head")
    logits = model.clone(encoders={"image": image}).apply({"params": tree}, given, train=False)
    np.testing.assert_allclose(logits, expected, atol=1e-3, rtol=1e-4)


def test_a_checkpoint_of_retrieval_places_pictures_and_texts_as_the_published_heads_do(run, params, tmp_path):
    arrays = drawn(shapes() | RETRIEVED)
    code, told, said = run(saved(tmp_path / "x.pth", arrays), "retrieval")
    assert code == 0 and told["missing"] == [] and told["unused"] == ["beit3.vision_embed.mask_token"], said
    model, tree, given = config.load(f"{tiny.CONFIG}:retrieval").task.model, paths.unflatten(params()), batch(False)
    found = model.apply({"params": tree}, given, train=False)
    for name, head in (("image", "vision_head"), ("text", "language_head")):

        def alone(model, name=name):
            return model._met({name: model._encoded(name, given, False)}, False)[name].x

        first = np.asarray(model.apply({"params": tree}, method=alone))[:, 0] @ arrays[f"{head}.weight"].T
        np.testing.assert_allclose(found[name], first / np.linalg.norm(first, axis=-1, keepdims=True), atol=1e-5)
    scale = model.apply({"params": tree}, method="learned")["scale"]
    np.testing.assert_allclose(scale, min(np.exp(arrays["logit_scale"]), 100), rtol=1e-5)


@pytest.mark.parametrize(
    ("variant", "heads", "unused", "missing"),
    [
        ("base", TWO, set(TWO), {"coder", "heads_image", "heads_text"}),
        ("base", RETRIEVED, set(RETRIEVED), {"coder", "heads_image", "heads_text"}),
        ("retrieval", ONE, {*ONE, "beit3.vision_embed.mask_token"}, {"heads_image", "heads_text", "log_scale"}),
        ("nlvr2", PRETRAINED, {*PRETRAINED, "beit3.vision_embed.mask_token"}, {"head", "trunk"}),
    ],
    ids=[
        "a finetuned one to pretrain",
        "one for retrieval to pretrain",
        "one of classes for retrieval",
        "a pretrained one to finetune",
    ],
)
def test_heads_of_another_task_are_told_and_those_of_the_model_start_fresh(
    variant, heads, unused, missing, run, tmp_path
):
    code, told, said = run(saved(tmp_path / "x.pth", drawn(shapes() | heads)), variant)
    assert code == 0 and set(told["unused"]) == unused, said
    assert parts(told["missing"]) == missing
    assert f"""(("^({"|".join(sorted(missing))})(/|$)", None),)""" in said


def test_a_model_of_pictures_alone_leaves_the_texts_there(run, params, tmp_path):
    code, told, said = run(saved(tmp_path / "x.pth", drawn(shapes() | PRETRAINED)), "picture")
    assert code == 0 and all(".B." in key for key in told["unused"] if ".A." in key or "layers" in key), said
    assert parts(params()) == {"encoders_image", "interactions_0"}
    assert parts(told["missing"]) == {"head"}


@pytest.mark.parametrize(("dim", "heads", "told"), [(128, 4, "make them 2\n"), (128, 2, ""), (12, 3, "")])
def test_other_heads_of_attention_than_published_are_told(dim, heads, told, capsys):
    encoder = SimpleNamespace(dim=dim)
    model = SimpleNamespace(encoders={"image": encoder}, interactions=(SimpleNamespace(heads=heads),))
    _tell_heads(beit3.RELEASED, SimpleNamespace(task=SimpleNamespace(model=model)))
    said = capsys.readouterr().err
    assert said.endswith(told) and bool(said) == bool(told)


def multiway(**fields):
    sizes = {"use": "interaction.multiway", "order": ("image", "text"), "layers": 2, "heads": 3} | fields
    return f"task.model.interactions=({sizes},)"


WRONG = {
    "fewer layers here": ({}, [multiway(layers=1)], ["the model has fewer layers"]),
    "more layers here": ({}, [multiway(layers=3)], ["nothing there is 'interactions_0/stack/layers_2/"]),
    "another width": ({}, [multiway(hidden=24)], ["(12, 48) gives (48, 12)", "but the model has (24, 12)"]),
    "the paper's form": ({}, [multiway(shared=True)], ["_attention", "which a layer here has not"]),
    "no last norm there": (None, [], ["nothing there is 'interactions_0/", "_norm/", "--skip="]),
    "another vocabulary": ({}, ["task.model.vocab=64", "task.model.encoders.text.vocab=64"], ["it has 40 words"]),
    "a longer table here": (
        {},
        ["task.model.encoders.text.position.length=11"],
        ["'beit3.encoder.embed_positions.B.weight' (12, 12) gives (10, 12)", "but the model has (11, 12)"],
    ),
    "a key in a layer": (
        {"beit3.encoder.layers.0.self_attn.rotary.A.weight": (D,)},
        [],
        ["'beit3.encoder.layers.0.self_attn.rotary.A.weight'", "another architecture"],
    ),
    "no table": (
        {"beit3.text_embed.weight": ()},
        [],
        ["'beit3.text_embed.weight' ()", "the model has (40, 12)"],
    ),
    "few positions": (
        {"beit3.encoder.embed_positions.A.weight": (2, D)},
        [],
        ["'beit3.encoder.embed_positions.A.weight' (2, 12) cannot become"],
    ),
    "a flat map of patches": (
        {"beit3.vision_embed.proj.weight": (D, 48)},
        [],
        ["'beit3.vision_embed.proj.weight' (12, 48) cannot become 'encoders_image/stem/patch/kernel'"],
    ),
    "other codes": (
        {"mim_head.weight": (9, D)},
        [],
        ["'mim_head.weight' (9, 12) gives (12, 9)", "the model has (12, 5)"],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_one_line(name, run, tmp_path):
    more, changes, expected = WRONG[name]
    sizes = shapes(norm=more is not None) | PRETRAINED | (more or {})
    code, told, said = run(saved(tmp_path / "x.pth", drawn(sizes)), "base", *changes)
    assert code == 1 and told is None and said.count("\n") == 1 and said.startswith("mmjax: "), said
    assert all(part in said for part in expected), said
    assert not Path(tmp_path, "out/checkpoints").exists()


def test_a_head_of_other_classes_can_be_left_out(run, tmp_path):
    path = saved(tmp_path / "x.pth", drawn(shapes() | TWO | linear("head.dense2", (9, 2 * D))))
    code, _, said = run(path, "nlvr2")
    assert code == 1 and "'head.dense2.bias' (9,) gives (9,) for 'head/logits/bias'" in said
    code, told, _ = run(path, "nlvr2", more=("--skip=^head/",))
    assert code == 0 and parts(told["missing"]) == {"head"}


def test_a_checkpoint_with_code_is_refused_by_name_and_runs_nothing(run, tmp_path):
    witness = tmp_path / "witness"
    path = torch_zip(tmp_path / "x.pth", pickle.dumps({"model": {}, "args": Calls(Path.touch, witness)}))
    code, told, said = run(path)
    assert code == 1 and told is None and said.count("\n") == 1
    assert "is refused: besides tensors its pickle wants pathlib" in said and not witness.exists()


def test_a_checkpoint_of_another_family_is_told(run, tmp_path):
    code, _, said = run(shard(tmp_path / "x.safetensors", **golden("vit_timm")[1]))
    assert code == 1 and "no key is one of beit3" in said and "look like timm's vision transformer" in said
