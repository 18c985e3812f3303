"""TFDS builder of BasicMotions: four activities by a smartwatch, from the files of the wheel aeon."""

from mmjax.data.ts_builder import TsBuilder


class Builder(TsBuilder):
    """The official splits: 40 and 40 series of 100 steps."""

    problem = "BasicMotions"
    about = "Standing, walking, running and badminton, 10 s at 10 Hz: acceleration, then rotation, 3 channels each."
    sensors = (("accelerometer", 3), ("gyroscope", 3))
    classes = ("Standing", "Running", "Walking", "Badminton")
