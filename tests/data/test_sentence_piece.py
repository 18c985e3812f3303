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
