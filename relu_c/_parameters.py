"""The parameters' domains."""

__all__ = ["finite", "non_negative", "not_nan", "positive"]


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
