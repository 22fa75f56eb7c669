"""Gradients of learned parameters: the right sums, in float64 and one order, over the right axes."""

import inspect

import numpy as np
import pytest
from common import FLOATS, every_float
from ml_dtypes import finfo
from oracle import assert_same_bits

import relu_c

LONG = np.longdouble


def logistic_slope(z):
    vanishing = np.exp(-abs(z))
    return vanishing / (1 + vanishing) ** 2


# By stem: the parameter, and the derivative of the function with respect to it, in long double.
LEARNED = {
    "prelu": ("weight", lambda x, weight: np.minimum(x, 0)),
    "elu": ("alpha", lambda x, alpha: np.expm1(np.minimum(x, 0))),
    "swish": ("beta", lambda x, beta: x * x * logistic_slope(beta * x)),
}
every_learned = pytest.mark.parametrize("name", LEARNED)
# Shapes of x and of the parameter: short and long runs (blocks have 1024 elements, tasks 131072), all patterns of kept
# and summed axes, axes of 1, nothing to sum, nothing at all.
SHAPES = [
    ((), ()),
    ((5,), ()),
    ((5,), (1,)),
    ((5,), (5,)),
    ((3000,), ()),
    ((300_000,), ()),
    ((300, 7), (7,)),
    ((300, 7), (300, 1)),
    ((300, 7), (300, 7)),
    ((40_000, 5), (5,)),
    ((70, 5000), (5000,)),
    ((70, 5000), (70, 1)),
    ((20, 30, 11, 13), (30, 1, 1)),
    ((20, 30, 50, 40), (30, 1, 1)),
    ((20, 30, 11, 13), (20, 1, 11, 1)),
    ((20, 30, 11, 13), (1, 30, 1, 13)),
    ((3, 70, 400), (3, 1, 400)),
    ((2, 3, 70_000), (3, 1)),
    ((200, 5, 9), (5, 9)),
    ((1, 4, 1, 6), (1, 1, 6)),
    ((7,), (3, 1)),
    ((0, 4), (4,)),
    ((4, 0), (4, 1)),
    ((0,), ()),
]
every_shape = pytest.mark.parametrize(("shape", "parameter_shape"), SHAPES, ids=str)


# Copies of an array in other layouts.
LAYOUTS = {
    "C order": np.copy,
    "Fortran order": lambda array: array.copy(order="F"),
    "every second": lambda array: np.repeat(array, 2, -1)[..., ::2] if array.ndim else array.copy(),
    "reversed": lambda array: array[..., ::-1].copy()[..., ::-1] if array.ndim else array.copy(),
}


def functions(name):
    """Return the gradients of the parameter, of both, and of x."""
    parameter, _ = LEARNED[name]
    return (getattr(relu_c, f"{name}{kind}") for kind in (f"_{parameter}_grad", "_grads", "_grad"))


def operands(shape, parameter_shape, dtype):
    rng = np.random.default_rng(7)
    dy, x = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    return dy, x, np.asarray(rng.uniform(0.1, 2, parameter_shape), dtype)


def exact(name, dy, x, parameter):
    """Return the sums in long double, and those of the terms' magnitudes."""
    dy, x, parameter = (array.astype(LONG) for array in (dy, x, parameter))
    terms = np.broadcast_to(dy * LEARNED[name][1](x, parameter), np.broadcast_shapes(x.shape, parameter.shape))
    padded = (1,) * (terms.ndim - parameter.ndim) + parameter.shape
    axes = tuple(axis for axis, length in enumerate(padded) if length == 1)
    return (np.sum(t, axis=axes, keepdims=True).reshape(parameter.shape) for t in (terms, abs(terms)))


@every_learned
@every_shape
@every_float
def test_sums(name, shape, parameter_shape, dtype):
    parameter_grad, grads, grad = functions(name)
    dy, x, parameter = operands(shape, parameter_shape, dtype)
    got = parameter_grad(dy, x, parameter)
    total, magnitude = exact(name, dy, x, parameter)
    assert (got.dtype, got.shape) == (dtype, parameter_shape)
    info = finfo(dtype)
    rounding = np.maximum(np.spacing(abs(total).astype(dtype)), info.smallest_subnormal).astype(LONG)
    # float64: a term is within a few ulp (the argument of swish's sigmoids is rounded), and so is a sum of sums
    bound = LONG("0.5001") * rounding + magnitude * LONG(2) ** (-50 if dtype == np.float64 else -45)
    assert (abs(got.astype(LONG) - total) <= bound).all()
    dx, both = grads(dy, x, parameter)
    assert_same_bits(np.asarray(both), np.asarray(got))
    assert_same_bits(np.asarray(dx), np.asarray(grad(dy, x, parameter)))


@every_learned
def test_finite_differences(name):
    parameter_grad, _, _ = functions(name)
    dy, x, parameter = operands((50, 6), (6,), np.float64)
    step = 1e-5
    above, below = (np.sum(dy * getattr(relu_c, name)(x, parameter + h), axis=0) for h in (step, -step))
    np.testing.assert_allclose(parameter_grad(dy, x, parameter), (above - below) / (2 * step), rtol=1e-7, atol=1e-9)


@every_learned
@every_float
@pytest.mark.parametrize(("shape", "parameter_shape"), [(s, p) for s, p in SHAPES if 1 < np.prod(s) < 10**4], ids=str)
def test_layout_does_not_change_a_bit(name, dtype, shape, parameter_shape, isa):
    parameter_grad, grads, _ = functions(name)
    given = operands(shape, parameter_shape, dtype)
    expected = [np.asarray(array) for array in grads(*given)]
    for lay in LAYOUTS.values():
        laid = [lay(array) for array in given]
        for arrays in (laid, [given[0], *laid[1:]], [laid[0], *given[1:]]):
            assert_same_bits(np.asarray(parameter_grad(*arrays)), expected[1])
            for one, whole in zip(grads(*arrays), expected, strict=True):
                assert_same_bits(np.asarray(one), whole)
            out = tuple(lay(np.zeros_like(array)) for array in expected)
            assert all(a is b for a, b in zip(grads(*arrays, out=out), out, strict=True))
            for one, whole in zip(out, expected, strict=True):
                assert_same_bits(one, whole)
        for k in range(2):  # in place
            arrays = [lay(array) for array in given]
            if arrays[k].shape == shape == expected[0].shape:
                dx, got = grads(*arrays, out=(arrays[k], None))
                assert dx is arrays[k]
                assert_same_bits(dx, expected[0])
                assert_same_bits(np.asarray(got), expected[1])


@every_learned
def test_sums_are_the_same_on_every_instruction_set(name, isa):
    from relu_c._ufuncs import _use_isa, available_instruction_sets

    parameter_grad, _, _ = functions(name)
    for dtype in FLOATS:
        given = operands((30, 5, 700), (5, 1), dtype)
        got = parameter_grad(*given)
        _use_isa(available_instruction_sets()[-1])
        assert_same_bits(got, parameter_grad(*given))
        _use_isa(isa)


@every_float
def test_sums_are_in_float64(dtype):
    x = np.full(40_000, -1, dtype)
    dy = np.ones_like(x)
    dy[0], dy[-1] = 3e4, -3e4  # in the dtype itself, what lies between would be lost next to it, or overflow
    assert relu_c.prelu_weight_grad(dy, x, dtype(0.25)) == dtype(-39_998)
    half = dtype(2**-12) if dtype == np.float16 else dtype(2**-30)
    assert relu_c.prelu_weight_grad(np.full(2**12, half), np.full(2**12, dtype(-1)), dtype(0)) == -half * dtype(2**12)


@every_learned
@every_float
def test_edges(name, dtype):
    parameter_grad, _, _ = functions(name)
    x = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 3], dtype)
    for dy in (1, np.inf, np.nan):
        got = parameter_grad(np.full_like(x, dy), x, np.ones_like(x))
        assert np.isnan(got[0])
        closed = [1, 3, 4] if name == "swish" else [1, 3, 4, 5]
        assert (got[closed] == 0).all()
        assert not np.signbit(got[closed]).any()
        if name == "swish":
            assert got[2] == 0
        elif dy == 1:
            assert got[2] == (-np.inf if name == "prelu" else -1)
    assert parameter_grad(dtype(1), dtype(-np.inf), dtype(0.5)).dtype == dtype


def test_swish_with_beta_0_and_overflow():
    assert relu_c.swish_beta_grad(1.0, np.float32([2, -4]), np.float32(0)) == (4 + 16) / 4
    assert relu_c.swish_beta_grad(1.0, 1e200, 1e-197) == pytest.approx(
        float(LONG("1e200") ** 2 * logistic_slope(LONG(1000)))
    )
    assert relu_c.swish_beta_grad(1.0, np.inf, 0.0) == np.inf


@every_learned
def test_operands(name):
    parameter_grad, grads, _ = functions(name)
    dy, x, _ = operands((4, 3), (), np.float32)
    for scalar in (0.5, np.float64(0.5), np.array(0.5)):
        assert parameter_grad(dy, x, scalar).dtype == np.float32
    assert_same_bits(
        parameter_grad(1.0, x, np.full(3, 0.5, np.float32)),
        parameter_grad(np.ones_like(x), x, np.full(3, 0.5, np.float32)),
    )
    assert parameter_grad(dy, x, np.full(3, 0.5)).dtype == np.float64
    assert parameter_grad([[1, 2]], [[-1, -2]], 0.5).dtype == np.float64
    dx, d = grads(dy[0], x, np.full(3, 0.5, np.float32))  # dy broadcasts
    assert dx.shape == x.shape
    assert d.shape == (3,)
    with pytest.raises(TypeError):
        parameter_grad(dy, x.astype(complex), 0.5)
    with pytest.raises(TypeError):
        parameter_grad(dy, x.astype(np.longdouble), 0.5)
    with pytest.raises(ValueError, match="broadcast"):
        parameter_grad(dy, x, np.ones(4, np.float32))


@every_learned
def test_parameter_outside_its_domain(name):
    parameter_grad, grads, _ = functions(name)
    dy, x, _ = operands((4, 3), (), np.float32)
    parameter = LEARNED[name][0]
    out = np.full_like(x, 77), np.full((), 77, np.float32)
    for value in (np.inf, np.nan, -0.5) if name == "elu" else (np.inf, np.nan):
        with pytest.raises(ValueError, match=parameter):
            parameter_grad(dy, x, value, out=out[1])
        with pytest.raises(ValueError, match=parameter):
            grads(dy, x, value, out=out)
    with pytest.raises(TypeError, match=parameter):
        grads(dy, x, "1", out=out)
    assert all((array == 77).all() for array in out)


@every_learned
def test_outputs_that_do_not_fit(name):
    parameter_grad, grads, _ = functions(name)
    dy, x, parameter = operands((4, 3), (3,), np.float32)
    memory = np.zeros((5, 3), np.float32)
    read_only = np.zeros(3, np.float32)
    read_only.flags.writeable = False
    for out, message in (
        ((memory[:4], memory[2]), "share memory"),
        ((memory[:4], memory[:1]), r"must have shape \(3,\), not \(1, 3\)"),
        ((memory, None), r"dx must have shape \(4, 3\)"),
        ((None, read_only), "read-only"),
    ):
        with pytest.raises(ValueError, match=message):
            grads(dy, x, parameter, out=out)
    for out in (memory[:4], (memory[:4],), (memory[:4], [1, 2, 3])):
        with pytest.raises(TypeError, match="out"):
            grads(dy, x, parameter, out=out)
    with pytest.raises(ValueError, match="shape"):
        parameter_grad(dy, x, parameter, out=memory)
    assert (memory == 0).all()
    assert grads(dy, x, parameter, out=(memory[:4], memory[4]))[1].base is memory


@every_learned
def test_signatures(name):
    parameter, _ = LEARNED[name]
    for function in functions(name):
        positional = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.POSITIONAL_ONLY]
        assert positional == ["dy", "x"]
        assert parameter in inspect.signature(function).parameters
