"""Classes and numbers of examples: losses and scores by hand, and rows whose truth is not known."""

import dataclasses
import math
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from mmjax.core.task import Ctx, Task
from mmjax.encoders.embedding import Embedding
from mmjax.encoders.irregular_sensor import IrregularSensor
from mmjax.encoders.patches import Patches
from mmjax.encoders.sensor import Sensor
from mmjax.encoders.speech_conv import SpeechConv
from mmjax.encoders.table import Table
from mmjax.encoders.text_transformer import TextTransformer
from mmjax.encoders.vector import Vector
from mmjax.encoders.vit import Vit
from mmjax.encoders.waveform import Waveform
from mmjax.fusion.decision_average import DecisionAverage
from mmjax.fusion.first_tokens import FirstTokens
from mmjax.fusion.modality_attention import ModalityAttention
from mmjax.heads.classify import Classify as Head
from mmjax.heads.gaussian import Gaussian
from mmjax.heads.regress import Regress as Number
from mmjax.interaction.aligned import Aligned
from mmjax.interaction.multiway import Multiway
from mmjax.losses.gaussian_nll import GaussianNll
from mmjax.losses.squared_error import SquaredError
from mmjax.metrics.sentiment import Sentiment
from mmjax.models.compose import Compose
from mmjax.nn.joined import Joined
from mmjax.nn.learned_position import LearnedPosition
from mmjax.nn.patch_embedding import PatchEmbedding
from mmjax.nn.pool import Pool
from mmjax.tasks.classify import Classify
from mmjax.tasks.panels import grid
from mmjax.tasks.regress import Regress
from tests import reference

ORDER, LABELS = ("view", "moved"), ("cat", "dog", "emu")
CTX = Ctx(jax.random.key(0), train=False)
ENCODERS = {"view": Vector(8), "moved": Sensor(8, strides=(1,), layers=1, heads=2)}
DATA = SimpleNamespace(labels=LABELS)


def batch():
    rng = np.random.default_rng(1)
    return {
        "view": rng.normal(size=(4, 5)).astype(np.float32),
        "view_mask": np.array([True, True, False, False]),
        "moved": rng.normal(size=(4, 6, 2)).astype(np.float32),
        "moved_mask": np.arange(6) < np.array([6, 3, 4, 0])[:, None],
        "label": np.array([2, 0, -1, -1], np.int32),
        "target": np.array([[1.5], [-2], [0], [0]], np.float32),
        "target_mask": np.array([True, True, False, False]),
        "index": np.array([5, 8, 9, -1], np.int32),
    }


BATCH = batch()


def model(head):
    return Compose(ENCODERS, ModalityAttention(ORDER), head)


def parameters(task):
    return reference.parameters(task.model, BATCH, train=False)


@pytest.fixture(scope="module")
def classify():
    return Classify(model(Head(3)), smoothing=0.1).bind(DATA)


def test_the_loss_is_smoothed_cross_entropy_over_the_rows_whose_class_is_known(classify):
    assert isinstance(classify, Task)
    params = parameters(classify)
    logits = np.asarray(classify.model.apply({"params": params}, BATCH, train=False), np.float64)
    total = 0.0
    for b, label in ((0, 2), (1, 0)):
        log = logits[b] - math.log(sum(math.exp(z) for z in logits[b]))
        total += -(0.9 * log[label] + 0.1 * sum(log) / 3)
    found, _ = classify.loss(params, {}, BATCH, CTX)
    assert (float(found["cross_entropy"].total), float(found["cross_entropy"].count)) == (pytest.approx(total), 2)
    right = sum(int(np.argmax(logits[b])) == label for b, label in ((0, 2), (1, 0)))
    assert float(found["accuracy"].total) == right


def test_records_name_the_class_and_only_known_ones_are_scored(classify):
    predictions = {"probability": np.array([[0.1, 0.2, 0.7], [0.2, 0.6, 0.2], [1, 0, 0], [0, 0, 1]], np.float32)}
    records = classify.read(predictions, BATCH)
    assert records == [
        {"index": 5, "place": 0, "prediction": "emu", "confidence": 0.7, "truth": "emu", "right": True},
        {"index": 8, "place": 0, "prediction": "dog", "confidence": 0.6, "truth": "cat", "right": False},
        {"index": 9, "place": 0, "prediction": "cat", "confidence": 1.0},
    ]
    mean = classify.score(predictions, BATCH)["accuracy"]
    assert (float(mean.total), float(mean.count)) == (1, 2)
    scores = classify.finish(records)
    assert scores["accuracy"] == 0.5 and scores["recall/class/emu"] == 1 and scores["recall/class/cat"] == 0
    assert scores["dog/truth, by prediction/cat"] == 1


@pytest.fixture(scope="module")
def several():
    """Two questions about each example, of which the second example has one and the last two have none."""
    there = np.array([[1, 1], [1, 0], [0, 0], [0, 0]], bool)
    rng = np.random.default_rng(2)
    return BATCH | {
        "view": rng.normal(size=(4, 2, 5)).astype(np.float32),
        "view_mask": there,
        "label": np.array([[2, 0], [1, -1], [-1, -1], [-1, -1]], np.int32),
        "kind": np.array([[1, 0], [1, -1], [-1, -1], [-1, -1]], np.int32),
    }


def test_of_rows_that_belong_together_it_is_told_how_often_all_are_right():
    task = Classify(model(Head(3))).bind(SimpleNamespace(labels=LABELS))
    label = np.array([0, 1, 2, 0])
    given = BATCH | {"label": label, "index": np.arange(4), "group": np.array([4, 4, 9, -1], np.int32)}
    for wrong, wanted in ((None, 1.0), (0, 0.5)):
        probability = np.eye(3, dtype=np.float32)[np.where(np.arange(len(label)) == wrong, (label + 1) % 3, label)]
        records = task.read({"probability": probability}, given)
        assert task.finish(records)["consistency"] == wanted


def test_questions_about_an_example_are_scored_one_by_one_and_by_kind(several):
    task = Classify(model(Head(3)).clone(asked=("view",))).bind(SimpleNamespace(labels=LABELS, kinds=("easy", "hard")))
    assert "consistency" not in task.finish([])
    probability = np.zeros((4, 2, 3), np.float32)
    for at, said in {(0, 0): 2, (0, 1): 1, (1, 0): 1, (1, 1): 0}.items():
        probability[at][said] = 1
    records = task.read({"probability": probability}, several)
    assert [(r["index"], r["place"], r["prediction"], r["truth"], r["kind"]) for r in records] == [
        (5, 0, "emu", "emu", "hard"),
        (5, 1, "dog", "cat", "easy"),
        (8, 0, "dog", "dog", "hard"),
    ]
    mean = task.score({"probability": probability}, several)["accuracy"]
    assert (float(mean.total), float(mean.count)) == (2, 3)
    scores = task.finish(records)
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert (scores["accuracy/kind/hard"], scores["examples/kind/hard"]) == (1, 2)
    assert (scores["accuracy/kind/easy"], scores["examples/kind/easy"]) == (0, 1)
    params = reference.parameters(task.model, several, train=False)
    found, _ = task.loss(params, {}, several, CTX)
    logits = np.asarray(task.model.apply({"params": params}, several, train=False), np.float64)
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = -(log_p[0, 0, 2] + log_p[0, 1, 0] + log_p[1, 0, 1])
    assert float(found["cross_entropy"].total) == pytest.approx(expected, rel=1e-5)


def test_a_question_that_is_missing_counts_where_its_answer_is_known(several):
    task = Classify(model(Head(3)).clone(asked=("view",))).bind(SimpleNamespace(labels=LABELS, kinds=("easy", "hard")))
    probability = np.eye(3, dtype=np.float32)[np.maximum(several["label"], 0)]
    without = several | {"view_mask": np.zeros_like(several["view_mask"])}
    mean = task.score({"probability": probability}, without)["accuracy"]
    assert len(task.read({"probability": probability}, without)) == float(mean.count) == 3


def test_of_several_questions_a_panel_shows_a_wrong_one_and_its_own_weights(several):
    task = Classify(model(Head(3)).clone(asked=("view",))).bind(SimpleNamespace(labels=LABELS, kinds=("easy", "hard")))
    params = reference.parameters(task.model, several, train=False)
    best = np.argmax(task.predict(params, {}, several, CTX)["probability"], -1)
    label = several["label"].copy()
    label[0] = best[0, 0], (best[0, 1] + 1) % 3
    panels = task.show(params, {}, several | {"label": label}, CTX)
    assert len(panels) == 2
    assert (panels[0].text["kind"], panels[0].text["verdict"]) == ("easy", "wrong")
    alone = several | {name: several[name][:, 1] for name in ("view", "view_mask")}
    _, state = task.model.clone(asked=()).apply({"params": params}, alone, train=False, mutable=["maps"])
    weights = state["maps"]["fusion"]["modality"][0][0]
    np.testing.assert_allclose(panels[0].arrays["moved"], weights[:, 1], atol=1e-5)


def test_questions_without_labels_or_labels_without_questions_are_told(several):
    task = Classify(model(Head(3)))
    with pytest.raises(ValueError, match=r"predicts \(4,\) and the data has labels \(4, 2\); name the modalities"):
        task.init(jax.random.key(0), BATCH | {"label": several["label"]})


def test_weights_are_told_of_the_steps_at_which_something_is_real():
    task = Classify(model(Head(3))).bind(DATA)
    short = BATCH | {"view_mask": np.zeros(4, bool)}  # a vector stands at every step, and would make all of them real
    (_, panel) = task.show(parameters(task), {}, short | {"index": np.array([-1, 8, 9, -1])}, CTX)[:2]
    assert panel.text["weights"] == "view 0.00, moved 1.00" and len(panel.arrays["moved"]) == 4


def test_decisions_of_several_heads_are_for_classes_alone():
    decided = Compose(ENCODERS, DecisionAverage(ORDER), heads={name: Number() for name in ORDER})
    with pytest.raises(ValueError, match=r"decides modality by modality among classes.*tasks\.regress takes one"):
        Regress(decided, SquaredError()).init(jax.random.key(0), BATCH)
    classes = Compose(ENCODERS, DecisionAverage(ORDER), heads={name: Head(3) for name in ORDER})
    assert Classify(classes).bind(DATA).init(jax.random.key(0), BATCH)[0]


def test_a_head_of_other_classes_or_data_without_any_is_told():
    with pytest.raises(ValueError, match=r"gives 4 classes, but the data has 3 labels \(cat, dog, emu\)"):
        Classify(model(Head(4))).bind(DATA).init(jax.random.key(0), BATCH)
    with pytest.raises(ValueError, match=r"needs data with labels: set data\.label"):
        Classify(model(Head(3))).bind(SimpleNamespace(labels=()))
    with pytest.raises(ValueError, match="smoothing is 1"):
        Classify(model(Head(3)), smoothing=1)


def told_by(encoder):
    """What data that does not fit an encoder says of itself."""
    if isinstance(encoder, Table):
        return {"columns": {"numeric": 1, "categories": [3]}}
    return {"times": True} if isinstance(encoder, Sensor) else {"rate": 16000}


def test_steps_without_times_are_told_where_an_encoder_takes_them():
    known = SimpleNamespace(labels=LABELS, fitted={"said": {"times": False}})
    with pytest.raises(ValueError, match=r"takes a time with each step, but data\.modality\.series gives none"):
        Classify(Compose({"said": IrregularSensor(8)}, ModalityAttention(("said",)), Head(3))).bind(known)
    known.fitted["said"]["times"] = True
    Classify(Compose({"said": IrregularSensor(8)}, ModalityAttention(("said",)), Head(3))).bind(known)


@pytest.mark.parametrize(
    ("encoder", "told"),
    [
        (
            TextTransformer(8, vocab=20, layers=1, heads=2),
            "tokenizer's size is 30 and task.model.encoders.said.vocab 20",
        ),
        (Waveform(8, SpeechConv(8), rate=8000), r"16000 samples a second and task.model.encoders.said.rate is 8000"),
        (
            Table(8, numeric=1, categories=(2, 3)),
            r"records have 1 numbers and categories of \[3\] names, but task.model.encoders.said takes 1 numbers and "
            r"categories of \[2, 3\] names; make them equal",
        ),
        (Sensor(8), "said is Sensor, which takes steps at an even pace, but data.modality.readings"),
    ],
)
def test_encoders_that_do_not_fit_the_data_are_told(encoder, told):
    known = SimpleNamespace(labels=LABELS, words=SimpleNamespace(size=30), fitted={"said": told_by(encoder)})
    with pytest.raises(ValueError, match=told):
        Classify(Compose({"said": encoder}, ModalityAttention(("said",)), Head(3))).bind(known)


def test_parameters_can_be_made_before_the_data_is_known():
    params, _ = Classify(model(Head(4))).init(jax.random.key(0), BATCH)
    assert params["head"]["logits"]["kernel"].shape == (8, 4)


def test_the_report_shows_the_picture_what_was_asked_and_how_modalities_were_chosen():
    order = ("picture", "said")
    rng = np.random.default_rng(0)
    batch = {
        "picture": rng.integers(0, 256, (2, 8, 8, 3), dtype=np.uint8),
        "picture_mask": np.ones(2, bool),
        "said": np.array([[[3, 4, 0], [5, 0, 0]]] * 2),
        "said_mask": np.array([[[True, True, False], [True, False, False]]] * 2),
        "label": np.array([[0, 1]] * 2, np.int32),
        "index": np.arange(2, dtype=np.int32),
    }
    words = SimpleNamespace(size=6, decode=lambda ids: " ".join(map(str, ids)))
    image = Vit(8, 1, 2, 8, stem=PatchEmbedding(8, 8), position=LearnedPosition())
    encoders = {"picture": image, "said": TextTransformer(8, vocab=6, layers=1, heads=2)}
    composed = Compose(encoders, ModalityAttention(order), Head(3), trunks={"said": Pool()}, asked=("said",))
    task = Classify(composed).bind(SimpleNamespace(labels=LABELS, words=words))
    params = reference.parameters(composed, batch, train=False)
    places = [record["place"] for record in task.read(jax.device_get(task.predict(params, {}, batch, CTX)), batch)]
    assert places == [0, 1, 0, 1]
    panels = task.show(params, {}, batch, CTX)
    assert [panel.kind for panel in panels] == ["picture"] * 2
    assert all(panel.text["said"] in ("3 4", "5") for panel in panels)
    np.testing.assert_array_equal(panels[1].arrays["image"], batch["picture"][1])


def pictured(several, **form):
    """Pictures of 2 x 3 patches, or two each, beside texts of up to 4 words: a task, its parameters, and a batch."""
    rng = np.random.default_rng(0)
    count = (2,) if several else ()
    batch = {
        "seen": rng.integers(0, 200, (3, *count, 8, 12, 3), dtype=np.uint8),
        "seen_mask": np.ones((3, *count), bool),
        "said": np.array([[2, 4, 5, 1], [2, 5, 1, 0], [0, 0, 0, 0]]),
        "said_mask": np.array([[True] * 4, [True] * 3 + [False], [False] * 4]),
        "label": np.array([0, 1, 2], np.int32),
        "index": np.array([7, 3, 5], np.int32),
    }
    order, names = ("seen", "said"), {4: "red", 5: "box"}
    words = SimpleNamespace(size=6, decode=lambda ids: " ".join(names.get(number, "") for number in ids))
    encoders = {"seen": Patches(8, stem=PatchEmbedding(4, 8)), "said": Embedding(8, vocab=6)}
    composed = Compose(
        encoders,
        FirstTokens(order),
        Head(3),
        trunk=Joined(),
        interactions=(Multiway(order, layers=2, heads=2, **form),),
        several=("seen",) if several else (),
    )
    task = Classify(composed).bind(SimpleNamespace(labels=LABELS, words=words))
    return task, reference.parameters(composed, batch, train=False), batch


@pytest.mark.parametrize("form", [{}, {"scan": True}, {"shared": True, "sub_norm": False, "joint": 1}], ids=str)
def test_the_report_shows_where_each_word_looked_in_the_picture(form):
    task, params, batch = pictured(several=False, **form)
    panels = {panel.text["truth"]: panel for panel in task.show(params, {}, batch, CTX)}
    assert panels["cat"].text["heat"] == "(picture)\n(start)\nred\nbox\n(end)"
    assert panels["dog"].text["heat"] == "(picture)\n(start)\nbox\n(end)"
    assert "heat" not in panels["emu"].text and "heat" not in panels["emu"].arrays
    _, state = task.model.apply({"params": params}, batch, train=False, mutable=["maps"])
    leaves = [(jax.tree_util.keystr(path), np.asarray(leaf)) for path, leaf in jax.tree.leaves_with_path(state["maps"])]
    total, layers = np.zeros((11, 11)), 0.0
    for path, leaf in leaves:
        for layer in leaf if leaf.ndim == 5 else [leaf]:
            whole = np.zeros((11, 11))
            rows = slice(0, 7) if "seen_" in path else slice(7, 11) if "said_" in path else slice(0, 11)
            whole[rows] = layer[0].mean(axis=0)
            total, layers = total + whole, layers + (rows.stop - rows.start) / 11
    assert layers == 2
    np.testing.assert_allclose(total.sum(axis=1), 2, atol=1e-5)
    looked = total[[0, 7, 8, 9, 10], 1:7].reshape(5, 2, 3)
    expected = looked / looked.max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(panels["cat"].arrays["heat"], expected, atol=1e-5)
    np.testing.assert_array_equal(panels["cat"].arrays["image"], batch["seen"][0])


def test_of_several_pictures_the_report_shows_all_beside_each_other_and_where_each_word_looked_in_them():
    task, params, batch = pictured(several=True)
    first = next(panel for panel in task.show(params, {}, batch, CTX) if panel.text["truth"] == "cat")
    shown, heat = first.arrays["image"], first.arrays["heat"]
    assert shown.shape == (8, 24, 3) and heat.shape == (5, 2, 6)
    np.testing.assert_array_equal(shown[:, :11], batch["seen"][0, 0, :, :11])
    assert (shown[:, 11] == 255).all()  # a line between the two
    np.testing.assert_array_equal(shown[:, 12:], batch["seen"][0, 1])
    alone = task.model.clone(several=(), trunk=None, head=Head(3))
    there = {**params, "head": {"logits": {"kernel": np.zeros((8, 3)), "bias": np.zeros(3)}}}
    for place, part in enumerate((heat[..., :3], heat[..., 3:])):
        one = batch | {name: batch[name][:, place] for name in ("seen", "seen_mask")}
        _, state = alone.apply({"params": there}, one, train=False, mutable=["maps"])
        maps = state["maps"]["interactions_0"]["stack"]
        layers = [maps[f"layers_{n}"]["said_attention"]["attention"][0][0] for n in range(2)]
        looked = np.mean(layers, axis=(0, 1))[:, 1:7].reshape(4, 2, 3)
        ratio = looked / part[1:]
        np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1], ratio.shape), rtol=1e-4)
    np.testing.assert_allclose(heat.max(axis=(1, 2)), 1, atol=1e-6)


def test_places_of_a_picture_are_told_from_a_token_that_stands_for_all_of_it():
    for count, size, shape in (
        (36, (48, 48), (6, 6)),
        (37, (48, 48), (6, 6)),
        (3, (50, 200), (1, 3)),
        (2, (8, 8), (1, 1)),
    ):
        assert grid(np.arange(2 * count).reshape(2, count), *size).shape == (2, *shape)
    assert grid(np.arange(7), 8, 12).tolist() == [[1, 2, 3], [4, 5, 6]]


def test_the_report_shows_which_modality_was_chosen_at_each_step(classify):
    panels = classify.show(parameters(classify), {}, BATCH, CTX)
    assert [panel.kind for panel in panels] == ["curve"] * 3
    view, moved = (panels[0].arrays[name] for name in ORDER)
    np.testing.assert_allclose(view + moved, np.ones(6), atol=1e-5)
    assert panels[0].text["truth"] == "emu" and panels[0].text["verdict"] in ("right", "wrong")
    assert panels[2].text["missing"] == "view"
    np.testing.assert_allclose(panels[2].arrays["moved"][:4], 1, atol=1e-5)


def test_the_report_shows_how_much_each_lag_weighs_between_streams():
    streams = ("moved", "other")
    given = BATCH | {"other": np.roll(BATCH["moved"], 1, axis=1), "other_mask": np.ones((4, 6), bool)}
    composed = Compose(
        {name: Sensor(8, strides=(1,), layers=0) for name in streams},
        ModalityAttention(streams),
        Head(3),
        interactions=(Aligned(streams, most=2),),
    )
    task = Classify(composed).bind(DATA)
    params = reference.parameters(composed, given, train=False)
    panels = [panel for panel in task.show(params, {}, given, CTX) if "heaviest lag" in panel.text]
    assert len(panels) == 3
    _, state = composed.apply({"params": params}, given, train=False, mutable=["maps"])
    for b, panel in enumerate(panels):
        np.testing.assert_array_equal(panel.arrays["x"], [-2, -1, 0, 1, 2])
        for pair in ("moved_from_other", "other_from_moved"):
            (weights,) = state["maps"]["interactions_0"][pair]["lag"]
            np.testing.assert_allclose(panel.arrays[pair], weights[b], rtol=1e-5)
            assert f"{pair} {int(np.argmax(weights[b])) - 2:+d}" in panel.text["heaviest lag"]


def test_the_loss_of_numbers_is_over_the_rows_that_have_one():
    task = Regress(model(Number()), SquaredError(), measure=Sentiment()).bind(None)
    assert isinstance(task, Task)
    params = parameters(task)
    given = np.asarray(task.model.apply({"params": params}, BATCH, train=False))
    found, _ = task.loss(params, {}, BATCH, CTX)
    assert float(found["error"].count) == 2
    assert float(found["error"].total) == pytest.approx((given[0, 0] - 1.5) ** 2 + (given[1, 0] + 2) ** 2, rel=1e-5)
    assert float(found["absolute_error"].total) == pytest.approx(
        abs(given[0, 0] - 1.5) + abs(given[1, 0] + 2), rel=1e-5
    )
    records = task.read({"number": np.array([[1.25], [2], [0.5], [7]], np.float32)}, BATCH)
    assert [record.get("truth") for record in records] == [1.5, -2.0, None]
    tiny = task.read({"number": np.array([[3.25e-7], [2], [0.5], [7]], np.float32)}, BATCH)[0]["prediction"]
    assert tiny == pytest.approx(3.25e-7, rel=1e-6)
    assert task.finish(records)["accuracy_2_non_zero"] == 0.5
    assert [panel.text["prediction"] for panel in task.show(params, {}, BATCH, CTX)] == [
        f"{round(float(x), 6):.3f}" for x in given[:3, 0]
    ]


def test_a_head_that_tells_its_variance_predicts_its_mean():
    task = Regress(model(Gaussian(1)), GaussianNll()).bind(None)
    params = parameters(task)
    given = np.asarray(task.model.apply({"params": params}, BATCH, train=False))
    predictions = task.predict(params, {}, BATCH, CTX)
    np.testing.assert_allclose(predictions["number"], given[..., 0], atol=1e-6)
    np.testing.assert_allclose(predictions["deviation"], np.exp(given[..., 1] / 2), rtol=1e-5)
    record = task.read(jax.device_get(predictions), BATCH)[0]
    assert record["deviation"] == pytest.approx(math.exp(given[0, 0, 1] / 2), rel=1e-5)
    variance = np.exp(given[:2, 0, 1])
    surprise = np.log(2 * np.pi * variance) / 2 + (np.array([1.5, -2]) - given[:2, 0, 0]) ** 2 / variance / 2
    mean = task.score(predictions, BATCH)["error"]
    assert (float(mean.total), float(mean.count)) == (pytest.approx(surprise.sum(), rel=1e-4), 2)
    with pytest.raises(ValueError, match=r"\(SquaredError\) does not fit .* mean and log-variance, which losses.gauss"):
        dataclasses.replace(task, loss_of=SquaredError()).init(jax.random.key(0), BATCH)
    with pytest.raises(ValueError, match=r"\(GaussianNll\) does not fit the head, which gives .* which heads.gaussian"):
        dataclasses.replace(task, model=model(Number(1))).init(jax.random.key(0), BATCH)
    with pytest.raises(ValueError, match=r"gives 2 numbers and data.target has a size of 1"):
        dataclasses.replace(task, model=model(Number(2))).init(jax.random.key(0), BATCH)
