"""The kernels under test: what of the ufunc table takes one argument, its parameters being at their defaults."""

import functools
import hashlib
import inspect
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import relu_c
from relu_c import _ufuncs, activations
from relu_c._ufuncs import UFUNCS

__all__ = ["derivatives", "evaluate", "fingerprint", "functions", "ufunc"]

ENDINGS = ("", "_grad", "_grad_from_output")


def functions() -> list[str]:
    """Return the functions whose parameters, if any, all have defaults, in the order of the table."""
    stems = [name for name in UFUNCS if not name.endswith((*ENDINGS[1:], "_default"))]
    return [stem for stem in stems if None not in _defaults(stem)]


def derivatives(name: str) -> list[int]:
    """Return what there is of a function: itself (0), its derivative (1), its derivative by way of the output (2)."""
    return [derivative for derivative, ending in enumerate(ENDINGS) if name + ending in UFUNCS]


@functools.cache
def _defaults(name: str) -> tuple[float | None, ...]:
    """Return the defaults of a function's parameters, None for one that has none."""
    if UFUNCS[name].nin == 1:
        return ()
    parameters = inspect.signature(getattr(activations, name)).parameters.values()
    kinds = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    return tuple(None if p.default is p.empty else float(p.default) for p in kinds)


def evaluate(name: str, derivative: int, x: NDArray[Any]) -> NDArray[Any]:
    """Return f(x), or f'(x), which is the gradient at dy = 1, x being y for derivative 2, from the loops in use."""
    kind = ENDINGS[derivative]
    dy = (x.dtype.type(1),) if derivative else ()
    exact = UFUNCS.get(f"{name}_default{kind}")
    if exact is not None:  # a row of its own for the defaults
        return np.asarray(exact(*dy, x))
    return np.asarray(UFUNCS[f"{name}{kind}"](*dy, x, *(np.asarray(p, x.dtype) for p in _defaults(name))))


def ufunc(name: str, derivative: int) -> np.ufunc:
    """Return the ufunc of a function, or of its gradient."""
    return UFUNCS[name + ENDINGS[derivative]]


@functools.cache
def fingerprint() -> str:
    """Return what identifies this build of the loops."""
    digest = hashlib.sha256(Path(str(_ufuncs.__file__)).read_bytes()).hexdigest()
    return f"relu_c {relu_c.__version__}, {_ufuncs.COMPILER}, {digest[:16]}"
