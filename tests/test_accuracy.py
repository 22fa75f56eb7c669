"""Every result lies as near the exact one as DESIGN.md promises, on every instruction set."""

import numpy as np
import pytest
from common import (
    HALVES,
    as_arrays,
    every_float,
    every_half,
    every_sample,
    every_ufunc,
    expected,
    expected_of_operands,
    parameters_of,
    sample,
)
from gmpy2 import mpfr
from oracle import ACTIVATIONS, allowed_error, assert_same_bits, difference_quotient, rounded, split

from relu_c._ufuncs import UFUNCS


@every_ufunc
@pytest.mark.parametrize("dtype", HALVES)
def test_every_half(name, dtype, isa):
    case = expected(name, parameters_of(name)[0], dtype, every_half)
    case.assert_met_by(UFUNCS[name](*case.operands))


@every_sample()
@every_float
def test_function_and_derivative(name, parameters, dtype, isa):
    case = expected(name, parameters, dtype)
    case.assert_met_by(UFUNCS[name](*case.operands))


@every_sample("_grad", "_grad_from_output")
@every_float
def test_gradient_of_any_dy(name, parameters, dtype, isa):
    case = expected(name, parameters, dtype, random_dy=True)
    case.assert_met_by(UFUNCS[name](*case.operands))


@every_ufunc
@every_float
def test_parameters_that_vary(name, dtype, isa):
    case = expected_of_operands(name, dtype)
    case.assert_met_by(UFUNCS[name](*case.operands))


@every_sample("_grad")
@every_float
def test_derivative_is_the_difference_quotient(name, parameters, dtype):
    stem, arrays = split(name)[0], as_arrays(parameters, dtype)
    scalars = [float(array) for array in arrays]
    x = sample(dtype, name, parameters)
    x = x[np.isfinite(x)][::3]  # the exact values have more to go by: this is their own check
    for kink in ACTIVATIONS[stem].kinks(*scalars):
        x = x[abs(x.astype(np.float64) - kink) > 1e-3]
    got = UFUNCS[name](dtype(1), x, *arrays)
    quotients = np.array([difference_quotient(stem, value, *scalars) for value in x.tolist()])
    for i in np.flatnonzero(got != rounded(quotients, dtype)):
        error = abs(mpfr(float(got[i])) - quotients[i])
        assert error <= allowed_error(name, quotients[i], dtype(1), x[i], *arrays), x[i]


@np.errstate(invalid="ignore")  # ml_dtypes warns of NaN
@every_sample("_grad_from_output")
@every_float
def test_gradient_from_output_is_the_one_from_input(name, parameters, dtype, isa):
    stem = split(name)[0]
    if ACTIVATIONS[stem].output_loses:
        pytest.skip("the rounded output does not determine the gradient to the bit")
    case = expected(f"{stem}_grad", parameters, dtype, random_dy=True)
    dy, x, *arrays = case.operands
    y = UFUNCS[stem](x, *arrays)
    ordered = y[np.argsort(x)]
    if (ordered[1:] < ordered[:-1]).any():
        pytest.skip("not monotone for these parameters: the output does not determine the gradient")
    assert_same_bits(UFUNCS[name](dy, y, *arrays), UFUNCS[f"{stem}_grad"](dy, x, *arrays))
