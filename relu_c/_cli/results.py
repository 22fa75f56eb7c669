"""What `bench` measures: one result for each case and library, saved as JSON, and compared with earlier ones."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias

from relu_c import activations
from relu_c._cli.checks import CommandError
from relu_c._cli.limits import Limit

__all__ = [
    "DTYPES",
    "FUNCTIONS",
    "LIBRARIES",
    "MEMORY",
    "ONE_THREAD",
    "OPERATIONS",
    "Measurement",
    "Result",
    "format_size",
    "parse_size",
    "peers_of",
    "tables",
]

FUNCTIONS = tuple(name for name in activations.__all__ if f"{name}_grad" in activations.__all__)
OPERATIONS = ("forward", "in place", "gradient")
DTYPES = ("float16", "bfloat16", "float32", "float64")
LIBRARIES = ("numpy", "scipy", "numexpr", "numba", "jax", "torch")
MEMORY = "memory"  # stands for a pass that only moves data
ONE_THREAD = "one thread"  # relu_c itself, as a peer of its runs on several threads
Case: TypeAlias = tuple[str, str, str, int, int, str]


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
    function, operation, dtype, size, threads, isa : str, str, str, int, int, str
        The case; `isa` is the instruction set.
    library : str
        ``"relu_c"``, a peer, or `MEMORY`.
    best, median : float
        Seconds a call, over the rounds.
    ratio : float
        Median over the rounds of this library's time divided by relu_c's.
    """

    function: str
    operation: str
    dtype: str
    size: int
    threads: int
    isa: str
    library: str
    best: float
    median: float
    ratio: float

    @property
    def case(self) -> Case:
        """What was measured, whoever did it."""
        return self.function, self.operation, self.dtype, self.size, self.threads, self.isa

    @property
    def throughput(self) -> float:
        """Elements a second, at best."""
        return self.size / self.best

    @property
    def roofline(self) -> float:
        """Of `MEMORY`: the bytes that relu_c moves in a second as a fraction of those that a mere pass does.

        The pass reads and writes x: that is what the function moves, and two thirds of what the gradient does, which
        reads dy too.
        """
        return self.ratio * (1.5 if self.operation == "gradient" else 1)

    @property
    def name(self) -> str:
        """The case in words, but for the instruction set."""
        threads = f", {self.threads} threads" if self.threads > 1 else ""
        return f"{self.function} {self.operation}, {self.dtype}, {format_size(self.size)}{threads}"


@dataclass
class Measurement:
    """The results of one run of `bench`, or of several.

    Parameters
    ----------
    configuration : dict
        Facts about the machine and the versions, in words.
    results : list of Result
    limits : list of Limit
    """

    configuration: dict[str, str] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)

    @classmethod
    def from_json(cls, text: str) -> Measurement:
        """Return what `to_json` wrote."""
        saved: dict[str, Any] = json.loads(text)
        return cls(
            saved["configuration"], [Result(**r) for r in saved["results"]], [Limit(**x) for x in saved["limits"]]
        )

    @classmethod
    def load(cls, path: str) -> Measurement:
        """Return what is saved under a path, or raise `CommandError`."""
        try:
            with open(path, encoding="utf-8") as file:
                return cls.from_json(file.read())
        except (ValueError, KeyError, TypeError) as error:
            raise CommandError(f"{path} holds no results of this version's bench: {error!r}") from None

    def to_json(self) -> str:
        """Return all of it as JSON."""
        return json.dumps(asdict(self), indent=1)

    def extend(self, other: Measurement) -> None:
        """Add the results of another run; where both have a fact, say both."""
        for fact, value in other.configuration.items():
            said = self.configuration.setdefault(fact, value)
            if value not in said.split("; "):
                self.configuration[fact] = f"{said}; {value}"
        measured = {(r.case, r.library) for r in other.results}
        self.results = [r for r in self.results if (r.case, r.library) not in measured] + other.results
        self.limits = other.limits or self.limits

    def with_one_thread(self) -> list[Result]:
        """Return the results, with those on one thread as a peer of those on several."""
        alone = {r.case: r for r in self.results if r.library == "relu_c" and r.threads == 1}
        several = [r for r in self.results if r.library == "relu_c" and r.threads > 1]
        pairs = [(r, alone.get((*r.case[:4], 1, r.isa))) for r in several]
        return self.results + [
            replace(r, library=ONE_THREAD, best=one.best, median=one.median, ratio=one.best / r.best)
            for r, one in pairs
            if one
        ]


def tables(results: Iterable[Result]) -> dict[str, list[dict[str, Result]]]:
    """Return tables by title (dtype, instruction set, threads); a row is a case, its results by library."""
    found: dict[str, dict[Case, dict[str, Result]]] = {}
    for r in results:
        title = f"{r.dtype}, {r.isa}, {r.threads} thread{'s' * (r.threads > 1)}"
        found.setdefault(title, {}).setdefault(r.case, {})[r.library] = r
    return {title: [row for row in rows.values() if "relu_c" in row] for title, rows in found.items()}


def peers_of(rows: Iterable[dict[str, Result]]) -> list[str]:
    """Return the libraries beside relu_c in the rows of a table, in the usual order."""
    found = {library for row in rows for library in row}
    return [library for library in (ONE_THREAD, *LIBRARIES) if library in found]
