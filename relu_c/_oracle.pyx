# cython: language_level=3, boundscheck=False, wraparound=False
"""The oracle of src/oracle.c: compares float32 results with exact values. Never imported by ``import relu_c``."""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

cdef extern from "oracle.h":
    ctypedef struct oracle_report:
        int64_t misrounded, undecided, close, worst
        double worst_ulp
        int64_t capacity
        int64_t *misrounded_at
        int64_t *undecided_at
        int64_t *close_at
        double *close_ulp
    int oracle_needs_avx2()
    int oracle_find(const char *name, int derivative)
    const char *oracle_name(int function)
    int oracle_region(int function, int derivative, int i, float *low, float *high)
    void oracle_check(
        int function, int derivative, const float *x, const float *y, int64_t n, double near, oracle_report *r) nogil
    double oracle_evaluate(
        int function, int derivative, const float *x, int64_t n, double *h, double *l, double *bound) nogil

NEEDS_AVX2 = bool(oracle_needs_avx2())


def names():
    """Return the names the oracle knows."""
    result = []
    while oracle_name(len(result)) != NULL:
        result.append(oracle_name(len(result)).decode())
    return result


cdef int number(str name, int derivative) except -1:
    cdef int function = oracle_find(name.encode(), derivative)
    if function < 0:
        raise ValueError(f"the oracle has no function {name!r}, derivative {derivative}")
    return function


def regions(str name, int derivative):
    """Return the intervals of inputs whose rounded result is known without evaluation."""
    cdef int function = number(name, derivative), i = 0
    cdef float low, high
    result = []
    while oracle_region(function, derivative, i, &low, &high):
        result.append((low, high))
        i += 1
    return result


def check(
    str name, int derivative, const float[::1] x, const float[::1] y, double near=0.0, int64_t capacity=4096
):
    """Compare y with f(x) or f'(x).

    Parameters
    ----------
    name : str
        One of `names`.
    derivative : {0, 1, 2}
        Whether y are values of f(x) (0), of f'(x) (1), or of f' where x are values of f (2).
    x, y : ndarray of float32
        Inputs and results.
    near : float
        List the inputs whose exact value is within so many units in the last place of a rounding boundary.
    capacity : int
        How many indices a list holds at most.

    Returns
    -------
    misrounded, undecided : int
        Counts of results that are certainly not the exact value rounded once, and of those too close to a rounding
        boundary to tell.
    max_ulp : float
        Largest distance of a result from the exact value, undecided ones included.
    worst : int
        Its index, -1 if every result is exact.
    misrounded_at, undecided_at, close_at : list of int
        At most `capacity` indices each; `close_at` those within `near` units in the last place of a boundary.
    close_ulp : list of float
        Their distances.
    """
    cdef int function = number(name, derivative)
    cdef oracle_report r
    if x.shape[0] != y.shape[0]:
        raise ValueError(f"x and y differ in length: {x.shape[0]} and {y.shape[0]}")
    r.misrounded = r.undecided = r.close = 0
    r.worst = -1
    r.worst_ulp = 0
    r.capacity = capacity
    cdef int64_t *lists = <int64_t *>malloc(3 * capacity * sizeof(int64_t))
    r.close_ulp = <double *>malloc(capacity * sizeof(double))
    r.misrounded_at, r.undecided_at, r.close_at = lists, lists + capacity, lists + 2 * capacity
    try:
        if lists == NULL or r.close_ulp == NULL:
            raise MemoryError
        if x.shape[0]:
            with nogil:
                oracle_check(function, derivative, &x[0], &y[0], x.shape[0], near, &r)
        close = min(r.close, capacity)
        return (r.misrounded, r.undecided, r.worst_ulp, r.worst,
                [r.misrounded_at[i] for i in range(min(r.misrounded, capacity))],
                [r.undecided_at[i] for i in range(min(r.undecided, capacity))],
                [r.close_at[i] for i in range(close)], [r.close_ulp[i] for i in range(close)])
    finally:
        free(lists)
        free(r.close_ulp)


def evaluate(str name, int derivative, const float[::1] x, double[::1] high, double[::1] low, double[::1] bound):
    """Fill high + low, the factor returned times the exact value, and the bound of their error."""
    cdef int function = number(name, derivative)
    cdef double factor
    if not x.shape[0]:
        return 1.0
    if not x.shape[0] == high.shape[0] == low.shape[0] == bound.shape[0]:
        raise ValueError("arrays differ in length")
    with nogil:
        factor = oracle_evaluate(function, derivative, &x[0], x.shape[0], &high[0], &low[0], &bound[0])
    return factor
