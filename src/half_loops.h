/* The loops of one half type, HALVES elements at a time, which stay in registers from the first conversion to the last.
 * A template: the includer sets SUFFIX, TO_FLOAT (of one), TO_FLOATS, FROM_FLOATS (of HALVES) and BOUNDS; all are
 * undefined again at the end. `fixed`, a constant at each call, and `first` are those of loops.h. */

typedef float FN(float_formula)(float, float, float, float);
typedef bounds FN(estimate)(float, float, float, float);

/* Operand k of the formula: a parameter that is one number, or an element. */
#define OPERAND(k) (inputs <= k ? 0 : fixed && k >= first ? parameters[k] : floats[k][j])

/* Rows that evaluate in float. */
INLINE void FN(each_float)(FN(float_formula) *formula, int inputs, int first, int fixed, const uint16_t *const *in,
                           uint16_t *out, intptr_t n)
{
    float parameters[4], floats[4][HALVES], results[HALVES];
    for (int k = first; fixed && k < inputs; k++)
        parameters[k] = TO_FLOAT(in[k][0]);
    for (intptr_t i = 0; i < n; i += HALVES) {
        for (int k = 0; k < (fixed ? first : inputs); k++)
            TO_FLOATS(in[k] + i, floats[k]);
        INDEPENDENT ROLLED
        for (int j = 0; j < HALVES; j++)
            results[j] = formula(OPERAND(0), OPERAND(1), OPERAND(2), OPERAND(3));
        FROM_FLOATS(results, out + i);
    }
}

/* Elements whose estimates do not decide. */
enum { FN(PENDING) = 4 * HALVES };
typedef struct {
    int count;
    float operands[4][FN(PENDING)];
    uint16_t *places[FN(PENDING)];
} FN(pending);

NOT_INLINE void FN(settle)(FN(pending) *pending, odd_block *odd, int inputs)
{
    float results[FN(PENDING)];
    uint16_t halves[FN(PENDING)];
    const float *const in[4] = {pending->operands[0], pending->operands[1], pending->operands[2], pending->operands[3]};
    const int padded = (pending->count + HALVES - 1) / HALVES * HALVES;
    for (int k = 0; k < inputs; k++)
        for (int i = pending->count; i < padded; i++)
            pending->operands[k][i] = 0;
    odd(in, results, padded);
    for (int i = 0; i < padded; i += HALVES)
        FROM_FLOATS(results + i, halves + i);
    for (int i = 0; i < pending->count; i++)
        *pending->places[i] = halves[i];
    pending->count = 0;
}

/* Rows that evaluate in double. */
INLINE void FN(each_estimate)(FN(estimate) *estimate, odd_block *odd, int inputs, int first, int fixed,
                              const uint16_t *const *in, uint16_t *out, intptr_t n)
{
    float parameters[4], floats[4][HALVES], low[HALVES], high[HALVES];
    uint16_t results[HALVES];
    FN(pending) pending;
    pending.count = 0;
    for (int k = first; fixed && k < inputs; k++)
        parameters[k] = TO_FLOAT(in[k][0]);
    for (intptr_t i = 0; i < n; i += HALVES) {
        for (int k = 0; k < (fixed ? first : inputs); k++)
            TO_FLOATS(in[k] + i, floats[k]);
        INDEPENDENT ROLLED
        for (int j = 0; j < HALVES; j++) {
            bounds ends = estimate(OPERAND(0), OPERAND(1), OPERAND(2), OPERAND(3));
            low[j] = ends.low;
            high[j] = ends.high;
        }
        for (unsigned undecided = BOUNDS(low, high, results); undecided; undecided &= undecided - 1) {
            const int j = lowest_bit(undecided);
            for (int k = 0; k < inputs; k++)
                pending.operands[k][pending.count] = TO_FLOAT(in[k][fixed && k >= first ? 0 : i + j]);
            pending.places[pending.count++] = out + i + j;
        }
        memcpy(out + i, results, sizeof results);
        if (pending.count > FN(PENDING) - HALVES)
            FN(settle)(&pending, odd, inputs);
    }
    if (pending.count)
        FN(settle)(&pending, odd, inputs);
}

static void FN(widen)(const uint16_t *from, float *to, intptr_t n)
{
    intptr_t i = 0;
    for (; i + HALVES <= n; i += HALVES)
        TO_FLOATS(from + i, to + i);
    for (; i < n; i++)
        to[i] = TO_FLOAT(from[i]);
}

/* A sum, by float32's own: three operands, of which some may be one and the same. */
static void FN(sum)(sum_kernel *float32, const void *dy, const void *x, const void *parameter, double *sums, intptr_t n)
{
    enum { BLOCK = 1024 };
    float values[3][BLOCK];
    const uint16_t *from[] = {dy, x, parameter};
    for (intptr_t start = 0, count; start < n; start += count) {
        const float *in[3];
        count = n - start < BLOCK ? n - start : BLOCK;
        for (int k = 0; k < 3; k++) {
            in[k] = k && from[k] == from[k - 1] ? in[k - 1] : values[k];
            if (in[k] == values[k])
                FN(widen)(from[k] + start, values[k], count);
        }
        float32(in[0], in[1], in[2], sums + start, count);
    }
}

#undef OPERAND
#undef SUFFIX
#undef TO_FLOAT
#undef TO_FLOATS
#undef FROM_FLOATS
#undef BOUNDS
