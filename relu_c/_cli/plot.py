"""Draw functions and their derivatives, in small panels on shared scales.

Above the function, below it the derivative, name_grad(1.0, x). Where a curve
jumps, a dot is its value at that point and a ring a limit beside it; where the
derivative jumps, a dot on the function shows the kink.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from relu_c import activations
from relu_c._cli.checks import all_known, can_save_picture
from relu_c.gallery._style import BLUE, ORANGE, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["EXTRA", "FUNCTIONS", "SAMPLES", "Curve", "add_arguments", "curves", "draw", "parameters", "run"]

EXTRA = "cli"
FUNCTIONS = tuple(name for name in activations.__all__ if f"{name}_grad" in activations.__all__)
SAMPLES: dict[str, dict[str, float]] = {
    "prelu": {"weight": 0.25},
    "threshold": {"threshold": 1.0, "value": -1.0},
}
"""Values of the parameters that have no default."""

WINDOW = (-4.5, 7.25)
HEIGHTS = ((-2.25, 6.75), (-0.7, 2.0))
"""What the panels show: of x, of the function and of the derivative."""

STEPS = 64
"""Points per unit of x, a power of two: the kinks lie on a grid of binary fractions, and are looked for there alone."""

JUMP = 1e-6
"""By so much do the values one ulp beside a point differ from the value there, where the curve jumps."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which functions to draw and where the picture goes."""
    parser.add_argument("function", nargs="*", metavar="NAME", help="functions to draw, or all (default: all)")
    parser.add_argument(
        "-o",
        "--output",
        default="relu_c_plot.png",
        metavar="FILE",
        help="where the picture goes: .png, .svg, .pdf (default: relu_c_plot.png)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Draw and save."""
    names = tuple(dict.fromkeys(arguments.function))
    all_known("function", names, (*FUNCTIONS, "all"))
    can_save_picture(arguments.output)
    if not names or "all" in names:
        names = FUNCTIONS
    save(draw(names), arguments.output, DPI)
    print(f"Picture: {arguments.output}")


class Curve(NamedTuple):
    """A function on a grid, with what it tends to on both sides of each point.

    Parameters
    ----------
    x : ndarray
        The grid.
    below, at, above : ndarray
        The values one ulp below each point, there, and one ulp above.
    """

    x: NDArray[np.float64]
    below: NDArray[np.float64]
    at: NDArray[np.float64]
    above: NDArray[np.float64]

    @property
    def jumps(self) -> NDArray[np.bool_]:
        """Where the curve jumps."""
        return np.maximum(abs(self.at - self.below), abs(self.above - self.at)) > JUMP

    def pieces(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Return x and y of the pieces between jumps; they end at the limits, not at the values."""
        pieces = []
        for start, end in pairwise((0, *np.flatnonzero(self.jumps), len(self.x) - 1)):
            y = self.at[start : end + 1].copy()
            y[0], y[-1] = self.above[start], self.below[end]
            pieces.append((self.x[start : end + 1], y))
        return pieces


def parameters(name: str) -> dict[str, float]:
    """Return the parameters that a function is drawn with: its defaults and `SAMPLES`."""
    function = getattr(activations, name)
    if isinstance(function, np.ufunc):
        return {}
    signature = inspect.signature(function).parameters.values()
    defaults = {p.name: p.default for p in signature if p.kind is p.POSITIONAL_OR_KEYWORD}
    return defaults | SAMPLES.get(name, {})


def curves(name: str) -> tuple[Curve, Curve]:
    """Return a function and its derivative over the window."""
    given = parameters(name).values()
    function, gradient = (getattr(activations, f"{name}{suffix}") for suffix in ("", "_grad"))
    low, high = WINDOW
    x = np.linspace(low, high, round((high - low) * STEPS) + 1)

    def curve(call: Callable[[Any], Any]) -> Curve:
        return Curve(x, call(np.nextafter(x, -np.inf)), call(x), call(np.nextafter(x, np.inf)))

    return curve(lambda x: function(x, *given)), curve(lambda x: gradient(1.0, x, *given))


COLORS = (BLUE, ORANGE)
_MARK: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 3.8, "zorder": 3}
SIZES = {"left": 0.3, "right": 0.06, "top": 0.3, "bottom": 0.26, "title": 0.24, "between": 0.14, "pair": 0.07}
"""The page's margins, and the gaps between panels, in inches. The whole page is 9 inches wide at most."""

DPI = 200


def draw(names: Sequence[str]) -> Figure:
    """Return the page of the named functions."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    columns = min(len(names), 6)
    rows = -(-len(names) // columns)
    s = SIZES
    width = min((9 - s["left"] - s["right"] - (columns - 1) * s["between"]) / columns, 4.3)
    heights = (width * (HEIGHTS[0][1] - HEIGHTS[0][0]) / (WINDOW[1] - WINDOW[0]), 0.45 * width)
    cell = s["title"] + heights[0] + s["pair"] + heights[1]
    page = (
        s["left"] + columns * width + (columns - 1) * s["between"] + s["right"],
        s["top"] + rows * cell + (rows - 1) * s["between"] + s["bottom"],
    )
    figure = Figure(figsize=page)
    for k, name in enumerate(names):
        row, column = divmod(k, columns)
        left = s["left"] + column * (width + s["between"])
        top = page[1] - s["top"] - row * (cell + s["between"]) - s["title"]
        pair = curves(name)
        bottoms = (top - heights[0], top - heights[0] - s["pair"] - heights[1])
        axes = [
            figure.add_axes((left / page[0], bottom / page[1], width / page[0], height / page[1]))
            for bottom, height in zip(bottoms, heights, strict=True)
        ]
        kinks = pair[0].jumps | pair[1].jumps
        for axis, curve, color, limits in zip(axes, pair, COLORS, HEIGHTS, strict=True):
            _frame(axis, limits, labelled=column == 0)
            _line(axis, curve, kinks, color)
        axes[1].tick_params(labelbottom=k + columns >= len(names))
        axes[0].set_title(name, loc="left", fontsize=9, fontweight="bold", pad=3)
        _note(axes[0], [f"{parameter} = {value:.3g}" for parameter, value in parameters(name).items()])
    handles = [
        Line2D([], [], color=COLORS[0], label="f(x)"),
        Line2D([], [], color=COLORS[1], label="f\N{PRIME}(x)"),
        Line2D([], [], label="value at a kink or jump", color="0.3", **_MARK),
        Line2D([], [], label="limit there", color="0.3", markerfacecolor="white", **_MARK),
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(s["left"] / page[0], 1),
        ncols=len(handles),
        frameon=False,
        fontsize=8.5,
        borderaxespad=0.3,
        borderpad=0.2,
        handlelength=1.4,
    )
    return figure


def _note(axis: Axes, lines: list[str]) -> None:
    if lines:
        text = "\n".join(lines).replace("-", "\N{MINUS SIGN}")
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
        axis.text(0.02, 0.97, text, transform=axis.transAxes, va="top", fontsize=7, color="0.35", bbox=ground)


def _frame(axis: Axes, limits: tuple[float, float], labelled: bool) -> None:
    axis.set(xlim=WINDOW, ylim=limits, xticks=(-3, 0, 3, 6), yticks=(0, 3, 6) if limits[1] > 3 else (0, 1))
    axis.set_yticks((-1, 1) if limits[1] > 3 else (), minor=True)
    axis.tick_params(
        which="both", length=0, labelsize=7.5, labelcolor="0.35", labelleft=labelled, labelbottom=False, pad=2
    )
    axis.grid(which="both", color="0.9", linewidth=0.6)
    axis.axhline(0, color="0.65", linewidth=0.7)
    axis.axvline(0, color="0.65", linewidth=0.7)
    axis.spines[:].set_visible(False)
    axis.set_axisbelow(True)


def _line(axis: Axes, curve: Curve, kinks: NDArray[np.bool_], color: str) -> None:
    for x, y in curve.pieces():
        axis.plot(x, y, color=color, linewidth=1.5, solid_capstyle="butt")
    for limit in (curve.below, curve.above):
        ring = kinks & (abs(limit - curve.at) > JUMP)
        axis.plot(curve.x[ring], limit[ring], **_MARK, color=color, markerfacecolor="white")
    axis.plot(curve.x[kinks], curve.at[kinks], **_MARK, color=color)
