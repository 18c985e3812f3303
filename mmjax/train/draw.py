"""Arrays as a page can hold them: pictures and heat maps as data URIs, curves as SVG in its colours."""

import base64
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL import Image

# Up to this side a picture is enlarged pixel by pixel and kept as it is; above, it is a photograph.
SMALL, LARGEST = 160, 512
# Matplotlib draws with these stand-ins; in the page they become variables, which differ by day and by night.
SERIES = ("#0000a1", "#0000a2", "#0000a3", "#0000a4")
INK, LINE = "#0000b1", "#0000b2"
VARIABLES = {INK: "dim", LINE: "line", **{colour: f"series-{i}" for i, colour in enumerate(SERIES)}}


class Picture(NamedTuple):
    """A picture in a page: its data URI, its sides, and whether it is enlarged pixel by pixel."""

    uri: str
    width: int
    height: int
    small: bool


def picture(image: np.ndarray) -> Picture:
    """A picture [H, W, 3] uint8, as PNG where it is small and as JPEG of at most 512 pixels a side elsewhere.

    Raises:
        ValueError: another shape or type.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"a picture is uint8 [H, W, 3], not {image.dtype} {list(image.shape)}")
    drawn = Image.fromarray(image)
    small = max(drawn.size) <= SMALL
    if not small:
        drawn.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return Picture(_uri(drawn, "PNG" if small else "JPEG"), *drawn.size, small)


def heat(weights: np.ndarray) -> str:
    """A map [h, w] >= 0 as the data URI of a veil for a picture: clear at its peak, dark where it is 0.

    Raises:
        ValueError: another shape.
    """
    weights = np.nan_to_num(np.asarray(weights, np.float32), posinf=0.0, neginf=0.0)
    if weights.ndim != 2 or not weights.size:
        raise ValueError(f"a heat map has the shape [h, w], not {list(weights.shape)}")
    # Each map by its own peak: attention over many places is small everywhere.
    weights = weights.clip(0) / max(float(weights.max()), 1e-12)
    scale = 64 / max(weights.shape)
    size = [max(1, round(side * scale)) for side in reversed(weights.shape)]
    smooth = np.asarray(Image.fromarray(weights).resize(size, Image.Resampling.BICUBIC))
    veil = Image.fromarray(np.rint(255 * smooth.clip(0, 1)).astype(np.uint8)).convert("P")
    level = np.linspace(0, 1, 256)
    colours = matplotlib.colormaps["inferno"](level)[:, :3]
    veil.putpalette(np.rint(255 * colours).astype(np.uint8).tobytes())
    return _uri(veil, "PNG", transparency=np.rint(255 * 0.84 * (1 - level) ** 1.3).astype(np.uint8).tobytes())


def curve(series: Sequence[tuple[Sequence[float], Sequence[float]]], log: bool = False) -> str:
    """Curves, each (x, y), as one SVG element; their colours are the page's --series-0, --series-1, ...

    A y that is not finite leaves a gap. More than 400 points are drawn as the means of 400 stretches.
    """
    figure = Figure(figsize=(4.4, 2.1), layout="constrained", facecolor="none")
    canvas = FigureCanvasSVG(figure)
    axes = figure.add_subplot(facecolor="none")
    for i, (x, y) in enumerate(series):
        x, y = _thin(np.asarray(x, float)), _thin(np.asarray(y, float))
        axes.plot(
            x,
            y,
            color=SERIES[i % len(SERIES)],
            linestyle=("-", "--", ":")[i // len(SERIES) % 3],
            linewidth=1.6,
            marker="o" if len(x) <= 30 else "",
            markersize=3.2,
            solid_joinstyle="round",
        )
    _style(axes, log)
    written = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "mmjax"}):
        canvas.print_svg(written, metadata={"Creator": None, "Date": None, "Format": None, "Type": None})
    return _inline(written.getvalue())


def _thin(values: np.ndarray) -> np.ndarray:
    if len(values) <= 400:
        return values
    return np.array([part.mean() for part in np.array_split(values, 400)])


def _style(axes: Any, log: bool) -> None:
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.grid(axis="y", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=8.5, length=0, which="both")
    axes.tick_params(axis="x", pad=5)
    axes.locator_params(axis="x", nbins=6)
    axes.margins(x=0.02, y=0.08)
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter("")
    else:
        axes.locator_params(axis="y", nbins=5)


def _inline(svg: str) -> str:
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    # Names such as axes_1 would stand in the page once for each figure; those that are referred to have no _.
    svg = re.sub(r' id="[a-z0-9.]+_\d+"', "", svg)
    svg = re.sub(r"<svg[^>]*?(viewBox=\"[^\"]*\")[^>]*>", r"<svg \1>", svg, count=1)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*|font-size: ([\d.]+)px; font-family: [^;\"]*", r"font-size: \1\2px", svg)
    svg = re.sub(r"\s+", " ", svg).replace("> <", "><")
    return re.sub(r"#0000[ab]\d", lambda found: f"var(--{VARIABLES[found[0]]})", svg)


def _uri(image: Image.Image, form: str, **options: Mapping[str, Any]) -> str:
    written = io.BytesIO()
    image.save(written, form, optimize=True, **({"quality": 88} if form == "JPEG" else options))
    return f"data:image/{form.lower()};base64,{base64.b64encode(written.getvalue()).decode()}"
