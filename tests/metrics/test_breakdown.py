"""Scores of a corpus cut into rows of a table."""

import pytest

from mmjax.metrics.breakdown import answer_kind, breakdown, first_words


def records(**groups):
    return [{"kind": kind, "score": score} for kind, scores in groups.items() for score in scores]


def by_kind(found, **options):
    return breakdown(found, "score", "kind", lambda record: record["kind"], **options)


def test_each_row_has_its_mean_and_its_number_of_records():
    assert by_kind(records(a=[1, 0, 1, 1], b=[0])) == {
        "score/kind/a": 0.75,
        "examples/kind/a": 4.0,
        "score/kind/b": 0.0,
        "examples/kind/b": 1.0,
    }
    assert by_kind([]) == {}
    assert all(type(value) is float for value in by_kind(records(a=[True])).values())


def test_the_rarest_rows_come_together_so_that_no_record_is_lost():
    found = by_kind(records(rare=[1], often=[1, 1, 0], odd=[0], frequent=[0, 0]), most=2)
    assert found.keys() == {
        f"{n}/kind/{row}" for n in ("score", "examples") for row in ("often", "frequent", "(others)")
    }
    assert (found["score/kind/(others)"], found["examples/kind/(others)"]) == (0.5, 2.0)
    assert sum(value for name, value in found.items() if name.startswith("examples/")) == 7


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("yes", "yes/no"),
        ("no", "yes/no"),
        ("12", "number"),
        ("2.5", "number"),
        ("1.2.3", "other"),
        ("none", "other"),
        ("red", "other"),
        ("yes it is", "other"),
        ("", "other"),
    ],
)
def test_answers_are_yes_or_no_numbers_or_other(answer, kind):
    assert answer_kind(answer) == kind


def test_a_question_is_typed_by_its_first_words():
    assert first_words("what color is the shape ?") == "what color"
    assert first_words("what  color\tis it", words=3) == "what color is"
    assert first_words("why") == "why"
    assert first_words("") == ""
