"""The report of a run: what is in it, that it needs nothing from outside, and that it is whole or not there."""

import html
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.task import Panel
from mmjax.train import report
from mmjax.train.log import Log


def page(workdir: Path, **parts) -> str:
    """The report of a run with nothing in it but the given parts."""
    names = ("config", "scores", "mistakes", "parameters", "versions", "commands")
    nothing = {"panels": [], **{name: {} for name in names}}
    return report.write(workdir, **{**nothing, **parts}).read_text()


def section(text: str, name: str) -> str:
    return re.search(rf'<section id="{name}">(.*?)</section>', text, re.DOTALL)[1]


def cells(text: str) -> list[list[str]]:
    """The rows of every table in it, as the words of their cells."""
    rows = re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL)
    return [[words(cell) for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows]


def words(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def picture(**text: str) -> Panel:
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    return Panel("picture", {"image": image}, text)


def test_the_report_is_named_after_the_run_and_lies_in_its_folder(tmp_path):
    (tmp_path / "mine").mkdir()
    text = page(tmp_path / "mine")
    assert "<h1>mine</h1>" in text
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["report.html"]


def test_other_things_stand_under_their_own_titles_where_there_are_any(tmp_path):
    curve = Panel("curve", {"x": np.arange(3), "sight": np.ones(3)}, {"score": "accuracy"})
    text = page(tmp_path, sections={"Robustness": [curve], "Nothing": []})
    assert "sight" in section(text, "robustness") and '<a href="#robustness">Robustness</a>' in text
    assert "Nothing" not in text


def test_mistakes_stand_under_the_titles_of_their_groups(tmp_path):
    groups = {
        "count: 3 of 9 right": [picture(n="one")],
        "nothing": [],
        "colour": [picture(n="two"), picture(n="three")],
    }
    found = section(page(tmp_path, mistakes=groups), "mistakes")
    assert re.findall(r"<h3.*?>(.*?)</h3>|<dd>(.*?)</dd>", found) == [
        ("count: 3 of 9 right", ""),
        ("", "one"),
        ("colour", ""),
        ("", "two"),
        ("", "three"),
    ]
    assert "<h3" not in section(page(tmp_path, mistakes={"": [picture(n="one")]}), "mistakes")


def test_scores_stand_at_the_top_and_their_parts_in_tables(tmp_path):
    scores = {
        "exact_match": 0.99731,
        "examples": 9673,
        "exact_match/question type/what color is": 0.5,
        "examples/question type/what color is": 3104,
        "exact_match/question type/yes/no": 1.0,
        "exact_match/answer/red": 0.25,
    }
    scored = section(page(tmp_path, scores=scores), "scores")
    assert re.search(r"<span>exact match</span><strong>0\.9973</strong>", scored)
    assert re.search(r"<span>examples</span><strong>9,673</strong>", scored)
    assert [words(title) for title in re.findall("<h3>(.*?)</h3>", scored)] == ["By question type", "By answer"]
    assert cells(scored) == [
        ["", "exact match", "examples"],
        ["what color is", "0.5000", "3,104"],
        ["yes/no", "1.0000", "–"],
        ["", "exact match"],
        ["red", "0.2500"],
    ]


def test_what_was_last_logged_in_training_stands_beside_the_scores_of_its_table(tmp_path):
    with Log(tmp_path) as log:
        log.write(10, "train", {"loss": 3.0, "loss/task/caption": 2.5, "loss/task/detect": 4.0})
        log.write(20, "train", {"loss": 2.0, "loss/task/caption": 1.5, "loss/task/detect": 3.0})
        log.write(20, "test", {"exact_match/task/caption": 0.75})
    assert cells(section(page(tmp_path, scores={"exact_match/task/caption": 0.75}), "scores")) == [
        ["", "exact match", "loss (training)"],
        ["caption", "0.7500", "1.5"],
        ["detect", "–", "3"],
    ]


def test_each_metric_has_one_figure_with_a_line_for_each_split(tmp_path):
    with Log(tmp_path) as log:
        for step in range(1, 41):
            log.write(step, "train", {"loss": 5.0 / step, "rate": 0.1 * step})
        log.write(40, "test", {"loss": 0.5, "exact_match": 0.75, "examples": 9673, "exact_match/answer/red": 1.0})
    curves = section(page(tmp_path), "curves")
    titles = [words(title) for title in re.findall("<h3>(.*?)</h3>", curves, re.DOTALL)]
    assert titles == ["loss train 0.125 test 0.5", "rate train 4", "exact match test 0.75"]
    figures = re.findall("<svg.*?</svg>", curves)
    drawn = [sorted(set(re.findall(r"series-\d", figure))) for figure in figures]
    assert drawn == [["series-0", "series-1"], ["series-0"], ["series-1"]]


def test_a_table_that_is_logged_again_and_again_has_a_figure_with_a_line_for_each_row(tmp_path):
    with Log(tmp_path) as log:
        for step in (10, 20):
            shares = {f"accuracy/unimodal and fused/{name}": step / 100 for name in ("fused", "image", "a", "b", "c")}
            log.write(step, "train", {"examples/kind/yes": 7, **{f"recall/answer/{k}": step for k in range(9)}})
            log.write(step, "test", shares)
    curves = section(page(tmp_path), "curves")
    titles = [words(title) for title in re.findall("<h3>(.*?)</h3>", curves, re.DOTALL)]
    # A count that does not change and more rows than can be told apart stay in tables.
    assert titles == ["accuracy by unimodal and fused, test fused 0.2 image 0.2 a 0.2 b 0.2 c 0.2"]
    assert re.findall(r'<span class="(series-\d[^"]*)">', curves) == [
        *(f"series-{i}" for i in range(4)),
        "series-0 dashed",
    ]


def test_a_loss_that_falls_a_hundredfold_is_drawn_on_a_log_scale(tmp_path):
    with Log(tmp_path) as log:
        for step in range(1, 10):
            log.write(step, "train", {"loss": 3.0 * 0.5**step, "share": 0.001 * step})
    titles = re.findall("<h3>(.*?)</h3>", section(page(tmp_path), "curves"), re.DOTALL)
    assert ["log scale" in title for title in titles] == [True, False]


def test_a_run_without_metrics_and_panels_has_a_report(tmp_path):
    text = page(tmp_path)
    assert words(section(text, "curves")) == "Curves No metrics yet."
    assert words(section(text, "mistakes")) == "Worst mistakes None."


def test_a_metric_that_was_never_finite_has_a_report(tmp_path):
    with Log(tmp_path) as log:
        log.write(1, "train", {"loss": float("nan")})
    assert "train nan" in words(section(page(tmp_path), "curves"))


def test_a_picture_comes_with_its_texts_its_heat_maps_and_its_verdict(tmp_path):
    panel = picture(question="what is it?", answer="blue", verdict="wrong", heat="blue\n(end)")
    panel = panel.replace(arrays={**panel.arrays, "heat": np.random.default_rng(1).random((2, 4, 4))})
    shown = section(page(tmp_path, panels=[panel]), "examples")
    card = re.search('<article class="card picture wrong">(.*?)</article>', shown, re.DOTALL)[1]
    assert words(card) == "blue (end) question what is it? answer blue wrong"
    assert card.count("data:image/png;base64,") == 3


def test_heat_maps_without_labels_are_numbered(tmp_path):
    panel = picture()
    panel = panel.replace(arrays={**panel.arrays, "heat": np.ones((2, 4, 4))})
    assert words(section(page(tmp_path, panels=[panel]), "examples")).endswith("1 2")


def test_examples_and_mistakes_stand_apart_in_their_order(tmp_path):
    text = page(tmp_path, panels=[picture(n="one"), picture(n="two")], mistakes={"": [picture(n="three")]})
    assert re.findall("<dd>(.*?)</dd>", section(text, "examples")) == ["one", "two"]
    assert re.findall("<dd>(.*?)</dd>", section(text, "mistakes")) == ["three"]


def test_a_curve_panel_draws_each_of_its_arrays_against_x(tmp_path):
    x = np.arange(40)
    panel = Panel("curve", {"x": x, "true": x, "heard": -x}, {"channel": "left"})
    shown = section(page(tmp_path, panels=[panel]), "examples")
    assert set(re.findall(r"stroke: var\(--(series-\d)\)", shown)) == {"series-0", "series-1"}
    assert "true heard channel left" in words(shown)


def test_a_table_panel_shows_its_rows_under_their_columns(tmp_path):
    names = Panel("table", {"rows": np.array([["cat", "sure"], ["<b>", "no"]])}, {"columns": "class\nis it"})
    numbers = Panel("table", {"rows": np.array([[0.123456, 2000.0]])}, {})
    shown = section(page(tmp_path, panels=[names, numbers]), "examples")
    assert cells(shown) == [["class", "is it"], ["cat", "sure"], ["<b>", "no"], ["0.1235", "2,000"]]


@pytest.mark.parametrize(
    ("panel", "message"),
    [
        (Panel("smell", {}, {}), r"kind 'smell'.*picture, curve, table"),
        (Panel("picture", {}, {}), r"picture panel needs the array 'image'"),
        (
            Panel("picture", {"image": np.zeros((2, 2, 3), np.uint8), "heat": np.ones((2, 1, 1))}, {"heat": "a"}),
            r"2 heat maps but 1 labels",
        ),
        (Panel("curve", {"x": np.arange(3), "y": np.arange(4)}, {}), r"x of shape \[3\] but y of \[4\]"),
        (Panel("table", {"rows": np.ones((2, 2))}, {"columns": "only"}), r"\[2, 2\] and 1 columns"),
    ],
)
def test_a_panel_that_cannot_be_drawn_is_a_clear_error_and_keeps_the_old_report(tmp_path, panel, message):
    before = page(tmp_path)
    with pytest.raises(ValueError, match=message):
        page(tmp_path, panels=[panel])
    assert (tmp_path / "report.html").read_text() == before


def test_text_from_data_cannot_become_markup(tmp_path):
    evil = "<script>alert(1)</script>\"'&"
    text = page(
        tmp_path,
        panels=[picture(**{evil: evil, "heat": ""})],
        scores={evil: 1.0, f"exact_match/{evil}/{evil}": 1.0},
        config={evil: evil},
        versions={evil: evil},
        commands={evil: evil},
        parameters={evil: np.zeros(2)},
    )
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 10


def test_text_that_is_no_unicode_is_no_reason_to_lose_the_report(tmp_path):
    assert "name of a file ?" in page(tmp_path, panels=[picture(file="name of a file \udcff")])


def test_the_page_refers_to_nothing_outside_and_forbids_it(tmp_path):
    with Log(tmp_path) as log:
        log.write(1, "train", {"loss": 1.0})
    panel = picture(heat="a")
    text = page(tmp_path, panels=[panel.replace(arrays={**panel.arrays, "heat": np.ones((1, 4, 4))})])
    assert "default-src 'none'" in text
    targets = re.findall(r"""(?:src|href)=["']([^"']*)|url\(([^)]*)\)|(@import|https?:)""", text)
    found = {"".join(target) for target in targets}
    assert found and all(target.startswith(("data:", "#")) for target in found), found


def test_every_link_and_reference_has_its_target(tmp_path):
    with Log(tmp_path) as log:
        log.write(1, "train", {"loss": 1.0})
    text = page(tmp_path)
    names = set(re.findall(r' id="([^"]*)"', text))
    wanted = set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', text))
    assert wanted and {"".join(name) for name in wanted} <= names


def test_the_configuration_is_shown_with_what_each_node_uses_and_its_ordered_rules(tmp_path):
    config = {
        "use": "train.experiment",
        "task": {"use": "tasks.generate", "dims": (16, 32), "clip": None},
        "groups": (("bias$", {"use": "optim.group", "decay": 0.0}), (".*", {})),
        "empty": {},
    }
    shown = section(page(tmp_path, config=config), "configuration")
    lines = re.findall(r"--depth: (\d)\">(.*?)</span>", shown)
    assert [(int(depth), words(line)) for depth, line in lines] == [
        (0, "task tasks.generate"),
        (1, "dims [16, 32]"),
        (1, "clip null"),
        (0, "groups"),
        (1, "bias$ optim.group"),
        (2, "decay 0.0"),
        (1, ".* {}"),
        (0, "empty {}"),
    ]


def test_parameters_are_counted_by_array_by_module_and_in_all(tmp_path):
    parameters = {
        "model/encoder/kernel": jax.ShapeDtypeStruct((3, 4), jnp.float32),
        "model/encoder/bias": jnp.zeros(4),
        "model/decoder/kernel": np.zeros((100, 2), np.float16),
        "model/temperature": np.zeros((), np.float32),
    }
    shown = section(page(tmp_path, parameters=parameters), "parameters")
    assert "217 numbers in 4 arrays" in words(shown)
    assert cells(shown) == [
        ["model/decoder", "", "200", "92.2 %"],
        ["model/encoder", "", "16", "7.4 %"],
        ["model/temperature", "", "1", "0.5 %"],
        ["path", "shape", "type", "count"],
        ["model/encoder/kernel", "3 × 4", "float32", "12"],
        ["model/encoder/bias", "4", "float32", "4"],
        ["model/decoder/kernel", "100 × 2", "float16", "200"],
        ["model/temperature", "scalar", "float32", "1"],
    ]


def test_commands_and_versions_can_be_copied_as_they_are(tmp_path):
    line = "mmjax predict --image=a.png --text='what   is it?'"
    shown = section(page(tmp_path, commands={"Ask": line}, versions={"jax": "0.10.2"}), "reproduce")
    copied = html.unescape(re.sub("<[^>]*>", "", re.search("<pre>(.*?)</pre>", shown)[1])).rstrip()
    assert copied == line
    assert ["jax", "0.10.2"] in cells(shown)


def test_the_same_run_gives_the_same_bytes(tmp_path):
    with Log(tmp_path) as log:
        log.write(1, "train", {"loss": 1.0})
    assert page(tmp_path, panels=[picture(a="b")]) == page(tmp_path, panels=[picture(a="b")])


def test_a_full_disk_is_one_clear_error_and_keeps_the_old_report(tmp_path):
    before = page(tmp_path)
    code = (
        "import resource, sys\n"
        "from mmjax.train import report\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "try:\n"
        "    report.write(sys.argv[1], config={}, scores={'a': 1}, panels=[], mistakes={}, parameters={},\n"
        "                 versions={}, commands={})\n"
        "except OSError as error: print(error)\n"
    )
    command = [sys.executable, "-B", "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.startswith(f"cannot write {tmp_path}/report.html: File too large")
    assert (tmp_path / "report.html").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
