/* clamps.h, and what else only chooses among its operands: the other thresholds, and the gradients of all of them.
 * A template: the includer sets SUFFIX and `real`, and has included order.h and gates.h, or bits.h. */

#include "clamps.h"

INLINE real FN(relu_grad)(real dy, real x) { return FN(pass)(FN(above)(x, 0), dy, x); }
INLINE real FN(relu_grad_from_output)(real dy, real y) { return FN(relu_grad)(dy, y); }

INLINE real FN(hard_tanh_grad)(real dy, real x, real min_val, real max_val)
{
    return FN(pass)(FN(above)(x, min_val) && FN(above)(max_val, x), dy, x);
}
INLINE real FN(hard_tanh_grad_from_output)(real dy, real y, real min_val, real max_val)
{
    return FN(hard_tanh_grad)(dy, y, min_val, max_val);
}

INLINE real FN(relu6_grad)(real dy, real x) { return FN(hard_tanh_grad)(dy, x, 0, FN(six)()); }
INLINE real FN(relu6_grad_from_output)(real dy, real y) { return FN(relu6_grad)(dy, y); }

INLINE real FN(threshold)(real x, real threshold, real value) { return FN(at_most)(x, threshold) ? value : x; }
INLINE real FN(threshold_grad)(real dy, real x, real threshold, real value)
{
    (void)value;
    return FN(pass)(FN(above)(x, threshold), dy, x);
}

INLINE real FN(thresholded_relu)(real x, real theta) { return FN(threshold)(x, theta, 0); }
INLINE real FN(thresholded_relu_grad)(real dy, real x, real theta) { return FN(pass)(FN(above)(x, theta), dy, x); }
INLINE real FN(thresholded_relu_grad_from_output)(real dy, real y, real theta)
{
    return FN(thresholded_relu_grad)(dy, y, theta);
}

INLINE real FN(hard_shrink_grad)(real dy, real x, real lambd)
{
    return FN(pass)(FN(above)(x, lambd) || FN(above)(FN(negative)(lambd), x), dy, x);
}
INLINE real FN(hard_shrink_grad_from_output)(real dy, real y, real lambd) { return FN(hard_shrink_grad)(dy, y, lambd); }
INLINE real FN(hard_shrink)(real x, real lambd) { return FN(hard_shrink_grad)(x, x, lambd); }
