/* An independent oracle for the float32 results of the ReLU family, in double-double arithmetic.
 *
 * It shares nothing with the kernels: argument reduction by 80 bits of ln 2, Taylor series with the exact rationals 1/n!, 1/(2n+1),
 * a positive series and Laplace's continued fraction for the normal distribution, all in pairs of doubles built with fma.
 *
 * Every formula returns the value as an unevaluated sum h + l and a magnitude m; the value's error is at most
 * ORACLE_EPS * m (m = 0: the pair is exact).  A float32 result is
 *   right      if the whole interval [v - e, v + e] rounds to it,
 *   misrounded if none of it does,
 *   undecided  otherwise: the caller settles it with exact or arbitrary precision arithmetic.
 * Exact ties (m = 0) are settled here.  Inputs in a saturated region, where the rounded result is a*x + b for a reason given in the table,
 * are compared as floats.
 *
 * Compile with -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math and hardware fma. */
#include "oracle.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(_MSC_VER)
#define INLINE static __forceinline
#else
#define INLINE static inline __attribute__((always_inline))
#endif

/* Measured against MPFR at 400 bits: exp errs by 2^-87 (k ln2 is summed to 2^-87), expm1 2^-93, the normal distribution
 * 2^-86.5, division and sqrt 2^-103; the worst ratio of error to bound is 0.04, at tanh_shrink'(-5.2e-12). */
#define ORACLE_EPS 0x1p-80
#define BLOCK 512

typedef struct { double h, l; } dd;
typedef struct { double h, l, m; } value;

#include "oracle_constants.h"

/* ---- error-free transformations and double-double arithmetic ---- */

INLINE double bits_to_double(int64_t b) { double d; memcpy(&d, &b, 8); return d; }
INLINE int64_t double_to_bits(double d) { int64_t b; memcpy(&b, &d, 8); return b; }

INLINE dd quick_two_sum(double a, double b) { double s = a + b; return (dd){s, b - (s - a)}; }  /* |a| >= |b| */
INLINE dd two_sum(double a, double b) { double s = a + b, t = s - a; return (dd){s, (a - (s - t)) + (b - t)}; }
INLINE dd two_prod(double a, double b) { double p = a * b; return (dd){p, fma(a, b, -p)}; }

INLINE dd add(dd a, dd b) { dd s = two_sum(a.h, b.h); return quick_two_sum(s.h, s.l + (a.l + b.l)); }
INLINE dd add_d(dd a, double b) { dd s = two_sum(a.h, b); return quick_two_sum(s.h, s.l + a.l); }
INLINE dd neg(dd a) { return (dd){-a.h, -a.l}; }
INLINE dd scale(dd a, double power_of_two) { return (dd){a.h * power_of_two, a.l * power_of_two}; }
INLINE dd mul(dd a, dd b)
{
    dd p = two_prod(a.h, b.h);
    return quick_two_sum(p.h, p.l + fma(a.h, b.l, a.l * b.h));
}
INLINE dd mul_d(dd a, double b)
{
    dd p = two_prod(a.h, b);
    return quick_two_sum(p.h, fma(a.l, b, p.l));
}
INLINE dd div(dd a, dd b)
{
    double inverse = 1 / b.h, q = a.h * inverse;
    double rest = fma(-q, b.h, a.h) + (a.l - q * b.l);
    return quick_two_sum(q, rest * inverse);
}
/* Spelled out because GCC vectorises a loop only after its inner loops are gone. */
#define DOWN_10(S) S(10) S(9) S(8) S(7) S(6) S(5) S(4) S(3) S(2) S(1)

INLINE dd select(int condition, dd a, dd b) { return (dd){condition ? a.h : b.h, condition ? a.l : b.l}; }

/* c + s*x where |c| >= |s*x|; the result is not normalised. */
INLINE dd horner(dd s, dd x, dd c)
{
    double p = s.h * x.h, e = fma(s.h, x.h, -p);
    e = fma(s.l, x.h, fma(s.h, x.l, e));
    double h = c.h + p;
    return (dd){h, (p - (h - c.h)) + (c.l + e)};
}

/* ---- exp and expm1: t = k ln2 + r, |r| <= 0.35, exp(r) - 1 by Taylor, 2^k exact; |t| <= 400 ---- */

typedef struct { dd expm1_r; double two_k; } reduced;

INLINE reduced exp_reduce(dd t)
{
    double magic = t.h * 0x1.71547652b82fep0 + 0x1.8p52, k = magic - 0x1.8p52;
    dd r = two_sum(t.h, -k * LN2_0);            /* both products by k are exact: 40 + 10 bits */
    dd c = two_sum(-k * LN2_1, t.l);
    r = two_sum(r.h, c.h + (r.l + (c.l - k * LN2_2)));
    /* r^n/n!, n >= 11, contributes less than 2^-35 of expm1(r): double arithmetic suffices there. */
    double s = RECIPROCAL_FACTORIAL[21].h;
#define PLAIN(n) s = fma(s, r.h, RECIPROCAL_FACTORIAL[n + 10].h);
#define PAIR(n) p = horner(p, r, RECIPROCAL_FACTORIAL[n]);
    DOWN_10(PLAIN)
    dd p = {s, 0};
    DOWN_10(PAIR)
#undef PLAIN
#undef PAIR
    p = mul(quick_two_sum(p.h, p.l), r);
    return (reduced){p, bits_to_double((int64_t)(((uint64_t)double_to_bits(magic) + 1023) << 52))};
}
INLINE dd exp_dd(dd t)
{
    reduced e = exp_reduce(t);
    dd s = quick_two_sum(1, e.expm1_r.h);
    return scale(quick_two_sum(s.h, s.l + e.expm1_r.l), e.two_k);
}
INLINE dd expm1_dd(dd t)
{
    reduced e = exp_reduce(t);
    dd far = add_d(scale(add_d(e.expm1_r, 1), e.two_k), -1);
    return select(e.two_k == 1, e.expm1_r, far);
}

/* log(1 + u) = 2 atanh(s), s = u/(2 + u), for 0 <= u <= 1. */
INLINE dd log1p_dd(dd u)
{
    dd s = div(u, add_d(u, 2)), z = mul(s, s);
    double t = RECIPROCAL_ODD[31].h;
#define PLAIN_20(n) t = fma(t, z.h, RECIPROCAL_ODD[n + 20].h);
#define PLAIN_10(n) t = fma(t, z.h, RECIPROCAL_ODD[n + 10].h);
#define PAIR(n) p = horner(p, z, RECIPROCAL_ODD[n]);
    DOWN_10(PLAIN_20) DOWN_10(PLAIN_10)
    dd p = {t, 0};
    DOWN_10(PAIR) PAIR(0)
#undef PLAIN_20
#undef PLAIN_10
#undef PAIR
    return scale(mul(quick_two_sum(p.h, p.l), s), 2);
}

INLINE double clamp(double x, double bound) { x = x < -bound ? -bound : x; return x > bound ? bound : x; }
INLINE value relative(dd v) { return (value){v.h, v.l, fabs(v.h)}; }
INLINE value exact(double v) { return (value){v, 0, 0}; }
INLINE value through_zero(double x, value v) { int zero = x == 0; return (value){zero ? x : v.h, zero ? 0 : v.l, zero ? 0 : v.m}; }
/* Near 0, x/2 + c x^2 as two exact terms: subnormal x/2 may be a tie that only the second term breaks.  The double c is good to 2^-50. */
INLINE value half_near_zero(double x, double c, value v)
{
    int tiny = fabs(x) < 0x1p-100;
    double x2 = x * x;
    return (value){tiny ? 0.5 * x : v.h, tiny ? c * x2 : v.l, tiny ? 0x1p32 * x2 : v.m};
}

/* ---- the exp family: E = exp(-|t|) ---- */

INLINE dd decay(dd t) { int s = t.h < 0; return exp_dd((dd){s ? t.h : -t.h, s ? t.l : -t.l}); }
INLINE dd sigma(dd t)
{
    dd E = decay(t), one = {1, 0};
    return div(select(t.h < 0, E, one), add_d(E, 1));
}
/* d/dx of x sigma(t(x)), given s = x t': ((1 + E) + s E)/(1 + E)^2 for t >= 0, E((1 + E) + s)/(1 + E)^2 for t < 0. */
INLINE value gated_grad(dd t, dd s)
{
    dd E = decay(t), D = add_d(E, 1), one = {1, 0};
    int n = t.h < 0;
    dd N = add(D, select(n, s, mul(s, E)));
    dd F = div(select(n, E, one), mul(D, D)), v = mul(N, F);
    return (value){v.h, v.l, F.h * (fabs(D.h) + fabs(n ? s.h : s.h * E.h))};
}
INLINE double above(double x, double bound) { return x < bound ? bound : x; }
INLINE dd plain(double x, double bound) { return (dd){clamp(x, bound), 0}; }

INLINE value f_sigmoid(double x) { return relative(sigma(plain(x, 150))); }
INLINE value g_sigmoid(double x)
{
    dd E = decay(plain(x, 150)), D = add_d(E, 1);
    return relative(div(E, mul(D, D)));
}
INLINE value g_log_sigmoid(double x) { return f_sigmoid(-x); }
INLINE value f_silu(double x) { return half_near_zero(x, 0.25, relative(mul_d(sigma(plain(x, 150)), above(x, -150)))); }
INLINE value g_silu(double x) { dd t = plain(x, 150); return gated_grad(t, t); }
INLINE dd quick_argument(double x) { return mul_d(QUICK, clamp(x, 100)); }
INLINE value f_quick_gelu(double x) { return half_near_zero(x, 0.4255, relative(mul_d(sigma(quick_argument(x)), above(x, -100)))); }
INLINE value g_quick_gelu(double x) { dd t = quick_argument(x); return gated_grad(t, t); }
INLINE value f_gelu_tanh(double x)
{
    double c = clamp(x, 12);
    dd t = mul(mul_d(add_d(mul_d(CUBIC, c * c), 1), c), SQRT_8_OVER_PI);
    return half_near_zero(x, 0x1.9884533d43651p-2, relative(mul_d(sigma(t), above(x, -12))));
}
INLINE value g_gelu_tanh(double x)
{
    double c = clamp(x, 12);
    dd u = mul_d(SQRT_8_OVER_PI, c);
    dd t = mul(add_d(mul_d(CUBIC, c * c), 1), u);
    return gated_grad(t, mul(add_d(mul_d(CUBIC_3, c * c), 1), u));
}
INLINE value f_tanh(double x)
{
    dd M = expm1_dd((dd){-2 * fabs(clamp(x, 100)), 0}), v = div(M, add_d(M, 2));
    return through_zero(x, relative(scale(v, x < 0 ? 1.0 : -1.0)));
}
INLINE value g_tanh(double x)
{
    dd E = exp_dd((dd){-2 * fabs(clamp(x, 100)), 0}), D = add_d(E, 1);
    return relative(scale(div(E, mul(D, D)), 4));
}
/* x - tanh x: by the series of tanh where the difference would cancel. */
INLINE value f_tanh_shrink(double x)
{
    double y = clamp(x, 0.125);
    dd z = two_prod(y, y), p = TANH_SERIES[15];
#define PAIR(n) p = horner(p, z, TANH_SERIES[n]);
    PAIR(14) PAIR(13) PAIR(12) PAIR(11) DOWN_10(PAIR)
#undef PAIR
    p = neg(mul(quick_two_sum(p.h, p.l), mul_d(z, y)));
    value t = f_tanh(x);
    dd d = add_d((dd){-t.h, -t.l}, x);
    int near = fabs(x) < 0.125;
    d = select(near, p, d);
    return through_zero(x, (value){d.h, d.l, near ? fabs(d.h) : fabs(d.h) + fabs(t.h)});
}
INLINE value g_tanh_shrink(double x)
{
    dd M = expm1_dd((dd){-2 * fabs(clamp(x, 100)), 0}), v = div(M, add_d(M, 2));
    v = mul(v, v);
    int tiny = fabs(x) < 0x1p-30;       /* x^2 - 2x^4/3: only the second term breaks a tie of the first */
    double x2 = x * x, x4 = x2 * x2;
    return (value){tiny ? x2 : v.h, tiny ? -2.0 / 3 * x4 : v.l, tiny ? 0x1p32 * x4 : v.h};
}
INLINE dd softplus_dd(double x)
{
    return add_d(log1p_dd(decay(plain(x, 150))), x < 0 ? 0 : x);
}
INLINE value f_softplus(double x) { return relative(softplus_dd(x)); }
INLINE value f_log_sigmoid(double x) { return relative(neg(softplus_dd(-x))); }
/* tanh(softplus x) = W/D with W = 1 + 2E, D = W + 2E^2 for x >= 0 and W = E(E + 2), D = W + 2 for x < 0. */
typedef struct { dd E, W, D; } mish_parts;
INLINE mish_parts mish_common(double x)
{
    dd E = decay(plain(x, 150)), E2 = mul(E, E), one = {1, 0}, two = {2, 0};
    int n = x < 0;
    dd W = add(scale(E, 2), select(n, E2, one));
    return (mish_parts){E, W, add(W, select(n, two, scale(E2, 2)))};
}
INLINE value f_mish(double x)
{
    mish_parts p = mish_common(x);
    return through_zero(x, relative(mul_d(div(p.W, p.D), above(x, -150))));
}
/* (W D + 4 x E^2 (1 + E))/D^2 for x >= 0; (W D + 4 x E (1 + E))/D^2 for x < 0. */
INLINE value g_mish(double x)
{
    mish_parts p = mish_common(x);
    dd G = scale(mul(p.E, add_d(p.E, 1)), 4);
    G = mul_d(select(x < 0, G, mul(G, p.E)), clamp(x, 150));
    dd WD = mul(p.W, p.D), v = div(add(WD, G), mul(p.D, p.D));
    return (value){v.h, v.l, (fabs(WD.h) + fabs(G.h)) / (p.D.h * p.D.h)};
}
INLINE value choose(int condition, value a, value b)
{
    return (value){condition ? a.h : b.h, condition ? a.l : b.l, condition ? a.m : b.m};
}
INLINE value f_elu(double x) { return choose(x >= 0, exact(x), relative(expm1_dd(plain(x < 0 ? x : 0, 150)))); }
INLINE value g_elu(double x) { return choose(x > 0, exact(1), relative(exp_dd(plain(x < 0 ? x : 0, 150)))); }
INLINE value f_selu(double x)
{
    dd M = mul(expm1_dd(plain(x < 0 ? x : 0, 150)), SELU_LAMBDA_ALPHA);
    return through_zero(x, relative(select(x > 0, mul_d(SELU_LAMBDA, x), M)));
}
INLINE value g_selu(double x)
{
    return relative(select(x > 0, SELU_LAMBDA, mul(exp_dd(plain(x < 0 ? x : 0, 150)), SELU_LAMBDA_ALPHA)));
}

/* ---- algebraic ones ---- */

INLINE value f_softsign(double x) { return through_zero(x, relative(div((dd){x, 0}, two_sum(1, fabs(x))))); }
INLINE value g_softsign(double x)
{
    dd D = two_sum(1, fabs(x)), one = {1, 0};
    return relative(div(one, mul(D, D)));
}
/* s = sqrt(x^2 + 4); (x + s)/2 = 2/(s - x) */
INLINE dd squareplus_root(double x)
{
    dd q = two_sum(x * x, 4);
    double s = sqrt(q.h);
    return quick_two_sum(s, (fma(-s, s, q.h) + q.l) / (2 * s));
}
INLINE value f_squareplus(double x)
{
    dd S = add_d(squareplus_root(x), fabs(x)), two = {2, 0};
    return relative(select(x > 0, scale(S, 0.5), div(two, S)));
}
INLINE value g_squareplus(double x)
{
    dd s = squareplus_root(x), S = add_d(s, fabs(x)), two = {2, 0};
    return relative(div(select(x > 0, scale(S, 0.5), div(two, S)), s));
}

/* ---- exact ones (hard_sigmoid, hard_swish and their derivatives: six times the value) ---- */

INLINE value exact_pair(dd v) { return (value){v.h, v.l, 0}; }
INLINE value f_relu(double x) { return exact(x > 0 ? x : 0); }
INLINE value g_relu(double x) { return exact(x > 0); }
INLINE value f_relu6(double x) { return exact(x > 0 ? (x < 6 ? x : 6) : 0); }
INLINE value g_relu6(double x) { return exact(x > 0 && x < 6); }
INLINE value f_squared_relu(double x) { return exact(x > 0 ? x * x : 0); }
INLINE value g_squared_relu(double x) { return exact(x > 0 ? 2 * x : 0); }
INLINE value f_hard_tanh(double x) { return exact(x < -1 ? -1 : x > 1 ? 1 : x); }
INLINE value g_hard_tanh(double x) { return exact(fabs(x) < 1); }
INLINE value f_leaky_relu(double x) { return exact(x > 0 ? x : x * 0.01f); }
INLINE value g_leaky_relu(double x) { return exact(x > 0 ? 1 : 0.01f); }
INLINE value f_thresholded_relu(double x) { return exact(x > 1 ? x : 0); }
INLINE value g_thresholded_relu(double x) { return exact(x > 1); }
INLINE value f_hard_shrink(double x) { return exact(fabs(x) > 0.5 ? x : 0); }
INLINE value g_shrink(double x) { return exact(fabs(x) > 0.5); }
INLINE value f_soft_shrink(double x)
{
    dd v = two_sum(x, x > 0 ? -0.5 : 0.5);
    int open = fabs(x) > 0.5;
    return exact_pair((dd){open ? v.h : 0, open ? v.l : 0});
}
INLINE value f_hard_sigmoid(double x)
{
    dd v = two_sum(clamp(x, 3), 3);
    return exact_pair(v);
}
INLINE value g_hard_sigmoid(double x) { return exact(fabs(x) < 3); }
INLINE value f_hard_swish(double x)
{
    double c = clamp(x, 3), linear = 6 * x;
    dd v = two_sum(3 * c, c * c);
    int up = x >= 3, down = x <= -3;
    return exact_pair((dd){up ? linear : down ? -0.0 : x == 0 ? x : v.h, up || down || x == 0 ? 0 : v.l});
}
INLINE value g_hard_swish(double x)
{
    dd v = two_sum(2 * clamp(x, 3), 3);
    int in = fabs(x) < 3;
    return exact_pair((dd){in ? v.h : x >= 3 ? 6 : 0, in ? v.l : 0});
}

/* ---- f' as a function of y = f(x): 0 for a y outside the range of f, which is no output ---- */

INLINE value output(int possible, value v) { return choose(possible, v, exact(0)); }
INLINE value o_sigmoid(double y) { return output(y > 0 && y < 1, exact_pair(two_sum(y, -(y * y)))); }   /* y^2 is exact: 48 bits */
INLINE value o_tanh(double y) { return output(fabs(y) < 1, exact_pair(two_sum(1, -(y * y)))); }
INLINE value o_softsign(double y)
{
    dd s = two_sum(1, -fabs(y));
    return output(s.h > 0, choose(s.l == 0, exact_pair(two_prod(s.h, s.h)), relative(mul(s, s))));
}
INLINE value o_softplus(double y) { return output(y > 0, relative(neg(expm1_dd((dd){-clamp(y, 150), 0})))); }
INLINE value o_log_sigmoid(double y) { return o_softplus(-y); }
INLINE value o_elu(double y) { return choose(y > 0, exact(1), output(y > -1, exact_pair(two_sum(1, y)))); }
INLINE value o_selu(double y)   /* beside the constant, which errs by 2^-104, the sum is above 2^-26 */
{
    dd v = add_d(SELU_LAMBDA_ALPHA, y);
    return choose(y > 0, relative(SELU_LAMBDA), output(v.h > 0, (value){v.h, v.l, 0x1p-20}));
}
INLINE value o_squareplus(double y)   /* near 0 y^2 - y^4: only the second term breaks a tie of the first */
{
    double y2 = y * y, y4 = y2 * y2;
    dd v = div((dd){y2, 0}, two_sum(1, y2));
    return output(y > 0, choose(y < 0x1p-30, (value){y2, -y4, 0x1p32 * y4}, relative(v)));
}
INLINE value o_squared_relu(double y)
{
    double s = sqrt(y > 0 ? y : 1);
    return output(y > 0, relative(quick_two_sum(2 * s, fma(-s, s, y) / s)));
}
INLINE value o_hard_sigmoid(double y) { return exact(y > 0 && y < 1); }   /* six times the value */
INLINE value o_soft_shrink(double y) { return exact(y != 0); }

/* ---- a block of inputs: one plain loop per formula ---- */

typedef void evaluate_block(const float *x, int n, double *h, double *l, double *m);
#define BLOCK_OF(name) \
    static void name##_block(const float *restrict x, int n, double *restrict h, double *restrict l, double *restrict m) \
    { for (int i = 0; i < n; i++) { value v = name((double)x[i]); h[i] = v.h; l[i] = v.l; m[i] = v.m; } }
#define BLOCKS_OF(f) BLOCK_OF(f_##f) BLOCK_OF(g_##f)
BLOCKS_OF(sigmoid) BLOCKS_OF(log_sigmoid) BLOCKS_OF(tanh) BLOCKS_OF(tanh_shrink) BLOCK_OF(f_softplus) BLOCKS_OF(elu) BLOCKS_OF(selu)
BLOCKS_OF(gelu_tanh) BLOCKS_OF(quick_gelu) BLOCKS_OF(silu) BLOCKS_OF(mish) BLOCKS_OF(softsign) BLOCKS_OF(squareplus)
BLOCKS_OF(relu) BLOCKS_OF(relu6) BLOCKS_OF(squared_relu) BLOCKS_OF(hard_tanh) BLOCKS_OF(leaky_relu) BLOCKS_OF(thresholded_relu)
BLOCK_OF(f_hard_shrink) BLOCK_OF(f_soft_shrink) BLOCK_OF(g_shrink) BLOCKS_OF(hard_sigmoid) BLOCKS_OF(hard_swish)
BLOCK_OF(o_sigmoid) BLOCK_OF(o_log_sigmoid) BLOCK_OF(o_tanh) BLOCK_OF(o_softplus) BLOCK_OF(o_elu) BLOCK_OF(o_selu) BLOCK_OF(o_softsign)
BLOCK_OF(o_squareplus) BLOCK_OF(o_squared_relu) BLOCK_OF(o_hard_sigmoid) BLOCK_OF(o_soft_shrink)

/* Blocks that need no exp: c x + d x^2 near 0 (what is left out is below 2^-118 of it), and lambda x. */
INLINE value near_zero(double x, dd c, double d)
{
    dd v = add_d(mul_d(c, x), d * (x * x));
    return through_zero(x, (value){v.h, v.l, 0x1p-20 * fabs(v.h)});
}
INLINE value z_mish(double x) { return near_zero(x, THREE_FIFTHS, 0.32); }
INLINE value z_selu(double x) { return near_zero(x, SELU_LAMBDA_ALPHA, 0.5 * SELU_LAMBDA_ALPHA.h); }
INLINE value p_selu(double x) { return relative(mul_d(SELU_LAMBDA, x)); }
BLOCK_OF(z_mish) BLOCK_OF(z_selu) BLOCK_OF(p_selu)
typedef struct { float least, most; } range;
INLINE range range_of(const float *x, int n)
{
    range r = {x[0], x[0]};
    for (int i = 1; i < n; i++) {
        r.least = x[i] < r.least ? x[i] : r.least;
        r.most = x[i] > r.most ? x[i] : r.most;
    }
    return r;
}
static void f_mish_blocks(const float *x, int n, double *h, double *l, double *m)
{
    range r = range_of(x, n);
    (-0x1p-60f < r.least && r.most < 0x1p-60f ? z_mish_block : f_mish_block)(x, n, h, l, m);
}
static void f_selu_blocks(const float *x, int n, double *h, double *l, double *m)
{
    range r = range_of(x, n);
    (r.least > 0 ? p_selu_block : -0x1p-60f < r.least && r.most <= 0 ? z_selu_block : f_selu_block)(x, n, h, l, m);
}

/* The normal distribution, staged because the number of terms depends on the block.
 * |x| <= 5/2:  Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/15 + ...);    beyond:  Phi(-a) = phi(a)/(a + 1/(a + 2/(a + 3/(a + ...)))).
 * t receives the series' sum over x, or the fraction's denominator; both are positive, so nothing cancels inside. */
#define NORMAL_SPLIT 2.5
static void normal_stage(const float *restrict x, int n, double *restrict th, double *restrict tl)
{
    double least = INFINITY, most = 0;
    for (int i = 0; i < n; i++) {
        double a = fabs((double)x[i]);
        least = a < least ? a : least;
        most = a > most ? a : most;
    }
    if (most <= NORMAL_SPLIT) {
        int terms = 1;  /* at most 43 */
        for (double term = 1; term > 0x1p-100; terms++) term *= most * most / (2 * terms + 1);
        for (int i = 0; i < n; i++) th[i] = 1, tl[i] = 0;
        for (int k = terms; k >= 1; k--) {
            dd c = RECIPROCAL_ODD[k];
            for (int i = 0; i < n; i++) {
                double a = x[i];
                dd s = add_d(mul(mul_d((dd){th[i], tl[i]}, a * a), c), 1);
                th[i] = s.h, tl[i] = s.l;
            }
        }
    } else {
        /* the k-th convergent errs by about exp(-2 a sqrt(k)) once k is beyond a^2 */
        double root = 64 / (2 * least);
        int terms = 32 + (int)(root * root);
        for (int i = 0; i < n; i++) th[i] = fabs((double)x[i]), tl[i] = 0;
        for (int k = terms; k >= 1; k--) {
            dd c = {k, 0};
            for (int i = 0; i < n; i++) {
                dd s = add_d(div(c, (dd){th[i], tl[i]}), fabs((double)x[i]));
                th[i] = s.h, tl[i] = s.l;
            }
        }
    }
}
INLINE dd normal_density(double a) { return mul(exp_dd((dd){-0.5 * (a * a), 0}), RECIPROCAL_SQRT_2PI); }  /* a^2 is exact: 48 bits */
static void gelu_finish(const float *restrict x, int n, double *restrict h, double *restrict l, double *restrict m, int far)
{
    if (!far) {
        for (int i = 0; i < n; i++) {
            double a = x[i];
            dd v = mul_d(add_d(mul(mul_d(normal_density(a), a), (dd){h[i], l[i]}), 0.5), a);
            value g = half_near_zero(a, 0x1.9884533d43651p-2, (value){v.h, v.l, fabs(a)});
            h[i] = g.h, l[i] = g.l, m[i] = g.m;
        }
    } else {
        for (int i = 0; i < n; i++) {
            double a = x[i];
            dd Q = div(normal_density(a), (dd){h[i], l[i]}), P = add_d(neg(Q), 1);
            dd v = mul_d(select(a < 0, Q, P), a);
            h[i] = v.h, l[i] = v.l, m[i] = fabs(v.h);
        }
    }
}
static void gelu_grad_finish(const float *restrict x, int n, double *restrict h, double *restrict l, double *restrict m, int far)
{
    if (!far) {
        for (int i = 0; i < n; i++) {           /* 1/2 + x phi(x) (t + 1) */
            double a = x[i];
            dd v = add_d(mul(mul_d(normal_density(a), a), add_d((dd){h[i], l[i]}, 1)), 0.5);
            h[i] = v.h, l[i] = v.l, m[i] = 1;
        }
    } else {
        for (int i = 0; i < n; i++) {           /* Q(a) - a phi(a), or one less that */
            double a = x[i], b = fabs(a);
            dd phi = normal_density(a), v = add(div(phi, (dd){h[i], l[i]}), neg(mul_d(phi, b)));
            v = select(a < 0, v, add_d(neg(v), 1));
            h[i] = v.h, l[i] = v.l, m[i] = fabs(v.h) + b * phi.h;
        }
    }
}
INLINE int normal_far(float x) { return fabs((double)x) > NORMAL_SPLIT; }
/* Runs on one side of the split go together.  Beyond +-26 the value is that at +-26 for every comparison made (and x^2/2 stays in range). */
INLINE void normal_blocks(const float *x, int n, double *h, double *l, double *m,
                          void (*finish)(const float *, int, double *, double *, double *, int))
{
    for (int start = 0, end; start < n; start = end) {
        int far = normal_far(x[start]);
        for (end = start + 1; end < n && normal_far(x[end]) == far; end++) { }
        normal_stage(x + start, end - start, h + start, l + start);
        finish(x + start, end - start, h + start, l + start, m + start, far);
    }
}
static void f_gelu_block(const float *x, int n, double *h, double *l, double *m)
{
    float c[BLOCK];
    for (int i = 0; i < n; i++) c[i] = x[i] < -26 ? -26 : x[i] > 26 ? 26 : x[i];
    normal_blocks(c, n, h, l, m, gelu_finish);
    for (int i = 0; i < n; i++) if (x[i] > 26) h[i] = x[i], l[i] = -x[i] * 0x1p-100, m[i] = x[i];
}
static void g_gelu_block(const float *x, int n, double *h, double *l, double *m)
{
    float c[BLOCK];
    for (int i = 0; i < n; i++) c[i] = x[i] < -26 ? -26 : x[i] > 26 ? 26 : x[i];
    normal_blocks(c, n, h, l, m, gelu_grad_finish);
}

/* ---- the table: f, f', f' as a function of y ---- */

/* In [low, high] the rounded result is the float nearest to a*x + b; why: in the comment of each row. Errors are not measured
 * there, so there is no region where a function's largest one may lie.
 * u = 2^-24 is half a spacing above 1, u/2 below 1. */
typedef struct { float low, high; double a, b; } region;
typedef struct {
    const char *name;
    evaluate_block *evaluate;       /* NULL: the output does not determine the derivative */
    double factor;                  /* the evaluation returns factor times the value */
    float at_minus_inf, at_plus_inf;
    region regions[5];
} row;

#define INF ((float)INFINITY)
#define LEAST 0x1p-149f
static const row ROWS[][3] = {
    /* e^-105 < 2^-150; e^-18 < u/2 */
    {{"sigmoid", f_sigmoid_block, 1, 0, 1, {{-INF, -105, 0, 0}, {-0x1p-26f, 0x1p-26f, 0, 0.5}, {18, INF, 0, 1}}},
     {"sigmoid", g_sigmoid_block, 1, 0, 0, {{-INF, -105, 0, 0}, {-0x1p-13f, 0x1p-13f, 0, 0.25}, {105, INF, 0, 0}}},
     /* y - y^2: y^2 is a quarter of the spacing at 2^-26 */
     {"sigmoid", o_sigmoid_block, 1, 0, 0, {{-INF, 0, 0, 0}, {0, 0x1p-26f, 1, 0}, {1, INF, 0, 0}}}},
    {{"log_sigmoid", f_log_sigmoid_block, 1, -INF, -0.0f,
      {{-INF, -19, 1, -0.0}, {-0x1p-28f, 0x1p-28f, 0, -0x1.62e42fefa39efp-1}, {105, INF, -0.0, -0.0}}},
     {"log_sigmoid", g_log_sigmoid_block, 1, 1, 0, {{-INF, -18, 0, 1}, {-0x1p-26f, 0x1p-26f, 0, 0.5}, {105, INF, 0, 0}}},
     {"log_sigmoid", o_log_sigmoid_block, 1, 1, 0, {{-INF, -18, 0, 1}, {-0x1p-26f, 0, -1, 0}, {0, INF, 0, 0}}}},
    /* tanh x = x(1 - x^2/3); 2e^-20 < u/2; 4e^-108 < 2^-150 */
    {{"tanh", f_tanh_block, 1, -1, 1, {{-INF, -10, 0, -1}, {-0x1p-13f, 0x1p-13f, 1, -0.0}, {10, INF, 0, 1}}},
     {"tanh", g_tanh_block, 1, 0, 0, {{-INF, -54, 0, 0}, {-0x1p-13f, 0x1p-13f, 0, 1}, {54, INF, 0, 0}}},
     {"tanh", o_tanh_block, 1, 0, 0, {{-INF, -1, 0, 0}, {-0x1p-13f, 0x1p-13f, 0, 1}, {1, INF, 0, 0}}}},
    {{"tanh_shrink", f_tanh_shrink_block, 1, -INF, INF,
      /* x - 1 + 2e^-2x: x - 1 is a float below 2^24, a midpoint in (2^24, 2^25], from where the last term rounds up; x^3/3 < 2^-150 */
      {{-INF, -0x1.000002p24f, 1, 0}, {-0x1p24f, -20, 1, 1}, {-0x1p-50f, 0x1p-50f, 0, -0.0}, {20, 0x1p24f, 1, -1}, {0x1.000002p24f, INF, 1, 0}}},
     {"tanh_shrink", g_tanh_shrink_block, 1, 1, 1, {{-INF, -10, 0, 1}, {10, INF, 0, 1}}}},
    {{"softplus", f_softplus_block, 1, 0, INF, {{-INF, -105, 0, 0}, {-0x1p-28f, 0x1p-28f, 0, 0x1.62e42fefa39efp-1}, {19, INF, 1, 0}}},
     {"softplus", f_sigmoid_block, 1, 0, 1, {{-INF, -105, 0, 0}, {-0x1p-26f, 0x1p-26f, 0, 0.5}, {18, INF, 0, 1}}},
     {"softplus", o_softplus_block, 1, 0, 1, {{-INF, 0, 0, 0}, {0, 0x1p-26f, 1, 0}, {18, INF, 0, 1}}}},
    {{"elu", f_elu_block, 1, -1, INF, {{-INF, -18, 0, -1}, {-0x1p-26f, 0, 1, -0.0}, {0, INF, 1, -0.0}}},
     {"elu", g_elu_block, 1, 0, 1, {{-INF, -105, 0, 0}, {-0x1p-26f, 0, 0, 1}, {0, INF, 0, 1}}},
     {"elu", o_elu_block, 1, 0, 1, {{-INF, -1, 0, 0}, {-0x1p-26f, 0, 0, 1}, {0, INF, 0, 1}}}},
    {{"celu", f_elu_block, 1, -1, INF, {{-INF, -18, 0, -1}, {-0x1p-26f, 0, 1, -0.0}, {0, INF, 1, -0.0}}},
     {"celu", g_elu_block, 1, 0, 1, {{-INF, -105, 0, 0}, {-0x1p-26f, 0, 0, 1}, {0, INF, 0, 1}}},
     {"celu", o_elu_block, 1, 0, 1, {{-INF, -1, 0, 0}, {-0x1p-26f, 0, 0, 1}, {0, INF, 0, 1}}}},
    {{"selu", f_selu_blocks, 1, -1.75809934f, INF, {{-INF, -20, 0, -0x1.c212cc640f031p0}}},
     {"selu", g_selu_block, 1, 0, 1.05070099f, {{-INF, -106, 0, 0}, {-0x1p-28f, 0, 0, 0x1.c212cc640f031p0}, {0x1p-149f, INF, 0, 0x1.0cfabd6a91132p0}}},
     {"selu", o_selu_block, 1, 0, 1.05070099f,
      {{-INF, -2, 0, 0}, {-0x1p-28f, 0, 0, 0x1.c212cc640f031p0}, {LEAST, INF, 0, 0x1.0cfabd6a91132p0}}}},
    /* gelu: x(1 - Q), Q(6) < u/2; 14.5 Q(14.5) < 2^-150; x/2 (1 + 0.8x) */
    {{"gelu", f_gelu_block, 1, -0.0f, INF,
      {{-INF, -14.5f, 0, -0.0}, {-0x1p-27f, -0x1p-124f, 0.5, 0}, {0x1p-124f, 0x1p-27f, 0.5, 0}, {6, INF, 1, 0}}},
     {"gelu", g_gelu_block, 1, 0, 1, {{-INF, -15, 0, -0.0}, {-0x1p-28f, 0x1p-28f, 0, 0.5}, {7, INF, 0, 1}}}},
    {{"gelu_tanh", f_gelu_tanh_block, 1, -0.0f, INF,
      {{-INF, -11, 0, -0.0}, {-0x1p-27f, -0x1p-124f, 0.5, 0}, {0x1p-124f, 0x1p-27f, 0.5, 0}, {6, INF, 1, 0}}},
     {"gelu_tanh", g_gelu_tanh_block, 1, 0, 1, {{-INF, -11, 0, -0.0}, {-0x1p-28f, 0x1p-28f, 0, 0.5}, {7, INF, 0, 1}}}},
    {{"quick_gelu", f_quick_gelu_block, 1, -0.0f, INF,
      {{-INF, -65, 0, -0.0}, {-0x1p-27f, -0x1p-124f, 0.5, 0}, {0x1p-124f, 0x1p-27f, 0.5, 0}, {13, INF, 1, 0}}},
     {"quick_gelu", g_quick_gelu_block, 1, 0, 1, {{-INF, -66, 0, -0.0}, {-0x1p-28f, 0x1p-28f, 0, 0.5}, {14, INF, 0, 1}}}},
    /* silu: x(1 - e^-x), e^-19 < u/2; 110 e^-110 < 2^-150; x/2 (1 + x/2) */
    {{"silu", f_silu_block, 1, -0.0f, INF,
      {{-INF, -110, 0, -0.0}, {-0x1p-27f, -0x1p-124f, 0.5, 0}, {0x1p-124f, 0x1p-27f, 0.5, 0}, {19, INF, 1, 0}}},
     {"silu", g_silu_block, 1, 0, 1, {{-INF, -111, 0, -0.0}, {-0x1p-27f, 0x1p-27f, 0, 0.5}, {22, INF, 0, 1}}}},
    /* beta = 1 */
    {{"swish", f_silu_block, 1, -0.0f, INF,
      {{-INF, -110, 0, -0.0}, {-0x1p-27f, -0x1p-124f, 0.5, 0}, {0x1p-124f, 0x1p-27f, 0.5, 0}, {19, INF, 1, 0}}},
     {"swish", g_silu_block, 1, 0, 1, {{-INF, -111, 0, -0.0}, {-0x1p-27f, 0x1p-27f, 0, 0.5}, {22, INF, 0, 1}}}},
    /* mish: x(1 - 2e^-2x); 3/5 is 6e-9 from the nearest midpoint of floats */
    {{"mish", f_mish_blocks, 1, -0.0f, INF, {{-INF, -111, 0, -0.0}, {12, INF, 1, 0}}},
     {"mish", g_mish_block, 1, 0, 1, {{-INF, -112, 0, -0.0}, {-0x1p-29f, 0x1p-29f, 0, 0.6}, {14, INF, 0, 1}}}},
    {{"softsign", f_softsign_block, 1, -1, 1, {{-0x1p-26f, 0x1p-26f, 1, -0.0}}},
     {"softsign", g_softsign_block, 1, 0, 0, {{-INF, -0x1p76f, 0, 0}, {-0x1p-27f, 0x1p-27f, 0, 1}, {0x1p76f, INF, 0, 0}}},
     {"softsign", o_softsign_block, 1, 0, 0, {{-INF, -1, 0, 0}, {-0x1p-27f, 0x1p-27f, 0, 1}, {1, INF, 0, 0}}}},
    {{"squareplus", f_squareplus_block, 1, 0, INF, {{-0x1p-26f, 0x1p-26f, 0, 1}, {0x1p13f, INF, 1, 0}}},
     {"squareplus", g_squareplus_block, 1, 0, 1, {{-INF, -0x1p76f, 0, 0}, {-0x1p-26f, 0x1p-26f, 0, 0.5}, {0x1p13f, INF, 0, 1}}},
     {"squareplus", o_squareplus_block, 1, 0, 1, {{-INF, 0, 0, 0}, {0, 0x1p-76f, 0, 0}, {0x1p13f, INF, 0, 1}}}},
    /* exact pieces */
    {{"relu", f_relu_block, 1, 0, INF, {{-INF, 0, 0, 0}, {0, INF, 1, 0}}}, {"relu", g_relu_block, 1, 0, 1, {{-INF, 0, 0, 0}, {LEAST, INF, 0, 1}}},
     {"relu", g_relu_block, 1, 0, 1, {{-INF, 0, 0, 0}, {LEAST, INF, 0, 1}}}},
    {{"relu6", f_relu6_block, 1, 0, 6, {{-INF, 0, 0, 0}, {0, 6, 1, 0}, {6, INF, 0, 6}}},
     {"relu6", g_relu6_block, 1, 0, 0, {{-INF, 0, 0, 0}, {LEAST, 5.9999995f, 0, 1}, {6, INF, 0, 0}}},
     {"relu6", g_relu6_block, 1, 0, 0, {{-INF, 0, 0, 0}, {LEAST, 5.9999995f, 0, 1}, {6, INF, 0, 0}}}},
    {{"squared_relu", f_squared_relu_block, 1, 0, INF, {{-INF, 0, 0, 0}, {0, 0x1p-76f, 0, 0}, {0x1p64f, INF, 0, INFINITY}}},
     {"squared_relu", g_squared_relu_block, 1, 0, INF, {{-INF, 0, 0, 0}, {0, INF, 2, 0}}},
     {"squared_relu", o_squared_relu_block, 1, 0, INF, {{-INF, 0, 0, 0}}}},
    {{"hard_sigmoid", f_hard_sigmoid_block, 6, 0, 1, {{-INF, -3, 0, 0}, {3, INF, 0, 1}}},
     {"hard_sigmoid", g_hard_sigmoid_block, 6, 0, 0, {{-INF, -3, 0, 0}, {3, INF, 0, 0}}},
     {"hard_sigmoid", o_hard_sigmoid_block, 6, 0, 0, {{-INF, 0, 0, 0}, {1, INF, 0, 0}}}},
    {{"hard_swish", f_hard_swish_block, 6, -0.0f, INF, {{-INF, -3, 0, -0.0}, {3, INF, 1, 0}}},
     {"hard_swish", g_hard_swish_block, 6, 0, 1, {{-INF, -3, 0, 0}, {3, INF, 0, 1}}}},
    {{"hard_tanh", f_hard_tanh_block, 1, -1, 1, {{-INF, -1, 0, -1}, {-1, 1, 1, -0.0}, {1, INF, 0, 1}}},
     {"hard_tanh", g_hard_tanh_block, 1, 0, 0, {{-INF, -1, 0, 0}, {-0.99999994f, 0.99999994f, 0, 1}, {1, INF, 0, 0}}},
     {"hard_tanh", g_hard_tanh_block, 1, 0, 0, {{-INF, -1, 0, 0}, {-0.99999994f, 0.99999994f, 0, 1}, {1, INF, 0, 0}}}},
    {{"leaky_relu", f_leaky_relu_block, 1, -INF, INF, {{0, INF, 1, -0.0}}},
     {"leaky_relu", g_leaky_relu_block, 1, 0.01f, 1, {{-INF, 0, 0, 0.01f}, {LEAST, INF, 0, 1}}},
     {"leaky_relu", g_leaky_relu_block, 1, 0.01f, 1, {{-INF, 0, 0, 0.01f}, {LEAST, INF, 0, 1}}}},
    {{"hard_shrink", f_hard_shrink_block, 1, -INF, INF, {{-INF, -0.50000006f, 1, 0}, {-0.5, 0.5, 0, 0}, {0.50000006f, INF, 1, 0}}},
     {"hard_shrink", g_shrink_block, 1, 1, 1, {{-INF, -0.50000006f, 0, 1}, {-0.5, 0.5, 0, 0}, {0.50000006f, INF, 0, 1}}},
     {"hard_shrink", g_shrink_block, 1, 1, 1, {{-INF, -0.50000006f, 0, 1}, {-0.5, 0.5, 0, 0}, {0.50000006f, INF, 0, 1}}}},
    {{"soft_shrink", f_soft_shrink_block, 1, -INF, INF, {{-0.5, 0.5, 0, 0}}},
     {"soft_shrink", g_shrink_block, 1, 1, 1, {{-INF, -0.50000006f, 0, 1}, {-0.5, 0.5, 0, 0}, {0.50000006f, INF, 0, 1}}},
     {"soft_shrink", o_soft_shrink_block, 1, 1, 1, {{-INF, -LEAST, 0, 1}, {LEAST, INF, 0, 1}}}},
    {{"thresholded_relu", f_thresholded_relu_block, 1, 0, INF, {{-INF, 1, 0, 0}, {1.0000001f, INF, 1, 0}}},
     {"thresholded_relu", g_thresholded_relu_block, 1, 0, 1, {{-INF, 1, 0, 0}, {1.0000001f, INF, 0, 1}}},
     {"thresholded_relu", g_thresholded_relu_block, 1, 0, 1, {{-INF, 1, 0, 0}, {1.0000001f, INF, 0, 1}}}},
};

/* ---- comparison ---- */

INLINE void note(int64_t *count, int64_t *list, int64_t capacity, int64_t index)
{
    if (*count < capacity) list[*count] = index;
    ++*count;
}
INLINE uint32_t float_bits(float f) { uint32_t b; memcpy(&b, &f, 4); return b; }

static void settle_float(float expected, float y, int positive_zero, int64_t index, oracle_report *r)
{
    if (expected != expected ? y != y : float_bits(expected) == float_bits(y)) return;
    if (positive_zero && expected == 0 && float_bits(y) == 0) return;
    note(&r->misrounded, r->misrounded_at, r->capacity, index);
    double e = fabs((double)expected), d = fabs((double)y - expected);
    int k;
    frexp(e < 0x1p-126 ? 0x1p-126 : e, &k);
    double ulps = expected == y ? 0 : isfinite(d) ? ldexp(d, 24 - k) : INFINITY;
    if (ulps > r->worst_ulp) r->worst_ulp = ulps, r->worst = index;
}

/* Midpoints around y, all exact in double: below |y| + up, above |y| - down; +inf stands for 2^128. */
typedef struct { double inside, outside, error, ulp; } distances;
INLINE distances measure(float y, double h, double l, double factor)
{
    double a = fabs((double)y), s = y < 0 ? -1.0 : 1.0, bounded = a > 0x1p128 ? 0x1p128 : a;
    double p = bits_to_double(double_to_bits(bounded) & 0x7ff0000000000000);
    int normal = p > 0x1p-126;
    p = normal ? p : 0x1p-126;
    double up = p * 0x1p-24, down = bounded == p && normal ? 0.5 * up : up;
    h *= s, l *= s;
    double outside = (factor * (bounded + up) - h) - l;
    double q = bits_to_double(double_to_bits(h * (1 / factor)) & 0x7ff0000000000000);
    q = q < 0x1p-126 ? 0x1p-126 : q > 0x1p127 ? 0x1p127 : q;
    double error = fabs((factor * bounded - h) - l);
    return (distances){(h - factor * (bounded - down)) + l, a > 0x1p128 ? INFINITY : outside,
                       a > 0x1p128 && h > factor * 0x1p128 ? 0 : error, q * 0x1p-23 * factor};
}

static void compare_block(const float *restrict x, const float *restrict y, int n, const row *f, int derivative, double near,
                          const int64_t *indices, int64_t base, oracle_report *r)
{
    double h[BLOCK], l[BLOCK], m[BLOCK];
    f->evaluate(x, n, h, l, m);
    int64_t flagged = 0, worst = 0;
    double factor = f->factor;
    for (int i = 0; i < n; i++) {
        distances d = measure(y[i], h[i], l[i], factor);
        double e = ORACLE_EPS * m[i], limit = m[i] > 0 ? e + near * d.ulp : 0;
        int sign = (double_to_bits(h[i]) ^ double_to_bits((double)y[i])) < 0;
        int64_t fine = (d.inside > limit) & (d.outside > limit) & !sign;
        int64_t ulps = double_to_bits(d.error / d.ulp);
        flagged += 1 - fine;
        worst = ulps > worst ? ulps : worst;
    }
    if (bits_to_double(worst) > r->worst_ulp) {
        for (int i = 0; i < n; i++) {
            distances d = measure(y[i], h[i], l[i], factor);
            if (d.error / d.ulp > r->worst_ulp) r->worst_ulp = d.error / d.ulp, r->worst = indices ? indices[i] : base + i;
        }
    }
    if (!flagged) return;
    for (int i = 0; i < n; i++) {
        distances d = measure(y[i], h[i], l[i], factor);
        double e = ORACLE_EPS * m[i], gap = d.inside < d.outside ? d.inside : d.outside;
        int64_t index = indices ? indices[i] : base + i;
        int sign = (double_to_bits(h[i]) ^ double_to_bits((double)y[i])) < 0;
        if (m[i] > 0 && fabs(gap) < near * d.ulp && fabs((double)x[i]) > 0x1p-100) {
            if (r->close < r->capacity) r->close_ulp[r->close] = fabs(gap) / d.ulp;
            note(&r->close, r->close_at, r->capacity, index);
        }
        if (derivative && float_bits(y[i]) == 0) sign = 0;    /* the closed gate: a derivative that vanishes may be +0 */
        if (y[i] != y[i] || gap < -e || (sign && fabs(h[i]) >= e)) {
            if (y[i] != y[i]) r->worst_ulp = INFINITY, r->worst = index;
            note(&r->misrounded, r->misrounded_at, r->capacity, index);
        } else if (gap <= e) {
            if (m[i] > 0) note(&r->undecided, r->undecided_at, r->capacity, index);
            else if (gap == 0 && (float_bits(y[i]) & 1)) note(&r->misrounded, r->misrounded_at, r->capacity, index);
        }
    }
}

static void check_finite(const float *x, const float *y, int n, const row *f, int derivative, double near,
                         const int64_t *indices, int64_t base, oracle_report *r)
{
    range r_x = range_of(x, n);
    for (const region *g = f->regions; g < f->regions + 5 && (g->low < g->high); g++) {
        if (r_x.least < g->low || r_x.most > g->high) continue;
        int64_t wrong = 0;
        double a = g->a, b = g->b;
        for (int i = 0; i < n; i++) wrong += float_bits((float)(a * x[i] + b)) != float_bits(y[i]);
        if (wrong)
            for (int i = 0; i < n; i++) settle_float((float)(a * x[i] + b), y[i], derivative, indices ? indices[i] : base + i, r);
        return;
    }
    compare_block(x, y, n, f, derivative, near, indices, base, r);
}

/* Whether this file was compiled for AVX2 and fma, which the CPU must then have. */
int oracle_needs_avx2(void)
{
#if defined(__AVX2__)
    return 1;
#else
    return 0;
#endif
}

/* The i-th saturated region of a function, for the tests; 0 if there is none. */
int oracle_region(int function, int derivative, int i, float *low, float *high)
{
    const region *g = &ROWS[function][derivative].regions[i];
    *low = g->low, *high = g->high;
    return i < 5 && g->low < g->high;
}

/* The number of a function, -1 if there is none or not this derivative. */
int oracle_find(const char *name, int derivative)
{
    for (unsigned i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        if (!strcmp(ROWS[i][0].name, name))
            return derivative >= 0 && derivative < 3 && ROWS[i][derivative].evaluate ? (int)i : -1;
    return -1;
}
const char *oracle_name(int function) { return function >= 0 && function < (int)(sizeof ROWS / sizeof *ROWS) ? ROWS[function][0].name : NULL; }

/* Compare y with the exact values.  Counts are added to *r; `near`: list inputs within that many ulp of a rounding boundary. */
void oracle_check(int function, int derivative, const float *x, const float *y, int64_t n, double near, oracle_report *r)
{
    const row *f = &ROWS[function][derivative];
    for (int64_t start = 0; start < n; start += BLOCK) {
        int count = n - start < BLOCK ? (int)(n - start) : BLOCK;
        const float *bx = x + start, *by = y + start;
        int64_t special = 0;
        for (int i = 0; i < count; i++) special += !(fabsf(bx[i]) < INF);
        if (!special) {
            check_finite(bx, by, count, f, derivative, near, NULL, start, r);
            continue;
        }
        float cx[BLOCK], cy[BLOCK];
        int64_t at[BLOCK];
        int finite = 0;
        for (int i = 0; i < count; i++) {
            if (fabsf(bx[i]) < INF) {
                cx[finite] = bx[i], cy[finite] = by[i], at[finite++] = start + i;
            } else {
                settle_float(bx[i] != bx[i] ? bx[i] : bx[i] < 0 ? f->at_minus_inf : f->at_plus_inf, by[i], 0, start + i, r);
            }
        }
        if (finite) check_finite(cx, cy, finite, f, derivative, near, at, start, r);
    }
}

/* The oracle's own values, for its tests: h + l is factor (returned) times the value, with error at most bound. */
double oracle_evaluate(int function, int derivative, const float *x, int64_t n, double *h, double *l, double *bound)
{
    const row *f = &ROWS[function][derivative];
    for (int64_t start = 0; start < n; start += BLOCK) {
        int count = n - start < BLOCK ? (int)(n - start) : BLOCK;
        f->evaluate(x + start, count, h + start, l + start, bound + start);
        for (int64_t i = start; i < start + count; i++) bound[i] *= ORACLE_EPS;
    }
    return f->factor;
}
