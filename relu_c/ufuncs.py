"""The ufuncs behind the functions, by name: every operand an array, no defaults, no checks of parameters.

``relu_c.ufuncs.leaky_relu(x, negative_slope)`` takes the slope as a second operand that broadcasts with `x`.
`prelu` is the same ufunc as `leaky_relu`. `hard_sigmoid_default` is `hard_sigmoid` for the exact pair 1/6, 1/2.
"""

from relu_c._ufuncs import UFUNCS

__all__ = sorted(UFUNCS)
globals().update(UFUNCS)


def __dir__() -> list[str]:
    """List the ufuncs."""
    return list(__all__)
