"""Time the functions against NumPy's idiom, SciPy, numexpr, numba, jax and torch.

Results are first checked to agree, then all are timed in interleaved rounds, on
one thread or, for all alike, on as many as --threads says. A peer's column is
its time divided by relu_c's, the median over the rounds: 2.00x means that
relu_c takes half as long. NumPy's idiom has out= and preallocated temporaries;
jax has no out=. For all alike, a call goes through one more Python function,
and the operands are in the cache where they fit. "roofline" is the bytes that
relu_c moves in a second as a fraction of those that np.copyto does or, beside
functions in place and beyond the caches, np.invert in place. Peers that are
not installed are left out.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from relu_c._cli.checks import CommandError, all_dtypes_known, all_known, can_save, can_save_picture, list_of
from relu_c._cli.results import (
    DTYPES,
    FUNCTIONS,
    MEMORY,
    OPERATIONS,
    Measurement,
    format_size,
    parse_size,
    peers_of,
    tables,
)
from relu_c._cli.timing import ENOUGH

if TYPE_CHECKING:
    from rich.console import Console

    from relu_c._cli.limits import Limit
    from relu_c._cli.results import Result

__all__ = ["EXTRA", "add_arguments", "run"]

EXTRA = "cli"
SIZES = (64, 4096, 2**17, 2**20, 2**25)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to measure, and what to do with the results."""
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
    parser.add_argument(
        "--threads", type=list_of(_count), default=[1], metavar="LIST", help="threads of every library (default: 1)"
    )
    parser.add_argument(
        "--isa", metavar="NAME", help="hold every library to this instruction set, such as avx2 (default: the best)"
    )
    parser.add_argument(
        "--limits", action="store_true", help="also measure calls, memory, import time and the memory's own speed"
    )
    parser.add_argument(
        "--from", nargs="+", dest="saved", metavar="FILE", help="measure nothing: take what --json saved earlier"
    )
    parser.add_argument("--json", metavar="FILE", help="save the results as JSON")
    parser.add_argument("--plot", metavar="FILE", help="save a plot of throughput against size (.png, .svg, .pdf)")
    parser.add_argument("--report", metavar="FILE", help="write tables and bars as Markdown, as docs/PERFORMANCE.md")
    parser.add_argument("--compare", metavar="FILE", help="show relu_c's speed beside that of an earlier --json")
    parser.add_argument(
        "--fail-below",
        type=float,
        metavar="RATIO",
        help="with --compare: exit code 1 if a case runs at less than this ratio of its earlier speed",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of threads, such as 1 or 2")
    return int(text)


def run(arguments: argparse.Namespace) -> None:
    """Measure or load, then print, save and compare."""
    from rich.console import Console

    if arguments.fail_below is not None and not arguments.compare:
        raise CommandError("--fail-below needs --compare")
    if arguments.json:
        can_save(arguments.json)
    if arguments.report:
        can_save(arguments.report)
    if arguments.plot:
        can_save_picture(arguments.plot)
    earlier = Measurement.load(arguments.compare) if arguments.compare else None
    measurement = Measurement()
    for part in map(Measurement.load, arguments.saved) if arguments.saved else _measure(arguments):
        measurement.extend(part)
        if arguments.json:  # after each part, since a run may take hours
            with open(arguments.json, "w", encoding="utf-8") as file:
                file.write(measurement.to_json())
    console = Console()
    if not console.is_terminal:
        console.width = 160
    for title, rows in tables(measurement.with_one_thread()).items():
        _print_table(console, title, rows)
    if measurement.limits:
        _print_limits(console, measurement.limits)
    if arguments.plot:
        from relu_c._cli.throughput import plot

        plot(arguments.plot, measurement.results)
    if arguments.report:
        from relu_c._cli.report import page

        with open(arguments.report, "w", encoding="utf-8") as file:
            file.write(page(measurement))
    if earlier:
        _compare(console, earlier, measurement, arguments)


def _measure(arguments: argparse.Namespace) -> Iterator[Measurement]:
    """Measure in a process for each number of threads."""
    from relu_c._cli.measure import Request, in_process_of_its_own
    from relu_c._ufuncs import available_instruction_sets

    functions, operations = arguments.function or FUNCTIONS, arguments.operation or OPERATIONS
    all_known("function", functions, FUNCTIONS)
    all_known("operation", operations, OPERATIONS)
    all_dtypes_known(arguments.dtype, DTYPES)
    if arguments.isa:
        all_known("instruction set", [arguments.isa], available_instruction_sets())
    command = shlex.join(["python", "-m", "relu_c", *sys.argv[1:]])
    for threads in arguments.threads:
        limits = arguments.limits and threads == min(arguments.threads)
        request = Request(functions, operations, arguments.dtype, arguments.size, threads, arguments.isa, limits)
        measured = in_process_of_its_own(request)
        measured.configuration["command"] = command
        yield measured


def _print_table(console: Console, title: str, rows: list[dict[str, Result]]) -> None:
    from rich.table import Table

    peers = peers_of(rows)
    table = Table(
        title=title, title_justify="left", caption="best and median: microseconds a call; peers: their time / relu_c's"
    )
    for heading in ("function", "operation"):
        table.add_column(heading)
    for heading in ("size", "best", "median", "Gelem/s", "roofline", *peers):
        table.add_column(heading, justify="right")
    above = ("", "")
    for row in rows:
        ours = row["relu_c"]
        if ours.function != above[0]:
            table.add_section()
        table.add_row(
            ours.function if ours.function != above[0] else "",
            ours.operation if (ours.function, ours.operation) != above else "",
            format_size(ours.size),
            f"{ours.best * 1e6:.2f}",
            f"{ours.median * 1e6:.2f}",
            f"{ours.throughput / 1e9:.2f}",
            f"{row[MEMORY].roofline:.2f}" if MEMORY in row else "",
            *(_ratio(row[peer].ratio) if peer in row else "" for peer in peers),
        )
        above = (ours.function, ours.operation)
    console.print(table)


def _ratio(ratio: float) -> str:
    return f"[{'green' if ratio >= ENOUGH else 'red'}]{ratio:.2f}x"


def _print_limits(console: Console, limits: list[Limit]) -> None:
    from rich.table import Table

    table = Table(title="limits", title_justify="left")
    table.add_column("what")
    table.add_column("measured", justify="right")
    table.add_column("bar", justify="right")
    for limit in limits:
        table.add_row(limit.name, f"[{'green' if limit.met else 'red'}]{limit.measured}", limit.bar)
    console.print(table)


def _compare(console: Console, earlier: Measurement, now: Measurement, arguments: argparse.Namespace) -> None:
    """Print earlier best times over the present ones; raise `CommandError` where one is below ``--fail-below``."""
    from rich.table import Table

    before = {r.case: r.best for r in earlier.results if r.library == "relu_c"}
    ratios = {r: before[r.case] / r.best for r in now.results if r.library == "relu_c" and r.case in before}
    if not ratios:
        raise CommandError(f"{arguments.compare} has none of the cases measured now")
    if earlier.configuration["processor"] != now.configuration["processor"]:
        console.print(f"[red]another processor: {earlier.configuration['processor']}")
    table = Table(title=f"beside {arguments.compare}", title_justify="left", caption="best times, microseconds a call")
    table.add_column("case")
    for heading in ("earlier", "now", "earlier / now"):
        table.add_column(heading, justify="right")
    for r, ratio in ratios.items():
        slower = "" if ratio >= ENOUGH else " slower"
        table.add_row(r.name, f"{before[r.case] * 1e6:.2f}", f"{r.best * 1e6:.2f}", _ratio(ratio) + slower)
    console.print(table)
    if arguments.fail_below is not None:
        below = [r for r, ratio in ratios.items() if ratio < arguments.fail_below]
        if below:
            worst = min(below, key=ratios.__getitem__)
            raise CommandError(
                f"{len(below)} of {len(ratios)} cases run at less than {arguments.fail_below:g} of their speed in "
                f"{arguments.compare}; the slowest at {ratios[worst]:.2f}: {worst.name}"
            )
