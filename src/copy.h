/* Elements of any dtype: their size, and copies between strides. */
#ifndef RELU_C_COPY_H
#define RELU_C_COPY_H

#include "kernels.h"

#include <string.h>

static const intptr_t size_of[DTYPES] = {
    [FLOAT16] = 2, [FLOAT32] = 4, [FLOAT64] = 8, [BFLOAT16] = 2,
    [INT8] = 1, [INT16] = 2, [INT32] = 4, [INT64] = 8, [UINT8] = 1, [UINT16] = 2, [UINT32] = 4, [UINT64] = 8,
};

#define COPY(type)                     \
    for (intptr_t i = 0; i < n; i++)   \
        *(type *)(to + i * to_stride) = *(const type *)(from + i * from_stride);
static inline void copy(intptr_t size, const char *from, intptr_t from_stride, char *to, intptr_t to_stride, intptr_t n)
{
    if (from_stride == size && to_stride == size)
        memcpy(to, from, (size_t)(n * size));
    else if (size == 1)
        COPY(uint8_t)
    else if (size == 2)
        COPY(uint16_t)
    else if (size == 4)
        COPY(uint32_t)
    else
        COPY(uint64_t)
}
#undef COPY

#endif
