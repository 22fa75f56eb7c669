"""How the pictures look, and how they are saved."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = [
    "BLUE",
    "COLORS",
    "DPI",
    "GOLD",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "PURPLE",
    "WIDTH",
    "image",
    "panels",
    "save",
]

BLUE, ORANGE, GREEN, PURPLE, GOLD = "#0b5394", "#d1490c", "#1b7f5f", "#7b3294", "#b8860b"
GREY, INK = "0.6", "0.25"
COLORS = {
    "relu": BLUE,
    "sigmoid": PURPLE,
    "tanh": GREEN,
    "leaky_relu": GOLD,
    "elu": GREEN,
    "prelu": ORANGE,
    "maxout": ORANGE,
}
"""The colour of an activation, the same in every picture (tanh and elu never meet in one)."""

WIDTH = 9.0
DPI = 150


def panels(headline: str, *titles: str, height: float = 3.6, **options: Any) -> tuple[Figure, list[Axes]]:
    """Return a figure with a headline and a row of panels.

    Parameters
    ----------
    headline : str
        What the picture shows.
    *titles : str
        One for each panel.
    height : float
        In inches; the width is that of a page, `WIDTH`.
    **options
        Go to `matplotlib.figure.Figure.subplots`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.suptitle(headline, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    axes = figure.subplots(1, len(titles), squeeze=False, **options).ravel().tolist()
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title, loc="left", fontsize=10, color=INK)
        axis.tick_params(labelsize=8.5, color=GREY, labelcolor=INK)
        axis.xaxis.label.set(fontsize=9, color=INK)
        axis.yaxis.label.set(fontsize=9, color=INK)
        axis.spines[["top", "right"]].set_visible(False)
        axis.spines[["left", "bottom"]].set_color(GREY)
        axis.grid(color="0.92", linewidth=0.7)
        axis.set_axisbelow(True)
    return figure, axes


def image(axis: Axes, pixels: NDArray[Any], **options: Any) -> None:
    """Show an array as an image, dark where it is large, without a frame."""
    axis.imshow(pixels, **{"cmap": "gray_r"} | options)
    axis.grid(visible=False)
    axis.set(xticks=(), yticks=())
    axis.spines[:].set_visible(False)


def save(figure: Figure, path: str, dpi: int = DPI) -> None:
    """Save a figure; as PNG with a palette, which takes a third of the bytes."""
    if not path.lower().endswith(".png"):
        figure.savefig(path, dpi=dpi)
        return
    from PIL import Image  # comes with matplotlib

    with io.BytesIO() as file:
        figure.savefig(file, format="png", dpi=dpi)
        page = Image.open(file).convert("RGB")
    palette = page.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette.save(path, optimize=True, dpi=(dpi, dpi))
