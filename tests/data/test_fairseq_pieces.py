import pytest
import sentencepiece

from mmjax.data.fairseq_pieces import FairseqPieces
from tests.data.test_sentence_piece import LLAMA, T5, publish


@pytest.mark.parametrize("sentinels", [0, 1])
def test_pieces_are_numbered_as_fairseq_does(tmp_path, sentinels):
    path = publish(tmp_path, **LLAMA)
    direct = sentencepiece.SentencePieceProcessor(model_file=str(path))
    vocabulary = FairseqPieces(str(path), size=40, sentinels=sentinels).open(tmp_path / "run", lambda: iter(()))
    assert (vocabulary.bos, vocabulary.pad, vocabulary.eos, vocabulary.unk) == (0, 1, 2, 3)
    text = "what colour is the cat?"
    ids = vocabulary.encode(text)
    assert ids == [number + 1 for number in direct.encode(text)] and min(ids) > 3
    assert vocabulary.decode([0, *ids, 2, 7]) == text
    assert 3 in vocabulary.encode("the 猫") and vocabulary.count == 31 + sentinels
    assert 3 not in vocabulary.ordinary
    if sentinels:  # <mask> is the first after 30 pieces, which are one further
        assert vocabulary.mask == 31 and vocabulary.ordinary.max() == 30


def test_a_model_with_other_special_tokens_or_too_many_pieces_is_told(tmp_path):
    with pytest.raises(ValueError, match="at 1, 0 and 2; expected 2, 1 and 0 as in XLM-R's"):
        FairseqPieces(str(publish(tmp_path, **T5)), size=40).open(tmp_path / "run", lambda: iter(()))
    with pytest.raises(ValueError, match=r"has 31 tokens, but tokenizer\.size is 30"):
        FairseqPieces(str(publish(tmp_path, **LLAMA)), size=30).open(tmp_path / "other", lambda: iter(()))
