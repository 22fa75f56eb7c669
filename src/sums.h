/* Sums in double over an axis. A template over the stored type: the includer sets SUFFIX, STORED, LOAD and NARROW
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
        const STORED *dy = dy_, *x = x_, *parameter = parameter_;                                                    \
        INDEPENDENT                                                                                                  \
        for (intptr_t i = 0; i < n; i++)                                                                             \
            sums[i] += PICK(narrow, full)((double)LOAD(dy[i]), (double)LOAD(x[i]), (double)LOAD(parameter[i]));      \
    }
#include "units.def"
#undef PICK
