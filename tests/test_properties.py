"""Any shapes, strides, broadcasting and dtypes, against the oracle element by element; order and symmetry, exactly."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from common import FLOATS, INTEGERS, as_arrays, every_float, parameters_of, sample
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_dtypes import bfloat16, finfo
from oracle import ACTIVATIONS, Expected, assert_same_bits, exact, split

from relu_c._ufuncs import UFUNCS


@st.composite
def views(draw, shape, dtype):
    """Draw an array of a shape and dtype: any steps, order and offset in a larger one, and values of all kinds."""
    steps = draw(st.tuples(*(st.sampled_from([1, 2, 3, -1, -2]) for _ in shape)))
    around = tuple(1 + abs(step) * length for step, length in zip(steps, shape, strict=True))
    base = np.zeros(around, dtype, order=draw(st.sampled_from("CF")))
    view = base[..., *(slice(None, None, step) for step in steps)][..., *(slice(0, length) for length in shape)]
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    if dtype in FLOATS:
        view[...] = random.choice(sample(dtype, "relu", ()), shape)
    else:
        view[...] = random.integers(-5 if np.iinfo(dtype).min else 0, 6, shape)
    return view


@st.composite
def calls(draw):
    """Draw a ufunc and operands that broadcast; the parameters are arrays of one of the samples."""
    name = draw(st.sampled_from(list(UFUNCS)))
    half, others = draw(st.sampled_from([(np.float16, INTEGERS), (bfloat16, ())]))  # the two have no common dtype
    floats = [half, np.float32, np.float64]
    parameters = as_arrays(draw(st.sampled_from(parameters_of(name))), half)
    count = UFUNCS[name].nin - len(parameters)
    shapes = draw(
        arrays.mutually_broadcastable_shapes(num_shapes=UFUNCS[name].nin, max_dims=3, max_side=6)
    ).input_shapes
    dtypes = [draw(st.sampled_from([*floats, *others])) for _ in range(count - 1)] + [draw(st.sampled_from(floats))]
    operands = [draw(views(shape, dtype)) for shape, dtype in zip(shapes, dtypes, strict=False)]
    return name, [*operands, *(np.full(s, p) for s, p in zip(shapes[count:], parameters, strict=True))]


@settings(max_examples=300, deadline=None)
@given(calls())
def test_any_operands(call):
    name, operands = call
    got = np.asarray(UFUNCS[name](*operands))
    common = np.result_type(*operands)
    case = Expected(name, *(operand.astype(common) for operand in operands))
    case.assert_met_by(got)
    out = np.zeros(got.shape, got.dtype, order="F")
    UFUNCS[name](*operands, out=out)
    assert_same_bits(out, got)


def exact_on_grid(name, parameters, dtype=np.float64):
    """Return the exact values of a function, or of its derivative, on an even grid that is symmetric about 0."""
    grid = np.linspace(-8, 8, 65).astype(dtype)
    dy = (np.ones_like(grid),) if split(name)[1] else ()
    return exact(name, *dy, grid, *as_arrays(parameters, dtype))


def select_samples(holds, *kinds):
    """Parametrise a test over the samples of the functions (kind "") or derivatives for which something holds."""
    cases = [
        (name, parameters)
        for name in UFUNCS
        if split(name)[1] in kinds
        for parameters in parameters_of(name)
        if holds(exact_on_grid(name, parameters))
    ]
    ids = [f"{name}({', '.join(f'{parameter:.3g}' for parameter in parameters)})" for name, parameters in cases]
    return pytest.mark.parametrize(("name", "parameters"), cases, ids=ids)


def neighbours(dtype, name, parameters):
    """Return runs of 65 neighbouring numbers, a row each: near 0, where formulas change, at saturation, anywhere."""
    random, count = np.random.default_rng(5), 3000
    scale = parameters[0] if len(parameters) == 1 and parameters[0] > 0 else 1.0
    turns = (random.integers(0, 80, count) + 0.5) * np.log(2) / 2  # where exponentials change their power of two
    starts = np.concatenate(
        [
            np.exp2(random.uniform(-12, 0, count)),
            np.exp2(random.uniform(-60, 6, count)),
            *(turns * unit * (1 + random.uniform(-40, 40, count) * 2.0**-53) for unit in (1, 2, 1 / scale, scale)),
            random.uniform(0, 40, count),
            random.uniform(30, 750, count),
            [abs(kink) for kink in ACTIVATIONS[split(name)[0]].kinks(*parameters) if np.isfinite(kink)],
        ]
    )
    starts = np.concatenate([starts, -starts])
    starts = starts[abs(starts) < 0.9 * float(finfo(dtype).max)].astype(dtype)
    bits = starts.view(f"i{starts.itemsize}")[:, None] + np.arange(-32, 33, dtype=f"i{starts.itemsize}")
    runs = np.sort(bits.view(dtype), axis=1)
    return runs[np.isfinite(runs).all(axis=1)]


@select_samples(lambda exact_values: (np.diff(exact_values) >= 0).all(), "")
@every_float
def test_monotone_between_neighbours(name, parameters, dtype):
    x = neighbours(dtype, name, parameters)
    y = UFUNCS[name](x, *as_arrays(parameters, dtype))
    falls = np.argwhere(y[:, 1:] < y[:, :-1])
    assert not len(falls), f"{len(falls)} of {y.size}, the first after {x[tuple(falls[0])]!r}"


@select_samples(lambda exact_values: (exact_values == -exact_values[::-1]).all(), "")
@every_float
def test_odd(name, parameters, dtype, isa):
    x = sample(dtype, name, parameters)
    arrays_, zero = as_arrays(parameters, dtype), dtype(0)  # a constant piece gives +0 on either side
    assert_same_bits(UFUNCS[name](-x, *arrays_) + zero, -UFUNCS[name](x, *arrays_) + zero)


@select_samples(lambda exact_values: (exact_values == exact_values[::-1]).all(), "_grad")
@every_float
def test_even(name, parameters, dtype, isa):
    x = sample(dtype, name, parameters)
    if ACTIVATIONS[split(name)[0]].kinks(*parameters):
        x = x[~np.isin(abs(x), np.abs(ACTIVATIONS[split(name)[0]].kinks(*parameters)).astype(dtype))]
    arrays_ = as_arrays(parameters, dtype)
    assert_same_bits(UFUNCS[name](dtype(1), -x, *arrays_), UFUNCS[name](dtype(1), x, *arrays_))


@every_float
def test_sigmoid_is_symmetric(dtype, isa):
    x = sample(dtype, "sigmoid", ())
    one = dtype(1)
    assert_same_bits(UFUNCS["log_sigmoid"](x), -UFUNCS["softplus"](-x, one))
    assert_same_bits(UFUNCS["log_sigmoid_grad"](one, x), UFUNCS["sigmoid"](-x))
    assert_same_bits(UFUNCS["softplus_grad"](one, x, one), UFUNCS["sigmoid"](x))
