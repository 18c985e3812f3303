"""TFDS builder of CMU-MOSI, which comes in the layouts of CMU-MOSEI."""

import tensorflow_datasets as tfds

from mmjax.data.mosei import mosei_dataset_builder


class Builder(mosei_dataset_builder.Builder):
    """As published: 1,284 training, 229 validation and 686 test segments of 93 videos."""

    VERSION = tfds.core.Version("1.0.0")
    emotions = False
