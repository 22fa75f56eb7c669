"""Exact values of the family through MPFR and rationals: the last word where the oracle in C is undecided.

Each function takes an ``mpfr`` and computes in the current context; its relative error is a few units of the working
precision, except near the root of a derivative (at most 60 bits are lost at a float64 next to it) and in
``tanh_shrink``, which raises the precision itself.

What is checked of a function has a number, ``derivative``: 0 is f(x), 1 is f'(x), and 2, where the output determines
it, f'(x) as a function of y = f(x). There a y outside the range of f is no output, and the value is 0.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import gmpy2
import numpy as np
from gmpy2 import mpfr, mpq

Real: TypeAlias = Callable[[Any], Any]

LABELS = ("", "\N{PRIME}", "\N{PRIME}(y)")

SELU_LAMBDA = mpq(105070098735548049341933498529460635195898120437640454698, 10**56)
SELU_ALPHA = mpq(167326324235437728481704299167165203846115534828121627092, 10**56)
QUICK = mpq(1702, 1000)
CUBIC = mpq(44715, 10**6)


def _sigmoid(t: Any) -> Any:
    return 1 / (1 + gmpy2.exp(-t)) if t > 0 else gmpy2.exp(t) / (1 + gmpy2.exp(t))


def _gate_grad(t: Any, s: Any) -> Any:
    """d/dx of x sigmoid(t) where s = x t'."""
    return _sigmoid(t) * (1 + s * _sigmoid(-t))


def _softplus(x: Any) -> Any:
    return (x if x > 0 else 0) + gmpy2.log1p(gmpy2.exp(-abs(x)))


def _sech2(x: Any) -> Any:
    e = gmpy2.exp(-2 * abs(x))
    return 4 * e / (1 + e) ** 2


def _mish(x: Any) -> Any:
    if x > 0:
        e = gmpy2.exp(-x)
        return x * (1 + 2 * e) / (1 + 2 * e + 2 * e * e)
    e = gmpy2.exp(x)
    return x * e * (e + 2) / (e * e + 2 * e + 2)


def _mish_grad(x: Any) -> Any:
    if x > 0:
        e = gmpy2.exp(-x)
        w = 1 + 2 * e
        d = w + 2 * e * e
        return (w * d + 4 * x * e * e * (1 + e)) / (d * d)
    e = gmpy2.exp(x)
    w = e * (e + 2)
    return (w * (w + 2) + 4 * x * e * (e + 1)) / (w + 2) ** 2


_FAR = 60  # beyond, the tail of the normal distribution is below every format's smallest number; 2**-9000 stands for it


def _phi(x: Any) -> Any:
    if abs(x) > _FAR:
        return mpq(1, 2) ** 9000
    return gmpy2.exp(-x * x / 2) / gmpy2.sqrt(2 * gmpy2.const_pi())


def _normal(x: Any) -> Any:
    if abs(x) > _FAR:
        return mpfr(1) if x > 0 else mpfr(mpq(1, 2) ** 9000)
    precision = gmpy2.get_context().precision
    if x > -5 or precision > 600:
        return gmpy2.erfc(-x / gmpy2.sqrt(mpfr(2))) / 2
    # Laplace's fraction, many times quicker here than MPFR's erfc; convergent k errs by about exp(-2 |x| sqrt(k)).
    a = t = -x
    for k in range(60 + int(1.2 * (precision * 0.6931 / (2 * float(a))) ** 2), 0, -1):
        t = a + k / t
    return _phi(x) / t


def _tanh_argument(x: Any) -> Any:
    return gmpy2.sqrt(8 / gmpy2.const_pi()) * (x + CUBIC * x**3)


def _tanh_argument_slope(x: Any) -> Any:
    return gmpy2.sqrt(8 / gmpy2.const_pi()) * (x + 3 * CUBIC * x**3)


def _tanh_shrink(x: Any) -> Any:
    if abs(x) > gmpy2.get_context().precision:  # 2 exp(-2x) is below this, and positive: all that rounding asks
        return mpq(x) - gmpy2.sign(x) * (1 - mpq(1, 2) ** (2 * gmpy2.get_context().precision))
    extra = 2 * max(0, -gmpy2.get_exp(x)) + 16 if x else 0
    context = gmpy2.get_context()
    with context.copy() as wide:
        wide.precision = context.precision + extra
        return x - gmpy2.tanh(x)


def _root(x: Any) -> Any:
    return gmpy2.sqrt(x * x + 4)


def _squareplus(x: Any) -> Any:
    return (x + _root(x)) / 2 if x > 0 else 2 / (_root(x) - x)


def _clip(x: Any, low: int, high: int) -> Any:
    return min(max(mpq(x), mpq(low)), mpq(high))


_INF = float("inf")


def _leaky_relu(slope: Any) -> tuple[Real, ...]:
    def derivative(x: Any) -> Any:
        return ONE if x > 0 else slope

    return (lambda x: mpq(x) if x > 0 else slope * mpq(x), derivative, derivative)


def _step(x: Any) -> Any:
    return ONE if x > 0 else ZERO


def _inside(low: float, high: float, slope: Any = None) -> Real:
    return lambda x: (slope or ONE) if low < x < high else ZERO


def _outside(least: float) -> Real:
    return lambda x: ONE if abs(x) > least else ZERO


ZERO, ONE, SIXTH = mpq(0), mpq(1), mpq(1, 6)

_ELU: tuple[Real, ...] = (
    lambda x: x if x > 0 else gmpy2.expm1(x),
    lambda x: ONE if x > 0 else gmpy2.exp(x),
    lambda y: ONE if y > 0 else max(mpq(y) + 1, ZERO),
)

FUNCTIONS: dict[str, tuple[Real, ...]] = {
    "sigmoid": (_sigmoid, lambda x: _sech2(x / 2) / 4, lambda y: max(mpq(y) * (1 - mpq(y)), ZERO)),
    "log_sigmoid": (lambda x: -_softplus(-x), lambda x: _sigmoid(-x), lambda y: -gmpy2.expm1(y) if y < 0 else ZERO),
    "tanh": (gmpy2.tanh, _sech2, lambda y: max(1 - mpq(y) ** 2, ZERO)),
    "tanh_shrink": (_tanh_shrink, lambda x: gmpy2.tanh(x) ** 2),
    "softplus": (_softplus, _sigmoid, lambda y: -gmpy2.expm1(-y) if y > 0 else ZERO),
    "elu": _ELU,
    "celu": _ELU,
    "selu": (
        lambda x: SELU_LAMBDA * x if x > 0 else SELU_LAMBDA * SELU_ALPHA * gmpy2.expm1(x),
        lambda x: SELU_LAMBDA if x > 0 else SELU_LAMBDA * SELU_ALPHA * gmpy2.exp(x),
        lambda y: SELU_LAMBDA if y > 0 else max(mpq(y) + SELU_LAMBDA * SELU_ALPHA, ZERO),
    ),
    "gelu": (lambda x: x * _normal(x), lambda x: _normal(x) + x * _phi(x)),
    "gelu_tanh": (
        lambda x: x * _sigmoid(_tanh_argument(x)),
        lambda x: _gate_grad(_tanh_argument(x), _tanh_argument_slope(x)),
    ),
    "quick_gelu": (lambda x: x * _sigmoid(QUICK * x), lambda x: _gate_grad(QUICK * x, QUICK * x)),
    "silu": (lambda x: x * _sigmoid(x), lambda x: _gate_grad(x, x)),
    "swish": (lambda x: x * _sigmoid(x), lambda x: _gate_grad(x, x)),
    "mish": (_mish, _mish_grad),
    "softsign": (
        lambda x: mpq(x) / (1 + abs(mpq(x))),
        lambda x: 1 / (1 + abs(mpq(x))) ** 2,
        lambda y: max(1 - abs(mpq(y)), ZERO) ** 2,
    ),
    "squareplus": (
        _squareplus,
        lambda x: _squareplus(x) / _root(x),
        lambda y: mpq(y) ** 2 / (mpq(y) ** 2 + 1) if y > 0 else ZERO,
    ),
    "relu": (lambda x: max(mpq(x), ZERO), _step, _step),
    "relu6": (lambda x: _clip(x, 0, 6), _inside(0, 6), _inside(0, 6)),
    "squared_relu": (
        lambda x: max(mpq(x), ZERO) ** 2,
        lambda x: 2 * max(mpq(x), ZERO),
        lambda y: 2 * gmpy2.sqrt(y) if y > 0 else ZERO,
    ),
    "hard_sigmoid": (lambda x: _clip((mpq(x) + 3) / 6, 0, 1), _inside(-3, 3, SIXTH), _inside(0, 1, SIXTH)),
    "hard_swish": (
        lambda x: mpq(x) * _clip((mpq(x) + 3) / 6, 0, 1),
        lambda x: (2 * mpq(x) + 3) / 6 if abs(x) < 3 else (ONE if x > 0 else ZERO),
    ),
    "hard_tanh": (lambda x: _clip(x, -1, 1), _inside(-1, 1), _inside(-1, 1)),
    "leaky_relu": _leaky_relu(mpq(1, 100)),
    "hard_shrink": (lambda x: mpq(x) if abs(x) > 0.5 else ZERO, _outside(0.5), _outside(0.5)),
    "soft_shrink": (
        lambda x: mpq(x) - gmpy2.sign(x) * mpq(1, 2) if abs(x) > 0.5 else ZERO,
        _outside(0.5),
        _outside(0),
    ),
    "thresholded_relu": (lambda x: mpq(x) if x > 1 else ZERO, _inside(1, _INF), _inside(1, _INF)),
}

# Significand bits, smallest exponent (2**emin is the smallest subnormal) and largest exponent of a format.
FORMATS = {
    "float16": (11, -24, 16),
    "bfloat16": (8, -133, 128),
    "float32": (24, -149, 128),
    "float64": (53, -1074, 1024),
}


@functools.cache
def _contexts(precision: int) -> Any:
    return gmpy2.context(precision=precision, emax=gmpy2.get_emax_max(), emin=gmpy2.get_emin_min())


@functools.cache
def _function(name: str, derivative: int, dtype: str) -> Real:
    if name == "leaky_relu":  # a parameter is rounded to the array's dtype first
        return _leaky_relu(mpq(round_rational(mpq(0.01), dtype)))[derivative]
    return FUNCTIONS[name][derivative]


def label(name: str, derivative: int) -> str:
    """Return how the tables call f, f' or f' as a function of y."""
    return name + LABELS[derivative]


def exact(name: str, derivative: int, x: float, precision: int = 200, dtype: str = "float32") -> Any:
    """Return f(x) or f'(x), x being y for derivative 2: a rational or, by `precision` bits, another real number."""
    with _contexts(precision + 64):
        return _function(name, int(derivative), dtype)(mpfr(float(x)))


def working_precision() -> Any:
    """Return a context wide enough for `pair`."""
    return gmpy2.context(_contexts(300))


def pair(value: Any) -> tuple[float, float]:
    """Return the nearest float64 and the rest in units in its last place (0 where it overflows)."""
    real = mpfr(value)
    high = float(real)
    if abs(high) == float("inf"):
        return high, 0.0
    exponent = max(math.frexp(high)[1] - 53, -1074)
    rest = real - high
    return high, float(gmpy2.mul_2exp(rest, -exponent) if exponent < 0 else gmpy2.div_2exp(rest, exponent))


def round_rational(q: Any, dtype: str = "float32") -> float:
    """Round a rational to the nearest number of a format, ties to even, subnormal results and overflow included."""
    bits, lowest, top = FORMATS[dtype]
    if q == 0:
        return 0.0
    n, d = abs(q.numerator), q.denominator
    exponent = gmpy2.bit_length(n) - gmpy2.bit_length(d)
    if (n << max(-exponent, 0)) < (d << max(exponent, 0)):
        exponent -= 1
    unit = max(exponent - bits + 1, lowest)
    if unit >= 0:
        d <<= unit
    else:
        n <<= -unit
    whole, rest = gmpy2.f_divmod(n, d)
    if 2 * rest > d or (2 * rest == d and whole % 2):
        whole += 1
    size = gmpy2.bit_length(whole) + unit
    result = float("inf") if size > top else float(mpq(whole) * mpq(2) ** unit)
    return -result if q < 0 else result


def ulp(value: Any, dtype: str = "float32") -> Any:
    """Return the spacing of a format around a value: of its binade, the subnormal spacing below the normal numbers."""
    bits, lowest, _ = FORMATS[dtype]
    with _contexts(200):
        a = abs(mpfr(value))
        exponent = gmpy2.get_exp(a) if a else lowest
    return mpq(2) ** max(exponent - bits, lowest)


# Limits at -inf and +inf of f, of f', and of f' by way of y.
_GATE = ((-0.0, _INF), (0.0, 1.0))
_CLOSED, _OPEN = (0.0, 0.0), (1.0, 1.0)
LIMITS: dict[str, tuple[tuple[float, float], ...]] = {
    "sigmoid": ((0.0, 1.0), _CLOSED, _CLOSED),
    "log_sigmoid": ((-_INF, -0.0), (1.0, 0.0), (1.0, 0.0)),
    "tanh": ((-1.0, 1.0), _CLOSED, _CLOSED),
    "tanh_shrink": ((-_INF, _INF), _OPEN),
    "softplus": ((0.0, _INF), (0.0, 1.0), (0.0, 1.0)),
    "elu": ((-1.0, _INF), (0.0, 1.0), (0.0, 1.0)),
    "celu": ((-1.0, _INF), (0.0, 1.0), (0.0, 1.0)),
    "selu": (
        (-float(SELU_LAMBDA * SELU_ALPHA), _INF),
        (0.0, float(SELU_LAMBDA)),
        (0.0, float(SELU_LAMBDA)),
    ),
    "gelu": _GATE,
    "gelu_tanh": _GATE,
    "quick_gelu": _GATE,
    "silu": _GATE,
    "swish": _GATE,
    "mish": _GATE,
    "softsign": ((-1.0, 1.0), _CLOSED, _CLOSED),
    "squareplus": ((0.0, _INF), (0.0, 1.0), (0.0, 1.0)),
    "relu": ((0.0, _INF), (0.0, 1.0), (0.0, 1.0)),
    "relu6": ((0.0, 6.0), _CLOSED, _CLOSED),
    "squared_relu": ((0.0, _INF), (0.0, _INF), (0.0, _INF)),
    "hard_sigmoid": ((0.0, 1.0), _CLOSED, _CLOSED),
    "hard_swish": _GATE,
    "hard_tanh": ((-1.0, 1.0), _CLOSED, _CLOSED),
    "leaky_relu": ((-_INF, _INF), (0.01, 1.0), (0.01, 1.0)),
    "hard_shrink": ((-_INF, _INF), _OPEN, _OPEN),
    "soft_shrink": ((-_INF, _INF), _OPEN, _OPEN),
    "thresholded_relu": ((0.0, _INF), (0.0, 1.0), (0.0, 1.0)),
}
# An exact zero is +0 on a constant piece, and has the sign of x where the function passes through it.
CONSTANT_ZERO = {"relu", "relu6", "squared_relu", "hard_shrink", "soft_shrink", "thresholded_relu"}


def correctly_rounded(name: str, derivative: int, x: float, dtype: str = "float32") -> float:
    """Return f(x) or f'(x), as `exact`, rounded once to a format, with the conventions at NaN, infinities and zeros."""
    x = float(x)
    if x != x:
        return x
    if abs(x) == _INF:
        limit = LIMITS[name][derivative][x > 0]
        return limit if limit == 0 or abs(limit) == _INF else round_rational(mpq(limit), dtype)
    if name == "hard_swish" and not derivative and x <= -3:
        return -0.0
    precision = 200
    while True:
        value = exact(name, derivative, x, precision, dtype)
        if value and not isinstance(value, mpq) and gmpy2.get_exp(value) < FORMATS[dtype][1] - 1:
            return -0.0 if value < 0 else 0.0  # below half the smallest number; as a rational it would be a long one
        q = mpq(value)
        if not isinstance(value, mpq) and q:
            slack = abs(q) / (mpq(2) ** (precision - 60))
            low, high = round_rational(q - slack, dtype), round_rational(q + slack, dtype)
            if low != high and precision < 100000:
                precision *= 2
                continue
        result = round_rational(q, dtype)
        if result or (derivative and q == 0):
            return result
        if x == 0:
            return 0.0 if name in CONSTANT_ZERO else x
        underflow = q == 0 and not isinstance(value, mpq)  # of MPFR itself, which keeps the sign
        return -0.0 if q < 0 or (underflow and gmpy2.is_signed(value)) else 0.0


def error_in_ulp(name: str, derivative: int, x: float, y: float, dtype: str = "float32") -> float:
    """Return the distance of y from the exact value in units in the last place of that value."""
    value = exact(name, derivative, x, dtype=dtype)
    if not np.isfinite(y):
        y = float(np.copysign(2.0 ** FORMATS[dtype][2], y)) if dtype != "float64" else y
        if not np.isfinite(y):
            return 0.0 if correctly_rounded(name, derivative, x, dtype) == y else float("inf")
    return float(abs(mpq(float(y)) - mpq(value)) / ulp(value, dtype))
