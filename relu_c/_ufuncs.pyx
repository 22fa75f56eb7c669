# cython: language_level=3
"""Makes the ufuncs by walking the table, and picks the instruction set whose loops they run."""

import os

import cython
import numpy as np
from cpython.ref cimport Py_INCREF, PyObject


cdef extern from "dispatch.h":
    ctypedef int loop(void *, char *const *, const Py_ssize_t *, const Py_ssize_t *, void *)
    enum: INT8
    enum: DTYPES
    enum: ROWS "UFUNCS"
    ctypedef struct ufunc_row:
        const char *name
        int inputs
        loop *loops[DTYPES]
    const ufunc_row relu_c_ufuncs[ROWS]
    const char *relu_c_available(int)
    int relu_c_use(const char *)
    const char *relu_c_in_use()


cdef extern from *:
    """
    #include <numpy/ndarrayobject.h>
    #include <numpy/ufuncobject.h>
    #include <numpy/dtype_api.h>

    #define common_dtype(a, b) (PyObject *)PyArray_CommonDType(a, b)

    #if defined(_MSC_VER) && !defined(__clang__)
    #define RELU_C_COMPILER "MSVC " Py_STRINGIFY(_MSC_VER)
    #elif defined(__clang__)
    #define RELU_C_COMPILER "clang " __clang_version__
    #else
    #define RELU_C_COMPILER "gcc " __VERSION__
    #endif
    """
    ctypedef struct PyArray_DTypeMeta:
        pass
    ctypedef struct PyUFuncObject:
        const char *doc
    ctypedef struct PyArrayMethod_Spec:
        const char *name
        int nin
        int nout
        int casting
        int flags
        PyArray_DTypeMeta **dtypes
        PyType_Slot *slots
    ctypedef struct PyType_Slot:
        int slot
        void *pfunc
    int NPY_NO_CASTING
    int NPY_METH_NO_FLOATINGPOINT_ERRORS
    int NPY_METH_strided_loop
    int PyUFunc_None
    const char *RELU_C_COMPILER
    int PyArray_ImportNumPyAPI() except -1
    int PyUFunc_ImportUFuncAPI() except -1
    object PyUFunc_FromFuncAndData(void *, void *, char *, int, int, int, int, const char *, const char *, int)
    int PyUFunc_AddLoopFromSpec(object, PyArrayMethod_Spec *) except -1
    int PyUFunc_AddPromoter(object, object, object) except -1
    object common_dtype(PyArray_DTypeMeta *, PyArray_DTypeMeta *)
    object PyCapsule_New(void *, const char *, void *)


PyArray_ImportNumPyAPI()
PyUFunc_ImportUFuncAPI()

# The dtypes of the loops, in the order of `enum dtype`, and the loop of each of NumPy's integer types (long and long
# long are distinct, though of equal size).
_LOOP_DTYPES = [np.dtype(code) for code in ("e", "f", "d", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")]
_INTEGER_LOOPS = {type(dtype): _LOOP_DTYPES.index(dtype) for dtype in map(np.dtype, np.typecodes["AllInteger"])}

# What the promoter turns a dtype into, by its scalar type: the float that np.tanh takes, or, in a ufunc with integer
# loops, the integer itself. Python's own numbers come as int and float. A dtype that is missing has no loop, which
# NumPy reports.
_FLOATS = {np.dtype(code).type: type(np.tanh(np.zeros(1, code)).dtype) for code in "?bBhHiIlLqQefd"}
_FLOATS |= {int: type(np.dtype(np.float64)), float: type(np.dtype(np.float64))}
_KEPT = _FLOATS | {dtype.type: dtype for dtype in _INTEGER_LOOPS} | {int: type(np.dtype(np.int64)), np.bool: None}
_with_integer_loops = set()


cdef int promote(
    PyObject *ufunc, PyArray_DTypeMeta **given, PyArray_DTypeMeta **signature, PyArray_DTypeMeta **chosen
) except -1:
    """Choose one dtype for all operands: NumPy's common dtype of the inputs, or the output's where dtype= fixes it."""
    cdef int inputs = (<object>ufunc).nin, k
    cdef object common = <object>given[0]
    if signature[inputs] != NULL:
        common = <object>signature[inputs]
    else:
        for k in range(1, inputs):
            common = common_dtype(<PyArray_DTypeMeta *>common, given[k])
    common = (_KEPT if <object>ufunc in _with_integer_loops else _FLOATS).get(common.type)
    if common is None:
        return -1
    for k in range(inputs + 1):
        Py_INCREF(common)
        chosen[k] = <PyArray_DTypeMeta *>common
    return 0


cdef add_loop(ufunc, loop *function, dtype):
    """Add the loop for operands that are all of one dtype."""
    cdef PyArray_DTypeMeta *dtypes[5]
    cdef PyType_Slot slots[2]
    cdef PyArrayMethod_Spec spec
    cdef int k
    for k in range(ufunc.nargs):
        dtypes[k] = <PyArray_DTypeMeta *>dtype
    slots[0].slot = NPY_METH_strided_loop
    slots[0].pfunc = <void *>function
    slots[1].slot = 0
    slots[1].pfunc = NULL
    spec.name = "relu_c"
    spec.nin = ufunc.nin
    spec.nout = 1
    spec.casting = NPY_NO_CASTING
    spec.flags = NPY_METH_NO_FLOATINGPOINT_ERRORS
    spec.dtypes = dtypes
    spec.slots = slots
    PyUFunc_AddLoopFromSpec(ufunc, &spec)


cdef make(const ufunc_row *row):
    """Make the ufunc of one row, with its loops and the promoter."""
    cdef int k
    ufunc = PyUFunc_FromFuncAndData(NULL, NULL, NULL, 0, row.inputs, 1, PyUFunc_None, row.name, NULL, 0)
    for k in range(DTYPES):
        if row.loops[k] != NULL and k < INT8:
            add_loop(ufunc, row.loops[k], type(_LOOP_DTYPES[k]))
    if row.loops[INT8] != NULL:
        for dtype, k in _INTEGER_LOOPS.items():
            add_loop(ufunc, row.loops[k], dtype)
        _with_integer_loops.add(ufunc)
    any_inputs = (np.dtype,) * row.inputs + (None,)
    PyUFunc_AddPromoter(ufunc, any_inputs, PyCapsule_New(<void *>promote, "numpy._ufunc_promoter", NULL))
    return ufunc


UFUNCS = {relu_c_ufuncs[i].name.decode(): make(&relu_c_ufuncs[i]) for i in range(ROWS)}
_documents = []


@cython.final
cdef class Parameter:
    """A parameter of a function: its name and its domain.

    `cast` takes a value and the array it goes with, and returns what the ufunc takes. A scalar (ndim 0) is cast to the
    array's float dtype (float64 for integers), so that it never changes the result's dtype, and then checked; arrays
    are left as they are. The last conversion is kept, since a program calls a function with the same constant again and
    again: the same float object with the same dtype costs two comparisons.

    Parameters
    ----------
    name : str
        The parameter's name, for the error.
    test : callable
        Whether a float lies in the domain.
    domain : str
        The domain in words, for the error.
    """

    cdef str name
    cdef object test
    cdef str domain
    cdef tuple last

    def __init__(self, str name, test, str domain):
        self.name = name
        self.test = test
        self.domain = domain
        self.last = self, None, None  # nothing yet: no value is this object

    def cast(self, value, x):
        """Return the value, checked and in the dtype that goes with x."""
        dtype = getattr(x, "dtype", None)
        last_value, last_dtype, last_array = self.last
        if value is last_value and dtype is last_dtype:
            return last_array
        if type(value) is float and dtype is not None:
            array = self._convert(value, dtype)
            self.last = value, dtype, array
            return array
        if isinstance(value, (str, bytes, complex, np.complexfloating)) or value is None:
            raise TypeError(f"{self.name} must be a real number or an array of them, not {value!r}")
        if np.ndim(value):
            return value
        if dtype is not None:
            return self._convert(float(value), dtype)
        if hasattr(x, "dtypes"):  # a pandas DataFrame: each column has its own
            return self._convert(float(value), np.result_type(*x.dtypes))
        return self._convert(float(value), np.asarray(x).dtype)

    def _convert(self, value, dtype):
        with np.errstate(over="ignore"):
            array = np.asarray(value, dtype if dtype.kind == "f" else np.float64)
        if not self.test(float(array)):
            raise ValueError(f"{self.name} must be {self.domain}, not {value!r} ({array.dtype} {array!s})")
        array.flags.writeable = False
        return array


def document(ufunc, str text, str module, str qualname):
    """Give a ufunc its docstring and the public name under which pickle and Dask find it."""
    encoded = text.encode()
    _documents.append(encoded)  # the ufunc keeps a pointer only
    (<PyUFuncObject *><PyObject *>ufunc).doc = encoded
    try:
        ufunc.__module__, ufunc.__qualname__ = module, qualname
    except AttributeError:  # NumPy before 2.2: found by name in any module
        pass


def available_instruction_sets():
    """Return the names of the instruction sets that this CPU can run, best first."""
    names = []
    while relu_c_available(len(names)) != NULL:
        names.append(relu_c_available(len(names)).decode())
    return names


def instruction_set():
    """Return the name of the instruction set in use."""
    return relu_c_in_use().decode()


def _use_isa(str name):
    """Use the loops of the instruction set of that name from now on: for tests, verify and bench."""
    if relu_c_use(name.encode()) != 0:
        available = ", ".join(available_instruction_sets())
        raise ValueError(f"instruction set {name!r} is not available; available on this machine: {available}")


COMPILER = RELU_C_COMPILER.decode().strip()

try:
    _use_isa(os.environ.get("RELU_C_ISA") or available_instruction_sets()[0])
except ValueError as error:
    raise ImportError(f"RELU_C_ISA: {error}") from None
