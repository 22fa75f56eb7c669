"""Check results against exact values: every float32 input of every function.

Functions of one argument (parameters at their defaults) and their derivatives
are compared with the exact value rounded once, by an oracle that shares no code
with the loops. Where the output determines the derivative, so is
NAME_grad_from_output(1, y), for every y, with the derivative as a function of
y, which is 0 where y is no output. All float32 inputs take about twenty minutes
of one core (on baseline, which emulates fma, hours: all sets give the same
bits); --sample takes seconds and includes all hard cases known. The exit status
is 1 when anything is misrounded. A derivative within one float32 spacing of its
root may be 1 ulp off; such inputs are listed, not counted. The half types go
through all values, float64 through a million points, against bounds of 1 ulp, 2
ulp for derivatives with a root. --parameters samples the functions with a
parameter, in float32, over 512 values of it, and their gradients over as many
dy: within 0.5001 ulp.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from relu_c._cli.checks import CommandError, all_dtypes_known, all_known, can_save, list_of

if TYPE_CHECKING:
    from rich.console import Console

    from relu_c._verify.report import Part
    from relu_c._verify.sweep import Row

__all__ = ["EXTRA", "add_arguments", "run"]

EXTRA = "verify"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to check, how, and where to save the results."""
    parser.add_argument("function", nargs="*", metavar="NAME", help="functions to check (default: all)")
    parser.add_argument(
        "--dtype",
        type=list_of(str),
        default=["float32"],
        metavar="LIST",
        help="of float32, float16, bfloat16, float64, separated by commas (default: float32)",
    )
    parser.add_argument("--isa", metavar="NAME", help="instruction set to check, or all (default: the one in use)")
    parser.add_argument("--parameters", action="store_true", help="sample parameters and dy instead: a minute")
    parser.add_argument("--sample", action="store_true", help="random inputs and all hard cases known: seconds")
    parser.add_argument(
        "--shard", default=(0, 1), type=_parse_shard, metavar="I/N", help="every N-th input only, from the I-th on"
    )
    parser.add_argument("--state", metavar="FILE", help="keep what is done here, and go on from there")
    parser.add_argument(
        "--jobs", type=int, default=_processors(), metavar="N", help="jobs at a time (default: %(default)s)"
    )
    parser.add_argument("--peers", action="store_true", help="check torch, NumPy and SciPy instead, where installed")
    parser.add_argument("--json", metavar="FILE", help="save the results as JSON")
    parser.add_argument(
        "--from", dest="saved", nargs="+", metavar="FILE", help="take results saved with --json instead; shards add up"
    )
    parser.add_argument("--report", metavar="FILE", help="write docs/ACCURACY.md from the results")


def _parse_shard(text: str) -> tuple[int, int]:
    try:
        part, parts = map(int, text.split("/"))
    except ValueError:
        parts = 0
    if not parts or not 0 <= part < parts:
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N with 0 <= I < N, such as 0/16")
    return part, parts


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(arguments: argparse.Namespace) -> None:
    """Check, print and save."""
    from rich.console import Console

    from relu_c._verify import reference, report

    all_dtypes_known(arguments.dtype, reference.FORMATS)
    for path in (arguments.state, arguments.json, arguments.report):
        if path:
            can_save(path)
    if arguments.saved:
        parts = [part for path in arguments.saved for part in _load(path)]
    else:
        if arguments.parameters and arguments.peers:
            raise CommandError("--parameters checks relu_c only, not --peers")
        check = _check_peers if arguments.peers else _check_parameters if arguments.parameters else _check_kernels
        parts = [check(arguments)]
    rows = report.add_up(parts)
    console = Console()
    if not console.is_terminal:
        console.width = 150
    _print(console, rows)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump([dataclasses.asdict(part) for part in parts], file, indent=1)
    if arguments.report:
        with open(arguments.report, "w", encoding="utf-8") as file:
            file.write(report.page(parts))
    wrong = [row for row in rows if row.library == "relu_c" and not row.right]
    if wrong:
        names = dict.fromkeys(reference.label(row.name, row.derivative) for row in wrong)
        raise CommandError(f"not as exact as promised: {', '.join(names)}")


def _load(path: str) -> list[Part]:
    from relu_c._verify import report

    try:
        return report.load(path)
    except (KeyError, TypeError, ValueError):
        raise CommandError(f"{path} does not hold results that verify saved") from None


def _check_kernels(arguments: argparse.Namespace) -> Part:
    from relu_c import _ufuncs
    from relu_c._verify import kernels, report

    available = _ufuncs.available_instruction_sets()
    names = arguments.function or kernels.functions()
    all_known("function", names, kernels.functions())
    usual = _ufuncs.instruction_set()
    sets = available if arguments.isa == "all" else [arguments.isa or usual]
    all_known("instruction set", sets, available)
    wanted = [(name, derivative) for name in names for derivative in kernels.derivatives(name)]
    try:
        rows = _sweep(arguments, "", kernels.evaluate, wanted, sets, _ufuncs._use_isa, kernels.fingerprint())
    finally:
        _ufuncs._use_isa(usual)
    return report.Part(_about(), arguments.sample, arguments.shard, rows)


def _check_parameters(arguments: argparse.Namespace) -> Part:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from relu_c import _ufuncs
    from relu_c._verify import kernels, parameters, report

    if arguments.dtype != ["float32"]:
        raise CommandError(f"--parameters checks float32, not {', '.join(arguments.dtype)}")
    names = arguments.function or parameters.functions()
    all_known("function with a parameter", names, parameters.functions())
    isa = arguments.isa or _ufuncs.instruction_set()
    all_known("instruction set", [isa], _ufuncs.available_instruction_sets())
    usual = _ufuncs.instruction_set()
    _ufuncs._use_isa(isa)
    count = parameters.POINTS // 16 if arguments.sample else parameters.POINTS
    try:
        with ProcessPoolExecutor(arguments.jobs, get_context("spawn")) as pool:
            rows = [
                parameters.check(name, derivative, isa, kernels.ufunc(name, derivative), pool, count)
                for name in names
                for derivative in (False, True)
            ]
    finally:
        _ufuncs._use_isa(usual)
    return report.Part(_about(), arguments.sample, (0, 1), rows)


def _about() -> dict[str, str]:
    from relu_c._config import configuration

    facts = configuration()
    return {key: facts[key] for key in ("relu_c", "compiler", "NumPy", "machine")}


def _check_peers(arguments: argparse.Namespace) -> Part:
    from relu_c._verify import kernels, peers, report

    names = arguments.function or kernels.functions()
    all_known("function", names, kernels.functions())
    if "bfloat16" in arguments.dtype:
        raise CommandError("the peers are checked in float32, float16 and float64, not in bfloat16")
    found = peers.evaluators()
    if not found:
        raise CommandError("neither torch nor SciPy is installed")
    rows: list[Row] = []
    for library, evaluate in found.items():
        wanted = [pair for pair in peers.functions(library) if pair[0] in names]
        measured = _sweep(arguments, library, evaluate, wanted, [library], lambda isa: None, "; ".join(found))
        rows += [dataclasses.replace(row, library=library, isa="") for row in measured]
    return report.Part({}, arguments.sample, arguments.shard, rows)


def _sweep(
    arguments: argparse.Namespace,
    label: str,
    evaluate: Callable[..., Any],
    wanted: list[tuple[str, int]],
    sets: list[str],
    select: Callable[[str], None],
    fingerprint: str,
) -> list[Row]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from relu_c._verify import reference, sweep

    def steps() -> Iterator[tuple[int, sweep.Progress]]:
        for i, (dtype, (name, derivative)) in enumerate(itertools.product(arguments.dtype, wanted)):
            for step in sweep.verify(
                [name],
                dtype,
                evaluate=evaluate,
                sample=arguments.sample,
                isa=sets,
                select=select,
                derivatives=[derivative],
                shard=arguments.shard,
                workers=arguments.jobs,
                state=arguments.state,
                fingerprint=fingerprint,
            ):
                yield i, step

    rows: list[Row] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        whole = progress.add_task(label or "functions and derivatives", total=len(arguments.dtype) * len(wanted))
        one = progress.add_task("")
        try:
            for i, step in steps():
                description = reference.label(step.name, step.derivative)
                progress.update(one, description=description, completed=step.done, total=step.total)
                progress.update(whole, completed=i + (len(step.rows) > 0))
                rows += step.rows
        except (RuntimeError, ValueError) as error:  # no AVX2; a function that the oracle does not know
            raise CommandError(str(error)) from None
    return rows


def _print(console: Console, rows: list[Row]) -> None:
    from rich.table import Table

    from relu_c._verify.reference import label
    from relu_c._verify.report import format_input, format_ulp, group

    table = Table(title="Results against the exact value rounded once", title_justify="left")
    for heading in ("library", "function", "dtype", "instruction set"):
        table.add_column(heading)
    for heading in ("inputs", "misrounded", "max ulp", "at"):
        table.add_column(heading, justify="right")
    for sets, row in group(rows):
        table.add_row(
            row.library,
            label(row.name, row.derivative),
            row.dtype,
            ", ".join(filter(None, sets)),
            str(row.inputs),
            str(row.misrounded),
            format_ulp(row.max_ulp),
            format_input(row.witness, row.dtype),
            style=None if row.right or row.library != "relu_c" else "bold red",
        )
    console.print(table)
    for sets, row in group(rows):
        name = label(row.name, row.derivative)
        if row.library == "relu_c" and row.misrounded and row.dtype != "float64":
            console.print(f"{name}: misrounded at {', '.join(format_input(x, row.dtype) for x in row.examples)}")
        for x, ulp in row.near_root:
            if row.library == "relu_c":
                where = f"{name} ({', '.join(sets)})"
                console.print(f"{where}: {format_ulp(ulp)} ulp at {format_input(x, row.dtype)}, beside the root")
        if row.root_error is not None:
            console.print(f"{name}: absolute error at most {row.root_error:.2e} within 1 of the root")
