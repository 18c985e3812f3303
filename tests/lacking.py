"""A run on rows of a vector and a series of which either is really missing, in training and in test rows.

This file is a config too, where the data set "lacking" is prepared: `mmjax train --config=tests/lacking.py ...`.
"""

import json
from pathlib import Path

import numpy as np

from mmjax.core.build import choose, experiment, use

CONFIG = Path(__file__)
WIDTH, STEPS = 4, 6
ORDER = ("front", "pace")
CLASSES, TRAIN, TEST = 3, 96, 9


def get_config(variant="base"):
    steps = choose(variant, base=60)
    model = use(
        "models.compose",
        encoders={
            "front": use("encoders.vector", dim=16, hidden=16),
            "pace": use("encoders.sensor", dim=16, strides=(1,), layers=1, heads=2, hidden=16),
        },
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
            modalities={
                "front": use("data.modality.vector", feature="front", width=WIDTH),
                "pace": use("data.modality.series", feature="pace", length=STEPS, channels=1),
            },
            label=use("data.label", feature="label"),
            batch=16,
        ),
        optim=use("optim.optimizer", rule=use("optim.adamw"), schedule=use("optim.constant", peak=5e-3)),
        steps=steps,
        log=dict(every=10),
    )


def rows(folder: Path) -> Path:
    """The rows as a .jsonl file: each field tells the class, and each is missing in a quarter of the rows."""
    rng = np.random.default_rng(0)
    centres = 2 * rng.normal(size=(CLASSES, WIDTH))
    lines = []
    for number in range(TRAIN + TEST):
        label = number % CLASSES
        row = {"front": (centres[label] + 0.2 * rng.normal(size=WIDTH)).tolist()}
        row["pace"] = (np.sin((label + 1) * np.arange(STEPS))[:, None] + 0.1 * rng.normal(size=(STEPS, 1))).tolist()
        if number % 4 in (1, 2):  # the first row says which fields there are
            row[ORDER[number % 4 - 1]] = None
        lines.append(json.dumps({**row, "label": "abc"[label], "split": "train" if number < TRAIN else "test"}))
    path = folder / "lacking.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path
