/* How a gradient passes. A template: the includer sets SUFFIX and `real`. */

/* dx where the gate is open, +0 where it is closed, whatever dy is there; NaN where x is NaN. */
INLINE real FN(pass)(int open, real dx, real x) { return open ? dx : x != x ? x : 0; }

/* dy * slope, the gate being closed where the slope is 0. */
INLINE real FN(gate)(real dy, real slope) { return slope == 0 ? 0 : dy * slope; }
