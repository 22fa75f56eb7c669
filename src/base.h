/* What every other header stands on: forced inlining, template names, bit casts, error-free transformations. */
#ifndef RELU_C_BASE_H
#define RELU_C_BASE_H

#include <float.h>
#include <stdint.h>
#include <string.h>
#include <tgmath.h>

#if defined(_MSC_VER) && !defined(__clang__)
#define INLINE static __forceinline
#define INDEPENDENT __pragma(loop(ivdep))
#pragma fp_contract(off)
#elif defined(__clang__)
#define INLINE static inline __attribute__((always_inline))
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INLINE static inline __attribute__((always_inline))
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

/* FN(relu) is relu_f32, relu_wide or relu_f64: the including file sets SUFFIX before each inclusion of a template. */
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define FN(name) PASTE(name, SUFFIX)

INLINE uint32_t bits_of_float(float x) { uint32_t u; memcpy(&u, &x, sizeof u); return u; }
INLINE float float_of_bits(uint32_t u) { float x; memcpy(&x, &u, sizeof x); return x; }
INLINE uint64_t bits_of_double(double x) { uint64_t u; memcpy(&u, &x, sizeof u); return u; }
INLINE double double_of_bits(uint64_t u) { double x; memcpy(&x, &u, sizeof x); return x; }

/* s + two_sum_error(a, b, s) = a + b exactly, for s = a + b rounded (Knuth). */
INLINE double two_sum_error(double a, double b, double s)
{
    double b_in_s = s - a;
    return (a - (s - b_in_s)) + (b - b_in_s);
}

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__aarch64__) || defined(_M_ARM64) \
    || (defined(_MSC_VER) && defined(__AVX2__))
#define HAVE_FMA 1
#else
#define HAVE_FMA 0
/* The 26 leading bits of a, rounded to nearest, so that a - leading_bits(a) fits in 26 bits as well. */
INLINE double leading_bits(double a)
{
    return double_of_bits((bits_of_double(a) + 0x4000000) & ~(uint64_t)0x7ffffff);
}
#endif

/* a * b + c, fused where that costs nothing: for formulas whose result is the same either way. */
INLINE double multiply_add(double a, double b, double c)
{
#if HAVE_FMA
    return fma(a, b, c);
#else
    return a * b + c;
#endif
}

/* p + two_product_error(a, b, p) = a * b exactly, for p = a * b rounded (Dekker where there is no fma). Both ways agree to the
 * bit while nothing underflows. */
INLINE double two_product_error(double a, double b, double p)
{
#if HAVE_FMA
    return fma(a, b, -p);
#else
    double a_high = leading_bits(a), a_low = a - a_high;
    double b_high = leading_bits(b), b_low = b - b_high;
    return ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low;
#endif
}

/* value - a * b exactly, for a * b next to value. */
INLINE double product_rest(double value, double a, double b)
{
#if HAVE_FMA
    return fma(-a, b, value);
#else
    double p = a * b;
    return (value - p) - two_product_error(a, b, p);
#endif
}

#endif
