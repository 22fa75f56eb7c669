/* One step of a maximum over pools. A template over the stored type: the includer sets SUFFIX, STORED, `real` and LOAD.
 *
 * The k-th element of each pool replaces the best so far where it is greater, so that the first wins a tie, and the
 * first NaN wins for good. All operands are contiguous. */
static void FN(pool)(const void *x_, void *best_, uint32_t *which, uint32_t k, intptr_t n)
{
    const STORED *x = x_;
    STORED *best = best_;
    INDEPENDENT
    for (intptr_t i = 0; i < n; i++) {
        const real challenger = LOAD(x[i]), holder = LOAD(best[i]);
        const int wins = (challenger > holder) | ((challenger != challenger) & (holder == holder));
        best[i] = wins ? x[i] : best[i];
        which[i] = wins ? k : which[i];
    }
}
