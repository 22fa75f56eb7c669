"""The page that `bench --report` writes: docs/PERFORMANCE.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from relu_c._cli.limits import PIECEWISE
from relu_c._cli.results import FUNCTIONS, MEMORY, ONE_THREAD, Measurement, Result, format_size, peers_of, tables
from relu_c._cli.timing import ENOUGH

__all__ = ["BARS", "Bar", "page"]

SMOOTH = tuple(name for name in FUNCTIONS if name not in PIECEWISE)
EXPONENTIAL = ("elu", "selu", "celu", "softplus", "log_sigmoid", "mish", "tanh")
SIGMOIDS = ("sigmoid", "silu", "gelu_tanh")
WITHOUT_TANH = tuple(name for name in SMOOTH if name not in ("tanh", "tanh_shrink", "gelu_tanh", "mish"))  # in NumPy
GATES = ("relu", "leaky_relu")
SIZES = (2**6, 2**12, 2**17, 2**20, 2**25)
HALF, SINGLE, DOUBLE = ("float16", "bfloat16"), ("float32",), ("float64",)


INTRODUCTION = """# Performance

Written by `python -m relu_c bench --report`, from the runs below. A ratio is a peer's time divided by relu_c's, the
median over interleaved rounds in one process: 2.00 means that relu_c takes half as long; 0.95 counts as at least as
fast. All libraries have the same number of threads and the same instruction set. NumPy's idioms have `out=` and
preallocated temporaries; numba compiles the expressions that numexpr runs; jax has no `out=`. "roofline" is the bytes
that relu_c moves in a second as a fraction of those that `np.copyto` does in the same rounds, or `np.invert` in place:
beside functions in place, and beyond the caches, where a copy first reads what it overwrites. How exact each library's
results are is in [ACCURACY](ACCURACY.md)."""


@dataclass(frozen=True)
class Bar:
    """What is promised of the ratio to a peer.

    Parameters
    ----------
    text : str
        In which cases, in words.
    peer : str
        The library.
    least : float
        The least ratio; `ENOUGH` is "at least as fast".
    dtypes, functions, sizes, operations, threads : tuple
        The cases; an empty tuple means all.
    """

    text: str
    peer: str
    least: float
    dtypes: tuple[str, ...]
    functions: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    operations: tuple[str, ...] = ()
    threads: tuple[int, ...] = (1,)

    def cases(self, results: Iterable[Result]) -> list[Result]:
        """Return the results that it is about."""
        return [
            r
            for r in results
            if r.library == self.peer
            and all(
                value in allowed or not allowed
                for value, allowed in (
                    (r.dtype, self.dtypes),
                    (r.function, self.functions),
                    (r.size, self.sizes),
                    (r.operation, self.operations),
                    (r.threads, self.threads),
                )
            )
        ]


BARS = (
    Bar("every function, 64 elements", "torch", 1.0, SINGLE, sizes=SIZES[:1]),
    Bar("piecewise linear, from 4 Ki", "torch", ENOUGH, SINGLE + DOUBLE, PIECEWISE, SIZES[1:]),
    Bar(
        "elu, selu, celu, softplus, log_sigmoid, mish, tanh, from 128 Ki",
        "torch",
        ENOUGH,
        SINGLE,
        EXPONENTIAL,
        SIZES[2:],
    ),
    Bar("sigmoid, silu, gelu, gelu_tanh, 128 Ki (a goal)", "torch", ENOUGH, SINGLE, (*SIGMOIDS, "gelu"), SIZES[2:3]),
    Bar("smooth, from 128 Ki, but for those with a tanh", "numpy", ENOUGH, SINGLE + DOUBLE, WITHOUT_TANH, SIZES[2:]),
    Bar(
        "elu, selu, celu, softplus, log_sigmoid, mish, tanh, from 128 Ki",
        "torch",
        ENOUGH,
        DOUBLE,
        EXPONENTIAL,
        SIZES[2:],
    ),
    Bar("sigmoid, silu, gelu_tanh, from 128 Ki", "torch", 0.6, DOUBLE, SIGMOIDS, SIZES[2:]),
    Bar("gelu, from 128 Ki", "torch", 0.5, DOUBLE, ("gelu",), SIZES[2:]),
    Bar("every function, 128 Ki and 1 Mi", "torch", ENOUGH, HALF, sizes=SIZES[2:4]),
    Bar("relu, 128 Ki and 1 Mi", "numpy", 40, HALF[:1], ("relu",), SIZES[2:4], ("forward", "in place")),
    Bar("relu's gradient, 128 Ki and 1 Mi", "numpy", 100, HALF[:1], ("relu",), SIZES[2:4], ("gradient",)),
    Bar("relu, leaky_relu out of place, 32 Mi", "torch", 1.15, SINGLE, GATES, SIZES[4:], ("forward",), (1, 2)),
    Bar("smooth, from 1 Mi, two threads", ONE_THREAD, 1.8, SINGLE + DOUBLE, SMOOTH, SIZES[3:], threads=(2,)),
    Bar("every function and size, two threads", ONE_THREAD, ENOUGH, (), threads=(2,)),
)


def page(measurement: Measurement) -> str:
    """Return the page in Markdown."""
    results = measurement.with_one_thread()
    sections = [INTRODUCTION, _facts(measurement.configuration), _bars(results)]
    if measurement.limits:
        rows = [[limit.name, limit.measured, limit.bar, _met(limit.met)] for limit in measurement.limits]
        sections.append("## Limits\n\n" + _table(["", "measured", "bar", "met"], rows))
    sections += ["## Every case"] + [_cases(title, rows) for title, rows in tables(results).items()]
    return "\n\n".join(sections) + "\n"


def _facts(configuration: dict[str, str]) -> str:
    return _table(
        ["", ""], [[name, f"`{fact}`" if name == "command" else fact] for name, fact in configuration.items()]
    )


def _bars(results: list[Result]) -> str:
    """Return a table of the bars, with the worst case on each instruction set."""
    sets = list(dict.fromkeys(r.isa for r in results))
    rows = []
    for bar in BARS:
        dtypes = ", ".join(bar.dtypes) or "all"
        peer = "one thread" if bar.peer == ONE_THREAD else bar.peer
        found = [_worst(bar, [r for r in results if r.isa == isa]) for isa in sets]
        rows.append([bar.text, dtypes, peer, f"{bar.least:g}", *found])
    return "## Bars\n\n" + _table(["cases", "dtype", "beside", "at least", *sets], rows)


def _worst(bar: Bar, results: list[Result]) -> str:
    cases = bar.cases(results)
    if not cases:
        return "not measured"
    worst = min(cases, key=lambda r: r.ratio)
    below = sum(r.ratio < bar.least for r in cases)
    missed = f", {below} of {len(cases)} cases below" if below else ""
    return f"{_met(not below)}: {worst.ratio:.2f} ({worst.name}){missed}"


def _met(met: bool) -> str:
    return "met" if met else "**not met**"


def _cases(title: str, rows: list[dict[str, Result]]) -> str:
    """Return one table: a row for each function and operation, in a cell the figures of all sizes."""
    peers = peers_of(rows)
    sizes = sorted({row["relu_c"].size for row in rows})
    by_name: dict[tuple[str, str], dict[int, dict[str, Result]]] = {}
    for row in rows:
        ours = row["relu_c"]
        by_name.setdefault((ours.function, ours.operation), {})[ours.size] = row

    def cell(of_sizes: dict[int, dict[str, Result]], library: str, figure: Callable[[Result], str]) -> str:
        found = [of_sizes.get(size, {}).get(library) for size in sizes]
        return " / ".join(figure(r) if r else "-" for r in found) if any(found) else ""

    lines = [
        [
            f"`{function}`",
            operation,
            cell(of_sizes, "relu_c", lambda r: f"{r.throughput / 1e9:.2f}"),
            cell(of_sizes, MEMORY, lambda r: f"{r.roofline:.2f}"),
            *(cell(of_sizes, peer, lambda r: f"{r.ratio:.2f}") for peer in peers),
        ]
        for (function, operation), of_sizes in by_name.items()
    ]
    heading = f"<details><summary>{title}; {' / '.join(map(format_size, sizes))} elements</summary>"
    table = _table(["function", "operation", "Gelem/s", "roofline", *peers], lines)
    return f"{heading}\n\n{table}\n\n</details>"


def _table(headings: list[str], rows: Iterable[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, ["---"] * len(headings), *rows))
