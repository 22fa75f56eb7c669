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
    UFUNCS
};

/* Copies bytes with stores that bypass the cache. */
typedef void streamer(char *to, const char *from, intptr_t bytes);

/* All loops of one instruction set; NULL where a ufunc has none for a dtype, or the instruction set no such stores. */
typedef struct {
    const char *name;
    streamer *stream;
    kernel *kernels[UFUNCS][DTYPES];
} instruction_set;

#endif
