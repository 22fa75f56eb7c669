# cython: language_level=3, boundscheck=False, wraparound=False
"""The sums of `relu_c.diagnostics` and `relu_c.penalties`: counts and moments of each unit, norms, in one pass."""

cimport cython
from libc.stdint cimport int64_t, intptr_t


cdef extern from *:
    """
    #include "base.h"

    enum { LANES = 64 };

    #define real float
    #define SUFFIX _f32
    #include "statistics.h"

    #define real double
    #define SUFFIX _f64
    #include "statistics.h"
    """
    void tally_f32(const float *, intptr_t, intptr_t, intptr_t, float, float, int64_t *) nogil
    void tally_f64(const double *, intptr_t, intptr_t, intptr_t, double, double, int64_t *) nogil
    void moments_f32(const float *, intptr_t, intptr_t, intptr_t, const double *, double *) nogil
    void moments_f64(const double *, intptr_t, intptr_t, intptr_t, const double *, double *) nogil
    void norms_f32(const float *, intptr_t, double *, double *) nogil
    void norms_f64(const double *, intptr_t, double *, double *) nogil
    enum: LANES


def tally(const cython.floating[:, :, ::1] y, cython.floating low, cython.floating high, int64_t[:, ::1] counts):
    """Add how many outputs of each unit are 0, above 0, finite, and at or beyond a limit.

    Parameters
    ----------
    y : ndarray of float32 or float64 of shape (samples, units, samples)
        The outputs.
    low, high : float
        The limits; NaN for none.
    counts : ndarray of int64 of shape (4, units)
        What is added to.
    """
    if not (counts.shape[0] == 4 and counts.shape[1] == y.shape[1]):
        raise ValueError(f"counts must have the shape (4, {y.shape[1]}), not {counts.shape[0], counts.shape[1]}")
    if y.shape[0] and y.shape[1] and y.shape[2]:
        with nogil:
            if cython.floating is float:
                tally_f32(&y[0, 0, 0], y.shape[0], y.shape[1], y.shape[2], low, high, &counts[0, 0])
            else:
                tally_f64(&y[0, 0, 0], y.shape[0], y.shape[1], y.shape[2], low, high, &counts[0, 0])


def moments(const cython.floating[:, :, ::1] y, const double[::1] shift, double[:, ::1] sums):
    """Add the sums of y - shift and of its square over the finite outputs of each unit.

    Parameters
    ----------
    y : ndarray of float32 or float64 of shape (samples, units, samples)
        The outputs.
    shift : ndarray of float64 of shape (units,)
        Near the means, so that nothing cancels.
    sums : ndarray of float64 of shape (2, units)
        What is added to.
    """
    if not (sums.shape[0] == 2 and sums.shape[1] == shift.shape[0] == y.shape[1]):
        raise ValueError(f"sums must have the shape (2, {y.shape[1]}), not {sums.shape[0], sums.shape[1]}")
    if y.shape[0] and y.shape[1] and y.shape[2]:
        with nogil:
            if cython.floating is float:
                moments_f32(&y[0, 0, 0], y.shape[0], y.shape[1], y.shape[2], &shift[0], &sums[0, 0])
            else:
                moments_f64(&y[0, 0, 0], y.shape[0], y.shape[1], y.shape[2], &shift[0], &sums[0, 0])


cdef int add_norms(const cython.floating[::1] y, double *absolute, double *squares) except -1:
    if y.shape[0]:
        with nogil:
            if cython.floating is float:
                norms_f32(&y[0], y.shape[0], absolute, squares)
            else:
                norms_f64(&y[0], y.shape[0], absolute, squares)
    return 0


def norms(blocks):
    """Return the sums of absolute values and of squares of an array, in float64 and a fixed order.

    Parameters
    ----------
    blocks : iterable of ndarray of float32 or float64 of shape (n,)
        The array in pieces, all but the last of a length that is a multiple of 256.
    """
    cdef double absolute[LANES]
    cdef double squares[LANES]
    cdef int j
    for j in range(LANES):
        absolute[j] = squares[j] = 0
    for block in blocks:
        if block.itemsize == 4:
            add_norms[float](block, absolute, squares)
        else:
            add_norms[double](block, absolute, squares)
    for j in range(1, LANES):
        absolute[0] += absolute[j]
        squares[0] += squares[j]
    return absolute[0], squares[0]
