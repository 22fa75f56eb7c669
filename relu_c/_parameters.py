"""The parameters' domains."""

from collections.abc import Callable

__all__ = ["finite", "non_negative", "not_nan", "number", "positive"]


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
