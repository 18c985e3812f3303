"""What data sets of generated statements say of themselves."""

from __future__ import annotations

import tensorflow_datasets as tfds

from mmjax.data.nlvr.kinds import KINDS


def info(
    builder: tfds.core.DatasetBuilder,
    description: str,
    labels: tuple[str, ...],
    shown: dict[str, tfds.features.FeatureConnector],
) -> tfds.core.DatasetInfo:
    """Rows of a sentence, its kind, a label and what is shown."""
    features = {
        "sentence": tfds.features.Text(),
        "label": tfds.features.ClassLabel(names=labels),
        "kind": tfds.features.ClassLabel(names=KINDS),
    }
    return tfds.core.DatasetInfo(
        builder=builder,
        description=description,
        homepage="https://lil.nlp.cornell.edu/nlvr/",
        disable_shuffling=True,
        features=tfds.features.FeaturesDict(features | shown),
    )
