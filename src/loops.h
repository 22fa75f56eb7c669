/* The loops of one type, `real`, in memory and in the formulas. A template: the includer sets SUFFIX and `real`; both
 * are undefined again at the end.
 *
 * A row has one loop, into which its formula is inlined, for the compiler to vectorise. `drive`, compiled once, calls it
 * on operands that are contiguous or, `fixed`, parameters that are one number each; operands that partly overlap, or
 * have other strides, pass through BLOCK-sized buffers. In place a plain loop needs no buffer: INDEPENDENT says that
 * iterations do not depend on each other, which holds for operands that are the same or apart.
 *
 * A long formula is one chain of dependent operations, of which a processor holds too few at once to be busy all the
 * time: an interleaved loop has the compiler put several side by side. For that the output is apart from every input,
 * or it is the x of a function: then `a` is NULL, and one pointer stands for both. */

typedef real FN(formula)(real, real, real, real);
typedef void FN(loop)(const real *, const real *, const real *, const real *, real *, intptr_t, int);

/* `fixed`, a constant at each call: the parameters, from `first` on, stay in registers, loaded once. */
#define EACH(loop, order, one_pointer)                                                                                 \
    INLINE void FN(loop)(FN(formula) *formula, int inputs, int first, int fixed, const real *a, const real *b,         \
                         const real *c, const real *d, real *out, intptr_t n)                                          \
    {                                                                                                                  \
        const real fixed_b = fixed && first == 1 ? b[0] : 0;                                                           \
        const real fixed_c = fixed && inputs > 2 ? c[0] : 0;                                                           \
        const real fixed_d = fixed && inputs > 3 ? d[0] : 0;                                                           \
        if (one_pointer && first == 1 && !a)                                                                           \
            order for (intptr_t i = 0; i < n; i++)                                                                     \
                out[i] = formula(out[i], REST(i));                                                                     \
        else                                                                                                           \
            order for (intptr_t i = 0; i < n; i++)                                                                     \
                out[i] = formula(a[i], REST(i));                                                                       \
    }
#define REST(i)                                                                                                        \
    inputs < 2 ? 0 : fixed && first == 1 ? fixed_b : b[i], inputs < 3 ? 0 : fixed ? fixed_c : c[i],                    \
        inputs < 4 ? 0 : fixed ? fixed_d : d[i]
EACH(each_plain, INDEPENDENT, 0)
EACH(each_interleaved, INTERLEAVED, 1)
#undef EACH
#undef REST

NOT_INLINE void FN(copy)(const char *from, intptr_t from_stride, char *to, intptr_t to_stride, intptr_t n)
{
    const intptr_t size = sizeof(real);
    if (from_stride == size && to_stride == size)
        memcpy(to, from, (size_t)(n * size));
    else
        for (intptr_t i = 0; i < n; i++)
            *(real *)(to + i * to_stride) = *(const real *)(from + i * from_stride);
}

/* `first` is the index of the first parameter among the inputs: 1 after x, 2 after dy and x. */
NOT_INLINE void FN(drive)(FN(loop) *loop, int interleaved, int inputs, int first, char *const *data, intptr_t n,
                          const intptr_t *strides)
{
    enum { BLOCK = 4096 / sizeof(real) };
    const intptr_t size = sizeof(real);
    char *const end = data[inputs] + n * size;
    real buffer[5][BLOCK];
    int direct[5], all_direct = 1, fixed = inputs > first;
    for (int k = first; k < inputs; k++)
        fixed &= strides[k] == 0;
    for (int k = 0; k <= inputs; k++) {
        const int apart = data[k] >= end || data[inputs] >= data[k] + n * size;
        const int same = data[k] == data[inputs] && (!interleaved || (k == 0 && first == 1));
        const int usable = apart || same || k == inputs;
        direct[k] = (strides[k] == size && usable) || (fixed && k >= first && k < inputs);
        all_direct &= direct[k];
    }
    /* In reduce and accumulate an output is the next element's first input. */
    const int carried = data[inputs] - data[0] == strides[0] && strides[0] == strides[inputs];
    /* Vectors that straddle cache lines halve the speed: a first short run brings the output to a line's start. */
    const intptr_t step = all_direct ? n : carried ? 1 : BLOCK;
    const int long_run = n > 256 && direct[inputs] && !carried;
    const intptr_t head = long_run ? (intptr_t)(-(uintptr_t)data[inputs] % 64 / sizeof(real)) : 0;
    for (intptr_t start = 0, count; start < n; start += count) {
        count = start < head ? head : n - start < step ? n - start : step;
        const real *in[4] = {0};
        for (int k = 0; k < inputs; k++) {
            const char *from = data[k] + start * strides[k];
            in[k] = direct[k] ? (const real *)from : buffer[k];
            if (!direct[k])
                FN(copy)(from, strides[k], (char *)buffer[k], size, count);
        }
        char *to = data[inputs] + start * strides[inputs];
        real *out = direct[inputs] ? (real *)to : buffer[inputs];
        loop(interleaved && in[0] == out ? NULL : in[0], in[1], in[2], in[3], out, count, fixed);
        if (!direct[inputs])
            FN(copy)((const char *)out, size, to, strides[inputs], count);
    }
}

#undef SUFFIX
#undef real
