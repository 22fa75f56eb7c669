"""The results of runs: saved, added up, and written as docs/ACCURACY.md."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from relu_c._verify import reference, sweep
from relu_c._verify.sweep import Row

__all__ = ["Part", "add_up", "format_input", "format_ulp", "group", "load", "page"]


@dataclasses.dataclass
class Part:
    """The results of one run.

    Attributes
    ----------
    about : dict of str to str
        Version, compiler, machine.
    sample : bool
        Whether only a sample was checked.
    shard : (int, int)
        Which part of the inputs.
    rows : list of Row
        The results.
    """

    about: dict[str, str]
    sample: bool
    shard: tuple[int, int]
    rows: list[Row]


def load(path: str) -> list[Part]:
    """Return the runs that a file holds."""
    with open(path, encoding="utf-8") as file:
        parts = json.load(file)
    return [
        Part(part["about"], part["sample"], tuple(part["shard"]), [Row(**row) for row in part["rows"]])
        for part in parts
    ]


def add_up(parts: Iterable[Part]) -> list[Row]:
    """Return the rows of all runs; the shards of one function are added, each once."""
    unique: dict[Any, Row] = {}
    for part in parts:
        for row in part.rows:
            key = (row.library, row.name, row.derivative, row.dtype, row.isa, part.sample, part.shard)
            unique[key] = row
    return sweep.merge([[row] for row in unique.values()])


def group(rows: Iterable[Row]) -> list[tuple[list[str], Row]]:
    """Return rows with the instruction sets that share them: the same bits give the same results."""
    groups: dict[str, tuple[list[str], Row]] = {}
    for row in rows:
        key = json.dumps(dataclasses.asdict(dataclasses.replace(row, isa="")))
        groups.setdefault(key, ([], row))[0].append(row.isa)
    return list(groups.values())


def format_ulp(ulp: float) -> str:
    """Return a distance in ulp, rounded up."""
    if ulp == 0:
        return "0"
    return f"{np.ceil(ulp * 1e6) / 1e6:.6f}" if ulp < 1 else f"{ulp:.4g}"


def format_input(x: float | None, dtype: str) -> str:
    """Return the shortest text that gives an input back."""
    return "" if x is None else str(np.dtype(dtype).type(x))


HEAD = """# Accuracy

<!-- Written by `python -m relu_c verify --report docs/ACCURACY.md`; do not edit. tests/test_verify.py evaluates the
witnesses and the hard cases again. -->

Results of the functions of one argument, parameters at their defaults, and of their derivatives (marked \N{PRIME}),
compared with the exact real value by an oracle that shares no code with the loops: double-double arithmetic with an
error bound, and MPFR for what that leaves undecided. *Misrounded* counts the results that are not the exact value
rounded once, to nearest even; *max ulp* is the largest distance from the exact value, in units in the last place of
that value, rounded up, *at* the input where it occurs. A result that is rounded once lies within 0.5.

Rows marked \N{PRIME}(y) are `name_grad_from_output(1, y)` for every y: compared with the derivative as a function of
y, such as y(1 - y) for `sigmoid`, which is 0 where y is outside the function's range. What the rounding of the output y
itself costs is not in them.
"""

FLOAT32 = """
## relu_c, float32

{about}. Instruction sets: {sets}.

| function | inputs | misrounded | max ulp | at |
|---|---|---|---|---|
{rows}

{near_root}

The oracle's sweeps found {hard_cases} inputs whose exact results lie closest to a rounding boundary, or on one:
`relu_c/_verify/hardcases.txt`. relu_c rounds each of them once.
"""

NEAR_ROOT = """Within one float32 spacing of its root a derivative may be 1 ulp off. These are not counted above:

| derivative | at | ulp |
|---|---|---|
{rows}"""

OTHER = """
## relu_c, {dtype}

{text}

| function | inputs | misrounded | max ulp | at |{heading}
|---|---|---|---|---|{rule}
{rows}
"""

TEXTS = {
    "float16": "All values.",
    "bfloat16": "All values.",
    "float64": """A million points and more, dense where formulas change and where cancellation lives. Promised are
1 ulp, 2 ulp for derivatives with a root, and, within 1 of that root, an absolute error of 2⁻⁵², 2.2e-16 (which
*max ulp* leaves out).""",
}

PARAMETERS = """
## relu_c, float32, with parameters

Parameters log-uniform over 20 binades; dy of either sign over 8 binades in the gradients. Promised is
0.5001 ulp.

| function | points | beyond 0.5001 ulp | max ulp | at x |
|---|---|---|---|---|
{rows}
"""

PEERS = """
## Others, float32

Measured by the same oracle on {inputs}.
Derivatives of torch are autograd's; those of NumPy's idioms are the textbook's. What they make of NaN does not count.
An empty place: the library has no such function.

| function |{headings}
|---|{rule}
{rows}
"""


def page(parts: list[Part]) -> str:
    """Return docs/ACCURACY.md."""
    rows = add_up(parts)
    ours = [row for row in rows if row.library == "relu_c" and row.bound is None]
    text = HEAD
    about = next((part.about for part in parts if part.about), {})
    facts = "; ".join(f"{key} {value}" for key, value in about.items())
    for dtype in ("float32", "float16", "bfloat16", "float64"):
        chosen = [row for row in ours if row.dtype == dtype]
        if not chosen:
            continue
        root = dtype == "float64"
        lines = "\n".join(_line(row, root) for _, row in _worst(chosen))
        if dtype == "float32":
            sets = ", ".join(dict.fromkeys(row.isa for row in chosen))
            hard = sum(sweep.hard_cases(row.name, row.derivative).size for _, row in _worst(chosen))
            near = [
                f"| `{_label(row)}` | {format_input(x, dtype)} | {format_ulp(ulp)} |"
                for _, row in _worst(chosen)
                for x, ulp in row.near_root
            ]
            listed = NEAR_ROOT.format(rows="\n".join(near)) if near else "No derivative is misrounded beside its root."
            text += FLOAT32.format(about=facts, sets=sets, rows=lines, near_root=listed, hard_cases=hard)
        else:
            extra = (" error beside root |", "---|") if root else ("", "")
            text += OTHER.format(dtype=dtype, text=TEXTS[dtype], rows=lines, heading=extra[0], rule=extra[1])
    bounded = [row for row in rows if row.bound is not None]
    if bounded:
        text += PARAMETERS.format(rows="\n".join(_line(row, False) for _, row in _worst(bounded)))
    theirs = [row for row in rows if row.library != "relu_c" and row.dtype == "float32"]
    if theirs:
        text += _peers(theirs, [part for part in parts if any(row.library != "relu_c" for row in part.rows)])
    return text


def _label(row: Row) -> str:
    return reference.label(row.name, row.derivative)


def _worst(rows: list[Row]) -> list[tuple[str, Row]]:
    """Return one row for each function, its derivatives together: that of the instruction set that did worst."""
    found: dict[str, Row] = {}
    for row in rows:
        known = found.setdefault(_label(row), row)
        if (row.misrounded, row.max_ulp) > (known.misrounded, known.max_ulp):
            found[_label(row)] = row
    names = list(dict.fromkeys(row.name for row in rows))
    return sorted(found.items(), key=lambda item: (names.index(item[1].name), item[1].derivative))


def _line(row: Row, root: bool) -> str:
    inputs = "2³²" if row.inputs == sweep.ALL_FLOAT32 and row.dtype == "float32" else str(row.inputs)
    cells = [
        f"`{_label(row)}`",
        inputs,
        str(row.misrounded),
        format_ulp(row.max_ulp),
        format_input(row.witness, row.dtype),
    ]
    if root:
        cells.append("" if row.root_error is None else f"{row.root_error:.2e}")
    return "| " + " | ".join(cells) + " |"


def _share(row: Row) -> str:
    percent = 100 * row.misrounded / row.inputs
    return f"{percent:.2f}%" if percent >= 0.01 else f"{percent:.1g}%" if percent else "0"


def _peers(rows: list[Row], parts: list[Part]) -> str:
    libraries = list(dict.fromkeys(row.library for row in rows))
    by_label: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_label.setdefault(_label(row), {})[row.library] = row
    lines = []
    for label, found in by_label.items():
        cells = []
        for library in libraries:
            if library not in found:
                cells += ["", "", ""]
                continue
            row = found[library]
            ulp = "∞" if np.isinf(row.max_ulp) else format_ulp(row.max_ulp)
            cells += [_share(row), ulp, format_input(row.witness, row.dtype)]
        lines.append(f"| `{label}` | " + " | ".join(cells) + " |")
    headings = "".join(f" {library}: misrounded | max ulp | at |" for library in libraries)
    most = max(row.inputs for row in rows)
    first = parts[0]
    kind = "random inputs and hard cases" if first.sample else "float32 inputs"
    every = f" (one of every {first.shard[1]})" if first.shard[1] > 1 and len(parts) == 1 else ""
    if most == sweep.ALL_FLOAT32:
        inputs = "all float32 inputs"
    else:
        inputs = f"{most} {kind}{every}; the true maxima may be larger"
    return PEERS.format(inputs=inputs, headings=headings, rule="---|---|---|" * len(libraries), rows="\n".join(lines))
