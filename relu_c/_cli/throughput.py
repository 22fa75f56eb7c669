"""The plot of throughput against size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relu_c._cli.results import MEMORY, Result, format_size

__all__ = ["plot"]

DASHES = ((0, ()), (0, (4, 2)), (0, (1, 1)), (0, (4, 1, 1, 1)))


def plot(path: str, results: Sequence[Result]) -> None:
    """Save a plot with a panel for each function and operation, and a line for each library, dtype and thread count.

    Parameters
    ----------
    path : str
        Where to; the ending says which format.
    results : sequence of Result
        What to plot.
    """
    results = [r for r in results if r.library != MEMORY]
    functions = list(dict.fromkeys(r.function for r in results))
    operations = list(dict.fromkeys(r.operation for r in results))
    libraries = list(dict.fromkeys(r.library for r in results))
    colors = {library: f"C{k}" for k, library in enumerate(libraries)}
    dashes = dict(zip(dict.fromkeys(map(_variant, results)), cycle(DASHES)))
    sizes = sorted({r.size for r in results})
    figure = Figure(figsize=(1 + 3.2 * len(operations), 1 + 2.2 * len(functions)), layout="constrained")
    axes = figure.subplots(len(functions), len(operations), sharex=True, sharey="row", squeeze=False)
    lines: dict[tuple[str, str, str, str], list[Result]] = {}
    for r in results:
        lines.setdefault((r.function, r.operation, r.library, _variant(r)), []).append(r)
    for (function, operation, library, variant), line in lines.items():
        axes[functions.index(function), operations.index(operation)].plot(
            [r.size for r in line],
            [r.throughput / 1e9 for r in line],
            linestyle=dashes[variant],
            color=colors[library],
            marker="o",
            markersize=3,
        )
    for axis in axes.flat:
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xticks(sizes, map(format_size, sizes))
        axis.grid(alpha=0.3)
    for row, function in zip(axes, functions, strict=True):
        row[0].set_ylabel(f"{function}\nGelem/s")
    for axis, operation in zip(axes[0], operations, strict=True):
        axis.set_title(operation)
    figure.supxlabel("elements")
    handles = [Line2D([], [], color=colors[library], label=library) for library in libraries]
    if len(dashes) > 1:
        handles += [Line2D([], [], color="0.3", linestyle=dash, label=variant) for variant, dash in dashes.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=4)
    figure.savefig(path, dpi=120)


def _variant(r: Result) -> str:
    return f"{r.dtype}, {r.isa}, {r.threads} thread{'s' * (r.threads > 1)}"
