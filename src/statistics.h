/* Counts and moments of the columns of a C-contiguous matrix, and the norms of an array. A template: the includer sets `real`
 * (the stored type) and SUFFIX; both are undefined again at the end.
 *
 * A tile of LANES columns keeps its sums in the nearest cache, and four rows go at once, so that a sum is loaded and stored once
 * for four values. Columns do not depend on each other and rows have a fixed order: the vectors' width changes no bit. */

INLINE real FN(zero)(real y) { return y == 0 ? (real)1 : (real)0; }
INLINE real FN(active)(real y) { return y > 0 ? (real)1 : (real)0; }
INLINE real FN(finite)(real y) { return y - y == 0 ? (real)1 : (real)0; }
INLINE real FN(saturated)(real y, real low, real high) { return (y <= low || y >= high) ? (real)1 : (real)0; }
INLINE double FN(deviation)(real y, double shift) { return y - y == 0 ? y - shift : 0; }

/* Counts in `real`, exact for rows < 2**24: how many of each column are 0, above 0, finite, and at or beyond a limit. */
static void FN(tally_tile)(const real *y, intptr_t rows, intptr_t stride, intptr_t width, real low, real high, real *counts)
{
    real *zero = counts, *active = counts + LANES, *finite = counts + 2 * LANES, *saturated = counts + 3 * LANES;
    intptr_t i = 0;
    for (; i + 4 <= rows; i += 4, y += 4 * stride) {
        INDEPENDENT
        for (intptr_t j = 0; j < width; j++) {
            const real a = y[j], b = y[j + stride], c = y[j + 2 * stride], d = y[j + 3 * stride];
            zero[j] += FN(zero)(a) + FN(zero)(b) + FN(zero)(c) + FN(zero)(d);
            active[j] += FN(active)(a) + FN(active)(b) + FN(active)(c) + FN(active)(d);
            finite[j] += FN(finite)(a) + FN(finite)(b) + FN(finite)(c) + FN(finite)(d);
            saturated[j] += FN(saturated)(a, low, high) + FN(saturated)(b, low, high) + FN(saturated)(c, low, high)
                            + FN(saturated)(d, low, high);
        }
    }
    for (; i < rows; i++, y += stride) {
        INDEPENDENT
        for (intptr_t j = 0; j < width; j++) {
            zero[j] += FN(zero)(y[j]);
            active[j] += FN(active)(y[j]);
            finite[j] += FN(finite)(y[j]);
            saturated[j] += FN(saturated)(y[j], low, high);
        }
    }
}

/* Sums of y - shift and of its square over the finite values. */
static void FN(moments_tile)(const real *y, intptr_t rows, intptr_t stride, intptr_t width, const double *shift, double *sums)
{
    double *sum = sums, *squares = sums + LANES;
    intptr_t i = 0;
    for (; i + 4 <= rows; i += 4, y += 4 * stride) {
        INDEPENDENT
        for (intptr_t j = 0; j < width; j++) {
            const double a = FN(deviation)(y[j], shift[j]), b = FN(deviation)(y[j + stride], shift[j]);
            const double c = FN(deviation)(y[j + 2 * stride], shift[j]), d = FN(deviation)(y[j + 3 * stride], shift[j]);
            sum[j] += (a + b) + (c + d);
            squares[j] += (a * a + b * b) + (c * c + d * d);
        }
    }
    for (; i < rows; i++, y += stride) {
        INDEPENDENT
        for (intptr_t j = 0; j < width; j++) {
            const double a = FN(deviation)(y[j], shift[j]);
            sum[j] += a;
            squares[j] += a * a;
        }
    }
}

/* Add to the counts of a matrix whose column j belongs to unit j % units; counts of a kind are `apart` from the next kind's. */
static void FN(tally_tiles)(const real *y, intptr_t rows, intptr_t columns, intptr_t units, real low, real high,
                            int64_t *counts, intptr_t apart)
{
    enum { EXACT = 1 << 22 };
    for (intptr_t row = 0; row < rows; row += EXACT)
        for (intptr_t column = 0; column < columns; column += LANES) {
            const intptr_t width = columns - column < LANES ? columns - column : LANES;
            real tile[4 * LANES] = {0};
            FN(tally_tile)(y + row * columns + column, rows - row < EXACT ? rows - row : EXACT, columns, width, low, high, tile);
            for (intptr_t kind = 0; kind < 4; kind++)
                for (intptr_t j = 0; j < width; j++)
                    counts[kind * apart + (column + j) % units] += (int64_t)tile[kind * LANES + j];
        }
}

static void FN(moments_tiles)(const real *y, intptr_t rows, intptr_t columns, intptr_t units, const double *shift,
                              double *sums, intptr_t apart)
{
    for (intptr_t column = 0; rows && column < columns; column += LANES) {
        const intptr_t width = columns - column < LANES ? columns - column : LANES;
        double tile[2 * LANES] = {0}, shifts[LANES];
        for (intptr_t j = 0; j < width; j++)
            shifts[j] = shift[(column + j) % units];
        FN(moments_tile)(y + column, rows, columns, width, shifts, tile);
        for (intptr_t kind = 0; kind < 2; kind++)
            for (intptr_t j = 0; j < width; j++)
                sums[kind * apart + (column + j) % units] += tile[kind * LANES + j];
    }
}

/* Of an array (outer, units, inner) whose first and last axes are samples. Short rows stand beside each other in a tile. */
static void FN(tally)(const real *y, intptr_t outer, intptr_t units, intptr_t inner, real low, real high, int64_t *counts)
{
    if (inner > 1) {
        for (intptr_t i = 0; i < outer * units; i++) {
            FN(tally_tiles)(y + i * inner, inner / LANES, LANES, 1, low, high, counts + i % units, units);
            FN(tally_tiles)(y + i * inner + inner / LANES * LANES, inner % LANES, 1, 1, low, high, counts + i % units, units);
        }
        return;
    }
    const intptr_t beside = units < LANES ? LANES / units : 1, rows = outer / beside;
    FN(tally_tiles)(y, rows, beside * units, units, low, high, counts, units);
    FN(tally_tiles)(y + rows * beside * units, outer % beside, units, units, low, high, counts, units);
}

static void FN(moments)(const real *y, intptr_t outer, intptr_t units, intptr_t inner, const double *shift, double *sums)
{
    if (inner > 1) {
        for (intptr_t i = 0; i < outer * units; i++) {
            const intptr_t whole = inner / LANES;
            FN(moments_tiles)(y + i * inner, whole, LANES, 1, shift + i % units, sums + i % units, units);
            FN(moments_tiles)(y + i * inner + whole * LANES, inner % LANES, 1, 1, shift + i % units, sums + i % units, units);
        }
        return;
    }
    const intptr_t beside = units < LANES ? LANES / units : 1, rows = outer / beside;
    FN(moments_tiles)(y, rows, beside * units, units, shift, sums, units);
    FN(moments_tiles)(y + rows * beside * units, outer % beside, units, units, shift, sums, units);
}

/* Add absolute values and squares to LANES sums each, the element i to the sum i % LANES; n may be no multiple of 4 * LANES in the
 * last call alone. */
static void FN(norms)(const real *y, intptr_t n, double *restrict absolute, double *restrict squares)
{
    for (; n >= 4 * LANES; n -= 4 * LANES, y += 4 * LANES)
        for (intptr_t j = 0; j < LANES; j++) {
            const double a = y[j], b = y[j + LANES], c = y[j + 2 * LANES], d = y[j + 3 * LANES];
            absolute[j] += (fabs(a) + fabs(b)) + (fabs(c) + fabs(d));
            squares[j] += (a * a + b * b) + (c * c + d * d);
        }
    for (intptr_t i = 0; i < n; i++) {
        const double a = y[i];
        absolute[i % LANES] += fabs(a);
        squares[i % LANES] += a * a;
    }
}

#undef SUFFIX
#undef real
