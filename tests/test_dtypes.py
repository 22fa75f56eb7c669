"""dtypes: what is kept, what is promoted, what is refused; outputs that do not fit."""

import numpy as np
import pytest
from common import FLOATS, INTEGERS, every_float, every_ufunc, every_wrapper, given, keeps_integers, operands, row_of
from oracle import assert_same_bits

import relu_c
from relu_c._ufuncs import UFUNCS

# What has no loop: complex, longdouble, objects, strings, dates.
REFUSED = ("F", "D", "g", "O", "S1", "U1", "M8[s]", "m8[s]")


@every_ufunc
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers(name, dtype):
    ufunc = UFUNCS[name]
    expected = dtype if keeps_integers(name) else np.tanh(np.zeros(1, dtype)).dtype
    ones = [np.ones(3, dtype)] * ufunc.nin
    got = ufunc(*ones)
    assert got.dtype == expected
    assert np.array_equal(got, ufunc(*(np.ones(3) for _ in ones)).astype(expected))


@every_wrapper
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_with_scalar_parameters(name, dtype):
    arrays, parameters = given(name, np.float64)
    x = np.arange(-3 if np.iinfo(dtype).min else 0, 4).astype(dtype)
    function, row = getattr(relu_c, name), row_of(name)
    got = function(*[x] * len(arrays), **parameters)
    floats = function(*[x.astype(np.float64)] * len(arrays), **parameters)
    assert got.dtype == (dtype if keeps_integers(row) else np.float64)
    assert np.array_equal(got, np.maximum(floats, 0) if got.dtype.kind == "u" else floats)


@every_ufunc
def test_bool(name):
    given = [np.ones(3, bool)] * UFUNCS[name].nin
    if keeps_integers(name):
        with pytest.raises(TypeError, match=name):
            UFUNCS[name](*given)
    else:
        assert UFUNCS[name](*given).dtype == np.tanh(given[0]).dtype


@every_ufunc
def test_python_numbers_and_lists(name):
    ufunc, nin = UFUNCS[name], UFUNCS[name].nin
    assert type(ufunc(*[1.0] * nin)) is np.float64
    assert type(ufunc(*[1] * nin)) is (np.int64 if keeps_integers(name) else np.float64)
    assert_same_bits(ufunc(*[[1.0, -2.0]] * nin), ufunc(*[np.array([1.0, -2.0])] * nin))


@every_ufunc
@every_float
def test_dtype_of_the_operands_decides(name, dtype):
    given = operands(name, dtype, 20)
    assert UFUNCS[name](*given).dtype == dtype
    for k in range(len(given)):
        for scalar in (1.0, 1):
            mixed = [*given[:k], scalar, *given[k + 1 :]]
            whole = [*given[:k], np.full(20, scalar, dtype), *given[k + 1 :]]
            if len(given) > 1:
                assert_same_bits(UFUNCS[name](*mixed), UFUNCS[name](*whole))
        for other in (*FLOATS, *INTEGERS):
            mixed = [*given[:k], np.ones(20, other), *given[k + 1 :]]
            try:
                common = np.result_type(*mixed)
            except TypeError:  # bfloat16 has no common dtype with float16, and with most integers
                with pytest.raises(TypeError):
                    UFUNCS[name](*mixed)
                continue
            assert_same_bits(UFUNCS[name](*mixed), UFUNCS[name](*(a.astype(common) for a in mixed)))


@every_ufunc
@pytest.mark.parametrize("code", REFUSED)
def test_unknown_dtype_is_refused(name, code):
    nin = UFUNCS[name].nin
    for k in range(nin):
        given = [np.ones(3)] * nin
        given[k] = np.zeros(3, code)
        out = np.full(3, 77.0)
        with pytest.raises(TypeError, match=name):
            UFUNCS[name](*given, out=out)
        assert (out == 77).all()


@every_wrapper
@pytest.mark.parametrize("code", REFUSED)
def test_unknown_dtype_is_refused_with_parameters(name, code):
    arrays, parameters = given(name, np.float64, 3)
    out = np.full(3, 77.0)
    with pytest.raises(TypeError):
        getattr(relu_c, name)(*arrays[:-1], np.zeros(3, code), **parameters, out=out)
    assert (out == 77).all()


@pytest.mark.parametrize(
    ("dtype", "low", "high", "expected"),
    [
        (np.int8, -1.0, 1.0, [-1, -1, 0, 1, 1]),
        (np.uint8, -1.0, 1.0, [0, 0, 1, 1, 1]),
        (np.int8, -1000, 1000, [-128, -3, 0, 3, 127]),
        (np.uint8, -np.inf, np.inf, [0, 0, 3, 200, 255]),
        (np.int64, -np.inf, 2**53 + 1, [-(2**63), -3, 0, 3, 2**53 + 1]),
        (np.uint64, 2**63 + 1, np.inf, [2**63 + 1, 2**63 + 1, 2**63 + 1, 2**63 + 1, 2**64 - 1]),
        (np.int16, np.float64(-2), np.int64(2), [-2, -2, 0, 2, 2]),
    ],
)
def test_integer_bounds_of_hard_tanh(dtype, low, high, expected):
    info = np.iinfo(dtype)
    x = np.array([info.min, -3, 0, 3, info.max] if info.min else [0, 0, 3, min(200, info.max), info.max], dtype)
    assert_same_bits(relu_c.hard_tanh(x, low, high), np.array(expected, dtype))


@pytest.mark.parametrize("bounds", [(0.5, 3), (0, 3.5), (np.nan, 1), (2, 1)])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_bounds_of_hard_tanh_that_are_refused(bounds, dtype):
    out = np.full(3, 77, dtype)
    with pytest.raises(ValueError, match=r"m(in|ax)_val must "):
        relu_c.hard_tanh(np.ones(3, dtype), *bounds, out=out)
    assert (out == 77).all()


@every_ufunc
@pytest.mark.parametrize(
    ("make_out", "error"),
    [
        (lambda: np.full(3, 77, np.int32), TypeError),
        (lambda: np.full(3, 77, bool), TypeError),
        (lambda: np.full(2, 77.0), ValueError),
        (lambda: np.full((1, 2), 77.0), ValueError),
        (lambda: np.broadcast_to(77.0, 3), ValueError),
        (lambda: [77.0, 77.0, 77.0], TypeError),
    ],
    ids=["int", "bool", "too small", "too small in 2-d", "read-only", "list"],
)
def test_out_that_does_not_fit(name, make_out, error):
    out, before = make_out(), make_out()
    with pytest.raises(error):
        UFUNCS[name](*operands(name, np.float64, 3), out=out)
    assert np.array_equal(out, before)
