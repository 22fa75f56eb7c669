"""Fused passes have the bits of the steps they join; their sums are right, in float64 and one order."""

import inspect
import itertools
import pickle
from functools import partial

import numpy as np
import pytest
from common import FLOATS, every_float
from ml_dtypes import finfo
from oracle import assert_same_bits

import relu_c
from relu_c import fused
from relu_c._ufuncs import GENERALISED, _set_limits, _use_isa, available_instruction_sets

PARAMETERS = {"leaky_relu": {"negative_slope": 0.3}, "elu": {"alpha": 0.7}}
NAMES = [name.removesuffix("_with_grad") for name in GENERALISED if name.endswith("_with_grad")]
every_name = pytest.mark.parametrize("name", NAMES)
# Shapes and axes: short and long rows and columns, longer than a block of 1024 and a piece of 4096, nothing at all.
SHAPES = [
    ((7,), -1),
    ((5, 3), 0),
    ((300, 64), -1),
    ((7, 1024), 1),
    ((3, 9000), -1),
    ((2000, 3), -1),
    ((6, 5, 40), 1),
    ((2, 3, 1500), -2),
    ((3, 700, 5), 0),
    ((4, 1, 6), -2),
    ((0, 4), -1),
    ((4, 0), -1),
]
every_shape = pytest.mark.parametrize(("shape", "axis"), SHAPES, ids=str)
LAYOUTS = {
    "C order": np.copy,
    "Fortran order": lambda array: array.copy(order="F"),
    "every second": lambda array: np.repeat(array, 2, -1)[..., ::2],
    "reversed": lambda array: array[..., ::-1].copy()[..., ::-1],
    "block": lambda array: np.pad(array, 1)[(slice(1, -1),) * array.ndim],
}


def functions(name):
    """Return bias_<name>, its gradient and <name>_with_grad with the parameter, and the function and its gradient."""
    parameters = PARAMETERS.get(name, {})
    names = f"bias_{name}", f"bias_{name}_grad", f"{name}_with_grad", name, f"{name}_grad"
    return [partial(getattr(relu_c, one), **parameters) for one in names]


def operands(shape, axis, dtype):
    rng = np.random.default_rng(11)
    dy, x = ((3 * rng.standard_normal(shape)).astype(dtype) for _ in range(2))
    flat = x.reshape(-1)
    for value, every in ((np.nan, 97), (np.inf, 89), (-np.inf, 83), (-0.0, 41)):
        flat[::every] = value
    return dy, x, rng.standard_normal(shape[axis]).astype(dtype)


def along(bias, ndim, axis):
    return bias.reshape([-1 if k == axis % ndim else 1 for k in range(ndim)])


def same_sums(got, dx, axis):
    """Assert that sums are those of dx, within the rounding of the result and that of a float64 sum."""
    others = tuple(k for k in range(dx.ndim) if k != axis % dx.ndim)
    with np.errstate(invalid="ignore"):
        exact, magnitude = (np.sum(f(dx.astype(np.longdouble)), axis=others) for f in (np.positive, abs))
        rounded = exact.astype(np.float64).astype(dx.dtype)
        finite = np.isfinite(exact) & np.isfinite(rounded)
        error = abs(got.astype(np.longdouble) - exact)
    np.testing.assert_array_equal(got[~finite].astype(np.float64), rounded[~finite].astype(np.float64))
    ulp = np.maximum(np.spacing(abs(rounded)), finfo(dx.dtype).smallest_subnormal).astype(np.longdouble)
    assert (error <= np.longdouble("0.5001") * ulp + magnitude * np.longdouble(2) ** -50)[finite].all()


@every_name
@every_shape
@every_float
@pytest.mark.filterwarnings("ignore:invalid value")
def test_bits_are_those_of_the_steps(name, shape, axis, dtype):
    bias_forward, bias_grad, with_grad, function, grad = functions(name)
    dy, x, bias = operands(shape, axis, dtype)
    biased = x + along(bias, x.ndim, axis)
    assert_same_bits(bias_forward(x, bias, axis=axis), function(biased))
    dx, dbias = bias_grad(dy, x, bias, axis=axis)
    assert_same_bits(dx, grad(dy, biased))
    assert (dbias.dtype, dbias.shape) == (dtype, bias.shape)
    same_sums(dbias, dx, axis)
    y, derivative = with_grad(x)
    assert_same_bits(y, function(x))
    assert_same_bits(derivative, grad(1.0, x))


@every_shape
@every_float
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["leaky_relu", "gelu"])
def test_layout_does_not_change_a_bit(name, shape, axis, dtype, layout):
    bias_forward, bias_grad, with_grad, *_ = functions(name)
    dy, x, bias = operands(shape, axis, dtype)
    lay = LAYOUTS[layout]
    y, (dx, dbias), (value, slope) = bias_forward(x, bias, axis=axis), bias_grad(dy, x, bias, axis=axis), with_grad(x)
    for given in ((lay(dy), lay(x), lay(bias)), (dy, lay(x), bias), (lay(dy), x, lay(bias))):
        assert_same_bits(bias_forward(*given[1:], axis=axis), y)
        for got, whole in zip(bias_grad(*given, axis=axis), (dx, dbias), strict=True):
            assert_same_bits(got, whole)
        out = lay(np.zeros_like(dx)), lay(np.zeros_like(dbias))
        assert bias_forward(*given[1:], axis=axis, out=out[0]) is out[0]
        assert_same_bits(out[0], y)
        assert all(a is b for a, b in zip(bias_grad(*given, axis=axis, out=out), out, strict=True))
        for got, whole in zip(out, (dx, dbias), strict=True):
            assert_same_bits(got, whole)
        for got, whole in zip(with_grad(given[1]), (value, slope), strict=True):
            assert_same_bits(got, whole)
    in_place = lay(x)
    assert_same_bits(bias_forward(in_place, bias, axis=axis, out=in_place), y)
    for k in range(2):
        given = [lay(dy), lay(x), bias]
        got = bias_grad(*given, axis=axis, out=(given[k], None))
        assert got[0] is given[k]
        assert_same_bits(got[0], dx)
        assert_same_bits(got[1], dbias)
        in_place, other = lay(x), lay(np.zeros_like(x))
        got = with_grad(in_place, out=(in_place, other) if k else (other, in_place))
        assert_same_bits(got[0], value)
        assert_same_bits(got[1], slope)


@every_name
def test_same_bits_on_every_instruction_set(name, isa):
    bias_forward, bias_grad, with_grad, *_ = functions(name)
    for dtype in FLOATS:
        dy, x, bias = operands((40, 300), -1, dtype)
        got = bias_forward(x, bias), *bias_grad(dy, x, bias), *with_grad(x)
        _use_isa(available_instruction_sets()[-1])
        for one, other in zip(got, (bias_forward(x, bias), *bias_grad(dy, x, bias), *with_grad(x)), strict=True):
            assert_same_bits(one, other)
        _use_isa(isa)


@pytest.mark.parametrize(
    "shape", [(600, 3000), (1, 2_000_000), (2_000_000, 1), (300, 5, 1200), (2, 3, 300_000)], ids=str
)
def test_same_bits_with_any_number_of_threads(shape):
    axis = 1
    dy, x, bias = operands(shape, axis, np.float32)
    bias_forward, bias_grad, with_grad, *_ = functions("leaky_relu")
    calls = (
        lambda: (bias_forward(x, bias, axis=axis),),
        lambda: bias_grad(dy, x, bias, axis=axis),
        lambda: with_grad(x),
        lambda: relu_c.prelu_grads(dy, x, along(bias, x.ndim, axis)),
        lambda: (relu_c.swish_beta_grad(dy, x, 0.5),),
        lambda: relu_c.maxout(dy.reshape(-1), 4),
    )
    for call in calls:
        results = []
        for threads in (1, 2, 3):
            with relu_c.num_threads(threads):
                results.append(call())
        for one, two, three in zip(*results, strict=True):
            assert_same_bits(np.asarray(one), np.asarray(two))
            assert_same_bits(np.asarray(one), np.asarray(three))


@pytest.mark.parametrize("offset", range(0, 64, 12))
def test_streamed_stores_write_the_same_bits_and_no_more(offset, isa):
    for dtype, shape in itertools.product(FLOATS, [(40, 512), (7, 3000), (1000, 7), (1, 20_000), (3, 5)]):
        dy, x, bias = operands(shape, -1, dtype)
        bias_forward, bias_grad, with_grad, *_ = functions("leaky_relu")
        whole = bias_forward(x, bias), *bias_grad(dy, x, bias), *with_grad(x)
        memory = np.full((2, x.nbytes + 256), 77, np.uint8)
        skip = -memory.ctypes.data % 64 + offset // x.itemsize * x.itemsize
        y, dx = (one[skip : skip + x.nbytes].view(dtype).reshape(shape) for one in memory)
        try:
            _set_limits(stream_from=1)
            assert_same_bits(bias_forward(x, bias, out=y), whole[0])
            dbias = bias_grad(dy, x, bias, out=(dx, None))[1]
            assert_same_bits(dx, whole[1])
            assert_same_bits(dbias, whole[2])
            with_grad(x, out=(y, dx))
        finally:
            _set_limits()
        assert_same_bits(y, whole[3])
        assert_same_bits(dx, whole[4])
        y[...] = dx[...] = 0
        assert np.count_nonzero(memory == 77) == memory.size - 2 * x.nbytes


def test_finite_differences_of_the_bias():
    dy, x, bias = (np.random.default_rng(k).standard_normal(s) for k, s in enumerate([(9, 4), (9, 4), 4]))
    for name in NAMES:
        bias_forward, bias_grad, *_ = functions(name)
        if name in ("relu", "relu6", "leaky_relu", "squared_relu", "hard_swish"):
            x = np.round(x, 1) + 0.05 - bias  # away from the kinks
        above, below = (np.sum(dy * bias_forward(x, bias + h), axis=0) for h in (1e-5, -1e-5))
        np.testing.assert_allclose(bias_grad(dy, x, bias)[1], (above - below) / 2e-5, rtol=1e-6, atol=1e-8)


def test_sums_of_the_bias_are_in_float64():
    dy = np.ones((50_000, 2), np.float32)
    dy[0], dy[-1] = 3e10, -3e10  # between them float32 would lose the rest
    dbias = relu_c.bias_relu_grad(dy, np.ones_like(dy), np.zeros(2, np.float32))[1]
    np.testing.assert_array_equal(dbias, np.float32(49_998))


def test_operands():
    dy, x, bias = operands((4, 3), -1, np.float32)
    for scalar in (0.5, np.float64(0.5), np.array(0.5)):
        assert relu_c.bias_leaky_relu(x, bias, scalar).dtype == np.float32
        assert relu_c.leaky_relu_with_grad(x, scalar)[1].dtype == np.float32
    assert relu_c.bias_relu(x, bias.astype(np.float64)).dtype == np.float64
    assert relu_c.bias_relu([[1, -2]], [1, 1]).dtype == np.float64
    assert_same_bits(relu_c.bias_relu_grad(1.0, x, bias)[0], relu_c.bias_relu_grad(np.ones_like(x), x, bias)[0])
    assert relu_c.gelu_with_grad(np.float32(1))[1].dtype == np.float32
    for bad in (x.astype(complex), x.astype(np.longdouble), x.astype(object)):
        for call in (
            lambda b: relu_c.bias_relu(b, bias),
            lambda b: relu_c.bias_relu_grad(dy, b, bias),
            relu_c.relu_with_grad,
        ):
            with pytest.raises(TypeError):
                call(bad)


def test_bad_input():
    dy, x, bias = operands((4, 3), -1, np.float32)
    out, d = np.full_like(x, 77), np.full_like(bias, 77)
    for call, message in (
        (lambda: relu_c.bias_relu(x, bias[:2], out=out), "mismatch"),
        (lambda: relu_c.bias_relu(x, bias, out=out[:3]), "could not be broadcast"),
        (lambda: relu_c.bias_relu_grad(dy, x, bias[:2], out=(out, d)), r"bias must have shape \(3,\).*not \(2,\)"),
        (lambda: relu_c.bias_relu_grad(dy, x, bias, axis=0, out=(out, d)), r"bias must have shape \(4,\)"),
        (lambda: relu_c.bias_relu_grad(dy, x, bias, axis=2, out=(out, d)), r"axis must be in \[-2, 1\]"),
        (lambda: relu_c.bias_relu_grad(dy[:3], x, bias, out=(out, d)), "broadcast"),
        (lambda: relu_c.bias_relu_grad(dy, x, bias, out=(out, out[0])), "share memory"),
        (lambda: relu_c.bias_relu_grad(dy, x, bias, out=(out, out)), "shape"),
        (lambda: relu_c.gelu_with_grad(x, out=(out, out)), "share memory"),
        (lambda: relu_c.gelu_with_grad(x, out=(out, out[::-1])), "share memory"),
        (lambda: relu_c.gelu_with_grad(x, out=(out[:3], None)), "shape"),
        (lambda: relu_c.bias_leaky_relu(x, bias, np.inf, out=out), "negative_slope must be finite"),
        (lambda: relu_c.bias_elu(x, bias, -1.0, out=out), "alpha must be"),
        (lambda: relu_c.bias_elu_grad(dy, x, bias, np.nan, out=(out, d)), "alpha must be"),
        (lambda: relu_c.elu_with_grad(x, -1.0, out=(out, None)), "alpha must be"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    for call in (
        lambda: relu_c.gelu_with_grad(x, out=out),
        lambda: relu_c.bias_relu_grad(dy, x, bias, out=[out, d]),
        lambda: relu_c.bias_leaky_relu(x, bias, np.full(3, 0.1), out=out),
        lambda: relu_c.bias_elu(x, bias, "1", out=out),
    ):
        with pytest.raises(TypeError):
            call()
    assert (out == 77).all()
    assert (d == 77).all()


def test_public_names():
    public = {f for name in NAMES for f in (f"bias_{name}", f"bias_{name}_grad", f"{name}_with_grad")}
    assert set(fused.__all__) == public <= set(relu_c.__all__)
    for name in public:
        function = getattr(relu_c, name)
        assert function.__name__ == name
        assert pickle.loads(pickle.dumps(function)) is function
        assert "out" in inspect.signature(function).parameters
