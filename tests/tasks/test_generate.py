"""Text generation: loss and scores from logits by hand, answers against a search without a cache."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.task import Ctx
from mmjax.data.words import Words
from mmjax.decode.beam import Beam
from mmjax.decode.t5_decoder import T5Decoder
from mmjax.encoders.vit import Vit
from mmjax.metrics.bleu import Bleu
from mmjax.metrics.cider import Cider
from mmjax.metrics.rouge_l import RougeL
from mmjax.models.pali import Pali
from mmjax.nn.learned_position import LearnedPosition
from mmjax.nn.patch_embedding import PatchEmbedding
from mmjax.nn.stack import to_scan
from mmjax.nn.t5_encoder import T5Encoder
from mmjax.tasks.generate import Generate
from tests import reference
from tests.metrics.captions import PREDICTIONS, TOOLKIT, TRUTHS

ASKED = [  # B = 3 pictures with up to Q = 2 questions: the last picture is padding, the second has one question
    [("what color is it", "red"), ("is it red", "yes")],
    [("what color is the shape", "dark blue"), None],
    [None, None],
]
B, Q, L, T, V = 3, 2, 5, 4, 16
LOSS = dict(z_loss=0.5, smoothing=0.1)
CTX = Ctx(jax.random.key(0), train=False)
EOS, PAD, UNK = 1, 0, 3


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    texts = [text for row in ASKED for pair in row if pair for text in pair]
    return Words(size=V).open(tmp_path_factory.mktemp("words"), lambda: iter(texts))


@pytest.fixture(scope="module")
def batch(vocabulary):
    rng = np.random.default_rng(0)
    made = {
        "image": rng.integers(0, 256, (B, 4, 8, 3), dtype=np.uint8),
        "image_mask": np.array([True, True, False]),
        "index": np.array([5, 8, -1], np.int32),
    }
    for name, length in (("text", L), ("target", T)):
        made[name] = np.full((B, Q, length), PAD, np.int32)
        made[f"{name}_mask"] = np.zeros((B, Q, length), bool)
    for b, q in np.ndindex(B, Q):
        if ASKED[b][q]:
            text, answer = ASKED[b][q]
            for name, ids in (("text", vocabulary.encode(text)), ("target", [*vocabulary.encode(answer), EOS])):
                made[name][b, q, : len(ids)] = ids
                made[f"{name}_mask"][b, q, : len(ids)] = True
    return made


def task_of(vocabulary, scan=False, **fields):
    """Its dropout shows wherever it acts outside training."""
    trunk = dict(heads=2, head_dim=4, hidden=8, scan=scan)
    image = Vit(8, 1, 2, 8, stem=PatchEmbedding(2, 8), position=LearnedPosition(), dropout=0.5)
    model = Pali(vocab=V, dim=8, image=image, encoder=T5Encoder(1, **trunk), decoder=T5Decoder(2, **trunk))
    return Generate(model=model, length=T, **fields).bind(vocabulary)


@pytest.fixture(scope="module")
def task(vocabulary):
    return task_of(vocabulary, **LOSS)


@pytest.fixture(scope="module")
def drawn(task, batch):
    """The first random parameters that give several answers, one of which ends early, and these predictions."""
    predict = jax.jit(task.predict)
    for seed in range(100):
        params = reference.parameters(task.model, batch, train=False, seed=seed)
        predictions = jax.device_get(predict(params, {}, batch, CTX))
        answers = predictions["tokens"].reshape(B * Q, -1)
        if EOS in answers[:, 1:-1] and UNK not in answers and len(np.unique(answers, axis=0)) > 2:
            return params, predictions
    raise AssertionError("no random model gives several answers")


@pytest.fixture(scope="module")
def params(drawn):
    return drawn[0]


@pytest.fixture(scope="module")
def predictions(drawn):
    return drawn[1]


@pytest.fixture(scope="module")
def logits(task, params, batch):
    return np.asarray(jax.jit(partial(task.model.apply, train=False))({"params": params}, batch), np.float64)


@pytest.fixture(scope="module")
def losses(task, params, batch):
    return jax.jit(task.loss)(params, {}, batch, CTX)


def test_the_loss_is_the_mean_over_real_target_tokens_computed_by_hand_from_the_logits(losses, logits, batch):
    found, extra = losses
    total = dict.fromkeys(("cross_entropy", "z_loss", "token_accuracy"), 0.0)
    for at in zip(*np.nonzero(batch["target_mask"]), strict=True):
        log_sum = np.log(np.exp(logits[at]).sum())
        total["cross_entropy"] += log_sum - 0.9 * logits[at][batch["target"][at]] - 0.1 * logits[at].mean()
        total["z_loss"] += log_sum**2
        total["token_accuracy"] += logits[at].argmax() == batch["target"][at]
    assert found.keys() == total.keys()
    assert extra == {}
    for name, value in total.items():
        np.testing.assert_allclose(found[name].total, value, rtol=1e-5)
        assert found[name].count == batch["target_mask"].sum() == 7


def test_only_losses_are_weighted_and_one_without_weight_is_not_computed(vocabulary, task, params, batch):
    assert task.weights == {"cross_entropy": 1.0, "z_loss": 0.5}
    assert not task.coupled
    plain = task_of(vocabulary)
    assert plain.weights == {"cross_entropy": 1.0}
    shapes = jax.eval_shape(plain.loss, params, {}, batch, CTX)[0]
    assert set(shapes) == {"cross_entropy", "token_accuracy"}


@pytest.mark.parametrize("chunk", [2, 100])
def test_in_chunks_the_same_is_minimised_and_told_with_logits_of_a_chunk_at_a_time(
    vocabulary, task, params, batch, losses, chunk
):
    chunked = task_of(vocabulary, chunk=chunk, **LOSS)

    def differentiate(task):
        def total(params):
            found, _ = task.loss(params, {}, batch, CTX)
            return sum(weight * found[name].value for name, weight in task.weights.items()), found

        return jax.jit(jax.value_and_grad(total, has_aux=True))(params)

    (value, found), gradients = differentiate(chunked)
    (expected, _), wanted = differentiate(task)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), gradients, wanted)
    assert found.keys() == {*losses[0], "objective"}
    for name, mean in losses[0].items():
        np.testing.assert_allclose(found[name].total, mean.total, rtol=1e-6)
        assert found[name].count == mean.count == found["objective"].count


def test_chunks_of_no_token_are_an_error(task):
    with pytest.raises(ValueError, match="chunk is 0; expected at least 1 token, or None for no chunks"):
        dataclasses.replace(task, chunk=0)


def test_dropout_acts_in_training_by_the_key(task, params, batch, losses):
    loss = jax.jit(task.loss)

    def value(seed):
        return float(loss(params, {}, batch, Ctx(jax.random.key(seed), train=True))[0]["cross_entropy"].value)

    assert len({value(0), value(1), float(losses[0]["cross_entropy"].value)}) == 3
    assert value(0) == value(0)


@pytest.mark.parametrize("scan", [False, True])
def test_fresh_parameters_are_in_fp32_and_fit_the_loss(vocabulary, batch, scan):
    task = task_of(vocabulary, scan=scan, compute="bfloat16")
    params, extra = jax.eval_shape(task.init, jax.random.key(0), batch)
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype(jnp.float32)}
    gradients = jax.eval_shape(jax.grad(lambda p: task.loss(p, extra, batch, CTX)[0]["cross_entropy"].value), params)
    assert jax.tree.map(lambda leaf: leaf.dtype, gradients) == jax.tree.map(lambda leaf: leaf.dtype, params)


def test_with_a_list_the_most_probable_answer_of_it_is_given(vocabulary, params, batch):
    answers = ("red", "yes", "dark blue", "what color")
    task = task_of(vocabulary, answers=answers, search=Beam(len(answers)))
    found = jax.device_get(jax.jit(task.predict)(params, {}, batch, CTX))
    scores = np.zeros((len(answers), B, Q))
    for number, answer in enumerate(answers):
        tokens = [*vocabulary.encode(answer), EOS]
        target = np.zeros((B, Q, T), int)
        target[..., : len(tokens)] = tokens
        given = batch | {"target": target, "target_mask": np.broadcast_to(np.arange(T) < len(tokens), target.shape)}
        logits = np.asarray(task.model.apply({"params": params}, given, train=False), np.float64)
        log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        scores[number] = sum(log_p[:, :, n, token] for n, token in enumerate(tokens))
    best = np.argmax(scores, axis=0)
    for b, q in np.ndindex(B, Q):
        assert vocabulary.decode(found["tokens"][b, q]) == answers[best[b, q]]
    np.testing.assert_allclose(found["log_probability"], scores.max(axis=0), atol=1e-4)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("red red red red", "which with its end is 5 tokens; raise task.length from 4"),
        ("purple", "which has a word that the tokenizer does not know"),
        ("", "which is no token of the tokenizer"),
    ],
)
def test_a_list_with_an_answer_that_cannot_be_written_is_refused(vocabulary, answer, why):
    with pytest.raises(ValueError, match=f"task.answers holds '{answer}', {why}"):
        task_of(vocabulary, answers=("red", answer))


def test_answers_are_those_of_a_search_that_computes_every_prefix_anew(task, params, batch, predictions):
    whole = jax.jit(partial(task.model.apply, train=False))
    tokens, total = np.zeros((B, Q, T), int), np.zeros((B, Q))
    for t in range(T):
        given = batch | {"target": tokens, "target_mask": np.ones(tokens.shape, bool)}
        logits = np.asarray(whole({"params": params}, given), np.float64)[:, :, t]
        for b, q in np.ndindex(B, Q):
            if EOS not in tokens[b, q, :t]:
                tokens[b, q, t] = max(range(PAD + 1, V), key=logits[b, q].__getitem__)  # a pad is no word
                total[b, q] += logits[b, q, tokens[b, q, t]] - np.log(np.exp(logits[b, q]).sum())
    np.testing.assert_array_equal(predictions["tokens"], tokens)
    np.testing.assert_allclose(predictions["log_probability"], total, atol=1e-4)


def answered(batch, *, wrong=()):
    """Predictions that are the targets, except in the wrong (picture, question) rows."""
    tokens = batch["target"].copy()
    for at in wrong:
        tokens[at][0] += 1
    return {"tokens": tokens, "log_probability": np.log(np.full((B, Q), 0.25, np.float32))}


def test_the_score_counts_rows_that_have_a_truth(task, batch):
    assert {n: (m.total, m.count) for n, m in task.score(answered(batch), batch).items()} == {"exact_match": (3, 3)}
    found = task.score(answered(batch, wrong=[(0, 1)]), batch)["exact_match"]
    assert (found.total, found.count) == (2, 3)


def test_a_word_that_the_vocabulary_does_not_hold_is_never_right(task, vocabulary, batch):
    assert vocabulary.encode("crimson") == [UNK]
    target = batch["target"].copy()
    target[0, 0, 0] = UNK
    unknown = batch | {"target": target}
    assert task.score(answered(unknown), unknown)["exact_match"].total == 2
    assert [record["right"] for record in task.read(answered(unknown), unknown)] == [False, True, True]
    # What lies under the mask is no word.
    target = np.where(batch["target_mask"], batch["target"], UNK)
    assert task.score(answered(batch), batch | {"target": target})["exact_match"].total == 3


def test_where_no_id_stands_for_unknown_words_every_match_is_right(task, vocabulary, batch):
    spelt = task.bind(dataclasses.replace(vocabulary, unk=None))
    assert spelt.score(answered(batch), batch)["exact_match"].total == 3


def test_records_are_words_in_order_with_what_the_host_needs_to_judge_them(task, batch):
    records = task.read(answered(batch, wrong=[(1, 0)]), batch)
    assert [(r["index"], r["place"], r["question"], r["answer"], r["right"]) for r in records] == [
        (5, 0, "what color is it", "red", True),
        (5, 1, "is it red", "yes", True),
        (8, 0, "what color is the shape", "dark blue", False),
    ]
    assert [r["prediction"] for r in records][:2] == ["red", "yes"]
    assert records[2]["prediction"] not in ("", "dark blue")
    assert all(abs(r["confidence"] - 0.25) < 1e-6 for r in records)
    plain = {int, str, bool, float}
    assert all(type(value) in plain for record in records for value in record.values())


def test_a_question_whose_answer_nobody_knows_is_read_as_well(task, batch):
    records = task.read(answered(batch), batch | {"target_mask": np.zeros_like(batch["target_mask"])})
    assert [(r["index"], r["place"]) for r in records] == [(5, 0), (5, 1), (8, 0)]


def test_the_corpus_is_scored_by_question_type_answer_type_and_answer(task, batch):
    found = task.finish(task.read(answered(batch, wrong=[(1, 0)]), batch))
    assert found == {
        "exact_match/question type/what color": 0.5,
        "examples/question type/what color": 2.0,
        "exact_match/question type/is it": 1.0,
        "examples/question type/is it": 1.0,
        "exact_match/answer type/yes/no": 1.0,
        "examples/answer type/yes/no": 1.0,
        "exact_match/answer type/other": 0.5,
        "examples/answer type/other": 2.0,
        "exact_match/answer/red": 1.0,
        "examples/answer/red": 1.0,
        "exact_match/answer/yes": 1.0,
        "examples/answer/yes": 1.0,
        "exact_match/answer/dark blue": 0.0,
        "examples/answer/dark blue": 1.0,
    }


@pytest.mark.parametrize("scan", [False, True])
def test_a_panel_shows_each_picture_with_an_answer_and_where_the_decoder_looked(
    vocabulary, params, batch, predictions, scan
):
    task = task_of(vocabulary, scan=scan)
    given = jax.tree.map(jnp.asarray, {**to_scan(params), "image": params["image"]}) if scan else params
    # The first question of the first picture is answered rightly, the second one wrongly.
    target = predictions["tokens"].copy()
    target[0, 1, 0] += 1
    batch = batch | {"target": target, "target_mask": target != PAD}
    panels = task.show(given, {}, batch, CTX)
    records = task.read(predictions, batch)
    assert [panel.kind for panel in panels] == ["picture", "picture"]

    again = batch | {"target": predictions["tokens"], "target_mask": predictions["tokens"] != PAD}
    model = task_of(vocabulary).model
    _, state = jax.jit(partial(model.apply, train=False, mutable=["maps"]))({"params": params}, again)
    stack = state["maps"]["decoder"]["stack"]
    maps = np.stack([stack[f"layers_{i}"]["cross"]["attention"][0] for i in range(2)])  # [layers, B * Q, H, T, S]
    for b, panel in enumerate(panels):
        mine = [record for record in records if record["index"] == batch["index"][b]]
        shown = next(record for record in mine if record["question"] == panel.text["question"])
        assert shown["place"] == (1 if b == 0 else 0)
        assert (panel.text["truth"], panel.text["answer"]) == (shown["answer"], shown["prediction"])
        assert panel.text["verdict"] == ("right" if shown["right"] else "wrong")
        assert panel.text["confidence"] == f"{shown['confidence']:.3f}"
        np.testing.assert_array_equal(panel.arrays["image"], batch["image"][b])
        tokens = [t for t in predictions["tokens"][b, shown["place"]] if t != PAD]
        labels = panel.text["heat"].split("\n")
        assert labels == [vocabulary.decode([t]) or "(end)" for t in tokens]
        heat = panel.arrays["heat"]
        assert heat.shape == (len(tokens), 2, 4)  # as high and wide as the grid of patches
        for t in range(len(tokens)):
            looked = [maps[:, b * Q + shown["place"], :, t, place].mean() for place in range(8)]
            np.testing.assert_allclose(heat[t].ravel(), np.array(looked) / max(looked), atol=1e-5)


@pytest.mark.parametrize("place", [0, 1])
def test_of_several_pictures_a_panel_shows_the_first_that_is_there_wherever_it_stands(task, params, batch, place):
    images = np.random.default_rng(1).integers(0, 256, (B, 2, *batch["image"].shape[1:]), dtype=np.uint8)
    images[:, place] = batch["image"]
    mask = (np.arange(2) == place) & batch["image_mask"][:, None]
    found = task.show(params, {}, batch | {"image": images, "image_mask": mask}, CTX)
    for panel, alone in zip(found, task.show(params, {}, batch, CTX), strict=True):
        assert panel.text == alone.text
        np.testing.assert_array_equal(panel.arrays["image"], alone.arrays["image"])
        np.testing.assert_allclose(panel.arrays["heat"], alone.arrays["heat"], atol=1e-5)


def test_bf16_gives_fp32_means_close_to_those_of_fp32(vocabulary, params, batch, losses):
    low = task_of(vocabulary, compute="bfloat16", **LOSS)
    found, _ = jax.jit(low.loss)(params, {}, batch, CTX)
    for name in ("cross_entropy", "z_loss"):
        assert found[name].total.dtype == jnp.float32
        assert found[name].value != losses[0][name].value
        np.testing.assert_allclose(found[name].value, losses[0][name].value, rtol=0.05)
    answers = jax.eval_shape(low.predict, params, {}, batch, CTX)
    assert {name: leaf.dtype for name, leaf in answers.items()} == {"tokens": jnp.int32, "log_probability": jnp.float32}


@pytest.mark.parametrize("compute", ["float32", "bfloat16"])
def test_everything_up_to_the_logits_is_computed_in_the_type_asked_for(vocabulary, params, batch, compute):
    task = task_of(vocabulary, compute=compute)
    catch = dict(mutable=["intermediates"], capture_intermediates=True)
    logits, state = jax.eval_shape(lambda p: task._apply(p, batch, train=False, **catch), params)
    assert logits.dtype == jnp.float32
    inside = state["intermediates"]
    for name in ("image", "project", "embed", "encoder", "decoder"):
        floats = [leaf.dtype for leaf in jax.tree.leaves(inside[name]) if jnp.issubdtype(leaf.dtype, jnp.floating)]
        assert set(floats) == {jnp.dtype(compute)}


def test_a_vocabulary_larger_than_the_model_is_refused_when_the_task_is_bound(vocabulary):
    task = task_of(vocabulary)
    with pytest.raises(ValueError, match=r"size is 17 and task\.model\.vocab 16; raise it"):
        task.bind(dataclasses.replace(vocabulary, size=V + 1))
    assert task.bind(vocabulary) == task == Generate(model=task.model, length=T)


def test_where_data_sets_are_mixed_losses_and_scores_are_told_for_each(vocabulary, task, params, batch, losses):
    @dataclasses.dataclass(frozen=True)
    class Letters:
        def __call__(self, prediction, truth):
            return abs(len(prediction) - len(truth))

    mixed = dataclasses.replace(task, metrics={"ask": Letters()}).bind(vocabulary, ("tell", "ask"))
    batch = batch | {"source": np.array([0, 1, -1], np.int32)}
    found, _ = jax.jit(mixed.loss)(params, {}, batch, CTX)
    assert found["cross_entropy/task/tell"].count == batch["target_mask"][0].sum()
    assert found["cross_entropy/task/ask"].count == batch["target_mask"][1].sum()
    parts = [found[f"cross_entropy/task/{name}"].total for name in ("tell", "ask")]
    np.testing.assert_allclose(sum(parts), losses[0]["cross_entropy"].total, rtol=1e-6)
    assert abs(parts[0] - parts[1]) > 0.1
    scores = mixed.finish(mixed.read(answered(batch, wrong=[(1, 0)]), batch))
    written = mixed.read(answered(batch, wrong=[(1, 0)]), batch)[2]["prediction"]
    expected = {"exact_match/task/tell": 1.0, "exact_match/task/ask": 0.0, "examples/task/tell": 2.0}
    assert scores == expected | {"examples/task/ask": 1.0, "test_generate/task/ask": abs(len(written) - 9)}


def record(index, prediction, answer, question="describe it", **more):
    return dict(
        index=index, question=question, prediction=prediction, answer=answer, right=prediction == answer, **more
    )


def test_captions_are_scored_together_with_every_true_one_of_their_picture(task):
    scored = dataclasses.replace(task, corpus={"": (Cider(), Bleu(), RougeL())})
    records = [
        record(place, written, truth)
        for place, (written, truths) in enumerate(zip(PREDICTIONS, TRUTHS, strict=True))
        for truth in truths
    ]
    found = scored.finish(records)
    for name, value in TOOLKIT.items():
        np.testing.assert_allclose(found[name], value, err_msg=name)


def test_what_is_asked_otherwise_about_a_picture_is_scored_apart(task):
    scored = dataclasses.replace(task, corpus={"": (RougeL(),)})
    records = [record(3, "red", "red"), record(3, "two", "three", question="how many"), record(4, "red dog", "dog")]
    one_of_two = (
        (1 + 1.2**2) * 0.5 / (1 + 1.2**2 * 0.5)
    )  # half of what is written is true, and all of the truth written
    np.testing.assert_allclose(scored.finish(records)["rouge_l"], (1 + 0 + one_of_two) / 3)


def test_a_corpus_is_that_of_one_data_set_of_a_mixture(vocabulary, task):
    mixed = dataclasses.replace(task, corpus={"tell": (RougeL(),), "none": (RougeL(),)})
    mixed = mixed.bind(vocabulary, ("ask", "tell", "none"))
    records = [record(0, "a cat", "a dog", task="ask"), record(1, "a dog", "a dog", task="tell")]
    found = {name: value for name, value in mixed.finish(records).items() if "rouge" in name}
    assert found == {"rouge_l/task/tell": pytest.approx(1)}


def test_every_data_set_of_a_mixture_is_told_however_many_they_are(vocabulary, task, batch):
    names = [f"set {number}" for number in range(40)]
    mixed = task.bind(vocabulary, names)
    records = [record | {"task": name} for name in names for record in task.read(answered(batch), batch)]
    assert {key for key in mixed.finish(records) if "exact" in key} == {f"exact_match/task/{name}" for name in names}


def test_a_metric_for_a_data_set_that_is_not_there_is_refused(vocabulary, task):
    scored = dataclasses.replace(task, metrics={"asks": lambda prediction, truth: 0.0})
    with pytest.raises(ValueError, match=r"task.metrics names 'asks', but the data has 'tell', 'ask'"):
        scored.bind(vocabulary, ("tell", "ask"))
    scored = dataclasses.replace(task, corpus={"asks": (RougeL(),)})
    with pytest.raises(ValueError, match=r"task.corpus names 'asks', but the data has 'tell', 'ask'"):
        scored.bind(vocabulary, ("tell", "ask"))
