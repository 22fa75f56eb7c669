/* Formulas that only choose among their operands: exact in every type, so these are the ones with integer loops.
 * A template: the includer sets SUFFIX and `real`, and has included order.h or bits.h.
 *
 * Comparisons are turned so that a NaN falls through to x, and so that the point of a kink, and -0.0, go to the piece with
 * the constant output. */

INLINE real FN(relu)(real x) { return FN(at_most)(x, 0) ? 0 : x; }
INLINE real FN(hard_tanh)(real x, real min_val, real max_val)
{
    real capped = FN(at_most)(max_val, x) ? max_val : x;
    return FN(at_most)(x, min_val) ? min_val : capped;
}
INLINE real FN(relu6)(real x)
{
    real capped = FN(above)(x, FN(six)()) ? FN(six)() : x;
    return FN(at_most)(x, 0) ? 0 : capped;
}
