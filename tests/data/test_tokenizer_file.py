from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from mmjax.data.tokenizer_file import TokenizerFile


def publish(path: Path, tokens: list[str]) -> Path:
    """A tokenizer.json as published ones are: with special tokens added, truncation and padding set in the file."""
    tokenizer = Tokenizer(models.WordLevel({token: number for number, token in enumerate(tokens)}, unk_token=tokens[0]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    end = tokens[-1]
    tokenizer.post_processor = processors.TemplateProcessing(f"$A {end}", special_tokens=[(end, len(tokens) - 1)])
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=6)
    tokenizer.save(str(path))
    return path


@pytest.mark.parametrize(
    ("tokens", "special"),
    [
        (["<unk>", "<pad>", "a", "b", "</s>"], (1, 4, 1)),  # T5: its decoder starts with pad
        (["[UNK]", "[PAD]", "[CLS]", "a", "b", "[SEP]"], (1, 5, 2)),  # BERT
        (["a", "b", "<|endoftext|>"], (2, 2, 2)),  # GPT-2
        (["<unk>", "<pad>", "<bos>", "a", "b", "<eos>"], (1, 5, 2)),  # Gemma
    ],
)
def test_published_special_tokens_are_found_and_not_added(tmp_path, tokens, special):
    path = publish(tmp_path / "published.json", tokens)
    vocabulary = TokenizerFile(str(path), size=10).open(tmp_path / "run", lambda: iter(()))
    assert (vocabulary.pad, vocabulary.eos, vocabulary.bos) == special
    assert vocabulary.encode("a b a") == [tokens.index(letter) for letter in "aba"]  # neither cut nor padded
    assert (vocabulary.count, vocabulary.size) == (len(tokens), 10)


def test_what_the_file_marks_as_special_goes_before_words_of_html(tmp_path):
    path = publish(
        tmp_path / "published.json", ["<unk>", "<pad>", "</s>", "<s>", "a", "<end_of_turn>", "<eos>", "<bos>"]
    )
    vocabulary = TokenizerFile(str(path), size=8).open(tmp_path / "gemma", lambda: iter(()))
    assert (vocabulary.eos, vocabulary.bos) == (6, 7)
    tokenizer = Tokenizer.from_file(str(publish(path, ["<unk>", "<pad>", "<eos>", "<bos>", "a", "</s>", "<s>"])))
    tokenizer.add_special_tokens(["</s>", "<s>"])
    tokenizer.save(str(path))
    vocabulary = TokenizerFile(str(path), size=8).open(tmp_path / "other", lambda: iter(()))
    assert (vocabulary.eos, vocabulary.bos) == (5, 6)


def test_whole_tokens_are_those_of_the_file_or_follow_them(tmp_path):
    path = publish(tmp_path / "published.json", ["<unk>", "<pad>", "a", "b", "</s>"])
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.add_special_tokens(["<extra_id_1>", "<extra_id_0>"])  # as T5's, marked as special
    tokenizer.save(str(path))
    config = TokenizerFile(str(path), size=9, locations=2, sentinels=2)
    for _ in range(2):  # copied, and opened again
        vocabulary = config.open(tmp_path / "run", lambda: iter(()))
        assert vocabulary.encode("a<extra_id_0> b <loc0001><loc0000> <extra_id_1>") == [2, 6, 3, 8, 7, 5]
        assert vocabulary.count == 9 and vocabulary.decode([8, 7]) == "<loc0001> <loc0000>"
    with pytest.raises(ValueError, match=r"has 9 tokens, but tokenizer\.size is 8"):
        TokenizerFile(str(path), 8, locations=2, sentinels=2).open(tmp_path / "small", lambda: iter(()))


def test_without_a_size_it_is_the_number_of_the_files_tokens_and_those_that_follow(tmp_path):
    path = publish(tmp_path / "published.json", ["<unk>", "<pad>", "a", "b", "</s>"])
    sizes = [
        TokenizerFile(str(path), locations=count).open(tmp_path / str(count), lambda: iter(())).size for count in (0, 3)
    ]
    assert sizes == [5, 8]


def test_the_run_keeps_its_own_copy(tmp_path):
    path = publish(tmp_path / "published.json", ["<unk>", "<pad>", "a", "</s>"])
    config = TokenizerFile(str(path), size=4)
    first = config.open(tmp_path / "run", lambda: iter(()))
    path.unlink()
    assert config.open(tmp_path / "run", lambda: iter(())).encode("a a") == first.encode("a a") == [2, 2]


def test_unusual_special_tokens_are_named_in_the_config(tmp_path):
    path = publish(tmp_path / "published.json", ["<unk>", "a", "<nothing>", "<start>", "<stop>"])
    with pytest.raises(ValueError, match=r"has no token <pad> or .*: set tokenizer\.pad to the token it uses"):
        TokenizerFile(str(path), 8).open(tmp_path / "run", lambda: iter(()))
    named = TokenizerFile(str(path), 8, pad="<nothing>", eos="<stop>", bos="<start>")
    vocabulary = named.open(tmp_path / "run", lambda: iter(()))
    assert (vocabulary.pad, vocabulary.eos, vocabulary.bos) == (2, 4, 3)


def test_files_that_are_absent_broken_or_too_large_are_told(tmp_path):
    def opening(path, size=8):
        return TokenizerFile(str(path), size).open(tmp_path / "run", lambda: iter(()))

    with pytest.raises(FileNotFoundError, match=r"none\.json: no such file, expected a tokenizer\.json"):
        opening(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(ValueError, match=r"broken\.json: not a tokenizer\.json"):
        opening(tmp_path / "broken.json")
    with pytest.raises(ValueError, match=r"large\.json has 5 tokens, but tokenizer\.size is 4"):
        opening(publish(tmp_path / "large.json", ["<unk>", "<pad>", "a", "b", "</s>"]), 4)
    assert not list(tmp_path.glob("run/*"))
