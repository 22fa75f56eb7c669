/* The loop itself, for one stored type. A template: the includer sets SUFFIX, STORED (the type in memory), `real` (the formulas'
 * type), LOAD and STORE (the conversions between them). */

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
