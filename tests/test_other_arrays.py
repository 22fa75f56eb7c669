"""Subclasses, arrays of other libraries, pandas."""

import numpy as np
import pytest
from common import every_public, given, row_of
from oracle import assert_same_bits

import relu_c
from relu_c._ufuncs import UFUNCS


class Recorder:
    """An array of another library: it sees the ufunc before NumPy does."""

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        return ufunc, method


class Subclass(np.ndarray):
    pass


@every_public
def test_array_types_of_others_see_the_ufunc(name):
    (*dy, _), parameters = given(name, np.float32)
    ufunc, method = getattr(relu_c, name)(*dy, Recorder(), **parameters)
    assert ufunc is UFUNCS[row_of(name)]
    assert method == "__call__"


@every_public
def test_subclass_is_kept(name):
    (*dy, x), parameters = given(name, np.float32)
    assert type(getattr(relu_c, name)(*dy, x.view(Subclass), **parameters)) is Subclass


@every_public
def test_pandas_series(name):
    pandas = pytest.importorskip("pandas")
    (*dy, x), parameters = given(name, np.float32)
    function = getattr(relu_c, name)
    expected = function(*dy, x, **parameters)
    series = pandas.Series(x, index=range(20, 40), name="x")
    got = function(*dy, series, **parameters)
    assert isinstance(got, pandas.Series)
    assert got.index.equals(series.index)
    assert got.name == "x"
    assert_same_bits(got.to_numpy(), expected)


@every_public
def test_pandas_frame(name):
    pandas = pytest.importorskip("pandas")
    arrays, parameters = given(name, np.float32)
    function = getattr(relu_c, name)
    frames = [pandas.DataFrame({"a": array, "b": -array}, index=range(20, 40)) for array in arrays]
    got = function(*frames, **parameters)
    assert isinstance(got, pandas.DataFrame)
    assert got.index.equals(frames[0].index)
    assert_same_bits(got["a"].to_numpy(), function(*arrays, **parameters))
    assert_same_bits(got["b"].to_numpy(), function(*(-array for array in arrays), **parameters))
