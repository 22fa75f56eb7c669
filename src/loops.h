/* The loop driver for one stored type. A template: the includer sets SUFFIX, STORED (the type in memory), `real` (the
 * formulas' type), LOAD and STORE (the conversions between them); all are undefined again at the end.
 *
 * `drive` is inlined into each kernel with a constant formula, so what remains is one plain loop per shape, for the compiler to
 * vectorise. In place needs no loop of its own: INDEPENDENT says that iterations do not depend on each other, which holds for
 * operands that are the same or apart; operands that partly overlap, or have other strides, pass through BLOCK-sized buffers. */

typedef real FN(formula)(real, real, real, real);

/* `fixed`, a constant at each call: the parameters, from `first` on, have stride 0 and stay in registers, loaded once. */
INLINE void FN(each)(FN(formula) *formula, int inputs, int first, int fixed, const STORED *const *in, STORED *out,
                     intptr_t n)
{
    const STORED *a = in[0], *b = in[1], *c = in[2], *d = in[3];
    const real fixed_b = fixed && first == 1 ? LOAD(b[0]) : 0;
    const real fixed_c = fixed && inputs > 2 ? LOAD(c[0]) : 0;
    const real fixed_d = fixed && inputs > 3 ? LOAD(d[0]) : 0;
    INDEPENDENT
    for (intptr_t i = 0; i < n; i++)
        out[i] = STORE(formula(LOAD(a[i]),
                               inputs < 2 ? 0 : fixed && first == 1 ? fixed_b : LOAD(b[i]),
                               inputs < 3 ? 0 : fixed ? fixed_c : LOAD(c[i]),
                               inputs < 4 ? 0 : fixed ? fixed_d : LOAD(d[i])));
}

INLINE void FN(copy)(const char *from, intptr_t from_stride, char *to, intptr_t to_stride, intptr_t n)
{
    for (intptr_t i = 0; i < n; i++)
        *(STORED *)(to + i * to_stride) = *(const STORED *)(from + i * from_stride);
}

INLINE int FN(partly_overlap)(const char *in, const char *out, intptr_t bytes)
{
    return in != out && in < out + bytes && out < in + bytes;
}

/* `first` is the index of the first parameter among the inputs: 1 after x, 2 after dy and x. */
INLINE void FN(drive)(FN(formula) *formula, int inputs, int first, char *const *data, intptr_t n, const intptr_t *strides)
{
    enum { BLOCK = 4096 / sizeof(STORED) };
    const intptr_t size = sizeof(STORED);
    STORED buffer[5][BLOCK];
    int direct[5], all_direct = 1, fixed = inputs > first;
    for (int k = first; k < inputs; k++)
        fixed &= strides[k] == 0;
    for (int k = 0; k <= inputs; k++) {
        direct[k] = (strides[k] == size && !FN(partly_overlap)(data[k], data[inputs], n * size))
                    || (fixed && k >= first && k < inputs);
        all_direct &= direct[k];
    }
    /* In reduce and accumulate an output is the next element's first input. */
    const int carried = data[inputs] - data[0] == strides[0] && strides[0] == strides[inputs];
    /* Vectors that straddle cache lines halve the speed: a first short run brings the output to a line's start. */
    const intptr_t step = all_direct ? n : carried ? 1 : BLOCK;
    const intptr_t head = all_direct && n > 256 ? (intptr_t)(-(uintptr_t)data[inputs] % 64 / sizeof(STORED)) : 0;
    for (intptr_t start = 0, count; start < n; start += count) {
        count = start < head ? head : n - start < step ? n - start : step;
        const STORED *in[4] = {0};
        for (int k = 0; k < inputs; k++) {
            const char *from = data[k] + start * strides[k];
            in[k] = direct[k] ? (const STORED *)from : buffer[k];
            if (!direct[k])
                FN(copy)(from, strides[k], (char *)buffer[k], size, count);
        }
        char *to = data[inputs] + start * strides[inputs];
        STORED *out = direct[inputs] ? (STORED *)to : buffer[inputs];
        if (fixed)
            FN(each)(formula, inputs, first, 1, in, out, count);
        else
            FN(each)(formula, inputs, first, 0, in, out, count);
        if (!direct[inputs])
            FN(copy)((const char *)out, size, to, strides[inputs], count);
    }
}

#undef SUFFIX
#undef STORED
#undef real
#undef LOAD
#undef STORE
