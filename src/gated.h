/* Gated units in double. A template: SUFFIX, after the smooth formulas and piecewise.h for double. The gradients' gates
 * close where the derivative by the value, act(gate), or by the gate, value act'(gate), is 0. */

/* The activation with its limit at -inf, a zero, where a formula for narrower types leaves what they round to one. */
INLINE double FN(opening)(double a) { return magnitude(a) < 0x1p-1000 ? with_sign_of(0.0, a) : a; }

#define GATED(name, activation)                                                                                    \
    INLINE double FN(name)(double open, double value) { return FN(opening)(FN(activation)(open)) * value; }        \
    INLINE double FN(name##_grad_value)(double dy, double open)                                                    \
    {                                                                                                              \
        return gate(dy, FN(opening)(FN(activation)(open)));                                                        \
    }                                                                                                              \
    INLINE double FN(name##_grad_gate)(double dy, double open, double value)                                       \
    {                                                                                                              \
        return gate(dy, gated_value_f64(value, FN(activation##_grad)(1.0, open)));                                 \
    }
#include "units.def"
