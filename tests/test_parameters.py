"""Parameters: a scalar keeps the dtype and stays in its domain, an array broadcasts, a wrapper only passes on."""

import inspect
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from common import (
    FLOATS,
    INTEGERS,
    as_arrays,
    every_float,
    every_parameter,
    every_wrapper,
    given,
    parameters_of,
    row_of,
    scalar_parameters,
)
from oracle import assert_same_bits, split

import relu_c
from relu_c._ufuncs import UFUNCS

# Scalars outside each parameter's domain, by its name.
OUTSIDE = {
    "negative_slope": (np.inf, -np.inf, np.nan),
    "weight": (np.inf, -np.inf, np.nan),
    "theta": (np.inf, -np.inf, np.nan),
    "threshold": (np.inf, -np.inf, np.nan),
    "value": (np.inf, -np.inf, np.nan),
    "min_val": (np.nan, 1e4),
    "max_val": (np.nan, -1e4),
    "slope": (np.inf, -np.inf, np.nan),
    "offset": (np.inf, -np.inf, np.nan),
    "lambd": (-0.5, np.inf, np.nan),
    "alpha": (-0.5, np.inf, np.nan),
    "beta": (np.inf, -np.inf, np.nan),
    "b": (-0.5, 0.0, np.inf, np.nan),
}
# Outside for the functions of these names.
OUTSIDE_FOR = {("celu", "alpha"): (0.0,), ("softplus", "beta"): (-0.5, 0.0)}
# Outside only where the output has to determine the gradient.
OUTSIDE_FROM_OUTPUT = {"negative_slope": -0.5, "weight": -0.5, "theta": -0.5}
NOT_NUMBERS = ("1", b"1", 1j, np.complex64(1), None)


@every_wrapper
@every_float
def test_wrapper_is_its_ufunc(name, dtype):
    function, row = getattr(relu_c, name), row_of(name)
    arrays, _ = given(name, dtype)
    for parameters in parameters_of(row):
        pairs = dict(zip(scalar_parameters(name), parameters, strict=True))
        if name.endswith("_from_output") and any(pairs[p] < 0 for p in OUTSIDE_FROM_OUTPUT.keys() & pairs.keys()):
            continue
        expected = UFUNCS[row](*arrays, *as_arrays(parameters, dtype))
        if row.startswith("hard_sigmoid") and parameters == (1 / 6, 1 / 2):
            expected = UFUNCS[row.replace("sigmoid", "sigmoid_default")](*arrays)
        assert_same_bits(function(*arrays, *parameters), expected)
        assert_same_bits(function(*arrays, **pairs), expected)
        out = np.full_like(expected, 77)
        assert function(*arrays, *parameters, out=out, where=False) is out
        assert (out == 77).all()
        assert function(*arrays, *parameters, out=out) is out
        assert_same_bits(out, expected)


@every_parameter
def test_default_is_the_documented_one(name, parameter):
    function = getattr(relu_c, name)
    default = inspect.signature(function).parameters[parameter].default
    documented = re.search(rf"^{parameter} : .*default (\S+)$", inspect.getdoc(function), re.MULTILINE)
    assert (default is inspect.Parameter.empty) == (documented is None)
    if documented:
        assert default == float(Fraction(documented[1]))
        arrays, _ = given(name, np.float64)
        assert_same_bits(function(*arrays), function(*arrays, **{parameter: default}))


@every_parameter
@every_float
def test_scalar_parameter_never_changes_the_dtype(name, parameter, dtype):
    arrays, parameters = given(name, dtype)
    expected = getattr(relu_c, name)(*arrays, **parameters | {parameter: 1.0})
    assert expected.dtype == dtype
    for scalar in (1, True, *(t(1) for t in (*FLOATS, *INTEGERS, np.longdouble)), np.array(1.0), np.array(1)):
        assert_same_bits(getattr(relu_c, name)(*arrays, **parameters | {parameter: scalar}), expected)


@every_parameter
@every_float
def test_array_parameter(name, parameter, dtype):
    arrays, parameters = given(name, dtype)
    function = getattr(relu_c, name)
    expected = function(*arrays, **parameters | {parameter: 1.0})
    ones = np.ones(40, dtype)
    for array in (ones[:20], ones[::2], np.broadcast_to(ones[0], 20), ones[:1]):
        assert_same_bits(function(*arrays, **parameters | {parameter: array}), expected)
    promoted = function(*arrays, **parameters | {parameter: [1.0] * 20})
    assert_same_bits(promoted, function(*arrays, **parameters | {parameter: np.ones(20)}))
    assert promoted.dtype == np.float64


@every_parameter
@every_float
def test_parameter_outside_its_domain(name, parameter, dtype):
    arrays, parameters = given(name, dtype)
    out = np.full(20, 77, dtype)
    values = [*OUTSIDE[parameter], *OUTSIDE_FOR.get((split(name)[0], parameter), ())]
    if name.endswith("_from_output") and parameter in OUTSIDE_FROM_OUTPUT:
        values.append(OUTSIDE_FROM_OUTPUT[parameter])
    if dtype == np.float16 and np.inf in values:
        values.append(1e6)  # overflows
    for value in (*values, *map(np.float64, values)):
        with pytest.raises(
            ValueError, match=rf"{parameter} must (be|not exceed) |must not exceed {parameter}"
        ) as error:
            getattr(relu_c, name)(*arrays, **parameters | {parameter: value}, out=out)
        assert repr(float(value)) in str(error.value)
        assert (out == 77).all()


@every_parameter
def test_parameter_that_is_no_number(name, parameter):
    arrays, parameters = given(name, np.float32)
    out = np.full(20, 77, np.float32)
    for value in NOT_NUMBERS:
        with pytest.raises(TypeError, match=parameter):
            getattr(relu_c, name)(*arrays, **parameters | {parameter: value}, out=out)
        assert (out == 77).all()


@every_wrapper
def test_wrong_calls_raise_what_python_raises(name):
    function, arrays = getattr(relu_c, name), [1.0] * (2 if "_grad" in name else 1)
    stem, parameters = re.escape(f"{name}()"), scalar_parameters(name)
    with pytest.raises(TypeError, match=rf"{stem} missing {len(arrays)}.* required positional argument"):
        function(**dict.fromkeys(parameters, 1.0))
    with pytest.raises(TypeError, match=rf"{stem} got an unexpected keyword argument 'inplace'"):
        function(*arrays, *(1.0 for _ in parameters), inplace=True)
    with pytest.raises(TypeError, match=rf"{stem} got multiple values for argument '{parameters[0]}'"):
        function(*arrays, 1.0, **dict.fromkeys(parameters, 1.0))
    with pytest.raises(TypeError, match=rf"{stem} takes .*positional arguments? but"):
        function(*arrays, *(1.0 for _ in parameters), None)
    if inspect.signature(function).parameters[parameters[0]].default is inspect.Parameter.empty:
        with pytest.raises(TypeError, match=rf"{stem} missing .*'{parameters[0]}'"):
            function(*arrays)
    with pytest.raises(TypeError, match="positional-only arguments passed as keyword"):
        function(*arrays[1:], *(1.0 for _ in parameters), **{"y" if name.endswith("_output") else "x": 1.0})


def test_keywords_need_not_be_interned():
    x, out = np.float32([-1.0, 1.0]), np.empty(2, np.float32)
    keywords = {"".join(["negative_", "slope"]): 0.5, "".join(["ou", "t"]): out}
    assert relu_c.leaky_relu(x, **keywords) is out
    assert out.tolist() == [-0.5, 1.0]


def test_kept_parameters_are_those_of_the_call():
    """A call that follows one with other parameters, or with an operand of another type, has its own."""
    x = {dtype: np.linspace(-2, 2, 9).astype(dtype) for dtype in (*FLOATS, np.int32)}
    random = np.random.default_rng(0)
    slopes = (
        0.5,
        0.25,
        1,
        0,
        0.0,
        -0.0,
        np.float32(0.125),
        np.array(0.75),
        np.full(9, 0.5),
        np.full(9, 2.0, np.float32),  # which every dtype has a common one with
    )
    for _ in range(500):
        operand, slope = x[random.choice(list(x))], slopes[random.integers(len(slopes))]
        dtype = np.float64 if operand.dtype.kind == "i" else operand.dtype
        given = slope if np.ndim(slope) else np.asarray(slope, dtype)
        assert_same_bits(relu_c.leaky_relu(operand, slope), UFUNCS["leaky_relu"](operand, given))
        lower = -1.0 if random.integers(2) else -1
        assert relu_c.hard_tanh(operand, lower, 1).dtype == operand.dtype
        defaults = random.integers(2)
        pair = (1 / 6, 1 / 2) if defaults else (np.full(9, 1 / 6, dtype), 1 / 2)
        ufunc = UFUNCS["hard_sigmoid_default"] if defaults else UFUNCS["hard_sigmoid"]
        operands = () if defaults else (pair[0], np.asarray(1 / 2, dtype))
        assert_same_bits(relu_c.hard_sigmoid(operand, *pair), ufunc(operand, *operands))


def test_array_parameter_is_not_kept():
    weight = np.float32([0.5])
    references = sys.getrefcount(weight)
    relu_c.prelu(np.float32([-1.0]), weight)
    assert sys.getrefcount(weight) == references


every_prelu = pytest.mark.parametrize("name", ["prelu", "prelu_grad", "prelu_grad_from_output"])


def rows(name, dtype, shape):
    """Return the arrays of a prelu function and a weight for each column; every pair of edges is among them."""
    rng = np.random.default_rng(3)
    edges = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5, -1.5], dtype)
    *arrays, weight = (rng.normal(0, 2, s).astype(dtype) for s in (*[shape] * (1 + ("grad" in name)), shape[-1:]))
    for array in (*arrays, weight):
        array[...] = np.where(rng.random(array.shape) < 0.5, rng.choice(edges, array.shape), array)
    return arrays, weight


@every_prelu
@every_float
@pytest.mark.parametrize("threads", [1, 3])
def test_weight_for_each_column(name, dtype, threads, isa):
    function = getattr(relu_c, name)
    for shape in ((9, 64), (5, 2, 64), (700, 3), (3, 600), (2, 3000), (1, 600), (70, 5000), (600, 0), (0, 600)):
        arrays, weight = rows(name, dtype, shape)
        expected = UFUNCS[row_of(name)](*arrays, weight)
        with relu_c.num_threads(threads):
            assert_same_bits(function(*arrays, weight), expected)
            for k in range(len(arrays) + 1):
                operands = [array.copy() for array in arrays]
                out = [*operands, np.empty_like(expected)][k]
                assert function(*operands, weight, out=out) is out
                assert_same_bits(out, expected)


@every_prelu
def test_weight_for_each_column_is_the_ufunc_otherwise_too(name):
    function, ufunc = getattr(relu_c, name), UFUNCS[row_of(name)]
    arrays, weight = rows(name, np.float32, (40, 64))
    expected = ufunc(*arrays, weight)

    class Subclass(np.ndarray):
        pass

    for operands in (
        [array.view(Subclass) for array in arrays] + [weight],
        [*arrays, weight.view(Subclass)],
        [*arrays, weight.astype(np.float64)],
        [*arrays, weight[:1]],
        [*arrays, weight[::-1]],
        [array[:, ::-1] for array in arrays] + [weight],
        [np.asfortranarray(array) for array in arrays] + [weight],
        [arrays[0][0], *arrays[1:], weight],
        [array.astype(">f4") for array in arrays] + [weight.astype(">f4")],
    ):
        result = function(*operands)
        assert type(result) is type(ufunc(*operands))
        assert_same_bits(np.asarray(result), np.asarray(ufunc(*operands)))
    for out in (np.empty((2, 40, 64), np.float32), np.empty((40, 64)), np.empty((40, 64), np.float32).view(Subclass)):
        assert function(*arrays, weight, out=out) is out
        assert_same_bits(np.asarray(out), np.broadcast_to(expected, out.shape).astype(out.dtype))
    mask = expected > 0
    assert_same_bits(function(*arrays, weight, out=np.ones_like(expected), where=mask), np.where(mask, expected, 1))
    memory = np.concatenate([np.ones((1, 64), np.float32), arrays[-1]])
    function(*arrays[:-1], memory[1:], weight, out=memory[:-1])
    assert_same_bits(memory[:-1], expected)
    read_only = np.ones_like(expected)
    read_only.flags.writeable = False
    for wrong in ({"weight": weight[1:]}, {"out": expected[1:]}, {"out": read_only}):
        with pytest.raises(ValueError, match=r"."):
            function(*arrays, **{"weight": weight, "out": expected} | wrong)


def test_operands_that_override_ufuncs_see_what_the_call_gives():
    class Seen:
        dtype = np.dtype(np.float32)

        def __array_ufunc__(self, ufunc, method, *operands, **keywords):
            return ufunc, keywords

    mask = np.True_
    assert relu_c.elu(Seen()) == (relu_c.ufuncs.elu, {})
    assert relu_c.elu(Seen(), where=mask) == (relu_c.ufuncs.elu, {"where": mask})


def test_kept_parameters_and_threads():
    """Threads that call the same function with parameters of their own get their own results."""
    x = np.full(1000, -1.0, np.float32)

    def right(slope):
        return all((relu_c.leaky_relu(x, slope) == np.float32(-slope)).all() for _ in range(2000))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(right, (0.1, 0.2, 0.3, 0.4)))


def test_channel_weight():
    weight = np.arange(3.0)
    for axis, shape in ((0, (3, 1, 1, 1)), (1, (1, 3, 1, 1)), (-1, (1, 1, 1, 3)), (-4, (3, 1, 1, 1))):
        shaped = relu_c.channel_weight(weight, 4, axis)
        assert shaped.shape == shape
        assert np.shares_memory(shaped, weight)
    for axis in (4, -5):
        with pytest.raises(ValueError, match="axis must be in"):
            relu_c.channel_weight(weight, 4, axis)
    with pytest.raises(ValueError, match="weight must have one dimension"):
        relu_c.channel_weight(np.ones((2, 2)), 4)
