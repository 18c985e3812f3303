"""SigLIP: the data and towers of configs/clip.py, with a decision of its own for every pair, block after block."""

import runpy
from pathlib import Path

from mmjax.core.build import use


def get_config(variant="base"):
    config = runpy.run_path(str(Path(__file__).with_name("clip.py")))["get_config"](variant)
    config.task.model.scale, config.task.model.bias = 10.0, -10.0
    config.task.loss_of = use("losses.ring_siglip")
    return config
