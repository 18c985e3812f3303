"""mmjax's side of every training and decoding benchmark."""

import queue
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from experiments.benchmarks import sizes
from mmjax.core.build import build, use
from mmjax.core.task import Ctx
from mmjax.losses.cross_entropy import cross_entropy
from mmjax.optim.adamw import Adamw
from mmjax.optim.constant import Constant
from mmjax.optim.optimizer import Optimizer
from mmjax.tasks.generate import Generate
from mmjax.train.experiment import Checkpoint, Experiment, Log
from mmjax.train.loop import Run

# No token is the end, so that every answer is decoded to its full length.
VOCABULARY = SimpleNamespace(size=sizes.PALI["vocab"], eos=sizes.PALI["vocab"], pad=0, unk=None)
# Steps between two looks at the metrics, as in a real run; what the loop adds to a step is told over so many.
LOOK = 10


def vit():
    """A training step of ViT-S/16."""
    return classifier(sizes.VIT, scan=False)


def deep_loop():
    """A training step of 24 layers, each compiled by itself."""
    return classifier(sizes.DEEP, scan=False)


def deep_scan():
    """A training step of 24 layers by scan with rematerialisation."""
    return classifier(sizes.DEEP, scan=True)


def pali():
    """A training step of PaLI."""
    task = pali_task()
    batches = sizes.questions(sizes.PALI["batch"])
    return trained(partial(task.init, jax.random.key(0)), partial(pali_loss, task), batches)


def pali_bare():
    """LOOK training steps of PaLI, jitted by hand."""
    run, facts = pali()

    def several():
        for _ in range(LOOK):
            run()

    return several, facts


def pali_loop():
    """LOOK training steps of PaLI through Task, Partition and the training loop."""
    gate = Gate()
    experiment = Experiment(
        task=pali_task(),
        data=gate,
        optim=Optimizer(Adamw(), Constant(sizes.RATE)),
        steps=1_000_000,
        log=Log(every=LOOK),
        checkpoint=Checkpoint(every=1_000_000),
    )
    folder = Path(tempfile.mkdtemp())
    threading.Thread(target=Run(experiment, folder, lambda line: None).train, daemon=True).start()
    gate.wait()
    return gate.open_for_some, lambda: {"version": jax.__version__}


def decode1():
    return decode(1)


def decode8():
    return decode(8)


def decode(batch: int):
    """Greedy answers with a cache, from pictures and questions."""
    task = pali_task()
    batches = sizes.questions(batch)
    params, extra = jax.jit(task.init)(jax.random.key(0), next(batches))
    predict = jax.jit(lambda params, batch: task.predict(params, extra, batch, context(train=False)))

    def run():
        tokens = np.asarray(predict(params, next(batches))["tokens"])
        assert tokens.shape == (batch, 1, sizes.DECODED), tokens.shape

    return run, lambda: {"parameters": count(params), "version": jax.__version__}


def product():
    """The machine's best matrix product, by jax."""
    a, b = (jax.random.normal(jax.random.key(seed), (sizes.SIDE, sizes.SIDE)) for seed in (0, 1))
    multiply = jax.jit(jnp.matmul)
    return lambda: multiply(a, b).block_until_ready(), lambda: {"products": 2 * sizes.SIDE**3}


class Classifier(nn.Module):
    """The mean of a ViT's tokens to classes."""

    image: nn.Module

    @nn.compact
    def __call__(self, image: jax.Array, *, train: bool) -> jax.Array:
        tokens = self.image(image, jnp.ones(len(image), bool), train=train)
        return nn.Dense(sizes.CLASSES, name="head")(tokens.x.mean(axis=1))


def classifier(size: dict[str, int], scan: bool):
    model = Classifier(build(transformer(size, scan)))

    def init(batch):
        return model.init(jax.random.key(0), batch[0], train=False)["params"], {}

    def loss(params, batch):
        image, label = batch
        return cross_entropy(model.apply({"params": params}, image, train=True), label, 0.0).mean()

    return trained(init, loss, sizes.pictures(size["size"], size["batch"]))


def transformer(size: dict[str, int], scan: bool = False) -> Any:
    inner = {name: size[name] for name in ("dim", "layers", "heads", "hidden")}
    stem = use("nn.patch_embedding", size=size["patch"], dim=size["dim"])
    return use("encoders.vit", stem=stem, position=use("nn.learned_position"), scan=scan, **inner)


def pali_task() -> Generate:
    size = sizes.PALI
    inner = {name: size[name] for name in ("layers", "heads", "head_dim", "hidden")}
    model = use(
        "models.pali",
        vocab=size["vocab"],
        dim=size["dim"],
        image=transformer(sizes.PALI_VIT),
        encoder=use("nn.t5_encoder", **inner),
        decoder=use("decode.t5_decoder", **inner),
    )
    return build(use("tasks.generate", model=model, length=sizes.DECODED)).bind(VOCABULARY, ("",))


def pali_loss(task: Generate, params: Any, batch: Any) -> jax.Array:
    return task.loss(params, {}, batch, context(train=True))[0]["cross_entropy"].value


def context(train: bool) -> Ctx:
    return Ctx(jax.random.key(0), train=train)


def trained(init, loss, batches):
    """A full step with mmjax's optimiser, jitted with donated state; facts hold the time and memory of compiling."""
    optim = Optimizer(Adamw(), Constant(sizes.RATE))
    params, _ = jax.jit(init)(next(batches))
    now = {"state": (params, jax.jit(optim.init)(params))}

    def step(state, batch):
        params, opt = state
        value, gradients = jax.value_and_grad(loss)(params, batch)
        params, opt, _ = optim.update(gradients, opt, params)
        return (params, opt), value

    start = time.perf_counter()
    compiled = jax.jit(step, donate_argnums=0).trace(now["state"], next(batches))
    products = count_products(compiled.jaxpr.jaxpr)
    compiled = compiled.lower().compile()
    known = {
        "parameters": count(params),
        "products": products,
        "compile_seconds": time.perf_counter() - start,
        "temp_mb": compiled.memory_analysis().temp_size_in_bytes / 2**20,
        "version": jax.__version__,
    }

    def run():
        now["state"], now["loss"] = jax.block_until_ready(compiled(now["state"], next(batches)))

    return run, lambda: known | {"loss": float(now["loss"])}


def count(params: Any) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def count_products(jaxpr: Any) -> int:
    """Floating point operations of all matrix products in a jaxpr."""
    total = 0
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            sides = equation.invars[0].aval.shape
            total += 2 * equation.outvars[0].aval.size * int(np.prod([sides[i] for i in contracted]))
        times = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
        for value in equation.params.values():
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                total += times * count_products(inner)
    return total


class Gate:
    """A feed and its config in one, whose batches come LOOK at a time, when the clock runs."""

    batch, vocabulary, files, rows, sources = sizes.PALI["batch"], VOCABULARY, (), {}, ("",)

    def __init__(self):
        self.batches, self.allowed, self.asked = sizes.questions(self.batch), queue.Queue(), queue.Queue()

    def open(self, folder):
        return self

    def train(self, seed, start):
        while True:
            # The loop has looked at the metrics of the batches before, so that their steps have ended.
            self.asked.put(None)
            self.allowed.get()
            for _ in range(LOOK):
                yield next(self.batches)

    def take(self, indices, split=None):
        return next(self.batches)

    def blank(self):
        return next(self.batches)

    def split(self, *, split):
        return iter(())

    def examples(self):
        return 0

    def wait(self):
        self.asked.get()

    def open_for_some(self):
        self.allowed.put(None)
        self.wait()
