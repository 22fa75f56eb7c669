# cython: language_level=3
"""Makes the ufuncs by walking the table, and picks the instruction set whose loops they run."""

import os

import cython
import numpy as np
from cpython.ref cimport Py_INCREF, PyObject


cdef extern from "dispatch.h":
    ctypedef int loop(void *, char *const *, const Py_ssize_t *, const Py_ssize_t *, void *)
    enum: FLOATS "INT8"
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
    void relu_c_set_limits(Py_ssize_t, Py_ssize_t)
    Py_ssize_t relu_c_largest_cache()

cdef extern from "threads.h":
    enum: RELU_C_MAX_THREADS
    int relu_c_has_threads()
    int relu_c_get_num_threads()
    void relu_c_set_num_threads(int)


cdef enum:
    MOST = 8  # arguments of a function
    COLUMNS_FROM = 512  # elements; fewer are sooner done by a ufunc, row by row, than a generalised one is set up


cdef extern from "generalised.h":
    ctypedef struct generalised_row:
        const char *name
        const char *signature
        int inputs
        int outputs
        loop *loops[DTYPES]
    enum: INDEX_DTYPES
    const generalised_row relu_c_generalised[]
    loop *relu_c_maxout[INDEX_DTYPES][DTYPES]
    loop *relu_c_maxout_grad[INDEX_DTYPES][DTYPES]


cdef extern from *:
    """
    #include <numpy/ndarrayobject.h>
    #include <numpy/ufuncobject.h>
    #include <numpy/dtype_api.h>

    #define common_dtype(a, b) (PyObject *)PyArray_CommonDType(a, b)
    #define dtype_of(array) ((PyObject *)PyArray_DESCR((PyArrayObject *)array))
    #define dimensions_of(array) PyArray_NDIM((PyArrayObject *)array)
    #define shape_of(array) PyArray_DIMS((PyArrayObject *)array)
    #define size_of(array) PyArray_SIZE((PyArrayObject *)array)
    #define is_contiguous(array) PyArray_IS_C_CONTIGUOUS((PyArrayObject *)array)

    typedef PyObject *(*ufunc_call)(PyObject *, PyObject *const *, size_t, PyObject *);

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
        int nin
        const char *doc
        void *vectorcall
    ctypedef object (*ufunc_call)(PyObject *, PyObject **, size_t, PyObject *)
    ctypedef object (*PyCFunction)(PyObject *, PyObject *)
    ctypedef struct PyMethodDef:
        const char *ml_name
        PyCFunction ml_meth
        int ml_flags
        const char *ml_doc
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
    object PyUFunc_FromFuncAndDataAndSignature(
        void *, void *, char *, int, int, int, int, const char *, const char *, int, const char *
    )
    int PyUFunc_AddLoopFromSpec(object, PyArrayMethod_Spec *) except -1
    int PyUFunc_AddPromoter(object, object, object) except -1
    object common_dtype(PyArray_DTypeMeta *, PyArray_DTypeMeta *)
    object PyCapsule_New(void *, const char *, void *)
    bint PyArray_Check(PyObject *)
    bint PyArray_CheckExact(PyObject *)
    bint PyArray_CompareLists(const Py_ssize_t *, const Py_ssize_t *, int)
    PyObject *dtype_of(PyObject *)
    int dimensions_of(PyObject *)
    Py_ssize_t *shape_of(PyObject *)
    Py_ssize_t size_of(PyObject *)
    bint is_contiguous(PyObject *)
    int METH_FASTCALL
    int METH_KEYWORDS
    PyObject *PyTuple_GetItem(tuple, Py_ssize_t)
    Py_ssize_t PyTuple_Size(tuple)
    object PyCFunction_NewEx(PyMethodDef *, object, object)


PyArray_ImportNumPyAPI()
PyUFunc_ImportUFuncAPI()

# bfloat16 has to be there before the first call with it: NumPy remembers for good which loop it found for a dtype.
try:
    from ml_dtypes import bfloat16
except ImportError:
    BFLOAT16 = None
else:
    BFLOAT16 = type(np.dtype(bfloat16))

# The dtypes of the loops, in the order of `enum dtype`, and the loop of each of NumPy's integer types (long and long
# long are distinct, though of equal size).
_FLOAT_LOOPS = [type(np.dtype(code)) for code in "efd"] + [BFLOAT16]
_INTEGERS = [np.dtype(code) for code in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")]
_INTEGER_LOOPS = {type(dtype): FLOATS + _INTEGERS.index(dtype) for dtype in map(np.dtype, np.typecodes["AllInteger"])}

# What the promoter turns a dtype into, by its scalar type: the float that np.tanh takes, or, in a ufunc with integer
# loops, the integer itself. Python's own numbers come as int and float. A dtype that is missing has no loop, which
# NumPy reports.
_FLOATS = {np.dtype(code).type: type(np.tanh(np.zeros(1, code)).dtype) for code in "?bBhHiIlLqQefd"}
_FLOATS |= {int: type(np.dtype(np.float64)), float: type(np.dtype(np.float64))}
if BFLOAT16 is not None:
    _FLOATS[BFLOAT16.type] = BFLOAT16
_KEPT = _FLOATS | {dtype.type: dtype for dtype in _INTEGER_LOOPS} | {int: type(np.dtype(np.int64)), np.bool: None}
_with_integer_loops = set()


cdef int promote(
    PyObject *ufunc, PyArray_DTypeMeta **given, PyArray_DTypeMeta **signature, PyArray_DTypeMeta **chosen
) except -1:
    """Choose one dtype for all operands: NumPy's common dtype of the inputs, or the output's where dtype= fixes it.

    Beside bfloat16, Python's numbers count for nothing, as beside NumPy's own floats (NumPy itself makes it float32).
    """
    cdef int inputs = (<object>ufunc).nin, k
    cdef object common = None
    if signature[inputs] != NULL:
        common = <object>signature[inputs]
    else:
        dtypes = [<object>given[k] for k in range(inputs)]
        if BFLOAT16 in dtypes:
            dtypes = [dtype for dtype in dtypes if dtype.type not in (int, float)]
        common = dtypes[0]
        for dtype in dtypes[1:]:
            common = common_dtype(<PyArray_DTypeMeta *>common, <PyArray_DTypeMeta *>dtype)
    common = (_KEPT if <object>ufunc in _with_integer_loops else _FLOATS).get(common.type)
    if common is None:
        return -1
    for k in range(<int>(<object>ufunc).nargs):
        Py_INCREF(common)
        chosen[k] = <PyArray_DTypeMeta *>common
    return 0


cdef add_loop(ufunc, loop *function, dtype, other=None, int at=0):
    """Add the loop for operands that are all of one dtype, but for that at a position, which is of the other dtype."""
    cdef PyArray_DTypeMeta *dtypes[6]
    cdef PyType_Slot slots[2]
    cdef PyArrayMethod_Spec spec
    cdef int k
    for k in range(ufunc.nargs):
        dtypes[k] = <PyArray_DTypeMeta *>dtype
    if other is not None:
        dtypes[at] = <PyArray_DTypeMeta *>other
    slots[0].slot = NPY_METH_strided_loop
    slots[0].pfunc = <void *>function
    slots[1].slot = 0
    slots[1].pfunc = NULL
    spec.name = "relu_c"
    spec.nin = ufunc.nin
    spec.nout = ufunc.nout
    spec.casting = NPY_NO_CASTING
    spec.flags = NPY_METH_NO_FLOATINGPOINT_ERRORS
    spec.dtypes = dtypes
    spec.slots = slots
    PyUFunc_AddLoopFromSpec(ufunc, &spec)


cdef make(const ufunc_row *row):
    """Make the ufunc of one row, with its loops and the promoter."""
    cdef int k
    ufunc = PyUFunc_FromFuncAndData(NULL, NULL, NULL, 0, row.inputs, 1, PyUFunc_None, row.name, NULL, 0)
    for k in range(FLOATS):
        if _FLOAT_LOOPS[k] is not None:
            add_loop(ufunc, row.loops[k], _FLOAT_LOOPS[k])
    if row.loops[FLOATS] != NULL:
        for dtype, k in _INTEGER_LOOPS.items():
            add_loop(ufunc, row.loops[k], dtype)
        _with_integer_loops.add(ufunc)
    any_inputs = (np.dtype,) * row.inputs + (None,)
    PyUFunc_AddPromoter(ufunc, any_inputs, PyCapsule_New(<void *>promote, "numpy._ufunc_promoter", NULL))
    return ufunc


UFUNCS = {relu_c_ufuncs[i].name.decode(): make(&relu_c_ufuncs[i]) for i in range(ROWS)}


cdef make_generalised(const generalised_row *row):
    """Make the ufunc of one row of the second table."""
    cdef int k
    ufunc = PyUFunc_FromFuncAndDataAndSignature(
        NULL, NULL, NULL, 0, row.inputs, row.outputs, PyUFunc_None, row.name, NULL, 0, row.signature
    )
    for k in range(FLOATS):
        if _FLOAT_LOOPS[k] is not None:
            add_loop(ufunc, row.loops[k], _FLOAT_LOOPS[k])
    any_inputs = (np.dtype,) * row.inputs + (None,) * row.outputs
    PyUFunc_AddPromoter(ufunc, any_inputs, PyCapsule_New(<void *>promote, "numpy._ufunc_promoter", NULL))
    return ufunc


GENERALISED = {}
_row = 0
while relu_c_generalised[_row].name != NULL:
    GENERALISED[relu_c_generalised[_row].name.decode()] = make_generalised(&relu_c_generalised[_row])
    _row += 1


cdef make_maxout():
    """Make maxout and its gradient; the index may have any of its dtypes."""
    cdef int k, i
    maxout = PyUFunc_FromFuncAndDataAndSignature(
        NULL, NULL, NULL, 0, 1, 2, PyUFunc_None, "maxout", NULL, 0, "(p)->(),()"
    )
    grad = PyUFunc_FromFuncAndDataAndSignature(
        NULL, NULL, NULL, 0, 2, 1, PyUFunc_None, "maxout_grad", NULL, 0, "(),()->(p)"
    )
    loops = [(dtype, k) for k, dtype in enumerate(_FLOAT_LOOPS) if dtype is not None] + list(_INTEGER_LOOPS.items())
    for i in range(INDEX_DTYPES):
        index = type(np.dtype(("u1", "u2", "u4")[i]))
        for dtype, k in loops:
            add_loop(maxout, relu_c_maxout[i][k], dtype, index, 2)
            add_loop(grad, relu_c_maxout_grad[i][k], dtype, index, 1)
    return {"maxout": maxout, "maxout_grad": grad}


GENERALISED |= make_maxout()

_documents = []


@cython.final
@cython.auto_pickle(False)
cdef class Plan:
    """What a function's plan returned: the ufunc and its last operands, for a dtype and values of the parameters."""

    cdef object dtype, ufunc, columns  # the ufunc for a parameter for each column, or None
    cdef list owned  # what the pointers below borrow
    cdef Py_ssize_t size  # of the operands
    cdef PyObject *values[MOST]  # NULL for any array
    cdef PyObject *operands[MOST]  # NULL for the value itself


@cython.final
cdef class Function:
    """What a function made by `with_parameters` knows: its plan in Python, its arguments, and the last plan made.

    It pickles as the package, and so the function, which pickles as an attribute of this object, as one of the package.
    """

    cdef object plan
    cdef Plan last
    cdef Py_ssize_t operands, parameters
    cdef tuple owned  # what the pointers below borrow
    cdef PyObject *names[MOST]  # of operands, parameters, out, where
    cdef PyObject *defaults[MOST]  # NULL for none
    cdef PyMethodDef method

    def __reduce__(self):
        return __import__, ("relu_c",)


cdef tuple _WHERE = ("where",)
cdef object _true = True
cdef PyObject *_TRUE = <PyObject *>_true  # of True itself the cast makes the number 1
cdef PyObject *_NONE = <PyObject *>None


def with_parameters(plan, str text):
    """Make a function with parameters: a built-in one, since a call on a small array is nothing but overhead.

    It calls the ufunc of the plan with the operands, the plan's parameters, `out`, and `where` if that is not True. The
    last plan is used again while x has the same dtype and the parameters are the same numbers, or arrays where they
    were arrays: a program calls a function with the same constants again and again.

    Parameters
    ----------
    plan : callable
        A Python function with the name, arguments and defaults of the function: operands, x or y the last of them, then
        ``/``, parameters, ``*, out=None, where=True``. It returns the ufunc and what it takes for each parameter; what
        it returns may depend on the dtype of x and on the parameters. It has to return an array (ndim > 0) as it is.
    text : str
        The docstring.

    Returns
    -------
    builtin_function_or_method
    """
    cdef Function function = Function.__new__(Function)
    cdef Py_ssize_t k
    code = plan.__code__
    function.operands = code.co_posonlyargcount
    function.parameters = code.co_argcount - code.co_posonlyargcount
    function.plan = plan
    function.last = Plan.__new__(Plan)  # for the dtype None, which no array has
    names = (*code.co_varnames[:code.co_argcount], "out", "where")
    defaults = (*(plan.__defaults__ or ()), None, True)
    required = len(names) - len(defaults)
    if len(names) > MOST:
        raise ValueError(f"{plan.__name__} has more than {MOST} arguments")
    shown = [*names[:required], *map("{}={!r}".format, names[required:], defaults)]
    shown.insert(-2, "*")
    shown.insert(function.operands, "/")
    name = plan.__name__.encode()
    documentation = f"{plan.__name__}({', '.join(shown)})\n--\n\n{text}".encode()
    function.owned = names, defaults, name, documentation
    for k in range(len(names)):
        function.names[k] = PyTuple_GetItem(names, k)
    for k in range(len(defaults)):
        function.defaults[required + k] = PyTuple_GetItem(defaults, k)
    function.method.ml_name = name
    function.method.ml_meth = <PyCFunction><void *>_call
    function.method.ml_flags = METH_FASTCALL | METH_KEYWORDS
    function.method.ml_doc = documentation
    return PyCFunction_NewEx(&function.method, function, "relu_c")


cdef object _call(PyObject *self, PyObject **given, Py_ssize_t positional, PyObject *keywords):
    cdef Function function = <Function>self
    cdef PyObject *arguments[MOST]
    cdef Py_ssize_t first = function.operands, end = first + function.parameters, k
    if not _parse(function, given, positional, keywords, arguments):
        names = () if keywords == NULL else <tuple>keywords
        values = [<object>given[k] for k in range(positional + len(names))]
        return function.plan(*values[:positional], **dict(zip(names, values[positional:])))  # raises Python's TypeError
    cdef PyObject *out = arguments[end]
    cdef PyObject *where = arguments[end + 1]
    cdef Plan plan = _plan(function, arguments)
    cdef PyObject *ufunc = <PyObject *>plan.ufunc
    if plan.columns is not None and where == _TRUE and _has_columns(arguments, first, out):
        ufunc = <PyObject *>plan.columns
    for k in range(plan.size):
        if plan.operands[k] != NULL:
            arguments[first + k] = plan.operands[k]
    end = first + plan.size
    if out != _NONE:  # which would cost NumPy a tuple
        arguments[end] = out
        end += 1
    arguments[end] = where
    return (<ufunc_call>(<PyUFuncObject *>ufunc).vectorcall)(
        ufunc, arguments, end, NULL if where == _TRUE else <PyObject *>_WHERE
    )


cdef bint _has_columns(PyObject **operands, Py_ssize_t first, PyObject *out):
    """Return whether the operands and out are rows of one dtype, and the parameter has a value for each column.

    `plan.columns` does the same then, but in blocks of rows. Arrays only: subclasses and others may override the ufunc.
    """
    cdef PyObject *parameter = operands[first]
    cdef PyObject *x = operands[0]
    cdef Py_ssize_t k
    cdef bint same = (
        PyArray_CheckExact(x) and dimensions_of(x) > 1 and size_of(x) >= COLUMNS_FROM and is_contiguous(x)
    )
    for k in range(1, first):
        same = same and _like(operands[k], x)
    if out != _NONE:
        same = same and _like(out, x)
    return (
        same and PyArray_CheckExact(parameter) and dtype_of(parameter) == dtype_of(x) and dimensions_of(parameter) == 1
        and shape_of(parameter)[0] == shape_of(x)[dimensions_of(x) - 1]
    )


cdef bint _like(PyObject *array, PyObject *x):
    """Return whether one array is as the other: no subclass, of the same dtype and shape, and contiguous."""
    return (
        PyArray_CheckExact(array) and dtype_of(array) == dtype_of(x) and dimensions_of(array) == dimensions_of(x)
        and PyArray_CompareLists(shape_of(array), shape_of(x), dimensions_of(x)) and is_contiguous(array)
    )


cdef bint _parse(Function function, PyObject **given, Py_ssize_t positional, PyObject *keywords, PyObject **arguments):
    """Put the arguments of a call in their order, and the defaults; return whether the call is one of the function."""
    cdef Py_ssize_t end = function.operands + function.parameters + 2, k, place
    if positional > end - 2:
        return False
    for k in range(end):
        arguments[k] = given[k] if k < positional else function.defaults[k]
    if keywords != NULL:
        for k in range(PyTuple_Size(<tuple>keywords)):
            place = _find(function, PyTuple_GetItem(<tuple>keywords, k))
            if place < positional:
                return False
            arguments[place] = given[positional + k]
    for k in range(end):
        if arguments[k] == NULL:
            return False
    return True


cdef Py_ssize_t _find(Function function, PyObject *name):
    """Return the place of the argument with a name, or -1."""
    cdef Py_ssize_t end = function.operands + function.parameters + 2, k
    for k in range(function.operands, end):  # names in source code are interned
        if function.names[k] == name:
            return k
    for k in range(function.operands, end):
        if <object>function.names[k] == <object>name:
            return k
    return -1


cdef Plan _plan(Function function, PyObject **arguments):
    """Return the last plan if it is one for these arguments, or make one."""
    cdef Plan plan = function.last
    cdef PyObject *x = arguments[function.operands - 1]
    cdef PyObject **parameters = arguments + function.operands
    cdef Py_ssize_t k
    cdef bint known = PyArray_Check(x) and dtype_of(x) == <PyObject *>plan.dtype
    for k in range(function.parameters):
        known = known and _same(parameters[k], plan.values[k])
    if known:
        return plan
    values = [<object>parameters[k] for k in range(function.parameters)]
    ufunc, *operands = function.plan(*[<object>arguments[k] for k in range(function.operands)], *values)
    if not isinstance(ufunc, np.ufunc) or len(operands) not in (0, function.parameters):
        raise TypeError(f"a plan is a ufunc and an operand for each parameter or none, not {ufunc!r}, {operands!r}")
    plan = Plan.__new__(Plan)
    plan.ufunc = ufunc
    plan.size = len(operands)
    plan.owned = []
    for k in range(function.parameters):
        if not _is_array(parameters[k]):
            plan.owned.append(values[k])
            plan.values[k] = parameters[k]
            if operands:
                operand = operands[k]
                plan.owned.append(operand)
                plan.operands[k] = <PyObject *>operand
        elif PyArray_Check(x) and type(<object>dtype_of(x)) in _FLOAT_LOOPS:
            plan.columns = GENERALISED.get(f"columns_{ufunc.__name__}")
    if PyArray_Check(x) and {type(value) for value in values if not np.ndim(value)} <= {float, int}:
        plan.dtype = <object>dtype_of(x)
        function.last = plan
    return plan


cdef bint _is_array(PyObject *parameter):
    return PyArray_Check(parameter) and dimensions_of(parameter) > 0


cdef bint _same(PyObject *value, PyObject *last):
    """Return whether a value is planned for like the last one: an array like any array, equal floats if not zeros."""
    if last == NULL:
        return _is_array(value)
    return value == last or (
        type(<object>value) is float and type(<object>last) is float and <object>value == <object>last != 0
    )


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


def get_num_threads():
    """Return how many threads a loop may use."""
    return relu_c_get_num_threads()


def set_num_threads(int n):
    """Set how many threads a loop may use."""
    relu_c_set_num_threads(n)


_STREAM_FROM = 2 * relu_c_largest_cache()


def _set_limits(Py_ssize_t grain=0, Py_ssize_t stream_from=0):
    """Set from how many bytes on threads and streamed stores are used, 0 for the usual: for tests and benchmarks."""
    relu_c_set_limits(grain, stream_from or _STREAM_FROM)


_set_limits()
MAX_THREADS = RELU_C_MAX_THREADS
HAS_THREADS = bool(relu_c_has_threads())
COMPILER = RELU_C_COMPILER.decode().strip()

try:
    _use_isa(os.environ.get("RELU_C_ISA") or available_instruction_sets()[0])
except ValueError as error:
    raise ImportError(f"RELU_C_ISA: {error}") from None
