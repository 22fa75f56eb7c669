"""Any shapes, strides, broadcasting and dtypes, against the oracle element by element."""

import hypothesis.extra.numpy as arrays
import numpy as np
from common import FLOATS, INTEGERS, as_arrays, as_outputs, parameters_of, sample
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Expected, assert_same_bits

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
    parameters = as_arrays(draw(st.sampled_from(parameters_of(name))), np.float16)
    count = UFUNCS[name].nin - len(parameters)
    shapes = draw(
        arrays.mutually_broadcastable_shapes(num_shapes=UFUNCS[name].nin, max_dims=3, max_side=6)
    ).input_shapes
    dtypes = [draw(st.sampled_from(FLOATS + INTEGERS)) for _ in range(count - 1)] + [draw(st.sampled_from(FLOATS))]
    operands = [draw(views(shape, dtype)) for shape, dtype in zip(shapes, dtypes, strict=False)]
    operands[-1] = as_outputs(name, operands[-1], *parameters)
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
