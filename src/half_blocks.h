/* What a kernel of a half type is made of; half_loops.h drives it, block by block. */
#ifndef RELU_C_HALF_BLOCKS_H
#define RELU_C_HALF_BLOCKS_H

#include "base.h"
#include "kernels.h"

#if defined(_MSC_VER) && !defined(__clang__)
#define LINE_ALIGNED __declspec(align(64))
#else
#define LINE_ALIGNED __attribute__((aligned(64)))
#endif

/* Elements of a block, whose floats stay in the first-level cache with four inputs. */
enum { HALF_BLOCK = 1024 };

/* In reduce and accumulate an output is the next element's first input: one element at a time then. */
INLINE int carried(int inputs, char *const *data, const intptr_t *strides)
{
    return data[inputs] - data[0] == strides[0] && strides[0] == strides[inputs];
}

/* A choice on the bits. fixed: the parameters have stride 0. */
typedef void choice_block(const uint16_t *const *in, int fixed, uint16_t *out, intptr_t n);

/* The result rounded to odd (half.h), for operands of any block. */
typedef void odd_block(const float *const *in, float *out, intptr_t n);

#endif
