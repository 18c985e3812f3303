"""What tasks over batches of any modalities share: how the model is run, and what is read and drawn of it.

loss = what the task costs + sum over names of model_losses[name] * what parts of the model sow as `losses`
"""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol, Self, runtime_checkable

import jax
import numpy as np
from flax import linen as nn

from mmjax.core.build import nearest
from mmjax.core.mean import Mean
from mmjax.core.precision import Dtype, cast
from mmjax.core.task import Batch, Ctx, Extra, Panel, Params
from mmjax.tasks.examples import examples
from mmjax.tasks.fitting import check_columns, check_rate, check_times, check_vocab, knowing

SOWN = ("maps", "losses")  # what parts of a model give beside its predictions; other collections are its `extra`


@runtime_checkable
class Loss(Protocol):
    """(what the model gives [B, ...], what is true [B, ...]) to a loss for each example [B]."""

    def __call__(self, prediction: jax.Array, target: jax.Array) -> jax.Array: ...


@dataclasses.dataclass(frozen=True)
class Supervised:
    """A model and the type that it is computed in; a task adds `main`, `score`, `finish` and four methods.

    - check(given, batch): raises ValueError where what the model gives does not fit the batch.
    - losses(given, batch): {name: Mean}, the one called `main` to be minimised, and others to be told.
    - told(given): what the model gives as predictions {name: [B, ...]}.
    - record(predictions, batch, b): what is said about example b, as plain values.

    Args:
        model: a batch to an array, see `models.compose`.
        compute: the type that activations are computed in; parameters are kept in fp32.
        model_losses: weights of the losses that parts of the model sow, such as "reconstruction" of
            `missing.reconstruction`; those that are not named are only told.
    """

    model: nn.Module
    compute: Dtype = dataclasses.field(default="float32", kw_only=True)
    model_losses: Mapping[str, float] = dataclasses.field(default_factory=dict, kw_only=True)
    words: Any = dataclasses.field(default=None, init=False, compare=False, repr=False)  # ids to text, where data knows
    coupled = False
    main = "error"  # the loss that is minimised
    exclusive = False  # just one of what is predicted holds, which is how decisions of several heads are fused

    @property
    def weights(self) -> dict[str, float]:
        return {self.main: 1.0, **self.model_losses}

    def bind(self, vocabulary: Any, sources: Sequence[str] = ("",)) -> Self:
        """The task of what the data knows; ValueError where an encoder, or what reads words, does not fit it."""
        for name, encoder in (getattr(self.model, "encoders", None) or {}).items():
            self._check_encoder(name, encoder, vocabulary)
        bound = dataclasses.replace(self, model=knowing(self.model, vocabulary, "task.model"))
        object.__setattr__(bound, "words", getattr(vocabulary, "words", None))
        return bound

    def _check_encoder(self, name: str, encoder: nn.Module, vocabulary: Any) -> None:
        words, fitted = getattr(vocabulary, "words", None), getattr(vocabulary, "fitted", {}).get(name, {})
        where = f"task.model.encoders.{name}"
        if words is not None and hasattr(encoder, "vocab"):
            check_vocab(words.size, encoder.vocab, f"{where}.vocab")
        if "rate" in fitted and hasattr(encoder, "rate"):
            check_rate(fitted["rate"], encoder.rate, f"{where}.rate")
        if "columns" in fitted and hasattr(encoder, "numeric") and hasattr(encoder, "categories"):
            check_columns(fitted["columns"], encoder, where)
        if "times" in fitted:
            check_times(fitted["times"], encoder, where)

    def init(self, key: jax.Array, batch: Batch) -> tuple[Params, Extra]:
        if isinstance(getattr(self.model, "heads", None), Mapping) and not self.exclusive:
            raise ValueError(
                "task.model.heads decides modality by modality among classes of which one holds, for tasks.classify; "
                f"{self._path} takes one task.model.head after the fusion"
            )
        given, variables = self.model.init_with_output(key, batch, train=False)
        self.check(given, batch)
        sown = _sown(variables)
        for name in sown:
            if name in self.weights and name not in self.model_losses:
                raise ValueError(
                    f"a part of the model gives a loss {name!r}, which the task has too; call one otherwise"
                )
        for name in self.model_losses:
            if name not in sown:
                raise ValueError(
                    f"task.model_losses has {name!r}, but the model gives {', '.join(sown) or 'no loss of its own'}"
                    f"{nearest(name, sown)}; leave it out, or add the part of the model that gives it"
                )
        return variables["params"], {name: variables[name] for name in variables if name not in ("params", *SOWN)}

    def loss(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> tuple[dict[str, Mean], Extra]:
        """What the model gives is judged, with dropout in training, when its `extra` variables may change too."""
        rngs, mutable = {"dropout": ctx.key} if ctx.train else {}, [*extra, "losses"]
        given, state = self.apply(params, extra, batch, train=ctx.train, rngs=rngs, mutable=mutable)
        return self.losses(given, batch) | _sown(state), {name: state[name] for name in extra}

    def predict(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> dict[str, jax.Array]:
        return self.told(self.apply(params, extra, batch, train=False))

    def read(self, predictions: Mapping[str, np.ndarray], batch: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        there = np.flatnonzero(np.asarray(batch["index"]) >= 0)
        return [{"index": int(batch["index"][b]), "place": 0, **self.record(predictions, batch, int(b))} for b in there]

    def show(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> list[Panel]:
        """Each example's modalities, what was asked and said of it, and what was looked at where."""
        run = jax.jit(lambda params, extra, batch: self.apply(params, extra, batch, train=False, mutable=["maps"]))
        given, state = jax.device_get(run(params, extra, batch))
        records = self.read(jax.device_get(self.told(given)), batch)
        return examples(
            batch, records, state.get("maps", {}), self.model, self.words, self._lengths(params, extra, batch)
        )

    def _lengths(self, params: Params, extra: Extra, batch: Batch) -> dict[str, int]:
        """How many tokens of each modality meet in a model that tells."""
        if not hasattr(self.model, "encoded"):
            return {}
        encoded = partial(self.apply, train=False, method="encoded")
        return {name: tokens.x.shape[1] for name, tokens in jax.eval_shape(encoded, params, extra, batch).items()}

    def apply(self, params: Params, extra: Extra, batch: Batch, **options: Any) -> Any:
        return self.model.apply({"params": cast(params, self.compute), **extra}, batch, **options)

    @property
    def _path(self) -> str:
        return type(self).__module__.removeprefix("mmjax.")


def _sown(state: Mapping[str, Any]) -> dict[str, Mean]:
    """The losses that parts of a model gave, summed by their names."""
    found: dict[str, Mean] = {}
    leaves = jax.tree.leaves_with_path(state.get("losses", {}), is_leaf=lambda leaf: isinstance(leaf, Mean))
    for (*_, name, _), mean in leaves:  # the last step is the place in what one part sowed
        found[name.key] = found[name.key] + mean if name.key in found else mean
    return found


@dataclasses.dataclass(frozen=True)
class Labelled(Supervised):
    """A task whose data has names for what is predicted, in the field `aim` of data and batch."""

    labels: tuple[str, ...] = dataclasses.field(default=(), init=False, compare=False, repr=False)
    aim = "label"

    def bind(self, vocabulary: Any, sources: Sequence[str] = ("",)) -> Self:
        """The task with the names; ValueError where the data has none."""
        names = tuple(getattr(vocabulary, "labels", ()))
        if not names:
            raise ValueError(f"{self._path} needs data with labels: set data.{self.aim} to the feature that holds them")
        bound = super().bind(vocabulary, sources)
        object.__setattr__(bound, "labels", names)
        return bound

    def check_count(self, count: int, batch: Batch, field: str) -> None:
        """Raise ValueError unless the data has labels of this kind, and as many as the head's `field` says.

        `mmjax import` makes parameters without data, which alone knows the labels.
        """
        if self.aim not in batch:
            raise ValueError(f"{self._path} needs data.{self.aim}, but the data gives {', '.join(sorted(batch))}")
        if self.labels and count != len(self.labels):
            some = ", ".join(self.labels[:5]) + (", ..." if len(self.labels) > 5 else "")
            raise ValueError(
                f"the model gives {count} {field}, but the data has {len(self.labels)} labels ({some}); "
                f"make the head's {field} equal"
            )
