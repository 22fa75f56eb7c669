/* What kernels of the half types share: their blocks, and the driver that calls them. */
#ifndef RELU_C_HALF_BLOCKS_H
#define RELU_C_HALF_BLOCKS_H

#include "base.h"
#include "half.h"
#include "kernels.h"

/* The results of a run: in and out contiguous, n a multiple of RUN. fixed: the parameters are one number each. */
typedef void half_block(const uint16_t *const *in, int fixed, uint16_t *out, intptr_t n);

/* A formula in double on floats, rounded to odd (half.h). */
typedef void odd_block(const float *const *in, float *out, intptr_t n);
typedef double odd_formula(double, double, double, double);
INLINE void each_odd(odd_formula *formula, int inputs, const float *const *in, float *out, intptr_t n)
{
    const float *a = in[0], *b = in[1], *c = in[2], *d = in[3];
    for (intptr_t i = 0; i < n; i += HALVES)
        INDEPENDENT ROLLED
        for (intptr_t j = i; j < i + HALVES; j++)
            out[j] = rounded_to_odd(formula(a[j], inputs < 2 ? 0 : b[j], inputs < 3 ? 0 : c[j], inputs < 4 ? 0 : d[j]));
}

/* A choice on the bits; a formula as in loops.h. */
typedef uint16_t choice_formula(uint16_t, uint16_t, uint16_t, uint16_t);
INLINE void each_choice(choice_formula *formula, int inputs, int first, int fixed, const uint16_t *const *in,
                        uint16_t *out, intptr_t n)
{
    const uint16_t *a = in[0], *b = in[1], *c = in[2], *d = in[3];
    for (intptr_t i = 0; i < n; i += RUN)
        INDEPENDENT ROLLED
        for (intptr_t j = i; j < i + RUN; j++)
            out[j] = formula(a[j], inputs < 2 ? 0 : b[fixed && first == 1 ? 0 : j], inputs < 3 ? 0 : c[fixed ? 0 : j],
                             inputs < 4 ? 0 : d[fixed ? 0 : j]);
}

/* As `drive` of loops.h, but a function, compiled once. Whole runs are computed where they are; a first short one, that
 * brings the output to a cache line's start, the rest at the end, and operands that partly overlap or have other
 * strides pass through buffers. */
NOT_INLINE void drive_half(half_block *block, int inputs, int first, char *const *data, intptr_t n,
                           const intptr_t *strides)
{
    enum { BLOCK = 1024 };
    uint16_t buffer[5][BLOCK];
    const intptr_t size = sizeof(uint16_t);
    int direct = 1, fixed = inputs > first;
    for (int k = first; k < inputs; k++)
        fixed &= strides[k] == 0;
    for (int k = 0; k <= inputs; k++) {
        const char *in = data[k], *out = data[inputs];
        int partly_overlap = in != out && in < out + n * size && out < in + n * size;
        direct &= (strides[k] == size && !partly_overlap) || (fixed && k >= first && k < inputs);
    }
    /* In reduce and accumulate an output is the next element's first input. */
    const int carried = data[inputs] - data[0] == strides[0] && strides[0] == strides[inputs];
    const intptr_t step = carried && !direct ? 1 : BLOCK;
    const intptr_t head = direct && n > 256 ? (intptr_t)(-(uintptr_t)data[inputs] % 64 / sizeof(uint16_t)) : 0;
    for (intptr_t start = 0, count; start < n; start += count) {
        const int whole = direct && start >= head && n - start >= RUN;
        count = start < head ? head : whole ? (n - start) / RUN * RUN : n - start < step ? n - start : step;
        const intptr_t padded = (count + RUN - 1) / RUN * RUN;
        const uint16_t *in[4] = {0};
        for (int k = 0; k < inputs; k++) {
            const char *from = data[k] + start * strides[k];
            in[k] = whole || (fixed && k >= first) ? (const uint16_t *)from : buffer[k];
            if (in[k] != buffer[k])
                continue;
            for (intptr_t i = 0; i < count; i++)
                buffer[k][i] = *(const uint16_t *)(from + i * strides[k]);
            for (intptr_t i = count; i < padded; i++)
                buffer[k][i] = 0;
        }
        char *to = data[inputs] + start * strides[inputs];
        uint16_t *out = whole ? (uint16_t *)to : buffer[inputs];
        block(in, fixed, out, padded);
        if (!whole)
            for (intptr_t i = 0; i < count; i++)
                *(uint16_t *)(to + i * strides[inputs]) = out[i];
    }
}

#endif
