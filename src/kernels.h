/* The interface between the loops, compiled once per instruction set, and what picks among them. Plain C. */
#ifndef RELU_C_KERNELS_H
#define RELU_C_KERNELS_H

#include <stdint.h>

/* A loop as NumPy calls it: one pointer and one stride in bytes per operand, inputs first, the output last. */
typedef void kernel(char *const *data, intptr_t n, const intptr_t *strides);

enum dtype { FLOAT16, FLOAT32, FLOAT64, BFLOAT16, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, DTYPES };

#define UFUNC(name, operands, evaluation, kinds) UFUNC_##name,
enum ufunc {
#include "activations.def"
    UFUNCS,
    BEFORE_UNITS = UFUNCS - 1,
#define UFUNC(name, operands, evaluation, kinds) UFUNC_##name,
#define GATED(name, activation) UFUNC_##name, UFUNC_##name##_grad_gate, UFUNC_##name##_grad_value,
#include "units.def"
    KERNELS
};

/* A sum of one contiguous run: sums[i] += term(dy[i], x[i], parameter[i]). */
typedef void sum_kernel(const void *dy, const void *x, const void *parameter, double *sums, intptr_t n);

#define SUM(name, narrow, full) SUM_##name,
enum sum {
#include "units.def"
    SUMS
};

/* best[i] = max(best[i], x[i]), and which[i] = k where x[i] is greater. */
typedef void pool_kernel(const void *x, void *best, uint32_t *which, uint32_t k, intptr_t n);

/* Copies bytes with stores that bypass the cache. */
typedef void streamer(char *to, const char *from, intptr_t bytes);

/* All loops of one instruction set; NULL where a ufunc has none for a dtype, or the instruction set no such stores. */
typedef struct {
    const char *name;
    streamer *stream;
    kernel *kernels[KERNELS][DTYPES];
    sum_kernel *sums[SUMS][INT8];
    pool_kernel *pools[DTYPES];
} instruction_set;

#endif
