/* The loop drivers of one half type. A template: the includer sets SUFFIX, TO_FLOATS and FROM_FLOATS (conversions of 16) and
 * TO_FLOAT and FROM_FLOAT (of one); all are undefined again at the end. They are functions, compiled once, that call a kernel's
 * blocks: a row adds no more than its formula. */

static void FN(widen)(const char *from, intptr_t stride, float *to, intptr_t n)
{
    uint16_t gathered[HALVES];
    intptr_t i = 0;
    if (stride == sizeof(uint16_t))
        for (; i + HALVES <= n; i += HALVES)
            TO_FLOATS((const uint16_t *)from + i, to + i);
    else
        for (; i + HALVES <= n; i += HALVES) {
            for (int k = 0; k < HALVES; k++)
                gathered[k] = *(const uint16_t *)(from + (i + k) * stride);
            TO_FLOATS(gathered, to + i);
        }
    for (; i < n; i++)
        to[i] = TO_FLOAT(*(const uint16_t *)(from + i * stride));
}

static void FN(narrow)(const float *from, char *to, intptr_t stride, intptr_t n)
{
    uint16_t scattered[HALVES];
    intptr_t i = 0;
    if (stride == sizeof(uint16_t))
        for (; i + HALVES <= n; i += HALVES)
            FROM_FLOATS(from + i, (uint16_t *)to + i);
    else
        for (; i + HALVES <= n; i += HALVES) {
            FROM_FLOATS(from + i, scattered);
            for (int k = 0; k < HALVES; k++)
                *(uint16_t *)(to + (i + k) * stride) = scattered[k];
        }
    for (; i < n; i++)
        *(uint16_t *)(to + i * stride) = FROM_FLOAT(from[i]);
}

/* The operands of a block as floats. An operand of stride 0 is widened once, before the first block, unless it is an output. */
typedef struct {
    LINE_ALIGNED float values[4][HALF_BLOCK];
    const float *in[4];
} FN(floats);

static void FN(load)(FN(floats) *floats, int inputs, char *const *data, const intptr_t *strides, intptr_t start, intptr_t n)
{
    for (int k = 0; k < inputs; k++) {
        floats->in[k] = floats->values[k];
        if (strides[k] != 0)
            FN(widen)(data[k] + start * strides[k], strides[k], floats->values[k], n);
        else if (start == 0 || n == 1)
            for (intptr_t i = 0; i < n; i++)
                floats->values[k][i] = TO_FLOAT(*(const uint16_t *)data[k]);
    }
}

/* Rows that evaluate in float: float32's own kernel, between the conversions. `first` as in loops.h. */
static void FN(drive_stored)(kernel *float32, int inputs, int first, char *const *data, intptr_t n, const intptr_t *strides)
{
    FN(floats) floats;
    LINE_ALIGNED float out[HALF_BLOCK];
    const intptr_t block = carried(inputs, data, strides) ? 1 : HALF_BLOCK;
    int fixed = inputs > first;
    for (int k = first; k < inputs; k++)
        fixed &= strides[k] == 0;
    for (intptr_t start = 0, count; start < n; start += count) {
        count = n - start < block ? n - start : block;
        FN(load)(&floats, inputs, data, strides, start, count);
        char *pointers[5];
        intptr_t steps[5];
        for (int k = 0; k <= inputs; k++) {
            pointers[k] = (char *)(k < inputs ? floats.values[k] : out);
            steps[k] = fixed && k >= first && k < inputs ? 0 : sizeof(float);
        }
        float32(pointers, count, steps);
        FN(narrow)(out, data[inputs] + start * strides[inputs], strides[inputs], count);
    }
}

/* Rows that evaluate in double. */
static void FN(drive_double)(odd_block *odd, int inputs, char *const *data, intptr_t n, const intptr_t *strides)
{
    FN(floats) floats;
    LINE_ALIGNED float out[HALF_BLOCK];
    const intptr_t block = carried(inputs, data, strides) ? 1 : HALF_BLOCK;
    for (intptr_t start = 0, count; start < n; start += count) {
        count = n - start < block ? n - start : block;
        FN(load)(&floats, inputs, data, strides, start, count);
        odd(floats.in, out, count);
        FN(narrow)(out, data[inputs] + start * strides[inputs], strides[inputs], count);
    }
}

/* A sum, by float32's own: three operands, of which some may be one and the same. */
static void FN(sum)(sum_kernel *float32, const void *dy, const void *x, const void *parameter, double *sums, intptr_t n)
{
    LINE_ALIGNED float values[3][HALF_BLOCK];
    const uint16_t *from[] = {dy, x, parameter};
    for (intptr_t start = 0, count; start < n; start += count) {
        const float *in[3];
        count = n - start < HALF_BLOCK ? n - start : HALF_BLOCK;
        for (int k = 0; k < 3; k++) {
            in[k] = k && from[k] == from[k - 1] ? in[k - 1] : values[k];
            if (in[k] == values[k])
                FN(widen)((const char *)(from[k] + start), sizeof(uint16_t), values[k], count);
        }
        float32(in[0], in[1], in[2], sums + start, count);
    }
}

#undef SUFFIX
#undef TO_FLOATS
#undef FROM_FLOATS
#undef TO_FLOAT
#undef FROM_FLOAT
