import json

import pytest

from mmjax.data import json_line


def test_it_is_json():
    assert json_line.parse('{"a": [1, 2.5, -3e2, null, true], "b": {"c": "d"}}') == {
        "a": [1, 2.5, -300.0, None, True], "b": {"c": "d"}
    }  # fmt: skip
    assert json_line.parse("[NaN]", constant=str) == ["NaN"]


@pytest.mark.parametrize(
    "text, told",
    [
        ('{"a": 1, "a": 2}', '"a" stands twice in it'),
        ("[1e400]", "1e400 is too large a number"),
        ("[-1e999]", "-1e999 is too large a number"),
        (f"[{'9' * 5000}]", "99999999999999999999... is too large a number, of 5,000 digits"),
        ("[" * 100_000 + "]" * 100_000, "its lists or objects lie too deep in each other"),
    ],
)
def test_what_json_would_take_or_choke_on_is_one_line(text, told):
    with pytest.raises(ValueError) as caught:
        json_line.parse(text)
    assert str(caught.value) == told and not isinstance(caught.value, json.JSONDecodeError)


def test_lines_of_a_file_end_with_newlines_alone_and_one_that_is_no_utf_8_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('\ufeff{"a": "x\u2028y"}\r\n{}', "utf-8", newline="")
    assert json_line.lines(path) == ['{"a": "x\u2028y"}', "{}"]
    path.write_bytes(b'{"a": "caf\xe9"}')
    with pytest.raises(ValueError, match=r"rows\.jsonl is no UTF-8 text: invalid continuation byte at byte 10"):
        json_line.lines(path)
