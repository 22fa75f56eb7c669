"""The half types on all of their values: what estimates decide is what the formula in double gives, with any dy."""

import numpy as np
import pytest
from common import HALVES, as_arrays, every_half, every_sample
from oracle import assert_same_bits, split

from relu_c._ufuncs import UFUNCS

# Parameters beside which intermediate floats overflow and underflow, where the range of bfloat16 holds them.
FAR = {
    "leaky_relu": ((1e-30,), (1e30,)),
    "hard_sigmoid": ((1e30, 0.5), (1e-30, 1e-30), (1e-38, 0.0), (1e30, -1e30)),
    "soft_shrink": ((1e-38,), (1e30,)),
    "softplus": ((1e-30,), (1e30,)),
    "elu": ((1e-30,), (1e30,)),
    "celu": ((1e-30,), (1e30,)),
    "swish": ((1e-30,), (1e30,), (-1e30,)),
    "squareplus": ((1e-30,), (1e30,)),
}


def rounded(wide, dtype):
    """Round float64 to a half type once, by way of 13 bits of which the last is odd if any was lost."""
    low = np.int64(2**40 - 1)
    bits = wide.view(np.int64)
    odd = ((bits | ((bits & low) + low)) & ~low).view(np.float64)
    return odd.astype(np.float32).astype(dtype)


def check(name, parameters, dtype):
    """Compare all values of x, and a dy of random bits, with the float64 loop, where its own error turns nothing."""
    x, random = every_half(dtype), np.random.default_rng(8)
    dy = [random.permutation(x)] if split(name)[1] else []
    arrays = as_arrays(parameters, dtype)
    got = UFUNCS[name](*dy, x, *arrays)
    wide = [operand.astype(np.float64) for operand in (*dy, x, *arrays)]
    result = UFUNCS[name](*wide)
    sure = same(rounded(result * (1 - 2.0**-44), dtype), rounded(result * (1 + 2.0**-44), dtype))
    if dy:  # loops evaluate in less range than float64's where the slope is next to nothing
        slope = UFUNCS[name](1.0, *wide[1:])
        sure &= (slope == 0) | (abs(slope) > 2.0**-500) | np.isnan(slope)
    assert np.count_nonzero(sure) > 60_000
    assert_same_bits(got[sure], rounded(result, dtype)[sure])


def same(a, b):
    return (a.view(np.uint16) == b.view(np.uint16)) | (np.isnan(a) & np.isnan(b))


@np.errstate(all="ignore")
@every_sample()
@pytest.mark.parametrize("dtype", HALVES)
def test_every_value_with_any_dy(name, parameters, dtype, isa):
    check(name, parameters, dtype)


@np.errstate(all="ignore")
@pytest.mark.parametrize(("name", "parameters"), [(n, p) for n in UFUNCS for p in FAR.get(split(n)[0], ())])
def test_parameters_far_from_one(name, parameters, isa):
    check(name, parameters, HALVES[1])
