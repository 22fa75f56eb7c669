"""What every activation must give: exact values, their rounding, and how far a result may lie from them.

It shares no code with the kernels. An exact value is an mpfr of a precision at which sums and products of the dtype's
numbers are exact, and quotients and transcendental functions differ from a tie by more than their error. A new
activation adds one entry here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

import gmpy2
import numpy as np
from gmpy2 import mpfr
from ml_dtypes import bfloat16, finfo

# float64's products span 2**-2148 to 2**2048, and 1 / (1 + |x|)**2 must be told from a tie: 2 * 2100 + 1130 bits.
PRECISION = {np.float16: 256, bfloat16: 1024, np.float32: 1024, np.float64: 6144}
INFINITY = mpfr(2) ** 5000  # stands for infinite x and parameters, so that limits need no rule of their own
INFINITE = mpfr(2) ** 2100  # a slope beyond is the limit at infinity: dy = 0 leaves it undetermined, NaN
# Beside 0 a smooth function is told from a tie by its next term, relatively x or x**2 away, and x - tanh(x) loses twice
# the digits that 1 exceeds x by: SMOOTH bits, and thrice the exponent.
SMOOTH = 256
VANISHING = mpfr(2) ** -500  # of narrower types than float64: times any finite dy 0, so it may be taken for 0
CLOSED = mpfr(2) ** -1075  # a slope no larger is 0 in double: it blocks every dy, infinite and NaN ones too


@dataclass(frozen=True)
class Activation:
    """One activation: (f(x), f'(x)), and what the tests need to know to try it where it matters."""

    value_and_slope: Callable
    kinks: Callable = lambda *parameters: ()
    parameters: tuple[tuple[float, ...], ...] = ((),)  # samples; the first is tried on every value of the half types
    root: Callable = lambda *parameters: None  # of f'
    slope_from_output: Callable | None = None  # f' as a function of f(x), where it is not f' at f(x)
    output_loses: bool = False  # whether rounding f(x) changes the gradient taken from it
    outputs: Callable = lambda *parameters: (-math.inf, math.inf)  # the range of f; a y beyond it closes the gate
    smooth: bool = False  # whether it takes the precision of SMOOTH, and time
    once_at: tuple[float, ...] = ()  # the parameters with which results are rounded once

    def from_output(self, y, *parameters):
        """Return f' by way of f(x)."""
        low, high = self.outputs(*parameters)
        if not low <= y <= high:
            return 0
        return self.slope_from_output(y, *parameters) if self.slope_from_output else self(y, *parameters)[1]

    def __call__(self, x, *parameters):
        """Return f(x) and f'(x)."""
        return self.value_and_slope(x, *parameters)


def clamp(x, low, high):
    return (low, 0) if x <= low else (high, 0) if x >= high else (x, 1)


def clamped_line(y, slope):
    return (y, slope) if 0 < y < 1 else (clamp(y, 0, 1)[0], 0)


@cache
def constants(precision):
    """Return sqrt(1/2), sqrt(2/pi), and the scale and scale * alpha of selu.

    Selu's constants are those that keep the mean 0 and the variance 1 of a normal x.
    """
    with gmpy2.context(precision=precision + 64):
        pi, e = gmpy2.const_pi(), gmpy2.exp(1)
        tail, double_tail = gmpy2.erfc(gmpy2.sqrt(mpfr(1) / 2)), gmpy2.erfc(gmpy2.sqrt(mpfr(2)))
        alpha = gmpy2.sqrt(2 / pi) / (1 - gmpy2.sqrt(e) * tail)
        variance = (1 + alpha**2 * (e**2 * double_tail - 2 * gmpy2.sqrt(e) * tail + 1)) / 2
        scale = 1 / gmpy2.sqrt(variance)
        return gmpy2.sqrt(mpfr(1) / 2), gmpy2.sqrt(2 / pi), scale, scale * alpha


def named_constants():
    return constants(gmpy2.get_context().precision)


def logistic(x):
    """Return 1 / (1 + exp(-x)), and the same of -x."""
    vanishing = gmpy2.exp(-abs(x))
    less, more = vanishing / (1 + vanishing), 1 / (1 + vanishing)
    return (more, less) if x >= 0 else (less, more)


def sigmoid(x):
    y, rest = logistic(x)
    return y, y * rest


def softplus(x, beta):
    t = beta * x
    return (max(t, 0) + gmpy2.log1p(gmpy2.exp(-abs(t)))) / beta, logistic(t)[0]


def log_sigmoid(x):
    y, slope = softplus(-x, 1)
    return -y, slope


def tanh_shrink(x):
    y = gmpy2.tanh(x)
    near_one = 1 - mpfr(2) ** -150  # x - 1 may be a tie
    return (x - math.copysign(1, x) * min(abs(y), near_one) if x else x), y * y


def exponential_unit(x, scale, scaled_alpha):
    if x > 0:
        return scale * x, scale
    return (scaled_alpha * gmpy2.expm1(x), scaled_alpha * gmpy2.exp(x)) if scaled_alpha else (0, 0)


def celu(x, alpha):
    return (x, 1) if x > 0 else (alpha * gmpy2.expm1(x / alpha), gmpy2.exp(x / alpha))


def gated(x, z, slope_of_z):
    open_, closed = logistic(z)
    return x * open_, open_ + x * slope_of_z * open_ * closed


def gelu_tanh(x):
    factor, cubic = 2 * named_constants()[1], mpfr(44715) / 1000000
    return gated(x, factor * (x + cubic * x**3), factor * (1 + 3 * cubic * x**2))


def gelu(x):
    if abs(x) > 50:  # exp(-50**2 / 2) is nothing, and 1 - exp(-50**2 / 2) is 1
        return (x, 1) if x > 0 else (-mpfr(0), 0)
    root_half, root_two_over_pi, *_ = named_constants()
    density = gmpy2.exp(-x * x / 2) * root_two_over_pi / 2
    probability = density * mills(-x) if x < -4 else gmpy2.erfc(-x * root_half) / 2
    return x * probability, probability + x * density


def mills(x):
    """Return the normal distribution's tail beyond x > 0 over its density: 1/(x + 1/(x + 2/(x + 3/...))).

    The convergents of order n lie about exp(-2 x sqrt(2 n)) off; gmpy2.erfc takes milliseconds there.
    """
    precision, fraction = gmpy2.get_context().precision, x
    for k in range(int((precision / float(x)) ** 2 / 10) + precision // 8, 0, -1):
        fraction = x + k / fraction
    return 1 / fraction


def mish(x):
    """x w/(w + 2), w = n**2 + 2n, n = exp(x); from the other side with n = exp(-x)."""
    if x > 5000:
        return x, 1
    n = gmpy2.exp(x)
    w = n * (n + 2)
    return x * w / (w + 2), n * ((n + 2) * (w + 2) + 4 * x * (n + 1)) / (w + 2) ** 2


def squareplus(x, b):
    root = gmpy2.sqrt(x * x + b)
    y = (root + x) / 2 if x > 0 else b / (root - x) / 2
    return y, y / root


# The roots of derivatives.
GELU, GELU_TANH, SILU, MISH = -0.7517915246935645, -0.7524614220710163, -1.2784645427610737, -1.1924312145154952

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
        root=lambda: -1.5,
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
        outputs=lambda: (-1, 1),
    ),
    "sigmoid": Activation(
        sigmoid, slope_from_output=lambda y: y * (1 - y), output_loses=True, outputs=lambda: (0, 1), smooth=True
    ),
    "log_sigmoid": Activation(
        log_sigmoid,
        slope_from_output=lambda y: -gmpy2.expm1(y),
        output_loses=True,
        outputs=lambda: (-math.inf, 0),
        smooth=True,
    ),
    "tanh": Activation(
        lambda x: (gmpy2.tanh(x), 4 * sigmoid(2 * x)[1]),
        slope_from_output=lambda y: 1 - y * y,
        output_loses=True,
        outputs=lambda: (-1, 1),
        smooth=True,
    ),
    "tanh_shrink": Activation(tanh_shrink, smooth=True),
    "softplus": Activation(
        softplus,
        parameters=((1.0,), (0.3,), (20.0,)),
        slope_from_output=lambda y, beta: -gmpy2.expm1(-beta * y),
        output_loses=True,
        outputs=lambda beta: (0, math.inf),
        smooth=True,
        once_at=(1.0,),
    ),
    "elu": Activation(
        lambda x, alpha: exponential_unit(x, 1, alpha),
        lambda alpha: (0,),
        ((1.0,), (0.0,), (0.3,), (5.0,)),
        slope_from_output=lambda y, alpha: 1 if y > 0 else y + alpha,
        output_loses=True,
        outputs=lambda alpha: (-alpha, math.inf),
        smooth=True,
        once_at=(1.0,),
    ),
    "celu": Activation(
        celu,
        lambda alpha: (0,),
        ((1.0,), (0.3,), (5.0,)),
        slope_from_output=lambda y, alpha: 1 if y > 0 else (y + alpha) / alpha,
        output_loses=True,
        outputs=lambda alpha: (-alpha, math.inf),
        smooth=True,
        once_at=(1.0,),
    ),
    "selu": Activation(
        lambda x: exponential_unit(x, *named_constants()[2:]),
        lambda: (0,),
        slope_from_output=lambda y: named_constants()[2] if y > 0 else y + named_constants()[3],
        output_loses=True,
        outputs=lambda: (-named_constants()[3], math.inf),
        smooth=True,
    ),
    "gelu": Activation(gelu, root=lambda: GELU, smooth=True),
    "gelu_tanh": Activation(gelu_tanh, root=lambda: GELU_TANH, smooth=True),
    "quick_gelu": Activation(
        lambda x: gated(x, mpfr(1702) / 1000 * x, mpfr(1702) / 1000), root=lambda: SILU / 1.702, smooth=True
    ),
    "silu": Activation(lambda x: gated(x, x, 1), root=lambda: SILU, smooth=True),
    "swish": Activation(
        lambda x, beta: gated(x, beta * x, beta),
        parameters=((1.0,), (0.0,), (-0.7,), (20.0,)),
        root=lambda beta: SILU / beta if beta else None,
        smooth=True,
        once_at=(1.0,),
    ),
    "mish": Activation(mish, root=lambda: MISH, smooth=True),
    "squareplus": Activation(
        squareplus,
        parameters=((4.0,), (0.3,), (100.0,)),
        slope_from_output=lambda y, b: y * y / (y * y + b / 4),
        output_loses=True,
        outputs=lambda b: (0, math.inf),
        smooth=True,
        once_at=(4.0,),
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

    def function(x, *parameters):
        return _value_or_slope(stem, kind, x, parameters)

    def gradient(dy, x, *parameters):
        slope = _value_or_slope(stem, kind, x, parameters)
        if abs(slope) > INFINITE:
            return dy * mpfr(math.copysign(math.inf, slope))
        return dy * mpfr(slope) if abs(slope) > CLOSED else 0

    formula, x = (gradient, 1) if kind else (function, 0)
    operands = np.broadcast_arrays(*operands)
    with np.errstate(invalid="ignore"):  # ml_dtypes warns of NaN
        rows = zip(*(operand.astype(np.float64).ravel().tolist() for operand in operands), strict=True)
    with gmpy2.context(precision=PRECISION[operands[0].dtype.type]):
        results = [mpfr(row[x] if math.isnan(row[x]) else formula(*row)) for row in rows]
    return np.array(results, object).reshape(operands[0].shape)


def _value_or_slope(stem, kind, x, parameters):
    if ACTIVATIONS[stem].smooth:
        return _smooth(stem, kind == "_grad_from_output", x, math.copysign(1, x), parameters)[kind != ""]
    return _evaluate(stem, kind == "_grad_from_output", x, parameters)[kind != ""]


@lru_cache(2**17)  # all values of a half type are still there for the derivative; the sign tells -0.0 from 0.0
def _smooth(stem, from_output, x, sign, parameters):
    with gmpy2.context(precision=SMOOTH + 3 * max(0, -math.frexp(x)[1])):
        return _evaluate(stem, from_output, x, parameters)


def _evaluate(stem, from_output, x, parameters):
    x, *parameters = map(_finite, (x, *parameters))
    activation = ACTIVATIONS[stem]
    return (None, activation.from_output(x, *parameters)) if from_output else activation(x, *parameters)


def difference_quotient(stem, x, *parameters):
    """Return the slope of an activation near x, from its values alone, and within 2**-90 of f' away from the kinks.

    A bounded function is told from its limit by as little as 2**-1075 of it: hence five times SMOOTH.
    """
    precision = (
        5 * SMOOTH + 3 * max(0, -math.frexp(x or 2.0**-1074)[1]) if ACTIVATIONS[stem].smooth else PRECISION[np.float64]
    )
    with gmpy2.context(precision=precision):
        x, *parameters = map(_finite, (x, *parameters))
        step = abs(x) / 2**64 if x else mpfr(2) ** -1100
        above, below = (mpfr(ACTIVATIONS[stem](x + h, *parameters)[0]) for h in (step, -step))
        return (above - below) / (2 * step)


def _finite(value):
    return mpfr(value) if math.isfinite(value) else math.copysign(1, value) * INFINITY


def rounded(values, dtype):
    """Round exact values to a float dtype once: to nearest even, with subnormals, overflow and the sign of zero."""
    info = finfo(dtype)
    bits = info.nmant + 1
    with gmpy2.context(precision=bits, emax=info.maxexp, emin=info.minexp - bits + 2, subnormalize=True):
        return np.array([float(mpfr(value)) for value in values.flat], dtype).reshape(values.shape)


def spacing(value, dtype):
    """Return the unit in the last place of a float dtype at an exact value."""
    info = finfo(dtype)
    exponent = gmpy2.get_exp(value) - 1 if value else info.minexp  # 2**exponent <= |value|
    return mpfr(2) ** (min(max(exponent, info.minexp), info.maxexp - 1) - info.nmant)


@np.errstate(invalid="ignore")  # ml_dtypes warns of NaN
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

    A gradient from the output is measured against the exact function of the rounded output.
    """
    stem, kind = split(name)
    activation, dtype = ACTIVATIONS[stem], operands[0].dtype.type
    derivative = bool(kind) and operands[0] == 1
    ulp = spacing(value, dtype)
    if dtype != np.float64:
        once = operands[2 if kind else 1 :] == activation.once_at and (not kind or derivative)
        root = activation.root(*map(float, operands[2:])) if kind == "_grad" else None
        if root is not None and abs(operands[1] - root) <= np.spacing(np.float32(abs(root))):
            return ulp
        return (0.5 if once else mpfr("0.5001")) * ulp
    if not kind:
        return ulp
    one_more = not derivative
    root = activation.root(*map(float, operands[2:])) if kind == "_grad" else None
    if root is None:
        return (1 + one_more) * ulp
    if abs(operands[1] - root) > 1:
        return (2 + one_more) * ulp
    return mpfr(2) ** -52 * abs(float(operands[0])) + one_more * ulp


class Expected:
    """What a ufunc of the table must give for operands of one float dtype, computed once."""

    def __init__(self, name, *operands):
        self.name = name
        self.operands = np.broadcast_arrays(*operands)

    @cached_property
    def nearest(self):
        """The exact results rounded once."""
        return rounded(exact(self.name, *self.operands), self.operands[0].dtype)

    def assert_met_by(self, got):
        """Assert the accuracy that DESIGN.md promises, every NaN and infinity in place, and the sign of every zero."""
        assert (got.dtype, got.shape) == (self.nearest.dtype, self.nearest.shape)
        for i in np.flatnonzero(~same_bits(got, self.nearest)):
            self._assert_near(got.flat[i], self.nearest.flat[i], *(operand.flat[i] for operand in self.operands))

    @np.errstate(invalid="ignore")  # ml_dtypes warns of NaN
    def _assert_near(self, got, nearest, *operands):
        report = f"{self.name}{operands} gave {got!r}, not {nearest!r}"
        assert np.isfinite(nearest) or np.isfinite(got), report
        if self._slope_is_nothing(*operands):
            return
        assert not got == nearest == 0, report + ": the sign"
        value = exact(self.name, *map(np.asarray, operands)).item()
        with gmpy2.context(precision=max(PRECISION.values())):
            result = mpfr(float(got))
            if gmpy2.is_infinite(result):  # it counts as the first number that is too large
                result = math.copysign(1, got) * mpfr(2) ** finfo(got.dtype).maxexp
            assert abs(result - value) <= allowed_error(self.name, value, *operands), report

    def _slope_is_nothing(self, *operands):
        """Return whether no bound is promised since the derivative hardly differs from 0.

        Of float64, if a dy multiplies a subnormal one; of narrower types, if the loop's doubles decide whether it is 0.
        """
        dtype = operands[0].dtype.type
        if not split(self.name)[1] or (dtype == np.float64 and operands[0] == 1):
            return False
        slope = exact(self.name, *map(np.asarray, (np.ones_like(operands[0]), *operands[1:]))).item()
        return 0 < abs(slope) < (np.finfo(np.float64).tiny if dtype == np.float64 else VANISHING)
