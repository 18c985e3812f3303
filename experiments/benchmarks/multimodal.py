"""mmjax's side of the multimodal benchmarks: `models.compose`, and the same model as one function by hand."""

from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmarks import sizes
from experiments.benchmarks.by_hand import by_hand
from experiments.benchmarks.ours import context, count, trained, transformer
from mmjax.core.build import build, use
from mmjax.losses.cross_entropy import cross_entropy


def compose2():
    """A training step of pictures and texts, joined before a transformer."""
    return composed(("image", "text"))


def compose3():
    """A training step of pictures, texts and series, joined before a transformer."""
    return composed(("image", "text", "series"))


def hand2():
    """The same as `compose2`, by hand."""
    return composed(("image", "text"), hand=True)


def hand3():
    """The same as `compose3`, by hand."""
    return composed(("image", "text", "series"), hand=True)


def late():
    """A training step of late fusion as MultiBench writes it: transformers, their features side by side, an MLP."""
    size = sizes.LATE
    order = tuple(sizes.SERIES)
    model = use(
        "models.compose",
        encoders={name: encoder(size, size["layers"]) for name in order},
        trunks={name: use("nn.pool") for name in order},
        fusion=use("fusion.concat_features", order=order),
        head=use("heads.regress", hidden=size["head"]),
    )
    return told(build(model), size["batch"])


def mult():
    """A training step of MulT: cross-attention between all pairs, then self-attention over what each found."""
    size = sizes.MULT
    order = tuple(sizes.SERIES)
    inner = {name: size[name] for name in ("layers", "self_layers", "heads")}
    model = use(
        "models.compose",
        encoders={name: encoder(size, 1) for name in order},
        interactions=(use("interaction.cross_attention", order=order, **inner),),
        fusion=use("fusion.concat_features", order=order),
        head=use("heads.regress", hidden=size["dim"]),
    )
    return told(build(model), size["batch"])


def beit3():
    """A training step of a small BEiT-3 in the released form, which judges a text about a picture."""
    fusion = use("fusion.first_tokens", order=("image", "text"))
    head = use("heads.classify", classes=sizes.BEIT3["classes"])
    model = build(use("models.compose", **towers(), fusion=fusion, head=head))

    def init(batch):
        return model.init(jax.random.key(0), batch[0], train=False)["params"], {}

    def loss(params, batch):
        values, label = batch
        return cross_entropy(model.apply({"params": params}, values, train=True), label, 0.0).mean()

    return trained(init, loss, sizes.pairs())


def caption():
    """Captions of pictures by a small BEiT-3 in the released form, by beams, with all that is read kept."""
    size, batch = sizes.WRITTEN, sizes.WRITTEN["batch"]
    model = use("models.beit3_writer", **towers(), vocab=sizes.BEIT3["vocab"])
    search = use("decode.beam", width=size["beams"], penalty=size["penalty"])
    # No token is the end, so that every caption is written to its full length.
    vocab = sizes.BEIT3["vocab"]
    words = SimpleNamespace(size=vocab, eos=vocab, pad=0, unk=None, mask=1)
    task = build(use("tasks.generate", model=model, length=sizes.DECODED, search=search)).bind(words)
    batches = sizes.shown(batch)
    params, extra = jax.jit(task.init)(jax.random.key(0), next(batches))
    predict = jax.jit(lambda params, batch: task.predict(params, extra, batch, context(train=False)))

    def run():
        tokens = np.asarray(predict(params, next(batches))["tokens"])
        assert tokens.shape == (batch, 1, sizes.DECODED) and tokens.all(), tokens.shape

    return run, lambda: {"parameters": count(params), "version": jax.__version__}


def towers():
    """Both encoders of a small BEiT-3, and the layers in which they meet."""
    size, order = sizes.BEIT3, ("image", "text")
    dim = size["dim"]
    stem, position = use("nn.patch_embedding", size=size["patch"], dim=dim), use("nn.table_position", length=64)
    inner = {name: size[name] for name in ("layers", "heads", "hidden")}
    return dict(
        encoders={
            "image": use("encoders.patches", dim=dim, stem=stem),
            "text": use("encoders.embedding", dim=dim, vocab=size["vocab"], position=position),
        },
        interactions=(use("interaction.multiway", order=order, **inner),),
    )


def encoder(size: dict[str, int], layers: int):
    """A linear map of each step and a transformer."""
    inner = {name: size[name] for name in ("dim", "heads", "hidden")}
    return use("encoders.sensor", kernel=1, strides=(1,), layers=layers, **inner)


def told(model, batch: int):
    """Numbers from series by their absolute error."""

    def masked(values):
        return values | {f"{name}_mask": jnp.ones(x.shape[:2], bool) for name, x in values.items()}

    def init(batch):
        return model.init(jax.random.key(0), masked(batch[0]), train=False)["params"], {}

    def loss(params, batch):
        values, target = batch
        return jnp.abs(model.apply({"params": params}, masked(values), train=True)[:, 0] - target).mean()

    return trained(init, loss, sizes.series(batch))


def model_of(names: Sequence[str]):
    """The composed model of some of the three modalities."""
    size = sizes.COMPOSED
    inner = {name: size[name] for name in ("dim", "layers", "heads", "hidden")}
    encoders = {
        "image": transformer(size),
        "text": use("encoders.text_transformer", vocab=size["vocab"], **inner),
        "series": use("encoders.sensor", **inner),
    }
    trunk = {name: size[name] for name in ("layers", "heads", "hidden")}
    return build(
        use(
            "models.compose",
            encoders={name: encoders[name] for name in names},
            fusion=use("fusion.concat", order=tuple(names)),
            trunk=use("nn.transformer", **trunk),
            head=use("heads.classify", classes=size["classes"]),
        )
    )


def composed(names: Sequence[str], hand: bool = False):
    model = model_of(names)
    forward = partial(by_hand, names) if hand else lambda params, x: model.apply({"params": params}, x, train=True)

    def init(batch):
        return model.init(jax.random.key(0), batch[0], train=False)["params"], {}

    def loss(params, batch):
        values, label = batch
        return cross_entropy(forward(params, values), label, 0.0).mean()

    return trained(init, loss, sizes.composed(names))
