/* Kernels of float32 by bounds, computed in float and its rounding errors: a vector holds twice as many as of double.
 *
 * Where both ends of the bounds round to one float, that is the exact value rounded once. Bounds are some 2^-42 of the
 * value apart, so that one element of 2^17 or so is undecided; the formula in double then does its block again. It is
 * within 2^-51, so it has the same result wherever bounds decide, and no result depends on who computed it. */
#ifndef RELU_C_BOUNDED_H
#define RELU_C_BOUNDED_H

#include "base.h"
#include "estimates.h"
#include "kernels.h"

/* y (y - x) = b/4 with y = (x + R)/2, R = sqrt(x^2 + b) = 2y - x. Newton's step from a y with a relative error of 2^-22
 * at most: g = (y (y - x) - b/4)/(2y - x) is what y is too large, up to g^2/R <= 2^-22 g and five roundings of g;
 * what cancels in the numerator is exact, or leaves 2^-46 y. A tie is half a float spacing from y, so g >= 2^-26 y
 * where it counts, and 2^-18 g is more than all that. Between the limits nothing overflows, and no error term
 * underflows. */
INLINE bounds squareplus_bounds(float x, float b)
{
    float u = float_magnitude(x), c = 0.25f * b, p = 0.5f * (u + sqrtf(u * u + b)), y = x < 0 ? c / p : p;
    float s = y - x, t = s - y, e = (y - (s - t)) - (x + t); /* s + e = y - x */
    float product = y * s, error = fmaf(y, s, -product);
    float g = fmaf(y, e, (product - c) + error) / (y + s);
    bounds ends = {y - g * (1 + 0x1p-18f), y - g * (1 - 0x1p-18f)};
    return unless(!((u < 0x1p50f) & (b > 0x1p-30f) & (b < 0x1p60f)), ends);
}

/* dy/(s + e)^2, s + e = 1 + |x|. With i = 1/s, r = 1 - i (s + e) <= 2^-23: 1/(s + e) = i + i r, up to r^2, and its
 * square w + v, up to 3 r^2; with half a dozen roundings of errors of 2^-23 the whole is within 2^-43.5. */
INLINE bounds softsign_grad_bounds(float dy, float x)
{
    float m = float_magnitude(x), s = 1 + m, t = s - 1, e = (1 - (s - t)) + (m - t);
    float i = 1 / s, r = fmaf(-i, s, 1) - i * e;
    float w = i * i, v = fmaf(i, i, -w) + 2 * i * (i * r);
    float y = dy * w, rest = fmaf(dy, w, -y) + dy * v, k = float_magnitude(y) * 0x1p-42f;
    bounds ends = {dy == 0 ? y : y + (rest - k), dy == 0 ? y : y + (rest + k)};
    int known = (m < 0x1p30f) & (float_magnitude(y) < 0x1p120f) & ((float_magnitude(y) > 0x1p-90f) | (dy == 0));
    return unless(!known, ends);
}

typedef bounds bounded_formula(float, float);

/* The lower ends; returns whether all are the upper ones too. */
INLINE int each_bounded(bounded_formula *formula, int fixed, const float *const *in, float *out, intptr_t n)
{
    const float *a = in[0], *b = in[1];
    const float fixed_b = fixed ? b[0] : 0;
    uint32_t different = 0;
    INDEPENDENT
    for (intptr_t i = 0; i < n; i++) {
        const bounds ends = formula(a[i], fixed ? fixed_b : b[i]);
        out[i] = ends.low;
        different |= bits_of_float(ends.low) ^ bits_of_float(ends.high);
    }
    return different == 0;
}

/* As `drive` of loops.h, for formulas of two operands. `wide` is the kernel in double, which also does what is not
 * contiguous. */
INLINE void drive_bounded(bounded_formula *formula, kernel *wide, int first, char *const *data, intptr_t n,
                          const intptr_t *strides)
{
    enum { BLOCK = 512 };
    float results[BLOCK];
    const intptr_t size = sizeof(float);
    const int fixed = first == 1 && strides[1] == 0, in_place = data[0] == data[2] || data[1] == data[2];
    int direct = strides[2] == size;
    for (int k = 0; k < 2; k++) {
        const int apart = data[k] >= data[2] + n * size || data[2] >= data[k] + n * size;
        direct &= (strides[k] == size && (apart || data[k] == data[2])) || (fixed && k == 1);
    }
    if (!direct) {
        wide(data, n, strides);
        return;
    }
    for (intptr_t start = 0, count; start < n; start += count) {
        char *const block[] = {data[0] + start * strides[0], data[1] + start * strides[1], data[2] + start * size};
        const float *const in[] = {(const float *)block[0], (const float *)block[1]};
        float *const out = in_place ? results : (float *)block[2];
        count = n - start < BLOCK ? n - start : BLOCK;
        if (!(fixed ? each_bounded(formula, 1, in, out, count)
                    : each_bounded(formula, 0, in, out, count)))
            wide(block, count, strides);
        else if (in_place)
            memcpy(block[2], results, (size_t)(count * size));
    }
}

#endif
