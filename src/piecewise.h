/* Formulas that evaluate in the array's own type (half types in float, where their products are exact, and sums and quotients
 * keep more than twice their bits, which is enough for the second rounding to do no harm), and those of choices.h.
 * A template: the includer sets SUFFIX and `real`. */

#include "order.h"
#include "gates.h"
#include "choices.h"

/* A slope of 0 makes the left piece constant: +0, at -inf too. Written so that loops with one slope for all are split on
 * it, and the others have three comparisons. */
INLINE real FN(leaky_relu)(real x, real slope)
{
    real flat = FN(pass)(0, 0, x), left = slope == 0 ? flat : slope * x;
    return x > 0 ? x : left;
}
INLINE real FN(leaky_relu_grad)(real dy, real x, real slope)
{
    real dx = x > 0 ? dy : FN(gate)(dy, slope);
    return x == x ? dx : x;
}
INLINE real FN(leaky_relu_grad_from_output)(real dy, real y, real slope) { return FN(leaky_relu_grad)(dy, y, slope); }

INLINE real FN(soft_shrink)(real x, real lambd)
{
    return x > lambd ? x - lambd : x < -lambd ? x + lambd : FN(pass)(0, x, x);
}
INLINE real FN(soft_shrink_grad)(real dy, real x, real lambd) { return FN(hard_shrink_grad)(dy, x, lambd); }
/* |x| > lambd exactly where y is not 0: a difference of distinct floats never rounds to 0. */
INLINE real FN(soft_shrink_grad_from_output)(real dy, real y, real lambd)
{
    (void)lambd;
    return FN(pass)(y > 0 || y < 0, dy, y);
}

/* sum - 6 y for a y next to sum / 6, exactly: without fma, 4 y and 2 y are exact, and each difference lies within a factor of
 * two of what it is taken from. */
INLINE real FN(rest_of_sixth)(real sum, real y)
{
#if HAVE_FMA
    return fma((real)-6, y, sum);
#else
    return (sum - 4 * y) - 2 * y;
#endif
}

/* (x + 3) / 6 on (-3, 3). x + 3 is sum + error exactly, as 3 >= |x|, and a sixth of what y leaves of it, rest + error, is added
 * to y, rounding once. Where the exact value is a tie, rest + error is an odd multiple of 3 half-spacings; a sixth of it, also
 * with the rounded SIXTH, comes out as that multiple of half a spacing, so the tie is seen. */
#define SIXTH ((real)(1.0 / 6))
INLINE real FN(hard_sigmoid_default)(real x)
{
    real held = 3 < x ? 3 : x;
    real sum = held + 3, error = held - (sum - 3);
    real y = sum * SIXTH;
    y += (FN(rest_of_sixth)(sum, y) + error) * SIXTH;
    return x <= -3 ? 0 : y;
}
/* The product is within 1 ulp, which is enough for float64; the quotient is rounded once. */
INLINE real FN(sixth)(real dy) { return sizeof(real) == sizeof(double) ? dy * SIXTH : dy / 6; }
INLINE real FN(hard_sigmoid_default_grad)(real dy, real x) { return FN(pass)(x > -3 && x < 3, FN(sixth)(dy), x); }
INLINE real FN(hard_sigmoid_default_grad_from_output)(real dy, real y)
{
    return FN(pass)(y > 0 && y < 1, FN(sixth)(dy), y);
}

INLINE real FN(add_bias)(real x, real bias) { return x + bias; }

INLINE real FN(multiply)(real a, real b) { return a * b; }

/* value act'(gate), the derivative of a gated unit by its gate: 0 where the slope is, but NaN where the value is. */
INLINE real FN(gated_value)(real value, real slope) { return slope == 0 && value == value ? 0 : value * slope; }

INLINE real FN(reglu)(real gate, real value) { return FN(relu)(gate) * value; }
INLINE real FN(reglu_grad_value)(real dy, real gate) { return FN(gate)(dy, FN(relu)(gate)); }
INLINE real FN(reglu_grad_gate)(real dy, real gate, real value)
{
    return FN(gate)(dy, FN(gated_value)(value, FN(relu_grad)(1, gate)));
}

/* The second half of a concatenated unit, relu(-x). */
INLINE real FN(crelu_negative)(real x) { return FN(relu)(-x); }
INLINE real FN(crelu_grad)(real positive_dy, real negative_dy, real x)
{
    return x > 0 ? positive_dy : FN(pass)(x < 0, -negative_dy, x);
}
