"""mmjax import: a run starts from what it wrote, a whole model answers, and what does not fit is one line."""

import json
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from tokenizers import models, pre_tokenizers

from mmjax import load
from mmjax.__main__ import main
from mmjax.cli.train import alone
from mmjax.core import paths
from mmjax.train.init_from import InitFrom
from tests import tiny
from tests.train import bits
from tests.weights.test_mapping import big_vision_picture
from tests.weights.test_parity import golden

T5 = [
    "vocab=40",
    *(f"{p}.{s}" for p in ("encoder", "decoder") for s in ("layers=2", "heads=3", "head_dim=6", "hidden=24")),
]
VIT = [f"image.{s}" for s in ("dim=12", "layers=2", "heads=3", "hidden=20", "stem.dim=12", "stem.size=2")]
GEMMA = ["use=models.paligemma", "vocab=40", "dim=16", "bos=2", "separator=7"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Checkpoints under their published keys, and a tokenizer of 40 words."""
    folder = tmp_path_factory.mktemp("published")
    for name in ("t5", "vit_siglip", "vit_timm", "paligemma"):
        np.savez(folder / f"{name}.npz", **golden(name)[1])
    words = {word: i for i, word in enumerate(["<pad>", "</s>", "<s>", "<unk>", *(f"w{i}" for i in range(36))])}
    tokenizer = tokenizers.Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def run(capsys, family, file, out, *model, tokenizer=None, size=40, more=()):
    """The exit code, the JSON line and what was said of `mmjax import`."""
    words = ["import", family, str(file), f"--config={tiny.CONFIG}", f"--out={out}", *more]
    words += [f"--config.task.model.{change}" for change in model]
    if tokenizer:
        fields = {"use": "data.tokenizer_file", "path": tokenizer, "size": size}
        words += [f"--config.data.tokenizer.{name}={value}" for name, value in fields.items()]
    code = main(words)
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else None, err


def test_a_run_starts_from_a_t5_and_a_vision_transformer_and_the_table_tells_every_key(files, tmp_path, capsys):
    given = dict(tokenizer=files / "tokenizer.json")
    code, first, said = run(capsys, "t5", files / "t5.npz", tmp_path, *T5, *VIT, **given)
    weights = golden("t5")[1]
    assert code == 0 and all(key in said for key in weights)
    assert first["taken"] == len(weights) - 2 and first["unused"] == [
        f"{x}coder.embed_tokens.weight" for x in ("en", "de")
    ]
    assert {path.split("/")[0] for path in first["missing"]} == {"image", "project"}
    code, second, said = run(capsys, "vit", files / "vit_siglip.npz", tmp_path, *T5, *VIT, **given)
    assert code == 0 and second["resized"] == 1 and second["missing"] == ["project/bias", "project/kernel"]
    assert all(".head." in key for key in second["unused"])
    assert """--config.init_from.rules='(("^(project)(/|$)", None),)'""" in said

    from mmjax.cli import config
    from mmjax.cli.import_ import _abstract

    changes = [f"task.model.{change}" for change in (*T5, *VIT)]
    fresh = _abstract(config.load(str(tiny.CONFIG), changes))
    zeros = paths.unflatten({path: np.zeros(leaf.shape, leaf.dtype) for path, leaf in fresh.items()})
    params, _ = InitFrom(str(tmp_path), rules=(("^project/", None),))(zeros)
    np.testing.assert_array_equal(params["embed"]["embedding"], weights["shared.weight"])
    picture = golden("vit_siglip")[1]["vision_model.encoder.layers.1.mlp.fc1.weight"]
    np.testing.assert_array_equal(params["image"]["stack"]["layers_1"]["mlp"]["up"]["kernel"], picture.T)
    assert params["image"]["position"]["table"].shape == (8, 8, 12) and not params["project"]["kernel"].any()


def test_a_whole_paligemma_answers_at_once(files, squares, tmp_path, capsys):
    decoder = ("use=decode.gemma_decoder", "layers=2", "heads=4", "head_dim=6", "hidden=24")
    model = [*GEMMA, *vit_node(), *(f"decoder.{change}" for change in decoder)]
    code, told, said = run(
        capsys, "paligemma", files / "paligemma.npz", tmp_path, *model, tokenizer=files / "tokenizer.json"
    )
    assert code == 0 and told["missing"] == [] and told["unused"] == []
    assert "holds the whole model" in said
    answer = load(tmp_path).predict([{"image": tiny.draw(0), "text": "w1 w2"}])
    assert set(answer[0]) == {"prediction", "confidence"} and 0 < answer[0]["confidence"] <= 1


def vit_node():
    """The vision transformer of PaliGemma, which a new `use` of the model has dropped."""
    yield "image.use=encoders.vit"
    yield from (change for change in VIT if not change.startswith("image.stem"))
    yield from ("image.stem.use=nn.patch_embedding", "image.stem.size=2", "image.stem.dim=12")
    yield "image.position.use=nn.learned_position"


T, V = "t5.npz", "vit_siglip.npz"
WRONG = {
    "another family": ("t5", V, T5, (), ["no key is one of t5", "look like Hugging Face's SigLIP"]),
    "fewer layers there": ("vit", V, [*VIT, "image.layers=3"], (), ["nothing there is 'image/stack/layers_2"]),
    "more layers there": ("vit", V, [*VIT, "image.layers=1"], (), ["the model has fewer layers"]),
    "another width": ("vit", V, [*VIT, "image.hidden=24"], (), ["(12, 20) gives (20, 12)", "has (24, 12)"]),
    "another vocabulary": ("t5", T, [*T5, "vocab=64"], (), ["it has 40 words, but the model a vocab of 64"]),
    "a tokenizer of one's own": ("t5", T, T5, (), ["data.tokenizer is learnt from the data", "--skip="]),
    "no such file": ("t5", "absent.npz", T5, (), ["absent.npz: no such file"]),
    "a T5 for a Gemma": (
        "t5",
        T,
        [
            *GEMMA,
            *vit_node(),
            *(f"decoder.{c}" for c in ("use=decode.gemma_decoder", "layers=2", "heads=3", "head_dim=6", "hidden=24")),
            "decoder.kv_heads=3",
        ],
        (),
        ["EncDecAttention", "which a layer here has not: it is another architecture"],
    ),
    "no pattern": ("t5", T, T5, ["--skip=("], ["--skip=( is no regular expression"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_one_line_and_leaves_no_checkpoint(name, files, tmp_path, capsys):
    family, file, model, more, expected = WRONG[name]
    code, told, said = run(capsys, family, files / file, tmp_path / "out", *model, more=more)
    assert code == 1 and told is None and said.count("\n") == 1 and said.startswith("mmjax: ")
    assert all(part in said for part in expected)
    assert not Path(tmp_path, "out/checkpoints").exists()


def test_a_wrong_tokenizer_is_left_nowhere_and_the_right_one_is_taken_after_it(files, tmp_path, capsys):
    right = files / "tokenizer.json"
    wrong = tmp_path / "wrong.json"
    words = json.loads(right.read_text())
    words["model"]["vocab"] |= {"w36": 40}
    wrong.write_text(json.dumps(words))
    out = tmp_path / "out"
    code, _, said = run(capsys, "t5", files / "t5.npz", out, *T5, tokenizer=wrong, size=99)
    assert code == 1 and "wrong.json has 41 pieces, but the checkpoint 40 words" in said
    assert list(out.iterdir()) == []
    code, _, _ = run(capsys, "t5", files / "t5.npz", out, *T5, tokenizer=right)
    assert code == 0 and (out / "tokenizer.json").read_bytes() == right.read_bytes()
    assert not list(out.glob(".*"))
    # Of an accepted size, but with other words: those of the import before stay.
    words["model"]["vocab"] = {word: 39 - i for word, i in json.loads(right.read_text())["model"]["vocab"].items()}
    wrong.write_text(json.dumps(words))
    code, _, said = run(capsys, "t5", files / "t5.npz", out, *T5, tokenizer=wrong)
    assert code == 1 and f"--out={out} holds tokenizer.json of an earlier import, which is another tokenizer" in said
    assert (out / "tokenizer.json").read_bytes() == right.read_bytes()
    code, _, _ = run(capsys, "t5", files / "t5.npz", out, *T5, tokenizer=right)
    assert code == 0


def test_a_file_for_a_folder_is_told(files, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    code, _, said = run(capsys, "t5", files / "t5.npz", tmp_path / "file", *T5)
    assert code == 1 and said.startswith(f"mmjax: --out={tmp_path / 'file'} cannot be written: ")


@pytest.mark.parametrize("heads", [3, 4])
def test_heads_that_only_an_axis_tells_are_compared(files, tmp_path, capsys, heads):
    picture = {key: x for key, x in golden("vit_siglip")[1].items() if ".head." not in key}
    np.savez(tmp_path / "vit.npz", **big_vision_picture(picture, "vision_model."))
    model = [*VIT, f"image.heads={heads}"]
    code, told, said = run(capsys, "vit", tmp_path / "vit.npz", tmp_path / "out", *model)
    assert (code, told is None) == ((0, False) if heads == 3 else (1, True))
    assert ("has 3 heads, but image of the model 4; make them 3" in said) == (heads == 4)


def test_words_can_be_left_out_by_skip(files, tmp_path, capsys):
    code, told, _ = run(capsys, "t5", files / "t5.npz", tmp_path, *T5[1:], more=("--skip=^(embed|head)",))
    assert code == 0 and {"embed/embedding", "head"} <= set(told["missing"]) and told["taken"] == 50


def test_the_folder_of_a_training_run_is_refused_and_keeps_its_checkpoints(files, squares, tmp_path, capsys):
    assert main(["train", f"--config={tiny.CONFIG}:once", f"--workdir={tmp_path}"]) == 0
    capsys.readouterr()
    before = bits.saved(tmp_path, 1)
    for lost in ("none", "metrics.jsonl"):
        (tmp_path / lost).unlink(missing_ok=True)
        code, told, said = run(capsys, "t5", files / "t5.npz", tmp_path, *T5)
        assert code == 1 and told is None
        assert (
            said
            == f"mmjax: --out={tmp_path} is the folder of a training run, which an import would end; choose another\n"
        )
    bits.assert_same(bits.saved(tmp_path, 1), before)


def test_a_folder_that_another_process_fills_is_left_to_it(files, tmp_path, capsys):
    with alone(tmp_path):
        code, told, said = run(capsys, "t5", files / "t5.npz", tmp_path, *T5)
    assert code == 1 and told is None
    assert said.startswith(f"mmjax: --out={tmp_path} is being filled by another process") and said.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "change", "said_of"),
    [("timm", [], True), ("timm", ["image.approximate=False"], False), ("siglip", [], False)],
    ids=["timm as tanh", "timm", "siglip"],
)
def test_another_form_of_gelu_than_the_checkpoints_is_told(files, tmp_path, capsys, name, change, said_of):
    model = [*VIT, *change, *(["image.hidden=24"] if name == "timm" else [])]
    code, _, said = run(capsys, "vit", files / f"vit_{name}.npz", tmp_path, *model)
    assert code == 0 and ("has the exact GELU as a rule, but the model the tanh form of GELU" in said) == said_of
    assert ("--config.task.model.image.approximate=False" in said) == said_of
