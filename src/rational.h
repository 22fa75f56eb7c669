/* Formulas that round more than once: operands and result are `real`, between them they evaluate in double. Choices between pieces are made in
 * `real`, where a vector holds twice as many float32. A template: the includer sets SUFFIX, `real` and NARROW.
 *
 * NARROW 1: the result is rounded once more, to 24 bits or fewer, here (float32, `real` is float) or by the caller (float16,
 * `real` is double). Error terms that double leaves off (the tails below) are then too small to matter and are given as 0, so
 * the compiler drops them; `python -m relu_c verify` shows that every float32 input still gets the exact value rounded once.
 * NARROW 0: float64, where the tails bring the result within 1 ulp. */

#include "gates.h"

/* Where a float64 product may be about to underflow its error is given as 0, so that it does not depend on how it is had. */
INLINE double FN(product_tail)(double a, double b, double p)
{
    double e;
    two_product(a, b, &e);
    return NARROW || fabs(p) < 0x1p-900 ? 0.0 : e;
}
INLINE double FN(sum_tail)(double a, double b)
{
    double e;
    two_sum(a, b, &e);
    return NARROW ? 0.0 : e;
}

INLINE real FN(squared_relu)(real x)
{
    double wide = x;
    return x <= 0 ? 0 : (real)(wide * wide);
}
/* 2 (dy x) rather than dy (2 x), which overflows for the largest x. */
INLINE real FN(squared_relu_grad)(real dy, real x)
{
    double half = (double)dy * x;
    return x <= 0 ? 0 : (real)(half + half);
}
INLINE real FN(squared_relu_grad_from_output)(real dy, real y)
{
    double x = sqrt((double)y), half = dy * x;
    return y <= 0 ? 0 : (real)(half + half);
}

/* slope x + offset before clipping, as line + tail. Far from [0, 1] the tail is of no use, and may not be finite. */
INLINE double FN(hard_sigmoid_product)(double x, double slope) { return slope == 0 && x == x ? 0 : slope * x; }
INLINE double FN(hard_sigmoid_tail)(double x, double slope, double offset, double product)
{
    return FN(sum_tail)(product, offset) + FN(product_tail)(slope, x, product);
}
INLINE real FN(hard_sigmoid)(real x, real slope, real offset)
{
    double product = FN(hard_sigmoid_product)(x, slope), line = product + offset;
    double tail = FN(hard_sigmoid_tail)(x, slope, offset, product);
    double y = fabs(line) < 2 ? line + tail : line;
    return (real)(y <= 0 ? 0 : y >= 1 ? 1 : y);
}
INLINE real FN(hard_sigmoid_grad)(real dy, real x, real slope, real offset)
{
    double product = FN(hard_sigmoid_product)(x, slope), line = product + offset;
    double tail = FN(hard_sigmoid_tail)(x, slope, offset, product);
    return FN(pass)(line + tail > 0 && (line - 1) + tail < 0 && slope != 0, (real)((double)dy * slope), x);
}
INLINE real FN(hard_sigmoid_grad_from_output)(real dy, real y, real slope, real offset)
{
    (void)offset;
    return FN(pass)(y > 0 && y < 1 && slope != 0, (real)((double)dy * slope), y);
}

/* x (x + 3) / 6 on (-3, 3), which is the lesser of this product and relu(x) everywhere; a negative x gives a negative result.
 * Rounded to double, 1/6 is 1/6 (1 - 2^-54): a quotient n/6 that double holds comes out of n * ONE_SIXTH exactly (the error is
 * at most half a spacing, and even at the tie), so float32's own ties stay ties.
 * For a subnormal float32 x, x/2 may be a tie, which x^2/6 > 0 decides, though it is far below double's last bit: 2^-178, the
 * last bit of the largest such x/2, stands in for it. It is lost on normal results, which have no tie near x/2. */
#define ONE_SIXTH (1.0 / 6)
INLINE real FN(hard_swish)(real x)
{
    double wide = x;
    double sum = wide + 3;
    double factor = sum * ONE_SIXTH;
    double y = NARROW ? FMA_EXACT(wide, factor, 0x1p-178) : wide * factor;
    /* 3 >= |x|, so x - (sum - 3) is the sum's error. */
    double factor_tail = (rest_of_sixth_f64(sum, factor) + (wide - (sum - 3))) * ONE_SIXTH;
    double tail = FN(product_tail)(wide, factor, y) + wide * factor_tail;
    y += NARROW || fabs(wide) > 3 ? 0 : tail;
    real bound = x <= 0 ? 0 : x;
    return copysign(bound < (real)y ? bound : (real)y, x);
}
/* (2 x + 3) / 6 between the flat pieces; the root, where the gate is closed, is -3/2. */
INLINE real FN(hard_swish_grad)(real dy, real x)
{
    double wide = x;
    real result = (real)(dy * ((wide + 1.5) * (1.0 / 3)));
    return x <= -3 || x == (real)-1.5 ? 0 : x >= 3 ? dy : result;
}

/* m / (1 + m), m = |x|. NARROW evaluates one m / (one + m) with one = 1 + 2^-52, which is 2^-52 / (1 + m) off, since two inputs,
 * 0x1.17022cp-7 and its negative, have an exact value that lies closer to a tie of float32 than half a spacing of double.
 * float64: what y leaves, rest = m - y (1 + m), goes to y as rest / (1 + m), and 1 / (1 + m) = 1 - y. */
#define SOFTSIGN_ONE 0x1.0000000000001p+0
INLINE real FN(softsign)(real x)
{
    const double one = NARROW ? SOFTSIGN_ONE : 1;
    double magnitude = fabs(x);
    double sum = one + magnitude;
    double y = one * magnitude / sum;
    double product = y * sum;
    double rest = (magnitude - product) - FN(product_tail)(y, sum, product) - y * FN(sum_tail)(1, magnitude);
    y = NARROW ? y : y + rest * (1 - y);
    return copysign(fabs(x) > (real)0x1p53 ? 1 : (real)y, x);
}

/* 1 / s^2, s = 1 + |x|. s^2 is square + tail, and what y leaves of 1, rest = 1 - y s^2, goes to y as y rest.
 * float64 is scaled by 2^-300, so that no tail underflows where the result does not. */
INLINE real FN(softsign_grad)(real dy, real x)
{
    const double unit = NARROW ? 1 : 0x1p-300;
    double magnitude = fabs(x) * unit;
    double sum = unit + magnitude;
    double tail, square = two_product(sum, sum, &tail);
    tail += NARROW ? 0 : 2 * sum * FN(sum_tail)(unit, magnitude);
    double y = 1 / square;
    double rest = product_rest(1, y, square) - y * tail;
    double slope = NARROW ? to_odd(y, rest) : (y + y * rest) * (unit * unit);
    return slope == 0 || magnitude > 0x1p300 ? 0 : (real)(dy * slope);
}
INLINE real FN(softsign_grad_from_output)(real dy, real y)
{
    double magnitude = fabs(y), inverse = 1 - magnitude;
    double tail = (1 - inverse) - magnitude; /* of a float32 y it does not count */
    double square = NARROW ? inverse * inverse : FMA(inverse, inverse, 2 * inverse * tail);
    return inverse <= 0 ? 0 : (real)(dy * square);
}
