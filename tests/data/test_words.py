import subprocess
import sys

import pytest

from mmjax.data.words import Words

TEXTS = ["What is the blue shape?", "is there a red shape?", "no", "the shape is blue", "is it?"]
TRAIN = f"""
import pathlib, sys
from mmjax.data.words import Words
Words(32).train(lambda: iter({TEXTS!r}), pathlib.Path(sys.argv[1]))
"""


def test_ids_are_the_special_tokens_then_words_by_frequency(tmp_path):
    vocabulary = Words(32).open(tmp_path, lambda: iter(TEXTS))
    assert (vocabulary.pad, vocabulary.eos, vocabulary.bos) == (0, 1, 2)
    counts = {}
    for text in TEXTS:
        for word in text.lower().replace("?", " ?").split():
            counts[word] = counts.get(word, 0) + 1
    order = sorted(counts, key=lambda word: (-counts[word], word))
    assert [vocabulary.decode([number]) for number in range(4, vocabulary.count)] == order


def test_case_and_spaces_do_not_matter_and_marks_are_words(tmp_path):
    vocabulary = Words(32).open(tmp_path, lambda: iter(TEXTS))
    assert vocabulary.encode("IS  the Blue\tshape?") == vocabulary.encode("is the blue shape ?")
    assert vocabulary.decode(vocabulary.encode("What is THE shape?")) == "what is the shape ?"


def test_unseen_words_are_unknown(tmp_path):
    vocabulary = Words(32).open(tmp_path, lambda: iter(TEXTS))
    assert vocabulary.encode("is zebra blue")[1] == 3


def test_training_gives_the_same_file_in_every_process(tmp_path):
    files = [tmp_path / f"{number}.json" for number in range(3)]
    for file in files:
        subprocess.run([sys.executable, "-c", TRAIN, file], check=True)
    assert len({file.read_bytes() for file in files}) == 1


def test_a_stored_vocabulary_is_used_and_no_text_read(tmp_path):
    first = Words(32).open(tmp_path, lambda: iter(TEXTS))

    def never():
        raise AssertionError("the texts were read")

    second = Words(32).open(tmp_path, never)
    assert second.encode("the blue shape") == first.encode("the blue shape")


def test_more_words_than_the_size_are_an_error_and_leave_no_file(tmp_path):
    with pytest.raises(ValueError, match=r"has 15 tokens, but tokenizer\.size is 14: set it to 15 or more"):
        Words(14).open(tmp_path, lambda: iter(TEXTS))
    assert list(tmp_path.iterdir()) == []
    Words(15).open(tmp_path, lambda: iter(TEXTS))
    with pytest.raises(ValueError, match=r"tokenizer\.json has 15 tokens, but tokenizer\.size is 10"):
        Words(10).open(tmp_path, lambda: iter(TEXTS))


def test_places_and_gaps_are_whole_tokens_after_the_words(tmp_path):
    texts = ["a <loc0001><loc0000> Red ring", "a <extra_id_0> ring <extra_id_1>"]
    vocabulary = Words(16, locations=2, sentinels=2).open(tmp_path, lambda: iter(texts))
    assert vocabulary.count == 4 + 3 + 4  # special tokens; a, red, ring; the whole ones
    ids = vocabulary.encode("a <loc0001><loc0000> red <extra_id_1>ring")
    assert [vocabulary.decode([token]) for token in ids] == [
        "a",
        "<loc0001>",
        "<loc0000>",
        "red",
        "<extra_id_1>",
        "ring",
    ]
    assert [token - 7 for token in vocabulary.encode("<loc0000><loc0001><extra_id_0><extra_id_1>")] == [0, 1, 2, 3]
    with pytest.raises(ValueError, match=r"has 11 tokens, but tokenizer\.size is 10"):
        Words(10, locations=2, sentinels=2).open(tmp_path / "small", lambda: iter(texts))
