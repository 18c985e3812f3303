"""Two views of a thing in one space: what belongs together is found by being near.

The loss is one of those that tie the rows of a batch together: (x [B, D], y [B, E], whole) to a Mean. Some take what
the model learns for them too, `scale` and `bias`. One that keeps statistics has start(x, y) to begin with, takes them
as `running`, and gives the Mean with those of the next step.
"""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.core.mean import Mean
from mmjax.core.task import Batch, Ctx, Extra, Panel, Params
from mmjax.losses.canonical import Canonical
from mmjax.losses.whole_batch import WholeBatch
from mmjax.metrics.accuracy_tables import accuracy_tables
from mmjax.metrics.retrieval import retrieval, unit
from mmjax.tasks.examples import examples
from mmjax.tasks.supervised import Supervised

NEAREST = 3  # of a batch, which a report names


@dataclasses.dataclass(frozen=True)
class Contrast(Supervised):
    """A task over batches of two modalities, of which rows that lack one do not count.

    Args:
        model: a batch to {NAME: [B, E]} of two views, see `models.two_towers`.
        loss_of: such as `losses.clip`, `losses.triplet`, `losses.dcca`.
        together: which rows belong together: each with its own counterpart alone ("row"), or with all of its "label",
            or of its "group", see `data.rows`.
        once: views of which rows that belong together have the same thing, such as a picture beside each of its
            captions: retrieval counts it once.
        canonical: predictions are canonical directions of the vectors, for losses that leave open which is which.
    """

    loss_of: Callable[..., Any]
    together: Literal["row", "label", "group"] = "row"
    once: tuple[str, ...] = ()
    canonical: Canonical | None = None
    labels: tuple[str, ...] = dataclasses.field(default=(), init=False, compare=False, repr=False)
    coupled = True

    def __post_init__(self):
        if not hasattr(self.model, "learned"):
            raise ValueError(f"task.model is {type(self.model).__name__}; expected models.two_towers or the like")
        if self.once and (self.together == "row" or not set(self.once) <= set(self.model.order)):
            raise ValueError(
                f"task.once is {', '.join(self.once)} and task.together {self.together!r}; expected some of "
                f"{', '.join(self.model.order)}, of rows that belong together by a label or a group"
            )
        try:
            fits = "whole" in inspect.signature(self.loss_of).parameters
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise ValueError(
                f"task.loss_of is {type(self.loss_of).__name__}; expected a loss of two views of a whole batch, "
                "such as losses.clip"
            )

    @property
    def weights(self) -> dict[str, float]:
        return {"contrast": 1.0}

    def bind(self, vocabulary: Any, sources: Sequence[str] = ("",)) -> Self:
        bound = super().bind(vocabulary, sources)
        object.__setattr__(bound, "labels", tuple(getattr(vocabulary, "labels", ())))
        return bound

    def init(self, key: jax.Array, batch: Batch) -> tuple[Params, Extra]:
        vectors, variables = self.model.init_with_output(key, batch, train=False)
        self.check(vectors, batch)
        x, y = self._views(vectors)
        kept = {"running": self.loss_of, "canonical": self.canonical}
        return variables["params"], {name: one.start(x, y) for name, one in kept.items() if hasattr(one, "start")}

    def check(self, given: Mapping[str, jax.Array], batch: Batch) -> None:
        if self.model_losses:
            raise ValueError(f"task.model_losses is {dict(self.model_losses)}; tasks.contrast takes none")
        if self.together != "row" and self.together not in batch:
            raise ValueError(
                f"task.together is {self.together!r}, but the data gives {', '.join(sorted(batch))}; set "
                f"data.{self.together}, or together to 'row'"
            )
        parameters = inspect.signature(self.loss_of).parameters
        for name in ("scale", "bias"):
            at_first, takes = getattr(self.model, name), name in parameters
            if takes != (at_first is not None):
                raise ValueError(
                    f"task.loss_of is {type(self.loss_of).__name__}, which takes {'a' if takes else 'no'} {name}, and "
                    f"task.model.{name} is {at_first}; set it to {f'what the {name} is at first' if takes else 'None'}"
                )
        x, y = (one.shape[-1] for one in self._views(given))
        if x != y and not getattr(self.loss_of, "widths_differ", False):
            raise ValueError(
                f"the vectors have {x} and {y} features, and {type(self.loss_of).__name__} compares them one by one; "
                "make the heads equal"
            )

    def loss(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> tuple[dict[str, Mean], Extra]:
        return self.couple(params, extra, self.encode(params, extra, batch, ctx), batch, ctx)

    def encode(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> dict[str, jax.Array]:
        return self.apply(params, {}, batch, train=ctx.train, rngs={"dropout": ctx.key} if ctx.train else {})

    def couple(
        self, params: Params, extra: Extra, encoded: Mapping[str, jax.Array], batch: Batch, ctx: Ctx
    ) -> tuple[dict[str, Mean], Extra]:
        # A tenth of a logit, at a scale of 100, is what TF32 would leave; covariances have no digits to lose either.
        with jax.default_matmul_precision("highest"):
            return self._coupled(params, extra, self._views(encoded), batch, ctx)

    def _coupled(
        self, params: Params, extra: Extra, views: tuple[jax.Array, jax.Array], batch: Batch, ctx: Ctx
    ) -> tuple[dict[str, Mean], Extra]:
        x, y = views
        whole = WholeBatch(self._real(batch), self._group(batch), ctx.axis)
        if whole.size < 2:
            raise ValueError("a batch of 1 row has nothing to be told from; raise data.batch to 2 or more")
        # A scale in bfloat16 would have three digits.
        learned = self.model.apply({"params": params}, method="learned")
        if "running" in extra:
            found, running = self.loss_of(x, y, whole, running=extra["running"], **learned)
            extra = {**extra, "running": running}
        else:
            found = self.loss_of(x, y, whole, **learned)
        if self.canonical is not None:
            extra = {**extra, "canonical": self.canonical.moved(extra["canonical"], x, y, whole)}
        return {"contrast": found}, extra

    def predict(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> dict[str, jax.Array]:
        """{NAME: vectors [B, E]} in fp32."""
        return self._placed(self.apply(params, {}, batch, train=False), extra)

    def score(self, predictions: Mapping[str, jax.Array], batch: Batch) -> dict[str, Mean]:
        """None: what is found depends on all that there is to find."""
        return {}

    def record(self, predictions: Mapping[str, np.ndarray], batch: Mapping[str, np.ndarray], b: int) -> dict[str, Any]:
        there = {name: bool(np.any(batch[f"{name}_mask"][b])) for name in self.model.order}
        found = {"prediction": {name: predictions[name][b] if there[name] else None for name in self.model.order}}
        label, group = (int(batch[name][b]) if name in batch else -1 for name in ("label", "group"))
        return found | ({"truth": self.labels[label]} if label >= 0 else {}) | ({"group": group} if group >= 0 else {})

    def finish(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """Retrieval both ways, in a table, and the means of both."""
        both = [r for r in records if all(vector is not None for vector in r["prediction"].values())]
        if not both:
            return {}
        key = {"row": None, "label": "truth", "group": "group"}[self.together]
        numbers = {name: n for n, name in enumerate(sorted({r[key] for r in both if key in r}))}
        # What has no label belongs to nothing but its own counterpart, as in training.
        groups = np.array([numbers[r[key]] if key in r else -1 - r["index"] for r in both])
        firsts, names = np.unique(groups, return_index=True)[1], tuple(self.model.order)
        kept = {name: firsts if name in self.once else np.arange(len(both)) for name in names}
        vectors = {name: np.stack([both[row]["prediction"][name] for row in kept[name]]) for name in names}
        found = {
            f"{a} to {b}": retrieval(vectors[a], vectors[b], groups[kept[a]], groups[kept[b]])
            for a, b in (names, names[::-1])
        }
        table = {f"{name}/retrieval/{way}": value for way, one in found.items() for name, value in one.items()}
        means = {name: float(np.mean([one[name] for one in found.values()])) for name in next(iter(found.values()))}
        return means | table

    def classify(self, records: Sequence[Mapping[str, Any]], prompts: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Scores of taking each row's first view for the class whose prompts are nearest to it ("zero-shot").

        `prompts` are vectors [P, E] of each class, of which the mean direction counts (arXiv 2103.00020, 3.1.4).
        """
        view = self.model.order[0]
        known = [record for record in records if "truth" in record and record["prediction"][view] is not None]
        if not known:
            return {}
        directions = np.stack([unit(unit(one).mean(axis=0)) for one in prompts.values()])
        near = np.stack([record["prediction"][view] for record in known]) @ directions.T
        said = [tuple(prompts)[place] for place in near.argmax(axis=-1)]
        found = accuracy_tables(said, [record["truth"] for record in known], tuple(prompts))
        return {name if "/" in name else f"zero_shot_{name}": value for name, value in found.items()}

    def show(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> list[Panel]:
        """Each example's first view, and what of these examples is nearest to it in the other."""
        predictions = jax.device_get(jax.jit(lambda *args: self.predict(*args, ctx))(params, extra, batch))
        x, y = map(unit, self._views(predictions))
        real = np.asarray(self._real(batch)) & (np.asarray(batch["index"]) >= 0)
        near = np.where(real[None], x @ y.T, -np.inf)
        group = np.asarray(self._group(batch))
        shown = []
        for b in np.flatnonzero(real):
            best = np.argsort(-near[b], kind="stable")[: min(NEAREST, real.sum())]
            record = {"index": int(batch["index"][b]), "place": 0, "right": bool(group[best[0]] == group[b])}
            record["prediction"] = "; ".join(self._called(batch, int(other)) for other in best)
            shown.append(record | {"truth": self._called(batch, int(b))})
        return examples(batch, shown, {}, self.model, self.words)

    def _views(self, vectors: Mapping[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
        x, y = (vectors[name] for name in self.model.order)
        return x, y

    def _placed(self, vectors: Mapping[str, jax.Array], extra: Extra) -> dict[str, jax.Array]:
        views = tuple(one.astype(jnp.float32) for one in self._views(vectors))
        if self.canonical is not None:
            with jax.default_matmul_precision("highest"):
                views = self.canonical.projected(extra["canonical"], *views)
        return dict(zip(self.model.order, views, strict=True))

    def _real(self, batch: Batch) -> jax.Array:
        """[B]: rows that have both views."""
        there = [batch[f"{name}_mask"] for name in self.model.order]
        return jnp.all(jnp.stack([jnp.any(one.reshape(len(one), -1), axis=-1) for one in there]), axis=0)

    def _group(self, batch: Batch) -> jax.Array:
        """[B]: a number that rows which belong together share."""
        if self.together == "row":
            return batch["index"]
        own = batch[self.together]
        return jnp.where(own >= 0, own, -2 - batch["index"])

    def _called(self, batch: Mapping[str, np.ndarray], b: int) -> str:
        """What a report calls a row: the text of its second view, its class, or its number."""
        values, mask = (np.asarray(batch[key][b]) for key in (self.model.order[1], f"{self.model.order[1]}_mask"))
        if self.words is not None and values.dtype.kind == "i":
            return self.words.decode(values[mask].tolist())
        number = f"row {int(batch['index'][b])}"
        return f"{self.labels[batch['label'][b]]} ({number})" if "label" in batch and batch["label"][b] >= 0 else number
