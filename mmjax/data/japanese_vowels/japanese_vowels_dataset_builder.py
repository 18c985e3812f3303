"""TFDS builder of JapaneseVowels: which of nine men speaks, from the files of the wheel aeon."""

from mmjax.data.ts_builder import TsBuilder


class Builder(TsBuilder):
    """The official splits: 270 and 370 series."""

    problem = "JapaneseVowels"
    about = "Coefficients of linear prediction of the vowels /ae/, 12 a step, 7 to 29 steps."
    sensors = (("voice", 12),)
    classes = tuple("123456789")
