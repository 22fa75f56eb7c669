"""What every activation must give: exact values, their rounding, and how far a result may lie from them.

It shares no code with the kernels. An exact value is an mpfr of a precision at which sums and products of the dtype's
numbers are exact, and quotients differ from a tie by more than their error. A new activation adds one line here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import gmpy2
import numpy as np
from gmpy2 import mpfr

# float64's products span 2**-2148 to 2**2048, and 1 / (1 + |x|)**2 must be told from a tie: 2 * 2100 + 1130 bits.
PRECISION = {np.float16: 256, np.float32: 1024, np.float64: 6144}
INFINITY = mpfr(2) ** 5000  # stands for infinite x and parameters, so that limits need no rule of their own
INFINITE = mpfr(2) ** 2100  # a slope beyond is the limit at infinity: dy = 0 leaves it undetermined, NaN
CLOSED = mpfr(2) ** -1075  # a slope no larger is 0 in double: it blocks every dy, infinite and NaN ones too


@dataclass(frozen=True)
class Activation:
    """One activation: (f(x), f'(x)), and what the tests need to know to try it where it matters."""

    value_and_slope: Callable
    kinks: Callable = lambda *parameters: ()
    parameters: tuple[tuple[float, ...], ...] = ((),)  # samples; the first is tried on every float16
    root: float | None = None  # of f'
    slope_from_output: Callable | None = None  # f' as a function of f(x), where it is not f' at f(x)
    output_loses: bool = False  # whether rounding f(x) changes the gradient taken from it

    def from_output(self, y, *parameters):
        """Return f' by way of f(x)."""
        return self.slope_from_output(y, *parameters) if self.slope_from_output else self(y, *parameters)[1]

    def __call__(self, x, *parameters):
        """Return f(x) and f'(x)."""
        return self.value_and_slope(x, *parameters)


def clamp(x, low, high):
    return (low, 0) if x <= low else (high, 0) if x >= high else (x, 1)


def clamped_line(y, slope):
    return (y, slope) if 0 < y < 1 else (clamp(y, 0, 1)[0], 0)


ACTIVATIONS = {
    "relu": Activation(lambda x: (x, 1) if x > 0 else (0, 0), lambda: (0,)),
    "relu6": Activation(lambda x: clamp(x, 0, 6), lambda: (0, 6)),
    "squared_relu": Activation(
        lambda x: (x * x, 2 * x) if x > 0 else (0, 0),
        lambda: (0,),
        slope_from_output=lambda y: 2 * gmpy2.sqrt(y) if y > 0 else 0,
        output_loses=True,
    ),
    "leaky_relu": Activation(
        lambda x, slope: (x, 1) if x > 0 else (slope * x if slope else 0, slope),
        lambda slope: (0,),
        ((0.01,), (0.0,), (1.0,), (-0.5,), (3.7,)),
    ),
    "thresholded_relu": Activation(
        lambda x, theta: (x, 1) if x > theta else (0, 0), lambda theta: (theta,), ((1.0,), (0.0,), (-0.75,))
    ),
    "threshold": Activation(
        lambda x, threshold, value: (x, 1) if x > threshold else (value, 0),
        lambda threshold, value: (threshold,),
        ((0.5, -3.0), (0.0, 0.0), (-1.0, 20.0)),
    ),
    "hard_tanh": Activation(
        clamp,
        lambda low, high: (low, high),
        ((-1.0, 1.0), (0.0, 6.0), (0.25, 0.25), (-math.inf, 0.5), (-math.inf, math.inf)),
    ),
    "hard_sigmoid": Activation(
        lambda x, slope, offset: clamped_line(slope * x + offset, slope),
        lambda slope, offset: (-offset / slope, (1 - offset) / slope) if slope else (),
        ((0.2, 0.5), (1 / 6, 0.5), (0.0, 0.25), (-0.3, 0.1)),
        slope_from_output=lambda y, slope, offset: clamped_line(y, slope)[1],
        output_loses=True,
    ),
    "hard_sigmoid_default": Activation(
        lambda x: clamped_line((x + 3) / 6, mpfr(1) / 6),
        lambda: (-3, 3),
        slope_from_output=lambda y: clamped_line(y, mpfr(1) / 6)[1],
        output_loses=True,
    ),
    "hard_swish": Activation(
        lambda x: (x * (x + 3) / 6, (2 * x + 3) / 6) if -3 < x < 3 else (x, 1) if x >= 3 else (-mpfr(0), 0),
        lambda: (-3, 3),
        root=-1.5,
    ),
    "hard_shrink": Activation(
        lambda x, lambd: (x, 1) if abs(x) > lambd else (0, 0), lambda lambd: (-lambd, lambd), ((0.5,), (0.0,), (1.7,))
    ),
    "soft_shrink": Activation(
        lambda x, lambd: (x - lambd, 1) if x > lambd else (x + lambd, 1) if x < -lambd else (0, 0),
        lambda lambd: (-lambd, lambd),
        ((0.5,), (0.0,), (1.7,)),
        slope_from_output=lambda y, lambd: 1 if y else 0,
    ),
    "softsign": Activation(
        lambda x: (x / (1 + abs(x)), 1 / (1 + abs(x)) ** 2),
        slope_from_output=lambda y: (1 - abs(y)) ** 2,
        output_loses=True,
    ),
}


def split(name):
    """Return the stem of a ufunc's name, its activation, and its kind: "", "_grad" or "_grad_from_output"."""
    for kind in ("_grad_from_output", "_grad"):
        if name.endswith(kind):
            return name.removesuffix(kind), kind
    return name, ""


def exact(name, *operands):
    """Return the exact results of a ufunc of the table for operands of one float dtype, in an object array."""
    stem, kind = split(name)
    activation = ACTIVATIONS[stem]

    def function(x, *parameters):
        return activation(*map(_finite, (x, *parameters)))[0]

    def gradient(dy, x, *parameters):
        given = map(_finite, (x, *parameters))
        slope = activation.from_output(*given) if kind == "_grad_from_output" else activation(*given)[1]
        if abs(slope) > INFINITE:
            return dy * mpfr(math.inf)
        return dy * mpfr(slope) if abs(slope) > CLOSED else 0

    formula, x = (gradient, 1) if kind else (function, 0)
    operands = np.broadcast_arrays(*operands)
    rows = zip(*(operand.ravel().tolist() for operand in operands), strict=True)
    with gmpy2.context(precision=PRECISION[operands[0].dtype.type]):
        results = [mpfr(row[x] if math.isnan(row[x]) else formula(*row)) for row in rows]
    return np.array(results, object).reshape(operands[0].shape)


def difference_quotient(stem, x, *parameters):
    """Return the slope of an activation near x, from its values alone, and within 2**-90 of f' away from the kinks."""
    with gmpy2.context(precision=PRECISION[np.float64]):
        step = mpfr(2) ** -100
        x, *parameters = map(_finite, (x, *parameters))
        above, below = (mpfr(ACTIVATIONS[stem](x + h, *parameters)[0]) for h in (step, -step))
        return (above - below) / (2 * step)


def _finite(value):
    return mpfr(value) if math.isfinite(value) else math.copysign(1, value) * INFINITY


def rounded(values, dtype):
    """Round exact values to a float dtype once: to nearest even, with subnormals, overflow and the sign of zero."""
    with gmpy2.context(gmpy2.ieee(8 * np.dtype(dtype).itemsize)):
        return np.array([float(mpfr(value)) for value in values.flat], dtype).reshape(values.shape)


def spacing(value, dtype):
    """Return the unit in the last place of a float dtype at an exact value."""
    info = np.finfo(dtype)
    exponent = gmpy2.get_exp(value) - 1 if value else info.minexp  # 2**exponent <= |value|
    return mpfr(2) ** (min(max(exponent, info.minexp), info.maxexp - 1) - info.nmant)


def same_bits(a, b):
    """Return where two arrays have the same bits; any NaN is as good as another."""
    unsigned = f"u{a.dtype.itemsize}"
    same = np.ascontiguousarray(a).view(unsigned) == np.ascontiguousarray(b).view(unsigned)
    return (same | ((a != a) & (b != b))).reshape(a.shape)


def assert_same_bits(got, expected):
    """Assert that two results are of one dtype and shape, and the same to the bit."""
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    different = np.argwhere(~same_bits(got, expected))
    assert not len(different), f"at {different[0]}: {got[tuple(different[0])]!r}, not {expected[tuple(different[0])]!r}"


def allowed_error(name, value, *operands):
    """Return how far from an exact value a result may lie: the bounds of DESIGN.md, sections 4 and 7.

    A gradient from the output is measured against the exact function of the rounded output; float64 gets one ulp more.
    """
    stem, kind = split(name)
    activation, dtype = ACTIVATIONS[stem], operands[0].dtype.type
    derivative = bool(kind) and operands[0] == 1
    ulp = spacing(value, dtype)
    if dtype != np.float64:
        once = activation.parameters == ((),) and (not kind or derivative) and kind != "_grad_from_output"
        return (0.5 if once else mpfr("0.5001")) * ulp
    if not kind:
        return ulp
    one_more = (kind == "_grad_from_output") + (not derivative)
    if activation.root is None:
        return (1 + one_more) * ulp
    if abs(operands[1] - activation.root) > 1:
        return (2 + one_more) * ulp
    return mpfr(2) ** -52 * abs(float(operands[0])) + one_more * ulp


class Expected:
    """What a ufunc of the table must give for operands of one float dtype, computed once."""

    def __init__(self, name, *operands):
        self.name = name
        self.operands = np.broadcast_arrays(*operands)
        self.nearest = rounded(exact(name, *self.operands), self.operands[0].dtype)

    def assert_met_by(self, got):
        """Assert the accuracy that DESIGN.md promises, every NaN and infinity in place, and the sign of every zero."""
        assert (got.dtype, got.shape) == (self.nearest.dtype, self.nearest.shape)
        for i in np.flatnonzero(~same_bits(got, self.nearest)):
            self._assert_near(got.flat[i], self.nearest.flat[i], *(operand.flat[i] for operand in self.operands))

    def _assert_near(self, got, nearest, *operands):
        report = f"{self.name}{operands} gave {got!r}, not {nearest!r}"
        assert np.isfinite(nearest) or np.isfinite(got), report
        assert not got == nearest == 0, report + ": the sign"
        if self._slope_is_subnormal(*operands):
            return
        value = exact(self.name, *map(np.asarray, operands)).item()
        with gmpy2.context(precision=max(PRECISION.values())):
            result = mpfr(float(got))
            if gmpy2.is_infinite(result):  # it counts as the first number that is too large
                result = math.copysign(1, got) * mpfr(2) ** np.finfo(got.dtype).maxexp
            assert abs(result - value) <= allowed_error(self.name, value, *operands), report

    def _slope_is_subnormal(self, *operands):
        """Return whether dy multiplies a float64 derivative that is subnormal: no bound is promised then."""
        if not split(self.name)[1] or operands[0] == 1:
            return False
        slope = exact(self.name, *map(np.asarray, (np.ones_like(operands[0]), *operands[1:]))).item()
        return 0 < abs(slope) < np.finfo(np.float64).tiny
