/* Comparisons, false with a NaN, and what goes with them. A template: the includer sets SUFFIX and `real`, a number; bits.h has
 * the same for the half types. */

INLINE int FN(above)(real a, real b) { return a > b; }
INLINE int FN(at_most)(real a, real b) { return a <= b; }
INLINE real FN(negative)(real x) { return -x; }
INLINE real FN(six)(void) { return 6; }
