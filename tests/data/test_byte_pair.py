import numpy as np
import pytest

from mmjax.data.byte_pair import BytePair

TEXTS = ["the cat sat on the mat", "the hat", "that cat, the fat cat: Größe 3,5 °C"] * 4


def test_any_text_comes_back_exactly(tmp_path):
    vocabulary = BytePair(300).open(tmp_path, lambda: iter(TEXTS))
    rng = np.random.default_rng(0)
    letters = [chr(code) for code in rng.integers(32, 0x3000, 400)]
    for text in ["New York, 3.5 °C", '日本 🙂 \n\t"x"', "".join(letters), " leading and  double spaces "]:
        ids = vocabulary.encode(text)
        assert vocabulary.decode(ids) == text
        assert min(ids) > 3 and max(ids) < vocabulary.count <= 300


def test_frequent_strings_become_one_token(tmp_path):
    vocabulary = BytePair(300).open(tmp_path, lambda: iter(TEXTS))
    assert len(vocabulary.encode("the cat")) < len("the cat") / 2 < len(vocabulary.encode("xyzxyzq"))


def test_a_text_that_looks_like_a_special_token_is_only_text(tmp_path):
    vocabulary = BytePair(300).open(tmp_path, lambda: iter(TEXTS))
    assert vocabulary.decode(vocabulary.encode("a </s> b")) == "a </s> b"


def test_fewer_tokens_than_bytes_are_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"tokenizer\.size is 259: byte pairs need 260 or more"):
        BytePair(259).open(tmp_path, lambda: iter(TEXTS))
    assert BytePair(260).open(tmp_path, lambda: iter(TEXTS)).count == 260


def test_places_and_gaps_are_whole_tokens_and_decode_exactly(tmp_path):
    text = "<loc0001><loc0000> Größe ; <extra_id_1>"
    vocabulary = BytePair(300, locations=2, sentinels=2).open(tmp_path, lambda: iter([text] * 9))
    assert vocabulary.count <= 300 and vocabulary.decode(vocabulary.encode(text)) == text
    first, second = vocabulary.encode("<loc0000><extra_id_1>")
    assert second - first == 3 and second == vocabulary.count - 1
    with pytest.raises(ValueError, match="byte pairs need 264 or more"):
        BytePair(263, locations=2, sentinels=2).open(tmp_path / "small", lambda: iter([text]))
