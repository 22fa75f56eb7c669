"""Exhaustive check of results against an oracle that shares no code with the kernels.

Every float32 input of every function of one argument and of its derivative is compared with the exact value rounded
once: a double-double evaluation in C decides all but a handful of inputs, and MPFR those. A half type has 65536 values,
all of which go through MPFR; float64 is compared on a million points and more. Where the output determines the
derivative, so is the derivative as a function of it, for every y (`derivative` 2 in `reference`).
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import pathlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relu_c import _oracle
from relu_c._ufuncs import available_instruction_sets
from relu_c._verify import reference

Array = NDArray[Any]
Kernel = Callable[[str, int, Array], Array]

ALL_FLOAT32 = 1 << 32
BATCH = 1 << 23
"""Inputs evaluated between two reports of progress."""
SLICE = 1 << 18
SAMPLE = 1 << 18
POINTS = 1_100_000
HARD_CASES = pathlib.Path(__file__).with_name("hardcases.txt")
SAME = {"swish": "silu"}
"""Functions with the values, and the hard cases, of another."""

ROOTS = {
    "silu": -1.278464542761074,
    "swish": -1.278464542761074,
    "gelu": -0.7517915246935645,
    "gelu_tanh": -0.7524614220710163,
    "quick_gelu": -0.751154255441289,
    "mish": -1.1924312145154954,
    "hard_swish": -1.5,
}
"""Where derivatives change sign.

Within one float32 spacing, results may be 1 ulp off; within 1, float64 results are held to an absolute error.
"""

ROOT_ERROR = 2.0**-52


@dataclasses.dataclass
class Row:
    """What one function or derivative showed on one instruction set.

    Attributes
    ----------
    name, derivative, dtype, isa : str, int, str, str
        What was checked; what `derivative` says is in `reference`.
    inputs : int
        Results compared.
    misrounded : int
        Results that are not the exact value rounded once, to nearest even.
    max_ulp : float
        Largest distance of a result from the exact value, in units in the last place of that value; of float64
        derivatives with a root, outside the distance 1 of the root.
    witness : float or None
        The input where it occurs; None if all results are exact.
    settled : int
        Inputs that only MPFR could decide.
    examples : list of float
        A few misrounded inputs.
    near_root : list of [float, float]
        Inputs within one float32 spacing of the derivative's root whose results are misrounded by 1 ulp at most, and
        their distance in ulp. They are not counted above.
    root_error : float or None
        Largest absolute error within 1 of the derivative's root (float64).
    library : str
        Whose results they are.
    bound : float or None
        What `max_ulp` may be, where that is promised instead of rounding once: with parameters, `misrounded` counts
        the results beyond it.
    """

    name: str
    derivative: int
    dtype: str
    isa: str
    inputs: int = 0
    misrounded: int = 0
    max_ulp: float = 0.0
    witness: float | None = None
    settled: int = 0
    examples: list[float] = dataclasses.field(default_factory=list)
    near_root: list[list[float]] = dataclasses.field(default_factory=list)
    root_error: float | None = None
    library: str = "relu_c"
    bound: float | None = None

    @property
    def right(self) -> bool:
        """Whether the results are as promised: rounded once, or, for float64 and with parameters, within the bound."""
        if self.bound is not None:
            return self.max_ulp <= self.bound
        if self.dtype != "float64":
            return self.misrounded == 0
        rooted = self.derivative and self.name in ROOTS
        return self.max_ulp <= (2 if rooted else 1) and (self.root_error or 0.0) <= ROOT_ERROR

    def add(self, other: Row) -> None:
        """Add what another part of the inputs showed."""
        self.inputs += other.inputs
        self.misrounded += other.misrounded
        self.settled += other.settled
        self.examples = (self.examples + other.examples)[:16]
        self.near_root = self.near_root + [pair for pair in other.near_root if pair not in self.near_root]
        if other.max_ulp > self.max_ulp or self.witness is None:
            self.max_ulp, self.witness = other.max_ulp, other.witness
        if other.root_error is not None:
            self.root_error = max(self.root_error or 0.0, other.root_error)


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far the check of one function is; `rows` (one for each instruction set) stands when it is complete."""

    name: str
    derivative: int
    done: int
    total: int
    rows: tuple[Row, ...] = ()


class State:
    """Results that survive an interruption, in a JSON file.

    Parameters
    ----------
    path : path or None
        The file; None keeps nothing.
    fingerprint : str
        What all results depend on (the build). A file with another fingerprint is discarded.
    run : str
        What the results of one call depend on (dtype, sample, shard, instruction sets): one file serves many calls.
    """

    def __init__(self, path: str | os.PathLike[str] | None, fingerprint: str, run: str) -> None:
        self.run = run
        self.path = None if path is None else pathlib.Path(path)
        self.content: dict[str, Any] = {"fingerprint": fingerprint, "functions": {}}
        if self.path is not None and self.path.exists():
            stored = json.loads(self.path.read_text())
            if stored.get("fingerprint") == fingerprint:
                self.content = stored

    def load(self, key: str) -> tuple[int, list[Row]] | None:
        """Return the number of batches done and the rows so far."""
        entry = self.content["functions"].get(f"{self.run} {key}")
        return None if entry is None else (entry["done"], [Row(**row) for row in entry["rows"]])

    def save(self, key: str, done: int, rows: Sequence[Row]) -> None:
        """Store them; the file is replaced as a whole."""
        if self.path is None:
            return
        entry = {"done": done, "rows": [dataclasses.asdict(row) for row in rows]}
        self.content["functions"][f"{self.run} {key}"] = entry
        temporary = self.path.with_name(self.path.name + ".part")
        temporary.write_text(json.dumps(self.content))
        temporary.replace(self.path)


def functions() -> list[str]:
    """Return the names that can be checked."""
    return _oracle.names()


def hard_cases(name: str, derivative: int) -> NDArray[np.float32]:
    """Return the float32 inputs whose exact results lie closest to a rounding boundary, found by exhaustive sweeps."""
    bits = _hard_cases().get((SAME.get(name, name), derivative), [])
    return np.array(bits, np.uint32).view(np.float32)


@functools.cache
def _hard_cases() -> dict[tuple[str, int], list[int]]:
    cases: dict[tuple[str, int], list[int]] = {}
    for line in HARD_CASES.read_text().splitlines():
        if not line.startswith("#"):
            name, derivative, bits, _ = line.split()
            cases.setdefault((name, int(derivative)), []).append(int(bits, 16))
    return cases


def sample(name: str, derivative: int, count: int = SAMPLE) -> NDArray[np.float32]:
    """Return float32 inputs in order of their bits: random ones, where functions change, and all hard cases known."""
    rng = np.random.default_rng(zlib.crc32(f"{name} {int(derivative)}".encode()))
    powers = [2.0**-149, 2.0**-126, 2.0**-26, 2.0**-13, 2.0**24, 2.0**25, 2.0**75]
    marks = np.array([0, *powers, 0.5, 1, 2.5, 3, 6, 10, 14.5, 18, 105, np.inf], np.float32)
    offsets = np.arange(-64, 65)
    edges = (marks.view(np.uint32).astype(np.int64)[:, None] + offsets).ravel() & 0x7FFFFFFF
    scale = np.exp2(rng.uniform(-40, 8, count // 2)).astype(np.float32).view(np.uint32)
    sign = rng.integers(0, 2, scale.size, dtype=np.uint32) << np.uint32(31)
    bits = np.concatenate(
        [
            rng.integers(0, ALL_FLOAT32, count // 2, dtype=np.uint64).astype(np.uint32),
            scale | sign,
            edges.astype(np.uint32),
            edges.astype(np.uint32) | np.uint32(1 << 31),
            hard_cases(name, derivative).view(np.uint32),
            np.array(_beside_root(name, derivative), np.float32).view(np.uint32),
        ]
    )
    return np.unique(bits).view(np.float32)


def _beside_root(name: str, derivative: int) -> list[float]:
    """Return the float32 inputs within one spacing of a derivative's root."""
    if not derivative or name not in ROOTS:
        return []
    root = ROOTS[name]
    nearest = np.float32(root)
    around = [nearest, np.nextafter(nearest, np.float32(-9)), np.nextafter(nearest, np.float32(9))]
    return sorted(float(x) for x in around if abs(float(x) - root) <= float(np.spacing(abs(nearest))))


def _agrees(right: float, got: float, derivative: int) -> bool:
    """Tell whether a result is right; a derivative that vanishes may be +0 whatever its sign."""
    if right != right or got != got:
        return right != right and got != got
    if right or got:
        return right == got
    return bool(np.signbit(right) == np.signbit(got)) or (derivative > 0 and not np.signbit(got))


def _add_wrong(row: Row, x: float) -> None:
    row.misrounded += 1
    row.examples = [*row.examples, x][:16]


def _compare(
    name: str,
    derivative: int,
    beside_root: Sequence[float],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
) -> Row:
    """Compare float32 results with the oracle; with MPFR those that it leaves undecided and those beside a root."""
    row = Row(name, derivative, "float32", "")
    if beside_root:
        at = np.flatnonzero((x >= np.float32(beside_root[0])) & (x <= np.float32(beside_root[-1])))
        for given, got in zip(x[at].tolist(), y[at].tolist(), strict=True):
            _compare_beside_root(row, given, got)
        if at.size:
            x, y = np.delete(x, at), np.delete(y, at)
    capacity = 4096
    wrong, undecided, max_ulp, worst, wrong_at, undecided_at, *_ = _oracle.check(name, derivative, x, y, 0.0, capacity)
    if undecided > capacity:
        middle = x.size // 2
        row.add(_compare(name, derivative, (), x[:middle], y[:middle]))
        row.add(_compare(name, derivative, (), x[middle:], y[middle:]))
        return row
    found = Row(name, derivative, "float32", "", x.size, wrong, max_ulp, settled=undecided)
    found.witness = float(x[worst]) if worst >= 0 else None
    found.examples = [float(x[i]) for i in wrong_at[:16]]
    for i in undecided_at:
        if not _agrees(reference.correctly_rounded(name, derivative, x[i]), float(y[i]), derivative):
            _add_wrong(found, float(x[i]))
    row.add(found)
    return row


def _compare_beside_root(row: Row, x: float, y: float) -> None:
    """Add one result of a derivative within one float32 spacing of its root, where 1 ulp is allowed."""
    row.inputs += 1
    row.settled += 1
    ulp = reference.error_in_ulp(row.name, row.derivative, x, y)
    if _agrees(reference.correctly_rounded(row.name, row.derivative, x), y, row.derivative):
        if ulp > row.max_ulp:
            row.max_ulp, row.witness = ulp, x
    elif ulp <= 1:
        row.near_root.append([x, ulp])
    else:
        _add_wrong(row, x)
        row.max_ulp, row.witness = ulp, x


Batch = Callable[[int], list[NDArray[np.float32]]]


def _batches(name: str, derivative: int, sampled: bool, shard: tuple[int, int]) -> tuple[int, Batch]:
    """Return the number of batches of float32 inputs and a function that makes one, in slices.

    A shard takes every n-th input, so that each one spreads over all of them.
    """
    part, parts = shard
    if sampled:
        chosen = sample(name, derivative)[part::parts]
        return 1, lambda _: [chosen[start : start + SLICE].copy() for start in range(0, chosen.size, SLICE)]
    count = len(range(part, ALL_FLOAT32, parts))
    steps = (np.arange(SLICE, dtype=np.uint64) * np.uint64(parts)).astype(np.uint32)

    def batch(i: int) -> list[NDArray[np.float32]]:
        starts = range(i * BATCH, min((i + 1) * BATCH, count), SLICE)
        return [(steps[: count - start] + np.uint32(part + start * parts)).view(np.float32) for start in starts]

    return -(-count // BATCH), batch


def _check_float32(
    name: str,
    derivative: int,
    evaluate: Kernel,
    isas: Sequence[str],
    select: Callable[[str], None],
    batches: tuple[int, Batch],
    state: State,
    pool: Executor,
) -> Iterator[Progress]:
    key = f"{name} {int(derivative)}"
    count, batch = batches
    beside_root = _beside_root(name, derivative)
    done, rows = state.load(key) or (0, [Row(name, derivative, "float32", isa) for isa in isas])
    for i in range(done, count):
        parts = batch(i)
        first: list[NDArray[np.float32]] = []
        found: list[Row] = []
        for isa, row in zip(isas, rows, strict=True):
            select(isa)
            results = list(pool.map(functools.partial(evaluate, name, derivative), parts))
            if first and all(_same_bits(a, b) for a, b in zip(first, results, strict=True)):
                new = found  # what holds for the first instruction set holds here
            else:
                new = list(pool.map(functools.partial(_compare, name, derivative, beside_root), parts, results))
            if not first:
                first, found = results, new
            for part in new:
                row.add(part)
        if i % 16 == 15 or i == count - 1:
            state.save(key, i + 1, rows)
        yield Progress(name, derivative, i + 1, count)
    yield Progress(name, derivative, count, count, tuple(rows))


def _same_bits(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    """Compare bits, payload and sign of NaN excepted."""
    different = a.view(np.uint32) != b.view(np.uint32)
    return not different.any() or bool((np.isnan(a) & np.isnan(b))[different].all())


def _round(high: Array, dtype: str) -> Array:
    """Round float64 values to the nearest number of a format, ties to even."""
    top = reference.FORMATS[dtype][2]
    unit = _spacing(high, dtype)
    with np.errstate(all="ignore"):
        rounded = np.rint(high / unit) * unit if dtype != "float64" else high
        overflow = np.abs(rounded) >= (2.0**top if top < 1024 else np.inf)
        return np.asarray(np.where(overflow, np.copysign(np.inf, high), rounded))


def _spacing(values: Array, dtype: str) -> Array:
    """Return the unit in the last place of a format around values."""
    bits, lowest, top = reference.FORMATS[dtype]
    with np.errstate(invalid="ignore"):  # some of NumPy's loops flag NaN
        exponent = np.where(values == 0, lowest, np.frexp(values)[1] - bits)
    return np.asarray(np.ldexp(1.0, np.clip(exponent, lowest, top - bits)))


def _exact(name: str, derivative: int, dtype: str, x: Array) -> tuple[Array, Array, Array]:
    """Return the exact values rounded once, the spacing there, and what rounding left out, in that spacing."""
    high, low = np.empty(x.size), np.zeros(x.size)
    with reference.working_precision():
        for i, v in enumerate(x.tolist()):
            if np.isfinite(v) and v:
                high[i], low[i] = reference.pair(reference.exact(name, derivative, v, dtype=dtype))
            else:
                high[i] = reference.correctly_rounded(name, derivative, v, dtype)
    unit, rounded = _spacing(high, dtype), _round(high, dtype)
    if dtype != "float64":
        with np.errstate(all="ignore"):
            doubt = (_round(high * (1 - 2.0**-50), dtype) != _round(high * (1 + 2.0**-50), dtype)) & np.isfinite(high)
        for i in np.flatnonzero(doubt | (rounded == 0)).tolist():
            rounded[i] = reference.correctly_rounded(name, derivative, x[i], dtype)
    with np.errstate(all="ignore"):
        left = (high - rounded) / unit + low * (_spacing(high, "float64") / unit)
        rest = np.where(np.isfinite(rounded) & np.isfinite(high), left, 0)
    return rounded, unit, rest


def _check_by_mpfr(
    name: str,
    derivative: int,
    dtype: str,
    x: Array,
    evaluate: Kernel,
    isas: Sequence[str],
    select: Callable[[str], None],
    state: State,
    pool: Executor,
) -> Iterator[Progress]:
    """Check any dtype with an exact value for each input."""
    key = f"{name} {int(derivative)}"
    stored = state.load(key)
    if stored is not None:
        yield Progress(name, derivative, 1, 1, tuple(stored[1]))
        return
    with np.errstate(invalid="ignore"):  # signalling NaNs
        wide = x.astype(np.float64)
    parts = np.array_split(wide, max(1, x.size // 4096))
    pieces = []
    for part in pool.map(functools.partial(_exact, name, derivative, dtype), parts):
        pieces.append(part)
        yield Progress(name, derivative, len(pieces), len(parts))
    expected = tuple(np.concatenate(p) for p in zip(*pieces, strict=True))
    rows = []
    for isa in isas:
        select(isa)
        with np.errstate(invalid="ignore"):
            y = evaluate(name, derivative, x).astype(np.float64)
        rows.append(_row_of(Row(name, derivative, dtype, isa, x.size), wide, y, *expected))
    state.save(key, 1, rows)
    yield Progress(name, derivative, len(parts), len(parts), tuple(rows))


def _row_of(row: Row, x: Array, y: Array, rounded: Array, unit: Array, rest: Array) -> Row:
    """Fill a row from results and what `_exact` returns."""
    zero = y == 0
    with np.errstate(all="ignore"):
        equal = (y == rounded) | (np.isnan(y) & np.isnan(rounded))
        sign = zero & (np.signbit(y) != np.signbit(rounded)) & ~((row.derivative > 0) & ~np.signbit(y))
        ulps = np.where(equal, np.abs(rest), np.abs((y - rounded) / unit - rest))
        ulps[np.isnan(ulps)] = np.inf
        root = ROOTS.get(row.name) if row.derivative and row.dtype == "float64" else None
        if root is not None:
            near = np.abs(x - root) <= 1
            row.root_error = float(np.max(np.abs((y - rounded) - rest * unit)[near], initial=0.0))
            ulps[near] = 0
    wrong = ~equal | sign
    row.misrounded = int(np.count_nonzero(wrong))
    row.examples = [float(v) for v in x[wrong][:16]]
    worst = int(np.argmax(ulps))
    row.max_ulp, row.witness = float(ulps[worst]), float(x[worst])
    return row


def points(name: str, count: int = POINTS) -> NDArray[np.float64]:
    """Return float64 inputs: random bits, logarithmic and uniform scales, tails, and what is close to special places.

    These are powers of two, multiples of ln 2 / 2, roots, and where results underflow or overflow.
    """
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    n = count // 10

    def signed(x: Array) -> Array:
        return np.asarray(x * rng.choice([-1.0, 1.0], x.size))

    def close_to(centres: Array) -> Array:
        return centres * (1 + rng.uniform(-1, 1, centres.size) * np.exp2(-rng.uniform(3, 53, centres.size)))

    ends = [354, 372.6, 416, 437.8, 708.4, 709.8, 745.1, 750, 2.0**52, 2.0**511, 1e300]
    marks = np.concatenate([np.exp2(np.arange(-60, 12)), np.arange(1, 80) / 2, ends])
    exact = marks[:, None] * (1 + np.arange(-8, 9) * 2.0**-52)
    parts = [
        rng.integers(0, 1 << 64, n // 2, dtype=np.uint64).view(np.float64),
        signed(np.exp2(rng.uniform(-1074, 10, n // 2))),
        signed(np.exp2(rng.uniform(-60, 10, 2 * n))),
        rng.uniform(-40, 40, n),
        rng.uniform(-3, 3, n),
        rng.uniform(-800, -30, n),
        rng.uniform(-39, -5, n),
        signed(close_to(rng.choice(marks, n))),
        signed(close_to((np.floor(rng.uniform(0, 80, n)) + 0.5) * (np.log(2) / 2))),
        signed(rng.integers(1, 1 << 30, n // 10) * 2.0**-1074),
        exact.ravel(),
        -exact.ravel(),
        np.array([0.0, -0.0, np.inf, -np.inf, np.nan]),
    ]
    if name in ROOTS:
        parts.append(ROOTS[name] + rng.uniform(-1, 1, n) * np.exp2(-rng.uniform(0, 50, n)))
    return np.concatenate(parts)


def all_halves(dtype: str) -> Array:
    """Return all values of float16 or bfloat16."""
    return np.arange(1 << 16, dtype=np.uint16).view(dtype)


def verify(
    names: Iterable[str] | None = None,
    dtype: str = "float32",
    *,
    evaluate: Kernel,
    sample: bool = False,
    isa: Sequence[str] = ("",),
    select: Callable[[str], None] = lambda isa: None,
    derivatives: Sequence[int] = (0, 1),
    shard: tuple[int, int] = (0, 1),
    workers: int = 1,
    state: str | os.PathLike[str] | None = None,
    fingerprint: str = "",
) -> Iterator[Progress]:
    """Check functions and derivatives, yielding progress; `rows` collects the result.

    Parameters
    ----------
    names : iterable of str, optional
        Functions; all by default.
    dtype : {"float32", "float16", "bfloat16", "float64"}
        Of inputs and results; bfloat16 is that of ml_dtypes.
    evaluate : callable
        ``evaluate(name, derivative, x)`` returns f(x) or f'(x) in x's dtype from the kernel under test. It is called
        from `workers` threads.
    sample : bool
        Random inputs and all known hard cases instead of all inputs: seconds instead of minutes.
    isa : sequence of str
        Instruction sets to check.  Results that have the first one's bits are not compared again.
    select : callable
        Makes an instruction set the one in use.
    derivatives : sequence of int
        What to check of each function, of 0 (itself), 1 (its derivative) and 2 (its derivative as a function of y).
    shard : (int, int)
        (i, n): check every n-th input from the i-th on; `merge` adds the rows of all parts.
    workers : int
        Threads (float32) or processes (other dtypes, whose exact values hold the interpreter's lock).
    state : path, optional
        JSON file to resume from and to write to.
    fingerprint : str
        Identifies the kernels in that file.

    Yields
    ------
    Progress
        After every batch of inputs; the last one of a function carries its rows.
    """
    if _oracle.NEEDS_AVX2 and "avx2" not in available_instruction_sets():
        raise RuntimeError("verify's oracle needs a CPU with AVX2 and fma (x86-64-v3), which this one lacks")
    chosen = list(functions() if names is None else names)
    unknown = sorted(set(chosen) - set(functions()))
    if unknown:
        raise ValueError(f"no oracle for {', '.join(unknown)}; there is one for {', '.join(functions())}")
    for name in chosen:
        absent = [d for d in derivatives if d >= len(reference.FUNCTIONS[name])]
        if absent:
            raise ValueError(f"no oracle for {', '.join(reference.label(name, d) for d in absent)}")
    if dtype not in reference.FORMATS:
        raise ValueError(f"dtype {dtype!r} is not one of {', '.join(reference.FORMATS)}")
    if not 0 <= shard[0] < shard[1]:
        raise ValueError(f"shard {shard[0]}/{shard[1]}: the first number must be one of 0 ... {shard[1] - 1}")
    kept = State(state, fingerprint, " ".join([dtype, "sample" if sample else "all", f"{shard[0]}/{shard[1]}", *isa]))
    threads = dtype == "float32" or workers == 1
    pool: Executor = ThreadPoolExecutor(workers) if threads else ProcessPoolExecutor(workers, get_context("spawn"))
    with pool:
        for name in chosen:
            for derivative in derivatives:
                if dtype == "float32":
                    batches = _batches(name, derivative, sample, shard)
                    yield from _check_float32(name, derivative, evaluate, isa, select, batches, kept, pool)
                    continue
                if dtype == "float64":
                    x: Array = points(name, POINTS // 200 if sample else POINTS)
                else:
                    x = all_halves(dtype)[:: 16 if sample else 1]
                part = x[shard[0] :: shard[1]]
                yield from _check_by_mpfr(name, derivative, dtype, part, evaluate, isa, select, kept, pool)


def rows(progress: Iterable[Progress]) -> list[Row]:
    """Run a check to its end and return its rows."""
    return [row for step in progress for row in step.rows]


def merge(parts: Iterable[Iterable[Row]]) -> list[Row]:
    """Add the rows of several shards."""
    merged: dict[tuple[str, int, str, str, str], Row] = {}
    for part in parts:
        for row in part:
            key = (row.name, row.derivative, row.dtype, row.library, row.isa)
            if key in merged:
                merged[key].add(row)
            else:
                merged[key] = dataclasses.replace(row)
    return list(merged.values())
