"""A run on rows of two vectors and a series of which fields are really missing, in training and in test rows.

This file is a config too, where the data set "lacking" is prepared: `mmjax train --config=tests/lacking.py ...`.
"""

import json
from pathlib import Path

import numpy as np

from mmjax.core.build import choose, experiment, use

CONFIG = Path(__file__)
WIDTHS, STEPS = {"front": 4, "side": 3}, 6
ORDER = ("front", "side", "pace")
CLASSES, TRAIN, TEST = 3, 96, 9


def get_config(variant="base"):
    steps = choose(variant, base=60)
    vectors = {name: use("data.modality.vector", feature=name, width=width) for name, width in WIDTHS.items()}
    encoders = {name: use("encoders.vector", dim=16, hidden=16) for name in WIDTHS}
    model = use(
        "models.compose",
        encoders={**encoders, "pace": use("encoders.sensor", dim=16, strides=(1,), layers=1, heads=2, hidden=16)},
        trunks={"pace": use("nn.pool")},
        interactions=(
            use("missing.modality_dropout", order=ORDER, rate=0.3, ramp=20),
            use("missing.reconstruction", order=ORDER, hidden=8),
        ),
        fusion=use("fusion.concat_features", order=ORDER),
        head=use("heads.classify", classes=CLASSES),
    )
    return experiment(
        task=use("tasks.classify", model=model, model_losses={"reconstruction": 0.1}),
        data=use(
            "data.rows",
            name="lacking",
            modalities={**vectors, "pace": use("data.modality.series", feature="pace", length=STEPS, channels=1)},
            label=use("data.label", feature="label"),
            batch=16,
        ),
        optim=use("optim.optimizer", rule=use("optim.adamw"), schedule=use("optim.constant", peak=5e-3)),
        steps=steps,
        log=dict(every=10),
    )


def rows(folder: Path) -> Path:
    """The rows as a .jsonl file: each field tells the class, and is missing in a third of the rows, but never all."""
    rng = np.random.default_rng(0)
    centres = {name: 2 * rng.normal(size=(CLASSES, width)) for name, width in WIDTHS.items()}
    lines = []
    for number in range(TRAIN + TEST):
        label = number % CLASSES
        row = {name: (centre[label] + 0.2 * rng.normal(size=centre.shape[1])).tolist() for name, centre in
               centres.items()}  # fmt: skip
        row["pace"] = (np.sin((label + 1) * np.arange(STEPS))[:, None] + 0.1 * rng.normal(size=(STEPS, 1))).tolist()
        lost = rng.random(len(ORDER)) < 1 / 3
        lost[rng.integers(len(ORDER))] = False
        if number:  # the first row says which fields there are
            row |= {name: None for name, gone in zip(ORDER, lost, strict=True) if gone}
        lines.append(json.dumps({**row, "label": "abc"[label], "split": "train" if number < TRAIN else "test"}))
    path = folder / "lacking.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path
