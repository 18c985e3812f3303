"""Names that were most likely meant as others."""

import pytest

from mmjax.data.near import near


@pytest.mark.parametrize(
    ("name", "other"),
    [("text", "tetx"), ("v", "V"), ("image", "imgae"), ("steps", "step"), ("text", "question"), ("question", "text")],
)
def test_what_is_most_likely_meant_is_found(name, other):
    assert near(name, ["something", other]) == other


@pytest.mark.parametrize("other", ["text", "context", "next", "answer", "t"])
def test_other_names_are_others(other):
    assert near("text", [other]) is None
