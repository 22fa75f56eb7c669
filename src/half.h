/* The half types, each kept in a uint16_t: float16 (IEEE binary16) and bfloat16 (the upper half of a float). To and
 * from float, one at a time by branch-free integer and float arithmetic, so that loops vectorise on every instruction
 * set, and by runs with the conversion instructions of those that have them: the same bits, payload and sign of NaN
 * excepted. */
#ifndef RELU_C_HALF_H
#define RELU_C_HALF_H

#include "base.h"

/* Exponent and significand moved into float's places make h / 2^112, exact also for subnormals, so one multiplication
 * restores the value. Infinity and NaN come out at 2^16 and above: their exponent is then set to all ones. */
INLINE float float_of_float16(uint16_t h)
{
    uint32_t magnitude = (uint32_t)(h & 0x7fff) << 13;
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t finite = bits_of_float(float_from_bits(magnitude) * 0x1p112f);
    return float_from_bits(sign | (magnitude >= 0x0f800000 ? magnitude | 0x7f800000 : finite));
}

/* Rounds once, to nearest even. Adding 2^(e+13), e the exponent of f but at least half's least, -14, leaves float a
 * spacing of 2^(e-10), half's own: the sum's low bits are the rounded significand, and its carry goes into the
 * exponent. Where e exceeds 15, e is held at 15: the value is at least 2^16 there and rounds to infinity, as does what
 * rounds up to it. */
INLINE uint16_t float16_of_float(float f)
{
    uint32_t bits = bits_of_float(f), magnitude = bits & 0x7fffffff;
    uint32_t exponent = magnitude & 0x7f800000;
    exponent = exponent < (127u - 14) << 23 ? (127u - 14) << 23 : exponent;
    exponent = exponent > (127u + 15) << 23 ? (127u + 15) << 23 : exponent;
    uint32_t anchor = exponent + (13u << 23);
    uint32_t significand = bits_of_float(float_from_bits(magnitude) + float_from_bits(anchor)) - anchor;
    uint32_t finite = significand + (((exponent >> 23) - (127 - 14)) << 10);
    uint32_t half = magnitude >= 0x47800000 ? 0x7c00 : finite;
    half = magnitude > 0x7f800000 ? 0x7e00 : half;
    return (uint16_t)(half | (bits >> 16 & 0x8000));
}

INLINE float float_of_bfloat16(uint16_t h) { return float_from_bits((uint32_t)h << 16); }

/* Rounds once, to nearest even: just less than half a unit, and the last bit kept, are added before the cut; a carry
 * goes into the exponent, and up to infinity. */
INLINE uint16_t bfloat16_of_float(float f)
{
    uint32_t bits = bits_of_float(f);
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    uint32_t nan = bits >> 16 | 0x40;
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? nan : rounded);
}

/* d in 13 significant bits, two more than float16 has and five more than bfloat16: cut off, and the last bit made odd
 * if anything was lost. An odd last bit is no tie of a half type, so the next rounding is that of d itself. What float
 * cannot hold to 13 bits is below 2^-137, and rounds to 0 in either type. */
INLINE float rounded_to_odd(double d)
{
    const int64_t low = ((int64_t)1 << 40) - 1;
    int64_t bits = bits_of(d);
    return (float)from_bits((bits | ((bits & low) + low)) & ~low);
}

/* Conversions are of runs of 16, kernels of the half types work on runs of 32. */
enum { HALVES = 16, RUN = 32 };

/* A few instructions, or with narrow vectors enough of them to be worth a call. */
#if defined(__AVX2__)
#define CONVERSION INLINE
#else
#define CONVERSION NOT_INLINE
#endif

#if defined(__AVX512F__)
#include <immintrin.h>
INLINE void floats_of_float16(const uint16_t *in, float *out)
{
    _mm512_storeu_ps(out, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)in)));
}
INLINE void float16_of_floats(const float *in, uint16_t *out)
{
    _mm256_storeu_si256((__m256i *)out, _mm512_cvtps_ph(_mm512_loadu_ps(in), _MM_FROUND_TO_NEAREST_INT));
}
#elif defined(__F16C__) || (defined(_MSC_VER) && defined(__AVX2__))
#include <immintrin.h>
INLINE void floats_of_float16(const uint16_t *in, float *out)
{
    for (int i = 0; i < HALVES; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(in + i))));
}
INLINE void float16_of_floats(const float *in, uint16_t *out)
{
    for (int i = 0; i < HALVES; i += 8)
        _mm_storeu_si128((__m128i *)(out + i), _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
}
#else
CONVERSION void floats_of_float16(const uint16_t *in, float *out)
{
    INDEPENDENT ROLLED
    for (int i = 0; i < HALVES; i++)
        out[i] = float_of_float16(in[i]);
}
CONVERSION void float16_of_floats(const float *in, uint16_t *out)
{
    INDEPENDENT ROLLED
    for (int i = 0; i < HALVES; i++)
        out[i] = float16_of_float(in[i]);
}
#endif

CONVERSION void floats_of_bfloat16(const uint16_t *in, float *out)
{
    INDEPENDENT ROLLED
    for (int i = 0; i < HALVES; i++)
        out[i] = float_of_bfloat16(in[i]);
}
CONVERSION void bfloat16_of_floats(const float *in, uint16_t *out)
{
    INDEPENDENT ROLLED
    for (int i = 0; i < HALVES; i++)
        out[i] = bfloat16_of_float(in[i]);
}

/* A bit for each of the 16 places where two runs differ. */
INLINE unsigned differences(const uint16_t *a, const uint16_t *b)
{
#if defined(__AVX512BW__) && defined(__AVX512VL__)
    return _mm256_cmpneq_epi16_mask(_mm256_loadu_si256((const __m256i *)a), _mm256_loadu_si256((const __m256i *)b));
#else
    uint64_t words[2][HALVES / 4];
    unsigned found = 0;
    memcpy(words[0], a, sizeof words[0]);
    memcpy(words[1], b, sizeof words[1]);
    if (((words[0][0] ^ words[1][0]) | (words[0][1] ^ words[1][1]) | (words[0][2] ^ words[1][2])
         | (words[0][3] ^ words[1][3])) == 0)
        return 0;
    for (int i = 0; i < HALVES; i++)
        found |= (unsigned)(a[i] != b[i]) << i;
    return found;
#endif
}

/* Rounds bounds, and returns a bit for each place where they do not decide the result. */
CONVERSION unsigned float16_of_bounds(const float *low, const float *high, uint16_t *out)
{
    uint16_t other[HALVES];
    float16_of_floats(low, out);
    float16_of_floats(high, other);
    return differences(out, other);
}

/* The same; what is less than 2^-100, but not 0, is left undecided: estimates have no bound there. */
CONVERSION unsigned bfloat16_of_bounds(const float *low, const float *high, uint16_t *out)
{
    const uint32_t least = (uint32_t)(127 - 100) << 23;
    uint16_t other[HALVES];
    INDEPENDENT ROLLED
    for (int i = 0; i < HALVES; i++) {
        uint32_t below = (bits_of_float(high[i]) & 0x7fffffff) - 1;
        uint16_t half = bfloat16_of_float(low[i]);
        out[i] = half;
        other[i] = below < least ? ~half : bfloat16_of_float(high[i]);
    }
    return differences(out, other);
}

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
INLINE int lowest_bit(unsigned bits)
{
    unsigned long i;
    _BitScanForward(&i, bits);
    return (int)i;
}
#else
INLINE int lowest_bit(unsigned bits) { return __builtin_ctz(bits); }
#endif

#endif
