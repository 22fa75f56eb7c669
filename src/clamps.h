/* Formulas that only choose among their operands: exact in every type, so these are the ones with integer loops.
 * A template: the includer sets SUFFIX and `real`.
 *
 * Comparisons are turned so that a NaN falls through to x, and so that the point of a kink, and -0.0, go to the piece with
 * the constant output. */

INLINE real FN(relu)(real x) { return x <= 0 ? 0 : x; }
INLINE real FN(hard_tanh)(real x, real min_val, real max_val)
{
    real capped = x >= max_val ? max_val : x;
    return x <= min_val ? min_val : capped;
}
INLINE real FN(relu6)(real x)
{
    real capped = 6 < x ? 6 : x;
    return x <= 0 ? 0 : capped;
}
