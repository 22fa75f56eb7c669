/* Formulas that round at most once, so they evaluate in the array's own type (float16 in float, where products of two float16
 * are exact), and the gradients of clamps.h. A template: the includer sets SUFFIX and `real`. */

#include "clamps.h"

/* dy where the gate is open, +0 where it is closed, whatever dy is there; NaN where x is NaN. */
INLINE real FN(pass)(int open, real dy, real x) { return open ? dy : x != x ? x : 0; }

/* dy * slope, the gate being closed where the slope is 0. */
INLINE real FN(gate)(real dy, real slope) { return slope == 0 ? 0 : dy * slope; }

INLINE real FN(relu_grad)(real dy, real x) { return FN(pass)(x > 0, dy, x); }
INLINE real FN(relu_grad_from_output)(real dy, real y) { return FN(relu_grad)(dy, y); }

INLINE real FN(hard_tanh_grad)(real dy, real x, real min_val, real max_val)
{
    return FN(pass)(x > min_val && x < max_val, dy, x);
}
INLINE real FN(hard_tanh_grad_from_output)(real dy, real y, real min_val, real max_val)
{
    return FN(hard_tanh_grad)(dy, y, min_val, max_val);
}

INLINE real FN(relu6_grad)(real dy, real x) { return FN(hard_tanh_grad)(dy, x, 0, 6); }
INLINE real FN(relu6_grad_from_output)(real dy, real y) { return FN(relu6_grad)(dy, y); }

/* A slope of 0 makes the left piece constant: +0, at -inf too. */
INLINE real FN(leaky_relu)(real x, real slope)
{
    return x > 0 ? x : slope == 0 && x <= 0 ? 0 : slope * x;
}
INLINE real FN(leaky_relu_grad)(real dy, real x, real slope)
{
    return x > 0 ? dy : x <= 0 ? FN(gate)(dy, slope) : x;
}
INLINE real FN(leaky_relu_grad_from_output)(real dy, real y, real slope) { return FN(leaky_relu_grad)(dy, y, slope); }

INLINE real FN(threshold)(real x, real threshold, real value) { return x <= threshold ? value : x; }
INLINE real FN(threshold_grad)(real dy, real x, real threshold, real value)
{
    (void)value;
    return FN(pass)(x > threshold, dy, x);
}

INLINE real FN(thresholded_relu)(real x, real theta) { return FN(threshold)(x, theta, 0); }
INLINE real FN(thresholded_relu_grad)(real dy, real x, real theta) { return FN(pass)(x > theta, dy, x); }
INLINE real FN(thresholded_relu_grad_from_output)(real dy, real y, real theta)
{
    return FN(thresholded_relu_grad)(dy, y, theta);
}

INLINE real FN(hard_shrink_grad)(real dy, real x, real lambd) { return FN(pass)(x > lambd || x < -lambd, dy, x); }
INLINE real FN(hard_shrink_grad_from_output)(real dy, real y, real lambd) { return FN(hard_shrink_grad)(dy, y, lambd); }
INLINE real FN(hard_shrink)(real x, real lambd) { return FN(hard_shrink_grad)(x, x, lambd); }

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
