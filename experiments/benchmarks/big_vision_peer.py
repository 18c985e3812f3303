"""big_vision's own ViT, from a checkout that $BIG_VISION names: the best public JAX implementation of it."""

import os
import sys
import types

import jax
import jax.numpy as jnp
import optax

from experiments.benchmarks import sizes


def vit():
    """A training step of big_vision's ViT-S/16, jitted with donated state, by optax's AdamW."""
    size = sizes.VIT
    model = checkout().Model(sizes.CLASSES, variant="S/16", pool_type="gap", head_zeroinit=False)
    batches = sizes.pictures(size["size"], size["batch"])
    params = model.init(jax.random.key(0), jnp.zeros((1, size["size"], size["size"], 3)))["params"]
    optim = optax.adamw(sizes.RATE, weight_decay=0.01)

    def loss(params, image, label):
        logits, _ = model.apply({"params": params}, image.astype(jnp.float32) / 127.5 - 1.0, train=True)
        return optax.softmax_cross_entropy_with_integer_labels(logits, label).mean()

    def step(state, image, label):
        params, opt = state
        value, gradients = jax.value_and_grad(loss)(params, image, label)
        updates, opt = optim.update(gradients, opt, params)
        return (optax.apply_updates(params, updates), opt), value

    step = jax.jit(step, donate_argnums=0)
    now = {"state": (params, jax.jit(optim.init)(params))}

    def run():
        now["state"], now["loss"] = jax.block_until_ready(step(now["state"], *next(batches)))

    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    return run, lambda: {"parameters": count, "loss": float(now["loss"]), "version": jax.__version__}


def checkout():
    """big_vision's `models.vit`; its `utils` reads checkpoints with TensorFlow, which a model does not need."""
    sys.path.insert(0, os.environ["BIG_VISION"])
    import big_vision.models

    for name in ("big_vision.utils", "big_vision.models.common"):
        parent, _, child = name.rpartition(".")
        module = sys.modules[name] = types.ModuleType(name)
        setattr(sys.modules[parent], child, module)
    import big_vision.models.vit

    return big_vision.models.vit
