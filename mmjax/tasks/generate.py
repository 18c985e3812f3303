"""Text from pictures and text: answers, captions, words read, boxes, all written over the whole vocabulary.

loss = mean over target tokens of CE + z_loss * logsumexp^2, teacher-forced (Chen et al. 2023, arXiv 2209.06794)

or, where words of targets are hidden, over those (BEiT-3: Wang et al. 2022, arXiv 2208.10442).
What is asked stands in the text. Where a batch mixes data sets, `source` [B] says which one each picture is from, and
losses and scores are told for each of them too.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from flax import linen as nn

from mmjax.core.mean import Mean
from mmjax.core.precision import Dtype, cast
from mmjax.core.task import Batch, Ctx, Extra, Panel, Params
from mmjax.decode.constraint import Trie, constrain
from mmjax.decode.greedy import Greedy
from mmjax.decode.search import Search
from mmjax.losses import cross_entropy as ce
from mmjax.losses.chunked_cross_entropy import chunked_cross_entropy
from mmjax.metrics.breakdown import answer_kind, breakdown, first_words
from mmjax.metrics.exact_match import exact_match
from mmjax.tasks.fitting import check_vocab, knowing
from mmjax.tasks.panels import heat, panels, read


@runtime_checkable
class Metric(Protocol):
    """(what was written, what is true) to a number."""

    def __call__(self, prediction: str, truth: str) -> float: ...


@runtime_checkable
class CorpusMetric(Protocol):
    """(what was written of N pictures, all that is true of each) to scores of the corpus by name."""

    def __call__(self, predictions: Sequence[str], truths: Sequence[Sequence[str]]) -> dict[str, float]: ...


@dataclasses.dataclass(frozen=True)
class Generate:
    """A task over batches of B pictures with Q texts and targets each; see `models.pali` for the shapes.

    Args:
        model: encodes, decodes by `begin`, `step` and `pick`, and has a field `vocab`.
        length: the most tokens an answer may have, its end included.
        search: how an answer is looked for, see `decode`.
        answers: those that may be given, none other; with none listed all that can be written.
        metrics: how answers are scored besides exact match, by the name of the data set they belong to; where there is
            but one, its name is "".
        corpus: metrics of all answers together, such as `metrics.cider`, likewise by data set. What an example is asked
            in the same words has one answer, and all its targets are true: give data.questions room for as many.
        once: all texts of an example ask the same, such as for a caption: one answer is searched for, for each.
        z_loss: weight of the z-loss.
        smoothing: of the target labels.
        chunk: of how many target tokens a device holds the logits at a time, which saves memory where words are many;
            None: of all. The model then needs `hidden` and `kernel`, see `models.pali`.
        compute: the type that activations are computed in; parameters are kept in fp32.
    """

    model: nn.Module
    length: int
    search: Search = dataclasses.field(default_factory=Greedy)
    answers: tuple[str, ...] = ()
    once: bool = False
    z_loss: float = 0.0
    smoothing: float = 0.0
    chunk: int | None = None
    compute: Dtype = "float32"
    metrics: Mapping[str, Metric] = dataclasses.field(default_factory=dict)
    corpus: Mapping[str, tuple[CorpusMetric, ...]] = dataclasses.field(default_factory=dict)
    coupled = False
    vocabulary: Any = dataclasses.field(default=None, init=False, compare=False, repr=False)
    sources: tuple[str, ...] = dataclasses.field(default=("",), init=False, compare=False, repr=False)
    trie: Trie | None = dataclasses.field(default=None, init=False, compare=False, repr=False)

    def __post_init__(self):
        if self.length < 1 or not 0 <= self.smoothing < 1 or self.z_loss < 0:
            raise ValueError(
                f"length is {self.length}, smoothing {self.smoothing}, z_loss {self.z_loss}; expected a length of at "
                "least 1, smoothing in [0, 1) and a z_loss of at least 0"
            )
        if self.chunk is not None and self.chunk < 1:
            raise ValueError(f"chunk is {self.chunk}; expected at least 1 token, or None for no chunks")

    @property
    def weights(self) -> dict[str, float]:
        if self.chunk is not None:
            return {"objective": 1.0}
        return {"cross_entropy": 1.0} | ({"z_loss": self.z_loss} if self.z_loss else {})

    def bind(self, vocabulary: Any, sources: Sequence[str] = ("",)) -> "Generate":
        """The task with the words and the names of the data sets.

        Raises:
            ValueError: the model has fewer words, a metric is for no data set, or an answer cannot be written.
        """
        check_vocab(vocabulary.size, self.model.vocab, "task.model.vocab")
        model = knowing(self.model, vocabulary, "task.model")
        for field in ("metrics", "corpus"):
            unknown = sorted(set(getattr(self, field)) - set(sources))
            if unknown:
                raise ValueError(
                    f"task.{field} names {unknown[0]!r}, but the data has {', '.join(map(repr, sources))}; use these"
                )
        bound = dataclasses.replace(self, model=model)
        object.__setattr__(bound, "vocabulary", vocabulary)
        object.__setattr__(bound, "sources", tuple(sources))
        if self.answers:
            object.__setattr__(bound, "trie", self._listed(vocabulary))
        return bound

    def _listed(self, vocabulary: Any) -> Trie:
        listed = {answer: vocabulary.encode(answer) for answer in self.answers}
        for answer, tokens in listed.items():
            if not tokens:
                raise ValueError(f"task.answers holds {answer!r}, which is no token of the tokenizer; leave it out")
            if vocabulary.unk in tokens:
                raise ValueError(f"task.answers holds {answer!r}, which has a word that the tokenizer does not know")
            if len(tokens) >= self.length:
                raise ValueError(
                    f"task.answers holds {answer!r}, which with its end is {len(tokens) + 1} tokens; raise task.length "
                    f"from {self.length}, or leave it out"
                )
        return Trie.of(list(listed.values()), length=self.length, eos=vocabulary.eos, pad=vocabulary.pad)

    def init(self, key: jax.Array, batch: Batch) -> tuple[Params, Extra]:
        """Fresh parameters for batches of this shape.

        Raises:
            ValueError: targets are longer than answers may be, or words are hidden from a model that has none for them.
        """
        if "target_seen" in batch and not hasattr(self.model, "mask"):
            raise ValueError(
                f"data.hide hides words, and {type(self.model).__name__} tells none; leave it out, or take "
                "models.beit3_writer"
            )
        if batch["target"].shape[-1] > self.length:
            raise ValueError(
                f"task.length is {self.length}, but data.target_length is {batch['target'].shape[-1]}: answers so long "
                "could never be given; make them equal"
            )
        if hasattr(self.model, "check_length"):
            self.model.check_length(batch["text"].shape[-1] + self.length)
        return self.model.init(key, batch, train=False)["params"], {}

    def loss(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> tuple[dict[str, Mean], Extra]:
        real = _told(batch)
        found, each = self._objective(params, batch, ctx)
        found |= {name: Mean.of(value, real) for name, value in each.items()}
        for number, source in enumerate(self.sources):
            if len(self.sources) > 1:
                mine = real & rearrange(batch["source"] == number, "b -> b 1 1")
                found |= {
                    f"{name}/task/{source}": Mean.of(each[name], mine) for name in ("cross_entropy", "token_accuracy")
                }
        return found, extra

    def _objective(self, params: Params, batch: Batch, ctx: Ctx) -> tuple[dict[str, Mean], dict[str, jax.Array]]:
        """What only the whole batch has, and what each target token has [B, Q, T]."""
        run = partial(self._apply, params, train=ctx.train, rngs={"dropout": ctx.key} if ctx.train else {})
        real, target = _told(batch), batch["target"]
        if self.chunk is None:
            logits = run(batch)
            each = {
                "cross_entropy": ce.cross_entropy(logits, target, self.smoothing),
                "token_accuracy": ce.right(logits, target),
            }
            return {}, each | ({"z_loss": ce.z_loss(logits)} if self.z_loss else {})
        x, kernel = run(batch, method="hidden"), self._apply(params, method="kernel")
        rows = (rearrange(x, "b q t d -> (b q t) d"), kernel, target.ravel(), real.ravel())
        options = dict(chunk=self.chunk, smoothing=self.smoothing, z_weight=self.z_loss)
        objective, cross_entropy, z_loss, right = chunked_cross_entropy(*rows, **options)
        each = {"cross_entropy": cross_entropy, "token_accuracy": right} | ({"z_loss": z_loss} if self.z_loss else {})
        each = {name: value.reshape(real.shape) for name, value in each.items()}
        return {"objective": Mean(objective, jnp.sum(real, dtype=jnp.float32))}, each

    def predict(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> dict[str, jax.Array]:
        """tokens [B, Q, length] and log_probability [B, Q] of the answers that the search finds."""
        count = batch["text"].shape[1]
        asked = {name: batch[name][:, :1] for name in ("text", "text_mask")} if self.once else {}
        memory = self._apply(params, batch | asked, train=False, method="encode")
        cache, logits = self._apply(params, memory, self.length, method="begin")
        step, pick = (partial(self._apply, params, method=name) for name in ("step", "pick"))
        words = self.vocabulary
        ends = dict(length=self.length, eos=words.eos, pad=words.pad)
        key = jax.random.fold_in(ctx.key, jnp.max(batch["index"]))  # or all batches would draw the same numbers
        found = step, pick, cache, logits
        tokens, total = self.search(*(constrain(*found, self.trie) if self.trie else found), key=key, **ends)
        rows = partial(rearrange, pattern="(b q) ... -> b q ...", b=batch["image"].shape[0])
        found = {"tokens": rows(tokens), "log_probability": rows(total)}
        return {name: jnp.repeat(x, count, axis=1) for name, x in found.items()} if self.once else found

    def score(self, predictions: Mapping[str, jax.Array], batch: Batch) -> dict[str, Mean]:
        right, real = self._right(predictions["tokens"], batch)
        return {"exact_match": Mean.of(right, real)}

    def read(self, predictions: Mapping[str, np.ndarray], batch: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        right = np.asarray(self._right(predictions["tokens"], batch)[0])
        words = self.vocabulary.decode
        return [
            {
                "index": int(batch["index"][b]),
                "place": int(q),
                **({"task": self.sources[int(batch["source"][b])]} if len(self.sources) > 1 else {}),
                "question": words(batch["text"][b, q]),
                "answer": words(batch["target"][b, q]),
                "prediction": words(predictions["tokens"][b, q]),
                "right": bool(right[b, q]),
                "confidence": round(float(np.exp(predictions["log_probability"][b, q])), 4),
            }
            for b, q in zip(*np.nonzero(batch["text_mask"].any(-1)), strict=True)
        ]

    def finish(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        scored = [{**record, "exact_match": record["right"]} for record in records]
        if len(self.sources) > 1:
            most = len(self.sources)  # each is told
            return breakdown(scored, "exact_match", "task", lambda r: r["task"], most) | self._measured(records)
        return self._measured(records) | (
            breakdown(scored, "exact_match", "question type", lambda r: first_words(r["question"]))
            | breakdown(scored, "exact_match", "answer type", lambda r: answer_kind(r["answer"]))
            | breakdown(scored, "exact_match", "answer", lambda r: r["answer"])
        )

    def _measured(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """Each source's own metrics: of every answer the mean, of the corpus as they are."""
        found: dict[str, dict[str, float]] = {source: {} for source in self.sources}
        for source, scores in found.items():
            mine = [r for r in records if r.get("task", "") == source]
            if mine and source in self.metrics:
                metric = self.metrics[source]
                name = type(metric).__module__.rpartition(".")[2]
                scores[name] = float(np.mean([metric(r["prediction"], r["answer"]) for r in mine]))
            for measure in self.corpus.get(source, ()):
                scores |= measure(*_corpus(mine))
        return {
            f"{name}/task/{source}" if source else name: value
            for source, scores in found.items()
            for name, value in scores.items()
        }

    def show(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> list[Panel]:
        """For each picture one question (a wrong answer where there is one) and where the decoder looked."""
        predictions = jax.device_get(jax.jit(self.predict)(params, extra, batch, ctx))
        # The answer is read back as the target, so that each of its tokens has a row of attention.
        answered = {
            **batch,
            "target": predictions["tokens"],
            "target_mask": predictions["tokens"] != self.vocabulary.pad,
        }
        looked = jax.device_get(jax.jit(self._looked)(params, answered))
        return panels(batch, self.read(predictions, batch), predictions["tokens"], looked, self.vocabulary)

    def _looked(self, params: Params, batch: Batch) -> jax.Array:
        run = partial(self._apply, params, batch, train=False)
        _, state = run(mutable=["maps"])
        memory = run(method="encode")
        if hasattr(self.model, "looked"):
            return heat(self.model.looked(state["maps"], memory, batch), batch)
        return heat(read(state["maps"], memory.mask, batch), batch)

    def _right(self, tokens: Any, batch: Mapping[str, Any]) -> tuple[jax.Array, jax.Array]:
        right = exact_match(tokens, batch["target"], batch["target_mask"], self.vocabulary.pad)
        # A word that the vocabulary does not hold cannot be answered: two unknowns are not a match.
        real, unknown = batch["target_mask"], -1 if self.vocabulary.unk is None else self.vocabulary.unk
        known = jnp.all((batch["target"] != unknown) | ~real, axis=-1)
        return right & known, jnp.any(real, axis=-1)

    def _apply(self, params: Params, *args: Any, **kwargs: Any) -> Any:
        return self.model.apply({"params": cast(params, self.compute)}, *args, **kwargs)


def _told(batch: Batch) -> jax.Array:
    """Which tokens of the targets are to be told [B, Q, T]: all, or those that are hidden."""
    return batch["target_told"] if "target_told" in batch else batch["target_mask"]


def _corpus(records: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """What was written of each picture, and all that is true of it: records of one text asked about it are one."""
    asked: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    for record in records:
        asked.setdefault((record["index"], record["question"]), []).append(record)
    return [mine[0]["prediction"] for mine in asked.values()], [[r["answer"] for r in mine] for mine in asked.values()]
