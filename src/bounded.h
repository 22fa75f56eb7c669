/* Kernels of float32 by bounds, computed in float and its rounding errors: a vector holds twice as many as of double.
 *
 * Where both ends of the bounds round to one float, that is the exact value rounded once. The formula in double does
 * the block of an element that they leave undecided again. It is within 2^-50, so it has the same result wherever
 * bounds decide, and no result depends on who computed it.
 *
 * A value is y - excess: y a float near it, excess what that is too large, some 2^-23 y. Zeros keep the sign of y. */
#ifndef RELU_C_BOUNDED_H
#define RELU_C_BOUNDED_H

#include "base.h"
#include "kernels.h"
#include "vectors.h"

typedef struct { vector low, high; lanes unknown; } ends;

/* y - excess, within `error` of y. A tie is half a float spacing from y, 2^-25 of it at least: there the error is at
 * most 2^25 `error` of the excess, and with a smaller excess both ends are y. */
INLINE ends around(vector y, vector excess, float error, lanes unknown)
{
    const float part = error * 0x1.02p25f;
    ends e = {fused_from(excess, all(1 + part), y), fused_from(excess, all(1 - part), y), unknown};
    return e;
}
/* Whether the rounding errors of a product with factor may be no normal numbers. */
INLINE lanes tiny(vector product, vector factor)
{
    return less(absolute(product), all(0x1p-90f)) & unequal(factor, all(0));
}

/* y (y - x) = b/4 with y = (x + R)/2, R = sqrt(x^2 + b) = 2y - x = D + Dl. Newton's step from a y with a relative
 * error of 2^-22 at most: excess = (y (y - x) - b/4)/(2y - x), up to excess^2/R <= 2^-22 excess and five roundings of
 * it; what cancels in the numerator is exact, or leaves 2^-46 y. A tie is half a float spacing from y, so excess >=
 * 2^-26 y where it counts, and 2^-18 excess is more than all that. Between the limits nothing overflows, and no error
 * term underflows. */
typedef struct { vector y, excess, i, D, Dl; lanes unknown; } squareplus_step;
INLINE squareplus_step newton(vector x, vector b)
{
    squareplus_step n;
    lanes left = less(x, all(0));
    vector u = absolute(x), c = 0.25f * b, p = 0.5f * (u + root(u * u + b)), y = choose(left, c / p, p);
    vector s = y - x, t = s - y, e = (y - (s - t)) - (x + t), product = y * s; /* s + e = y - x */
    n.D = y + s;
    n.i = 1 / n.D;
    n.excess = fused(y, e, (product - c) + fused_less(y, s, product)) * n.i;
    n.Dl = ((choose(left, s, y) - n.D) + choose(left, y, s)) + (e - 2 * n.excess);
    n.y = y;
    n.unknown = not_less(u, all(0x1p20f)) | not_less(all(0x1p-30f), b) | not_less(b, all(0x1p60f));
    return n;
}
INLINE ends squareplus_ends(vector x, vector b)
{
    squareplus_step n = newton(x, b);
    ends e = {n.y - n.excess * (1 + 0x1p-18f), n.y - n.excess * (1 - 0x1p-18f), n.unknown};
    return e;
}

/* 1 + m = s + tail exactly, 0 <= m < 2^24: s - 1 is exact as well. */
INLINE vector one_more(vector m, vector *tail)
{
    vector s = 1 + m;
    *tail = m - (s - 1);
    return s;
}

/* dy/(s + e)^2. With i = 1/s, r = 1 - i (s + e) <= 2^-23: 1/(s + e) = i + i r, up to r^2, and its square w + v, up to
 * 3 r^2; with half a dozen roundings of errors of 2^-23 the whole is within 2^-43.5. */
INLINE ends softsign_grad_ends(vector dy, vector x)
{
    vector m = absolute(x), e, s = one_more(m, &e), i = 1 / s, r = fused_from(i, s, all(1)) - i * e;
    vector w = i * i, v = fused_less(i, i, w) + 2 * i * (i * r), y = dy * w, excess = fused_from(dy, w, y) - dy * v;
    return around(y, excess, 0x1p-42f, tiny(y, dy) | not_less(m, all(0x1p24f)));
}

#if LANES > 1
/* a + b = s + tail exactly, a, b >= 0. */
INLINE vector ordered_sum(vector a, vector b, vector *tail)
{
    vector most = greater_of(a, b), least = lesser_of(a, b), s = most + least;
    *tail = least - (s - most);
    return s;
}

/* dy y/R: what the excess leaves, 2^-40 y, counts up to three times. */
INLINE ends squareplus_grad_ends(vector dy, vector x, vector b)
{
    squareplus_step n = newton(x, b);
    vector d = n.y * n.i, d_excess = n.i * (fused_less(d, n.D, n.y) + fused(d, n.Dl, n.excess));
    vector y = dy * d, excess = fused(dy, d_excess, fused_from(dy, d, y));
    return around(y, excess, 0x1p-38f, n.unknown | tiny(y, dy));
}

/* x/(s + e), s + e = 1 + |x|, within 2^-45. */
INLINE ends softsign_ends(vector x)
{
    vector m = absolute(x), e, s = one_more(m, &e), i = 1 / s, y = x * i, excess = i * fused(y, e, fused_less(y, s, x));
    return around(y, excess, 0x1p-42f, tiny(x, x) | not_less(m, all(0x1p24f)));
}

/* x (s + e)/6, s + e = 3 + v, v = x on [-3, 3], within 2^-45. From 3 on it is x 6/6. */
INLINE ends hard_swish_ends(vector x)
{
    vector v = greater_of(all(-3), lesser_of(all(3), x)), s = 3 + v, e = v - (s - 3), product = x * s;
    vector rest = fused(x, e, fused_less(x, s, product)), y = product * (1.0f / 6);
    vector excess = (fused_less(all(6), y, product) - rest) * (1.0f / 6);
    return around(y, excess, 0x1p-42f, tiny(x, x));
}

/* tools/tables.py ENTRIES, and for selu with the real number lambda alpha,
 * tools/tables.py ENTRIES "mpf('1.05070098735548049341933498529')*mpf('1.67326324235437728481704299167')". */
#if ENTRIES == 32
static const table POWERS = {{
    0x1.000000p+0f, 0x1.fd9b0ep-1f, 0x1.fb5586p-1f, 0x1.f9301ep-1f,
    0x1.f72b84p-1f, 0x1.f54874p-1f, 0x1.f387a6p-1f, 0x1.f1e9e0p-1f,
    0x1.f06fe0p-1f, 0x1.ef1a74p-1f, 0x1.edea64p-1f, 0x1.ece086p-1f,
    0x1.ebfdaep-1f, 0x1.eb42b6p-1f, 0x1.eab07ep-1f, 0x1.ea47ecp-1f,
    0x1.ea09e6p-1f, 0x1.e9f75ep-1f, 0x1.ea1148p-1f, 0x1.ea589ap-1f,
    0x1.eace54p-1f, 0x1.eb737cp-1f, 0x1.ec4918p-1f, 0x1.ed503cp-1f,
    0x1.ee89fap-1f, 0x1.eff770p-1f, 0x1.f199bep-1f, 0x1.f3720ep-1f,
    0x1.f5818ep-1f, 0x1.f7c974p-1f, 0x1.fa4afap-1f, 0x1.fd0766p-1f,
}};
static const table POWERS_REST = {{
    0x0.0p+0f, -0x1.947414p-25f, 0x1.8d96d4p-25f, -0x1.dda2fcp-25f,
    -0x1.9c0c22p-27f, -0x1.a2fbb2p-25f, 0x1.964904p-25f, -0x1.2b0dbcp-25f,
    0x1.125002p-25f, -0x1.cde8cep-26f, 0x1.370be4p-25f, 0x1.336de2p-30f,
    -0x1.0a3550p-25f, -0x1.c541b4p-26f, -0x1.00d8acp-27f, -0x1.6cb284p-25f,
    0x1.26055cp-26f, 0x1.8b2bb8p-26f, -0x1.05cb44p-25f, -0x1.1c2142p-26f,
    0x1.67a1cap-28f, -0x1.348e56p-25f, 0x1.a3b5e4p-28f, -0x1.0b7ec8p-25f,
    -0x1.f9c304p-27f, -0x1.e4c886p-26f, -0x1.6961b4p-28f, -0x1.b5151ep-28f,
    -0x1.a5217cp-28f, -0x1.ab7132p-26f, 0x1.61428ep-28f, -0x1.2ad5f8p-27f,
}};
static const table SELU_POWERS = {{
    0x1.c212ccp+0f, 0x1.c3edc2p+0f, 0x1.c5fff8p+0f, 0x1.c84aa2p+0f,
    0x1.cacefep+0f, 0x1.cd8e4ep+0f, 0x1.d044eep+0f, 0x1.cde17ep+0f,
    0x1.cb9d82p+0f, 0x1.c979acp+0f, 0x1.c776aep+0f, 0x1.c59544p+0f,
    0x1.c3d626p+0f, 0x1.c23a16p+0f, 0x1.c0c1dap+0f, 0x1.bf6e38p+0f,
    0x1.be3ffep+0f, 0x1.bd3800p+0f, 0x1.bc5712p+0f, 0x1.bb9e0ep+0f,
    0x1.bb0dd6p+0f, 0x1.baa750p+0f, 0x1.ba6b62p+0f, 0x1.ba5afcp+0f,
    0x1.ba7714p+0f, 0x1.bac0a0p+0f, 0x1.bb38a2p+0f, 0x1.bbe01cp+0f,
    0x1.bcb81ap+0f, 0x1.bdc1acp+0f, 0x1.befde6p+0f, 0x1.c06de6p+0f,
}};
static const table SELU_POWERS_REST = {{
    0x1.c74dc0p-27f, 0x1.1143ccp-25f, 0x1.db1eb8p-27f, 0x1.069c0ep-26f,
    -0x1.b09bc4p-27f, -0x1.b2f3e8p-26f, -0x1.45f52ap-27f, -0x1.1ec69cp-25f,
    -0x1.88f958p-28f, -0x1.853542p-26f, 0x1.4b436cp-25f, -0x1.1d06dap-25f,
    -0x1.7f9cf2p-27f, 0x1.8950c6p-27f, -0x1.599c42p-25f, -0x1.99d4c0p-26f,
    0x1.38a004p-26f, -0x1.9735fap-26f, -0x1.4f4730p-25f, 0x1.fa748ap-27f,
    0x1.311232p-25f, -0x1.0eb4c8p-25f, -0x1.b6dcecp-26f, -0x1.106bdcp-31f,
    -0x1.3d522cp-25f, 0x1.313c18p-29f, -0x1.565d32p-27f, 0x1.699ed0p-26f,
    0x1.8a53c6p-26f, -0x1.2c83bap-28f, 0x1.1b724cp-27f, -0x1.8a66b4p-27f,
}};
#else
static const table POWERS = {{
    0x1.000000p+0f, 0x1.f72b84p-1f, 0x1.f06fe0p-1f, 0x1.ebfdaep-1f,
    0x1.ea09e6p-1f, 0x1.eace54p-1f, 0x1.ee89fap-1f, 0x1.f5818ep-1f,
}};
static const table POWERS_REST = {{
    0x0.0p+0f, -0x1.9c0c22p-27f, 0x1.125002p-25f, -0x1.0a3550p-25f,
    0x1.26055cp-26f, 0x1.67a1cap-28f, -0x1.f9c304p-27f, -0x1.a5217cp-28f,
}};
static const table SELU_POWERS = {{
    0x1.c212ccp+0f, 0x1.cacefep+0f, 0x1.cb9d82p+0f, 0x1.c3d626p+0f,
    0x1.be3ffep+0f, 0x1.bb0dd6p+0f, 0x1.ba7714p+0f, 0x1.bcb81ap+0f,
}};
static const table SELU_POWERS_REST = {{
    0x1.c74dc0p-27f, -0x1.b09bc4p-27f, -0x1.88f958p-28f, -0x1.7f9cf2p-27f,
    0x1.38a004p-26f, 0x1.311232p-25f, -0x1.3d522cp-25f, 0x1.8a53c6p-26f,
}};
#endif

#define LAMBDA (float)SELU_SCALE
#define LAMBDA_LOW (float)(SELU_SCALE - LAMBDA)
#define LAMBDA_ALPHA (float)SELU_SCALE_ALPHA
#define LAMBDA_ALPHA_LOW (float)(SELU_SCALE_ALPHA - LAMBDA_ALPHA)
#define STEPS (0x1.715476p+0f * ENTRIES) /* 1/step, step = ln2/ENTRIES */
#define STEP (0x1.62e43p-1f / ENTRIES)
#define STEP_LOW (-0x1.05c61p-29f / ENTRIES) /* what it lacks */

/* e^(r + u) = 1 + p + pl, |r| <= step/2.
 * 32 entries: e^v - 1 = v + v^2 (1/2 + ...), |v| < 2^-6.5:
 * minimax.py "(exp(t)-1-t-t**2/2)/t**3" "(-log(2))/64*mpf('1.001')" "log(2)/64*mpf('1.001')" 1
 *     --weight "t**3/exp(t)": 2^-42.
 * Roundings: of v, 2^-31, by v: 2^-37.5; of 1/2 + ..., 2^-25, by v^2: 2^-38; of v times it, 2^-32, by v: 2^-38.5;
 * of q: 2^-39. Together 2^-36.1.
 * 8 entries: r + r^2/2 is exact, r^3 (1/6 + ...) < 2^-16 is r s c with s = r^2/2, c/2 by the same on +-log(2)/16, of
 * degree 2: 2^-39.9. Roundings: of r s c, three of 2^-24: 2^-38.4; of q and the sums: 2^-39. Together 2^-37.5; but
 * gelu_tanh has |u| < 2^-18.2, and u^2/2 is 2^-37.4 there. */
#if ENTRIES == 32
#define EXP_ERROR 0x1p-36f
#else
#define EXP_ERROR 0x1p-37f
#endif
INLINE vector exp_less_one(vector r, vector u, vector *pl)
{
#if ENTRIES == 32
    vector v = r + u, q = fused(v, fused(v, all(0x1.555568p-5f), all(0x1.5555c8p-3f)), all(0.5f));
    q = fused(v, v * q, u);
    vector p = r + q;
    *pl = (r - p) + q;
#else
    vector s = r * (0.5f * r), c = fused(r, fused(r, all(0x1.1106b0p-6f), all(0x1.555a3cp-4f)), all(0x1.555556p-2f));
    vector t = r + s, q = fused(r * s, c, fused_less(r, 0.5f * r, s)), p = t + q;
    *pl = (((r - t) + s) + ((t - p) + q)) + fused(u, p, u);
#endif
    return p;
}

/* c e^a = T (1 + p + pl), c of the tables, a = z + al or, `negative`, -z + al, |a| < 86. a = k step + r, r exact;
 * T = 2^(k/ENTRIES), T u what it lacks together with r's tails. */
typedef struct { vector T, p, pl; } factors;
INLINE factors exp_factors(int negative, vector z, vector al, const table *powers, const table *rest)
{
    factors e;
    vector m = fused(z, all(negative ? -STEPS : STEPS), all(TO_INTEGER)), k = m - TO_INTEGER;
    vector r = negative ? fused_less(k, all(-STEP), z) : fused_from(k, all(STEP), z);
    e.p = exp_less_one(r, fused(k, all(-STEP_LOW), entry(rest, m)) + al, &e.pl);
    e.T = raised(entry(powers, m), m);
    return e;
}

/* n/(1 + e^a), a as above, a < most. 1 + T (1 + p + pl) = d + dl; 1/d serves for n and for the excess. T < 2^24 where
 * most is 16. */
INLINE ends logistic_product(vector n, int negative, vector z, vector al, float most, lanes unknown)
{
    factors e = exp_factors(negative, z, al, &POWERS, &POWERS_REST);
    vector tail, w = most > 16 ? ordered_sum(all(1), e.T, &tail) : one_more(e.T, &tail), d = fused(e.T, e.p, w);
    vector dl = fused(e.T, e.pl, fused(e.T, e.p, w - d) + tail);
    vector i = 1 / d, y = n * i, excess = i * fused(y, dl, fused_less(y, d, n));
    unknown |= negative ? not_less(all(-most), z) : not_less(z, all(most));
    return around(y, excess, most > 16 ? 0x1p-36f : EXP_ERROR, unknown);
}
INLINE ends gate_ends(vector n, int negative, vector z, vector al, float most)
{
    return logistic_product(n, negative, z, al, most, less(absolute(n), all(0x1p-64f)) & unequal(n, all(0)));
}
/* Where z > 80 e^-z does not count. */
INLINE ends sigmoid_ends(vector x)
{
    return logistic_product(all(1), 1, lesser_of(all(80), x), all(-0.0f), 16, NO_LANES);
}
INLINE ends silu_ends(vector x) { return gate_ends(x, 1, lesser_of(all(80), x), all(-0.0f), 16); }
INLINE ends swish_ends(vector x, vector beta)
{
    (void)beta;
    return silu_ends(x);
}
INLINE ends quick_gelu_ends(vector x)
{
    const float c = (float)QUICK_GELU, low = (float)(QUICK_GELU - c);
    vector v = lesser_of(all(45), x), z = c * v, al = fused_from(all(low), v, fused_from(all(c), v, z));
    return gate_ends(x, 1, z, al, 16);
}
/* z = x (linear + cubic x^2). */
INLINE ends gelu_tanh_ends(vector x)
{
    const float linear = (float)GELU_TANH_LINEAR, cubic = (float)GELU_TANH_CUBIC;
    const float linear_low = (float)(GELU_TANH_LINEAR - linear + GELU_TANH_LINEAR_LOW);
    const float cubic_low = (float)(GELU_TANH_CUBIC - cubic);
    vector v = lesser_of(all(9), x), q = v * v, c = cubic * q, tail, s = ordered_sum(all(linear), c, &tail), z = v * s;
    vector cl = fused(all(cubic_low), q, fused(all(cubic), fused_less(v, v, q), fused_less(all(cubic), q, c)));
    vector sl = tail + (cl + linear_low), al = fused_from(v, sl, fused_from(v, s, z));
    return gate_ends(x, 1, z, al, 56);
}
INLINE ends softplus_grad_ends(vector dy, vector x, vector beta)
{
    (void)beta;
    return gate_ends(dy, 1, lesser_of(all(80), x), all(-0.0f), 16);
}
INLINE ends log_sigmoid_grad_ends(vector dy, vector x)
{
    return gate_ends(dy, 0, greater_of(all(-80), x), all(-0.0f), 16);
}

/* e^a = h + hl */
INLINE vector exp_sum(factors e, vector *hl)
{
    vector h = fused(e.T, e.p, e.T);
    *hl = fused(e.T, e.pl, fused(e.T, e.p, e.T - h));
    return h;
}
/* dy c e^x, for x > 0 dy (slope + slope_low). */
INLINE ends exp_grad_ends(vector dy, vector x, float slope, float slope_low, const table *powers, const table *rest)
{
    factors e = exp_factors(0, x, all(-0.0f), powers, rest);
    lanes open = less(all(0), x);
    vector hl, h = exp_sum(e, &hl);
    h = choose(open, all(slope), h);
    hl = choose(open, all(slope_low), hl);
    vector y = dy * h, excess = fused_from(dy, hl, fused_from(dy, h, y));
    return around(y, excess, EXP_ERROR, tiny(y, dy) | less(x, all(-72)));
}
INLINE ends elu_grad_ends(vector dy, vector x, vector alpha)
{
    (void)alpha;
    return exp_grad_ends(dy, x, 1, 0, &POWERS, &POWERS_REST);
}
INLINE ends celu_grad_ends(vector dy, vector x, vector alpha) { return elu_grad_ends(dy, x, alpha); }
INLINE ends selu_grad_ends(vector dy, vector x)
{
    return exp_grad_ends(dy, x, LAMBDA, LAMBDA_LOW, &SELU_POWERS, &SELU_POWERS_REST);
}

/* c (e^x - 1) for x < 0, c = c_high + c_low: there e^x is T (1 + p + pl), T <= c, and from -72 on it does not count.
 * Else the other estimate. Where k = 0, up to d = c (e^(-step/2) - 1), the error falls with r^2, and with d^2 its bound,
 * `error` at that d, 4.2 > 4/(1 - step/4)^2, down to what c_low and T's rest are rounded by. */
typedef struct { vector y, excess, error; } estimate;
INLINE ends expm1_ends(vector x, float c_high, float c_low, const table *powers, const table *rest, estimate other,
                       lanes unknown)
{
    const float error = 1.01f * c_high * EXP_ERROR, step = c_high * STEP, quadratic = 4.2f / (step * step) * error;
    lanes left = less(x, all(0));
    factors e = exp_factors(0, greater_of(all(-72), x), all(-0.0f), powers, rest);
    vector w = e.T - c_high, tail = (e.T - (w + c_high)) - c_low, d = fused(e.T, e.p, w);
    vector excess = fused_from(e.T, e.pl, fused_from(e.T, e.p, d - w) - tail);
    vector either = lesser_of(all(error), fused(quadratic * d, d, all(0x1p-48f)));
    vector y = choose(left, d, other.y);
    excess = choose(left, excess, other.excess);
    either = choose(left, either, other.error);
    ends ends = {y - (excess + either), y - (excess - either), unknown};
    return ends;
}
INLINE ends elu_ends(vector x, vector alpha)
{
    const estimate exact = {x, all(0), all(0)};
    (void)alpha;
    return expm1_ends(x, 1, 0, &POWERS, &POWERS_REST, exact, NO_LANES);
}
INLINE ends celu_ends(vector x, vector alpha) { return elu_ends(x, alpha); }
INLINE ends selu_ends(vector x)
{
    vector y = LAMBDA * x;
    const estimate product = {y, fused_from(x, all(LAMBDA), y) - LAMBDA_LOW * x, 0x1p-42f * y};
    return expm1_ends(x, LAMBDA_ALPHA, LAMBDA_ALPHA_LOW, &SELU_POWERS, &SELU_POWERS_REST, product, tiny(y, x));
}
#endif

typedef ends bounded_formula(vector, vector, vector);
enum { BLOCK = LANES > 1 ? 2 * LANES : 256 };

/* Whole blocks, up to one with an element that its bounds leave undecided. Returns how many elements are done. */
INLINE intptr_t each_bounded(bounded_formula *formula, int arrays, const float *a, const float *b, vector parameter,
                             float *out, intptr_t n)
{
    intptr_t done = 0;
    for (; n - done >= BLOCK; done += BLOCK) {
        vector y[BLOCK / LANES];
        lanes undecided = NO_LANES;
        INTERLEAVED
        for (int k = 0; k < BLOCK / LANES; k++) {
            const vector second = arrays == 2 ? load(b + done + k * LANES) : parameter;
            const ends e = formula(load(a + done + k * LANES), second, parameter);
            y[k] = e.high;
            undecided |= e.unknown | unequal(e.low, e.high);
        }
        if (any(undecided))
            break;
        for (int k = 0; k < BLOCK / LANES; k++)
            store(out + done + k * LANES, y[k]);
    }
    return done;
}

/* As `drive` of loops.h, for formulas of one or two arrays and a parameter, which is one number and, unless `only` is 0,
 * that. `wide` is the kernel in double. It also does what has other operands or fills no block, and longer spans after
 * short runs, so that operands that bounds often leave undecided are hardly ever tried for nothing. */
INLINE void drive_bounded(bounded_formula *formula, kernel *wide, int inputs, int arrays, float only, char *const *data,
                          intptr_t n, const intptr_t *strides)
{
    const intptr_t size = sizeof(float);
    const float *const a = (const float *)data[0], *const b = (const float *)data[arrays - 1];
    float *const out = (float *)data[inputs], parameter = inputs > arrays ? *(const float *)data[arrays] : 0;
    int usable = strides[inputs] == size && (only == 0 || parameter == only);
    usable &= inputs == arrays || strides[arrays] == 0;
    for (int k = 0; k < arrays; k++) {
        const int apart = data[k] >= data[inputs] + n * size || data[inputs] >= data[k] + n * size;
        usable &= strides[k] == size && (apart || data[k] == data[inputs]);
    }
    /* Vectors that straddle cache lines halve the speed: `wide` brings the output to a line's start. */
    const intptr_t head = n > 256 ? (intptr_t)(-(uintptr_t)out % 64 / sizeof(float)) : 0;
    intptr_t done = 0, span = BLOCK, rest = usable ? head : n;
    while (done < n) {
        if (rest > 0) {
            char *operands[4] = {0};
            for (int k = 0; k <= inputs; k++)
                operands[k] = data[k] + done * strides[k];
            wide(operands, rest, strides);
            done += rest;
        }
        const intptr_t run =
            !usable ? 0 : each_bounded(formula, arrays, a + done, b + done, all(parameter), out + done, n - done);
        done += run;
        span = run >= 8 * BLOCK ? BLOCK : span < 4096 ? 2 * span : span;
        rest = n - done < span ? n - done : span;
    }
}

#endif
