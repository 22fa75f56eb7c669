"""The parameters of the functions: their domains, and how a value becomes an operand of the ufunc."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from relu_c._ufuncs import BFLOAT16

__all__ = ["Parameter", "finite", "non_negative", "not_nan", "number", "positive"]


def finite(value: float) -> bool:
    """Return whether the value is neither infinite nor NaN."""
    return value - value == 0


def non_negative(value: float) -> bool:
    """Return whether the value is finite and not below 0."""
    return finite(value) and value >= 0


def not_nan(value: float) -> bool:
    """Return whether the value is a number; infinities are."""
    return value == value


def positive(value: float) -> bool:
    """Return whether the value is finite and above 0."""
    return finite(value) and value > 0


def number(name: str, value: object, test: Callable[[float], bool], domain: str) -> float:
    """Return a parameter that is one number as a float, or raise the error that names it and its domain."""
    if isinstance(value, str | bytes) or getattr(value, "ndim", None):
        raise TypeError(f"{name} must be a real number, not {value!r}")
    try:
        result = float(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be a real number, not {value!r}") from None
    if not test(result):
        raise ValueError(f"{name} must be {domain}, not {value!r}")
    return result


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function.

    Parameters
    ----------
    name : str
        The parameter's name, for the error.
    test : callable
        Whether a float lies in the domain.
    domain : str
        The domain in words, for the error.
    """

    name: str
    test: Callable[[float], bool]
    domain: str

    def cast(self, value: Any, x: Any) -> Any:
        """Return what the ufunc takes for the value.

        A scalar (ndim 0) is cast to the float dtype of x (float64 for integers), so that it never changes the result's
        dtype, and then checked; arrays are left as they are.
        """
        if type(value) is not float:
            if isinstance(value, (str, bytes, complex, np.complexfloating)) or value is None:
                raise TypeError(f"{self.name} must be a real number or an array of them, not {value!r}")
            if np.ndim(value):
                return value
            value = float(value)
        dtype = getattr(x, "dtype", None)
        if dtype is None:  # a pandas DataFrame: each column has its own
            dtype = np.result_type(*x.dtypes) if hasattr(x, "dtypes") else np.asarray(x).dtype
        with np.errstate(over="ignore"):
            array = np.asarray(value, dtype if dtype.kind == "f" or type(dtype) is BFLOAT16 else np.float64)
        if not self.test(float(array)):
            raise ValueError(f"{self.name} must be {self.domain}, not {value!r} ({array.dtype} {array!s})")
        array.flags.writeable = False
        return array
