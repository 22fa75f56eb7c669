"""float32 results with parameters, and gradients with any dy, sampled densely and compared with MPFR.

They are promised within `BOUND` ulp: a double evaluation rounded once, with no constant fitted to the inputs.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, NamedTuple, TypeAlias

import gmpy2
import numpy as np
from gmpy2 import mpfr
from numpy.typing import NDArray

from relu_c._verify import reference
from relu_c._verify.sweep import Row

__all__ = ["BOUND", "FORMS", "check", "functions", "points"]

Array: TypeAlias = NDArray[np.float32]
Kernel: TypeAlias = Callable[..., Array]

BOUND = 0.5001
POINTS = 1 << 17
PARAMETERS = 1 << 9


class Form(NamedTuple):
    """A function with a parameter: its name, the power of it that inputs scale with, f(x, p) and f'(x, p)."""

    parameter: str
    scale: float
    value: Callable[[Any, Any], Any]
    slope: Callable[[Any, Any], Any]


def _root(x: Any, b: Any) -> Any:
    return gmpy2.sqrt(x * x + b)


def _squareplus(x: Any, b: Any) -> Any:
    return (x + _root(x, b)) / 2 if x > 0 else b / 2 / (_root(x, b) - x)


FORMS = {
    "softplus": Form("beta", -1, lambda x, p: reference._softplus(p * x) / p, lambda x, p: reference._sigmoid(p * x)),
    "elu": Form(
        "alpha",
        0,
        lambda x, p: x if x > 0 else p * gmpy2.expm1(x),
        lambda x, p: mpfr(1) if x > 0 else p * gmpy2.exp(x),
    ),
    "celu": Form(
        "alpha",
        1,
        lambda x, p: x if x > 0 else p * gmpy2.expm1(x / p),
        lambda x, p: mpfr(1) if x > 0 else gmpy2.exp(x / p),
    ),
    "swish": Form(
        "beta",
        -1,
        lambda x, p: x * reference._sigmoid(p * x),
        lambda x, p: reference._gate_grad(p * x, p * x),
    ),
    "squareplus": Form("b", 0.5, _squareplus, lambda x, p: _squareplus(x, p) / _root(x, p)),
}


def functions() -> list[str]:
    """Return the names that can be checked."""
    return list(FORMS)


def points(name: str, count: int = POINTS) -> tuple[Array, Array, Array]:
    """Return inputs, parameters and dy: `PARAMETERS` parameters over 20 binades, inputs scaled to each."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    chosen = np.exp2(rng.uniform(-10, 10, min(PARAMETERS, count))).astype(np.float32)
    parameter = np.resize(chosen, count)
    kinds = [
        rng.uniform(-4, 4, count),
        rng.uniform(-20, 20, count),
        rng.uniform(-110, 20, count),
        rng.choice([-1.0, 1.0], count) * np.exp2(rng.uniform(-30, 4, count)),
    ]
    x = np.choose(rng.integers(0, len(kinds), count), kinds) * parameter.astype(np.float64) ** FORMS[name].scale
    dy = rng.choice([-1.0, 1.0], count) * np.exp2(rng.uniform(-4, 4, count))
    return x.astype(np.float32), parameter, dy.astype(np.float32)


def _errors(name: str, derivative: int, x: Array, parameter: Array, dy: Array, y: Array) -> NDArray[np.float64]:
    """Return the distance of each result from the exact value, in units in the last place of that value."""
    form = FORMS[name].slope if derivative else FORMS[name].value
    ulps = np.empty(x.size)
    with gmpy2.context(reference._contexts(264)):
        for i, (a, p, d, got) in enumerate(zip(x.tolist(), parameter.tolist(), dy.tolist(), y.tolist(), strict=True)):
            value = form(mpfr(a), mpfr(p)) * (mpfr(d) if derivative else 1)
            ulps[i] = float(abs(mpfr(got) - value) / reference.ulp(value)) if np.isfinite(got) else np.inf
    return ulps


def check(name: str, derivative: int, isa: str, evaluate: Kernel, pool: Executor, count: int = POINTS) -> Row:
    """Compare f(x, parameter), or dy f'(x, parameter), at `count` points.

    Parameters
    ----------
    name : str
        One of `functions`.
    derivative : bool
        Whether to check the gradient.
    isa : str
        The instruction set in use, for the row.
    evaluate : callable
        ``evaluate(x, parameter)``, or ``evaluate(dy, x, parameter)``, of float32 arrays.
    pool : Executor
        Runs the exact evaluation.
    count : int
        Points.

    Returns
    -------
    Row
        What it showed; `max_ulp` is to stay within `BOUND`.
    """
    x, parameter, dy = points(name, count)
    y = evaluate(dy, x, parameter) if derivative else evaluate(x, parameter)
    parts = [np.array_split(array, max(1, count // 2048)) for array in (x, parameter, dy, y)]
    wrong = [pool.submit(_errors, name, derivative, *part) for part in zip(*parts, strict=True)]
    ulps = np.concatenate([future.result() for future in wrong])
    worst = int(np.argmax(ulps))
    label = f"{name}({FORMS[name].parameter})"
    row = Row(label, derivative, "float32", isa, count, int(np.count_nonzero(ulps > BOUND)), float(ulps[worst]))
    row.witness, row.examples = float(x[worst]), [float(v) for v in x[ulps > BOUND][:16]]
    row.bound = BOUND
    return row
