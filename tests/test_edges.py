"""Special values: one rule each, at every position, length and offset, on every instruction set, without a warning."""

import numpy as np
import pytest
from common import as_arrays, every_float, every_sample, every_ufunc, expected, operands, parameters_of, special
from oracle import Expected, assert_same_bits, exact, split

import relu_c
from relu_c._ufuncs import UFUNCS

LENGTHS = (*range(71), 257, 300, 450)  # around the width of every vector, and where loops align their output first
DY = (1.0, -1.0, 0.0, -0.0, np.inf, -np.inf, np.nan)


@every_sample()
@every_float
def test_special_values(name, parameters, dtype, isa):
    case = expected(name, parameters, dtype, special)
    with np.errstate(all="raise"):
        got = UFUNCS[name](*case.operands)
    case.assert_met_by(got)


@every_sample("_grad", "_grad_from_output")
@every_float
def test_special_dy(name, parameters, dtype, isa):
    x = expected(name, parameters, dtype, special).operands[1]
    case = Expected(name, np.array(DY, dtype)[:, None], x, *as_arrays(parameters, dtype))
    with np.errstate(all="raise"):
        got = UFUNCS[name](*case.operands)
    case.assert_met_by(got)


@every_sample("_grad", "_grad_from_output")
@every_float
def test_closed_gate_blocks_everything(name, parameters, dtype, isa):
    given = expected(name, parameters, dtype, special).operands
    closed = exact(name, *given) == 0
    _, x, *arrays = (operand[closed] for operand in given)
    for dy in (np.inf, -np.inf, np.nan, -1):
        assert_same_bits(UFUNCS[name](dtype(dy), x, *arrays), np.zeros(x.size, dtype))


@every_ufunc
def test_no_warning_where_numpy_casts(name, isa):
    case = expected(name, parameters_of(name)[0], np.float32, special, random_dy=bool(split(name)[1]))
    given = [np.tile(operand, 10) for operand in case.operands]
    with np.errstate(all="raise"):
        UFUNCS[name](*given, out=np.zeros(given[0].size))


@every_ufunc
@every_float
def test_nan_shows_at_every_position(name, dtype, isa):
    for length in (1, 7, 70):
        given = operands(name, dtype, length)
        x = given[1 if split(name)[1] else 0]
        given[0][...] = 0  # dy, in gradients: NaN shows all the same
        for position in range(length):
            x[...], x[position] = 1, np.nan
            got = UFUNCS[name](*given)
            assert np.array_equal(np.isnan(got), np.arange(length) == position)


@every_ufunc
@every_float
@pytest.mark.parametrize("parameters", ["arrays", "scalars"])
def test_length_and_offset_do_not_matter(name, dtype, parameters, isa):
    given = operands(name, dtype, LENGTHS[-1] + 3)
    if parameters == "scalars":
        given = [*given[: len(given) - len(parameters_of(name)[0])], *as_arrays(parameters_of(name)[0], dtype)]
    whole = UFUNCS[name](*given)
    for length in LENGTHS:
        for offset in range(3):
            part = slice(offset, offset + length)
            out = np.full_like(whole, 77)
            UFUNCS[name](*(operand[part] if operand.ndim else operand for operand in given), out=out[part])
            assert_same_bits(out[part], whole[part])
            assert (out[:offset] == 77).all()
            assert (out[offset + length :] == 77).all()


@every_ufunc
@every_float
def test_one_element_gives_the_bits_of_many(name, dtype, isa):
    given = operands(name, dtype, 200)
    whole = UFUNCS[name](*given)
    single = np.array([UFUNCS[name](*(operand[i] for operand in given)) for i in range(200)])
    assert_same_bits(single, whole)


@pytest.mark.parametrize(
    ("name", "x", "parameters", "negative"),
    [
        ("threshold", -1.0, (0.0, -0.0), True),
        ("threshold", -1.0, (0.0, 0.0), False),
        ("hard_tanh", -1.0, (-0.0, 1.0), True),
        ("hard_tanh", -1.0, (0.0, 1.0), False),
        ("hard_tanh", 1.0, (-1.0, -0.0), True),
        ("hard_tanh", 1.0, (-1.0, 0.0), False),
    ],
)
@every_float
def test_negative_zero_parameter_is_itself(name, x, parameters, negative, dtype):
    for _ in range(2):
        assert np.signbit(getattr(relu_c, name)(dtype(x), *parameters)) == negative
