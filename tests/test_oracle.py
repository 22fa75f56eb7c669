"""The oracle's own arithmetic, against Python's and NumPy's."""

import math
from fractions import Fraction

import gmpy2
import numpy as np
import pytest
from common import HALVES, every_float, every_half, sample
from gmpy2 import mpfr
from ml_dtypes import finfo
from oracle import Expected, rounded, same_bits, spacing


def test_rounding_to_float64_is_python_s():
    random = np.random.default_rng(3)
    fractions = [
        Fraction(int(n), int(d)) * Fraction(2) ** int(e)
        for n, d, e in zip(*random.integers(1, 2**62, (2, 500)), random.integers(-1080, 1020, 500), strict=True)
    ]
    with gmpy2.context(precision=6144):
        values = np.array([mpfr(gmpy2.mpq(fraction)) for fraction in fractions], object)
    assert rounded(values, np.float64).tolist() == [float(fraction) for fraction in fractions]


@pytest.mark.parametrize("dtype", HALVES)
def test_rounding_to_half_types_breaks_ties_to_even(dtype):
    with np.errstate(invalid="ignore"):  # signalling NaNs
        halves = every_half(dtype).astype(np.float64)
    halves = np.sort(halves[np.isfinite(halves)])
    below, above = halves[:-1], halves[1:]
    ties = (below + above) / 2
    assert np.array_equal(
        rounded(ties.astype(object), dtype), ties.astype(np.float32).astype(dtype)
    )  # exact in float32
    assert np.array_equal(rounded(np.nextafter(ties, -math.inf).astype(object), dtype), below)
    assert np.array_equal(rounded(np.nextafter(ties, math.inf).astype(object), dtype), above)


def test_rounding_overflows_and_keeps_the_sign_of_zero():
    values = np.array([65519.99, 65520.0, -65520.0, -(2.0**-25), 2.0**-25, -0.0], object)
    expected = np.array([65504, np.inf, -np.inf, -0.0, 0.0, -0.0], np.float16)
    assert same_bits(rounded(values, np.float16), expected).all()


@np.errstate(invalid="ignore")  # ml_dtypes warns of NaN
@every_float
def test_spacing_is_numpy_s(dtype):
    x = sample(dtype, "relu", ())
    x = abs(x[abs(x) < finfo(dtype).max])
    assert [float(spacing(mpfr(float(value)), dtype)) for value in x] == np.spacing(x).astype(np.float64).tolist()


@pytest.mark.parametrize(
    ("dtype", "ulps", "met"),
    [(np.float16, 0, True), (np.float16, 1, False), (np.float64, 1, True), (np.float64, 2, False)],
)
def test_bound_is_enforced(dtype, ulps, met):
    case = Expected("softsign", np.array([3], dtype))
    got = case.nearest + dtype(ulps) * np.spacing(case.nearest)
    if met:
        case.assert_met_by(got)
    else:
        with pytest.raises(AssertionError, match="softsign"):
            case.assert_met_by(got)


@pytest.mark.parametrize("got", [np.nan, np.inf, -np.inf, -1.0, -0.0])
def test_nan_infinity_and_sign_are_enforced(got):
    with pytest.raises(AssertionError, match="relu"):
        Expected("relu", np.array([-2.0])).assert_met_by(np.array([got]))
