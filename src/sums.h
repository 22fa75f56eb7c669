/* Sums in double over an axis. A template over the type: the includer sets SUFFIX, `real` and NARROW
 * (whether the formula for the narrower types serves). All operands are contiguous; `sums` has one element for each of
 * theirs, so that the loop vectorises and each element's sum has one order. */

#if NARROW
#define PICK(narrow, full) narrow
#else
#define PICK(narrow, full) full
#endif
#define SUM(name, narrow, full)                                                                                      \
    static void FN(sum_##name)(const void *dy_, const void *x_, const void *parameter_, double *sums, intptr_t n)    \
    {                                                                                                                \
        const real *dy = dy_, *x = x_, *parameter = parameter_;                                                      \
        INDEPENDENT                                                                                                  \
        for (intptr_t i = 0; i < n; i++)                                                                             \
            sums[i] += PICK(narrow, full)((double)dy[i], (double)x[i], (double)parameter[i]);                          \
    }
#include "units.def"
#undef PICK
