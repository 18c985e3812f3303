import pytest

from mmjax.data.vocabulary import Vocabulary, once
from mmjax.data.words import Words


@pytest.fixture
def vocabulary(tmp_path) -> Vocabulary:
    return Words(16).open(tmp_path, lambda: iter(["one two three"]))


def test_decoding_stops_at_the_first_eos_and_drops_pad_and_bos(vocabulary):
    one, two, three = vocabulary.encode("one two three")
    ids = [vocabulary.bos, one, vocabulary.pad, three, vocabulary.eos, two]
    assert vocabulary.decode(ids) == "one three"
    assert vocabulary.decode([vocabulary.eos, one]) == "" == vocabulary.decode([])


def test_ids_that_mean_nothing_decode_to_nothing(vocabulary):
    assert vocabulary.count == 7 and vocabulary.size == 16
    assert vocabulary.decode([7, *vocabulary.encode("two"), 15, -1, 10_000]) == "two"


def test_what_encode_returns_may_be_changed_by_its_caller(vocabulary):
    vocabulary.encode("one").append(99)
    assert vocabulary.decode(vocabulary.encode("one")) == "one"


def test_a_file_is_written_once_and_never_half(tmp_path):
    path = tmp_path / "runs/a/tokenizer.json"

    def fail(temporary):
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        once(path, fail)
    assert list(path.parent.iterdir()) == []
    once(path, lambda temporary: temporary.write_text("whole"))
    once(path, lambda temporary: temporary.write_text("another"))
    assert path.read_text() == "whole" and list(path.parent.iterdir()) == [path]
