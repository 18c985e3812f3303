from pathlib import Path

import pytest
import sentencepiece

from mmjax.data.sentence_piece import SentencePiece

TEXTS = ["the cat sat on the mat", "a red shape is in the picture", "what colour is the hat of the cat?"]
T5 = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
LLAMA = {"unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1}


def publish(folder: Path, **ids: int) -> Path:
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 5), model_prefix=str(folder / "spiece"), vocab_size=30, minloglevel=2, **ids
    )
    return folder / "spiece.model"


@pytest.mark.parametrize(("ids", "special"), [(T5, (0, 1, 0)), (LLAMA, (2, 2, 1))])
def test_special_tokens_are_those_of_the_model(tmp_path, ids, special):
    path = publish(tmp_path, **ids)
    vocabulary = SentencePiece(str(path), size=64).open(tmp_path / "run", lambda: iter(()))
    assert (vocabulary.pad, vocabulary.eos, vocabulary.bos) == special
    direct = sentencepiece.SentencePieceProcessor(model_file=str(path))
    text = "what colour is the cat?"
    assert vocabulary.encode(text) == direct.encode(text)
    assert vocabulary.decode([*vocabulary.encode(text), vocabulary.eos, 7, 8]) == text
    assert vocabulary.decode([*vocabulary.encode(text), 30, 63]) == text  # a model may say ids beyond the 30


def test_whole_tokens_follow_the_pieces_as_in_t5(tmp_path):
    path = publish(tmp_path, **T5)
    config = SentencePiece(str(path), size=40, locations=3, sentinels=4)
    direct = sentencepiece.SentencePieceProcessor(model_file=str(path))
    for _ in range(2):  # copied, and opened again
        vocabulary = config.open(tmp_path / "run", lambda: iter(()))
        text = "<extra_id_0> cat sat <extra_id_3> mat"
        assert vocabulary.encode(text) == [33, *direct.encode("cat sat"), 30, *direct.encode("mat")]
        ids = vocabulary.encode("<loc0002><loc0000> cat")
        assert [token for token in ids if token >= 30] == [36, 34] and ids[-1:] == direct.encode("cat")[-1:]
        assert vocabulary.decode(vocabulary.encode(text)).split() == text.split()
        assert vocabulary.decode(ids).split() == ["<loc0002><loc0000>", "cat"] and vocabulary.count == 37
    with pytest.raises(ValueError, match=r"has 37 tokens, but tokenizer\.size is 36"):
        SentencePiece(str(path), 36, locations=3, sentinels=4).open(tmp_path / "small", lambda: iter(()))


def test_sentinels_that_a_model_holds_keep_their_ids(tmp_path):
    """mT5's model holds them with the space before; Gemma's holds its locations."""
    path = publish(tmp_path, **T5, user_defined_symbols=["\u2581<extra_id_0>", "<loc0000>"])
    direct = sentencepiece.SentencePieceProcessor(model_file=str(path))
    vocabulary = SentencePiece(str(path), 40, locations=2, sentinels=2).open(tmp_path / "run", lambda: iter(()))
    held = [direct.piece_to_id(piece) for piece in ("\u2581<extra_id_0>", "<loc0000>")]
    assert vocabulary.encode("<extra_id_0> <extra_id_1>") == [held[0], 30]
    assert [token for token in vocabulary.encode("<loc0000><loc0001>") if token in (held[1], 31)] == [held[1], 31]


def test_the_run_keeps_its_own_copy(tmp_path):
    path = publish(tmp_path, **T5)
    config = SentencePiece(str(path), size=30)
    first = config.open(tmp_path / "run", lambda: iter(()))
    path.unlink()
    assert config.open(tmp_path / "run", lambda: iter(())).encode("the hat") == first.encode("the hat")


def test_files_that_are_absent_broken_too_large_or_endless_are_told(tmp_path):
    def opening(path, size=30):
        return SentencePiece(str(path), size).open(tmp_path / "run", lambda: iter(()))

    with pytest.raises(FileNotFoundError, match=r"none\.model: no such file"):
        opening(tmp_path / "none.model")
    (tmp_path / "broken.model").write_text("not a model")
    with pytest.raises(ValueError, match=r"broken\.model: not a SentencePiece model"):
        opening(tmp_path / "broken.model")
    with pytest.raises(ValueError, match=r"has 30 tokens, but tokenizer\.size is 29"):
        opening(publish(tmp_path, **T5), 29)
    with pytest.raises(ValueError, match="has no end-of-text token"):
        opening(publish(tmp_path, eos_id=-1))
    assert not list(tmp_path.glob("run/*"))
