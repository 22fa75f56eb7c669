"""Time the functions against NumPy's idiom, SciPy, numexpr and torch.

Results are first checked to agree, then all are timed in interleaved rounds, on
one thread. A peer's column is its time divided by relu_c's, the median over the
rounds: 2.00x means that relu_c takes half as long. NumPy's idiom has out= and
preallocated temporaries. For all alike, a call goes through one more Python
function, and the operands are in the cache where they fit. Peers that are not
installed are left out.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING

from relu_c._cli.checks import all_dtypes_known, all_known, can_save, can_save_picture, list_of

if TYPE_CHECKING:
    from rich.console import Console

    from relu_c._cli.limits import Limit

__all__ = ["EXTRA", "Result", "add_arguments", "format_size", "run"]

EXTRA = "cli"
SIZES = (64, 4096, 2**17, 2**20, 2**25)
ENOUGH = 0.95  # a ratio from here on is "at least as fast", within the noise of a shared machine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which functions, operations, dtypes and sizes to time, and where to save the results."""
    parser.add_argument("function", nargs="*", metavar="NAME", help="functions to time (default: all)")
    parser.add_argument(
        "--operation",
        type=list_of(str),
        metavar="LIST",
        help="of forward, in place, gradient, separated by commas (default: all)",
    )
    parser.add_argument(
        "--dtype",
        type=list_of(str),
        default=["float32"],
        metavar="LIST",
        help="of float16, bfloat16, float32, float64 (default: float32)",
    )
    parser.add_argument(
        "--size",
        type=list_of(parse_size),
        default=SIZES[:-1],
        metavar="LIST",
        help="elements, multiples of 64, such as 64,4Ki,32Mi (default: 64,4Ki,128Ki,1Mi)",
    )
    parser.add_argument("--isa", metavar="NAME", help="run the loops of this instruction set (default: the one in use)")
    parser.add_argument(
        "--limits", action="store_true", help="also measure memory, import time and the memory's own speed"
    )
    parser.add_argument("--json", metavar="FILE", help="save the results as JSON")
    parser.add_argument("--plot", metavar="FILE", help="save a plot of throughput against size (.png, .svg, .pdf)")


def parse_size(text: str) -> int:
    """Return the number of elements that ``"4096"``, ``"4Ki"`` or ``"32Mi"`` means."""
    match = re.fullmatch(r"([0-9]+)(Ki|Mi|)", text)
    size = int(match[1]) * {"": 1, "Ki": 2**10, "Mi": 2**20}[match[2]] if match else 0
    if size == 0 or size % 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a multiple of 64, such as 64, 4Ki or 32Mi")
    return size


def format_size(size: int) -> str:
    """Return the size as `parse_size` reads it."""
    for factor, suffix in ((2**20, "Mi"), (2**10, "Ki")):
        if size % factor == 0:
            return f"{size // factor}{suffix}"
    return str(size)


@dataclass(frozen=True)
class Result:
    """What one library took for one case.

    Parameters
    ----------
    function, operation, dtype, size : str, str, str, int
        The case.
    library : str
        ``"relu_c"`` or a peer.
    best, median : float
        Seconds a call, over the rounds.
    ratio : float
        Median over the rounds of this library's time divided by relu_c's.
    """

    function: str
    operation: str
    dtype: str
    size: int
    library: str
    best: float
    median: float
    ratio: float

    @property
    def throughput(self) -> float:
        """Elements a second, at best."""
        return self.size / self.best


def run(arguments: argparse.Namespace) -> None:
    """Check, time, print and save."""
    from rich.console import Console

    from relu_c import _ufuncs
    from relu_c._cli.limits import measure_limits
    from relu_c._cli.peers import DTYPES, FUNCTIONS, OPERATIONS
    from relu_c._config import configuration

    functions = arguments.function or FUNCTIONS
    operations = arguments.operation or OPERATIONS
    usual = _ufuncs.instruction_set()
    used = arguments.isa or usual
    all_known("function", functions, FUNCTIONS)
    all_known("operation", operations, OPERATIONS)
    all_dtypes_known(arguments.dtype, DTYPES)
    all_known("instruction set", [used], _ufuncs.available_instruction_sets())
    if arguments.json:
        can_save(arguments.json)
    if arguments.plot:
        can_save_picture(arguments.plot)
    cases = [
        (function, operation, dtype, size)
        for dtype in arguments.dtype
        for function in functions
        for operation in operations
        for size in arguments.size
    ]
    _ufuncs._use_isa(used)
    try:
        facts = configuration()
        results = _measure(cases)
        limits = measure_limits() if arguments.limits else []
    finally:
        _ufuncs._use_isa(usual)
    console = Console()
    if not console.is_terminal:
        console.width = 120
    for dtype in arguments.dtype:
        _print_results(console, f"{dtype}, {facts['instruction set']}", [r for r in results if r.dtype == dtype])
    if limits:
        _print_limits(console, limits)
    if arguments.json:
        saved = {"configuration": facts, "results": [asdict(r) for r in results], "limits": [asdict(x) for x in limits]}
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(saved, file, indent=1)
    if arguments.plot:
        _plot(arguments.plot, results)


def _measure(cases: list[tuple[str, str, str, int]]) -> list[Result]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from relu_c._cli.peers import Case
    from relu_c._cli.timing import interleave, ratio

    results = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # No refreshing by a thread of its own, which would take the processor and the interpreter from what is timed.
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as progress:
        task = progress.add_task("", total=len(cases))
        for key in cases:
            function, operation, dtype, size = key
            progress.update(task, description=f"{function} {operation} {dtype} {format_size(size)}", refresh=True)
            case = Case(*key)
            case.check()
            rounds = interleave(case.runs, case.refresh)
            for library, times in rounds.items():
                seconds = [time / case.calls for time in times]
                results.append(Result(*key, library, min(seconds), median(seconds), ratio(times, rounds["relu_c"])))
            progress.advance(task)
    return results


def _print_results(console: Console, title: str, results: list[Result]) -> None:
    from rich.table import Table

    peers = list(dict.fromkeys(r.library for r in results if r.library != "relu_c"))
    table = Table(
        title=title, title_justify="left", caption="best and median: microseconds a call; peers: their time / relu_c's"
    )
    for heading in ("function", "operation"):
        table.add_column(heading)
    for heading in ("size", "best", "median", "Gelem/s", *peers):
        table.add_column(heading, justify="right")
    by_case: dict[tuple[str, str, int], dict[str, Result]] = {}
    for r in results:
        by_case.setdefault((r.function, r.operation, r.size), {})[r.library] = r
    above = ("", "")
    for (function, operation, size), row in by_case.items():
        if function != above[0]:
            table.add_section()
        ours = row["relu_c"]
        table.add_row(
            function if function != above[0] else "",
            operation if (function, operation) != above else "",
            format_size(size),
            f"{ours.best * 1e6:.2f}",
            f"{ours.median * 1e6:.2f}",
            f"{ours.throughput / 1e9:.2f}",
            *(_cell(row.get(peer)) for peer in peers),
        )
        above = (function, operation)
    console.print(table)


def _cell(result: Result | None) -> str:
    if result is None:
        return ""
    return f"[{'green' if result.ratio >= ENOUGH else 'red'}]{result.ratio:.2f}x"


def _print_limits(console: Console, limits: list[Limit]) -> None:
    from rich.table import Table

    table = Table(title="limits", title_justify="left")
    table.add_column("what")
    table.add_column("measured", justify="right")
    table.add_column("bar", justify="right")
    for limit in limits:
        table.add_row(limit.name, f"[{'green' if limit.met else 'red'}]{limit.measured}", limit.bar)
    console.print(table)


def _plot(path: str, results: list[Result]) -> None:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    functions = list(dict.fromkeys(r.function for r in results))
    operations = list(dict.fromkeys(r.operation for r in results))
    dtypes = list(dict.fromkeys(r.dtype for r in results))
    libraries = list(dict.fromkeys(r.library for r in results))
    colors = {library: f"C{k}" for k, library in enumerate(libraries)}
    dashes = dict(zip(dtypes, ((0, ()), (0, (4, 2)), (0, (1, 1)), (0, (4, 1, 1, 1))), strict=False))
    figure = Figure(figsize=(1 + 3.2 * len(operations), 1 + 2.2 * len(functions)), layout="constrained")
    axes = figure.subplots(len(functions), len(operations), sharex=True, sharey="row", squeeze=False)
    for i, function in enumerate(functions):
        axes[i, 0].set_ylabel(f"{function}\nGelem/s")
        for j, operation in enumerate(operations):
            axis = axes[i, j]
            for library in libraries:
                for dtype in dtypes:
                    key = (function, operation, dtype, library)
                    line = [r for r in results if (r.function, r.operation, r.dtype, r.library) == key]
                    axis.plot(
                        [r.size for r in line],
                        [r.throughput / 1e9 for r in line],
                        linestyle=dashes[dtype],
                        color=colors[library],
                        marker="o",
                        markersize=3,
                    )
            axis.set_xscale("log", base=2)
            axis.set_xticks(sizes := sorted({r.size for r in results}), map(format_size, sizes))
            axis.grid(alpha=0.3)
        axes[i, 0].set_ylim(bottom=0)  # ends the scaling of the whole row, so only now
    for axis, operation in zip(axes[0], operations, strict=True):
        axis.set_title(operation)
    figure.supxlabel("elements")
    handles = [Line2D([], [], color=colors[library], label=library) for library in libraries]
    if len(dtypes) > 1:
        handles += [Line2D([], [], color="0.3", linestyle=dashes[dtype], label=dtype) for dtype in dtypes]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    figure.savefig(path, dpi=120)
