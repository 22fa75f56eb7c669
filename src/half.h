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

/* Conversions are of 16 at a time, kernels of the half types work on runs of 32. */
enum { HALVES = 16, RUN = 32 };

/* Bounds are rounded, and a bit returned for each place where they do not decide the result. bfloat16: what is less
 * than 2^-100, but not 0, is left undecided, as estimates have no bound there; and by vectors, which round ties up, so
 * are ties. A NaN comes from an operand or is the standard one, so that half a unit added does not make it another. */
#define TINY ((uint32_t)(127 - 100) << 23)

/* By vectors of the instruction set where GCC would not find them: narrowing, which it does badly, and float16's own
 * conversions, which it does not use. Elsewhere the functions above in loops, enough instructions for a call. */
#if defined(__AVX512BW__) && defined(__AVX512VL__)
#include <immintrin.h>

typedef struct { __m512 v; } float_run;
typedef __m256i half_run;
INLINE float_run load_floats(const float *in) { return (float_run){_mm512_loadu_ps(in)}; }
INLINE half_run load_halves(const uint16_t *in) { return _mm256_loadu_si256((const __m256i *)in); }
INLINE void store_halves(uint16_t *out, half_run h) { _mm256_storeu_si256((__m256i *)out, h); }
INLINE void floats_of_float16(const uint16_t *in, float *out)
{
    _mm512_storeu_ps(out, _mm512_cvtph_ps(load_halves(in)));
}
INLINE void floats_of_bfloat16(const uint16_t *in, float *out)
{
    _mm512_storeu_ps(out, _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_halves(in)), 16)));
}
INLINE half_run float16_run(float_run f) { return _mm512_cvtps_ph(f.v, _MM_FROUND_TO_NEAREST_INT); }
INLINE half_run bfloat16_run(float_run f)
{
    const __m512i bits = _mm512_castps_si512(f.v), upper = _mm512_srli_epi32(bits, 16);
    const __m512i last = _mm512_and_si512(upper, _mm512_set1_epi32(1));
    const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), last);
    const __mmask16 nan = _mm512_cmp_ps_mask(f.v, f.v, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(_mm512_mask_or_epi32(_mm512_srli_epi32(sum, 16), nan, upper, _mm512_set1_epi32(0x40)));
}
INLINE unsigned differences(half_run a, half_run b) { return _mm256_cmpneq_epi16_mask(a, b); }
INLINE unsigned bfloat16_bounds(float_run low, float_run high, half_run *out)
{
    const __m512i half = _mm512_set1_epi32(0x8000), bits = _mm512_castps_si512(high.v);
    const __m512i a = _mm512_add_epi32(_mm512_castps_si512(low.v), half), b = _mm512_add_epi32(bits, half);
    const __m512i magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff));
    const __m512i below = _mm512_sub_epi32(magnitude, _mm512_set1_epi32(1));
    *out = _mm512_cvtepi32_epi16(_mm512_srli_epi32(b, 16));
    return (unsigned)_mm512_test_epi32_mask(_mm512_xor_si512(a, b), _mm512_set1_epi32((int)0xffff0000))
           | _mm512_testn_epi32_mask(b, _mm512_set1_epi32(0xffff))
           | _mm512_cmplt_epu32_mask(below, _mm512_set1_epi32((int)(TINY - 1)));
}
#define HAVE_RUNS 1

#elif defined(__AVX2__) && (defined(__F16C__) || defined(_MSC_VER))
#include <immintrin.h>

typedef struct { __m256 low, high; } float_run;
typedef __m256i half_run;
INLINE float_run load_floats(const float *in) { return (float_run){_mm256_loadu_ps(in), _mm256_loadu_ps(in + 8)}; }
INLINE void store_halves(uint16_t *out, half_run h) { _mm256_storeu_si256((__m256i *)out, h); }
INLINE void floats_of_float16(const uint16_t *in, float *out)
{
    for (int i = 0; i < HALVES; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(in + i))));
}
INLINE void floats_of_bfloat16(const uint16_t *in, float *out)
{
    for (int i = 0; i < HALVES; i += 8) {
        const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(in + i)));
        _mm256_storeu_ps(out + i, _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16)));
    }
}
INLINE half_run float16_run(float_run f)
{
    return _mm256_set_m128i(_mm256_cvtps_ph(f.high, _MM_FROUND_TO_NEAREST_INT),
                            _mm256_cvtps_ph(f.low, _MM_FROUND_TO_NEAREST_INT));
}
/* From 32-bit lanes. */
INLINE half_run packed(__m256i low, __m256i high)
{
    return _mm256_permute4x64_epi64(_mm256_packus_epi32(low, high), 0xd8);
}
INLINE __m256i bfloat16_lanes(__m256 f)
{
    const __m256i bits = _mm256_castps_si256(f), upper = _mm256_srli_epi32(bits, 16);
    const __m256i last = _mm256_and_si256(upper, _mm256_set1_epi32(1));
    const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), last);
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(f, f, _CMP_UNORD_Q));
    return _mm256_blendv_epi8(_mm256_srli_epi32(sum, 16), _mm256_or_si256(upper, _mm256_set1_epi32(0x40)), nan);
}
INLINE half_run bfloat16_run(float_run f) { return packed(bfloat16_lanes(f.low), bfloat16_lanes(f.high)); }
INLINE unsigned mask_of(half_run lanes)
{
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
    return (unsigned)_mm_movemask_epi8(bytes);
}
INLINE unsigned differences(half_run a, half_run b) { return mask_of(_mm256_cmpeq_epi16(a, b)) ^ 0xffff; }
INLINE unsigned bfloat16_bounds_of_8(__m256 low, __m256 high, __m256i *out)
{
    const __m256i half = _mm256_set1_epi32(0x8000), bits = _mm256_castps_si256(high), zero = _mm256_setzero_si256();
    const __m256i a = _mm256_add_epi32(_mm256_castps_si256(low), half), b = _mm256_add_epi32(bits, half);
    const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff));
    const __m256i same = _mm256_cmpeq_epi32(_mm256_srli_epi32(_mm256_xor_si256(a, b), 16), zero);
    const __m256i tie = _mm256_cmpeq_epi32(_mm256_slli_epi32(b, 16), zero);
    const __m256i tiny = _mm256_and_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32((int)TINY), magnitude),
                                          _mm256_cmpgt_epi32(magnitude, zero));
    const __m256i doubt = _mm256_or_si256(tie, tiny);
    *out = _mm256_srli_epi32(b, 16);
    return (unsigned)(~_mm256_movemask_ps(_mm256_castsi256_ps(same)) & 0xff)
           | (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(doubt));
}
INLINE unsigned bfloat16_bounds(float_run low, float_run high, half_run *out)
{
    __m256i a, b;
    const unsigned first = bfloat16_bounds_of_8(low.low, high.low, &a);
    const unsigned second = bfloat16_bounds_of_8(low.high, high.high, &b);
    *out = packed(a, b);
    return first | second << 8;
}
#define HAVE_RUNS 1
#else
#define HAVE_RUNS 0
#endif

#if HAVE_RUNS
INLINE void float16_of_floats(const float *in, uint16_t *out) { store_halves(out, float16_run(load_floats(in))); }
INLINE void bfloat16_of_floats(const float *in, uint16_t *out) { store_halves(out, bfloat16_run(load_floats(in))); }
INLINE unsigned float16_of_bounds(const float *low, const float *high, uint16_t *out)
{
    const half_run h = float16_run(load_floats(low));
    store_halves(out, h);
    return differences(h, float16_run(load_floats(high)));
}
INLINE unsigned bfloat16_of_bounds(const float *low, const float *high, uint16_t *out)
{
    half_run h;
    const unsigned undecided = bfloat16_bounds(load_floats(low), load_floats(high), &h);
    store_halves(out, h);
    return undecided;
}
#else
NOT_INLINE void floats_of_float16(const uint16_t *in, float *out)
{
    INDEPENDENT ROLLED
    for (int i = 0; i < HALVES; i++)
        out[i] = float_of_float16(in[i]);
}
NOT_INLINE void floats_of_bfloat16(const uint16_t *in, float *out)
{
    INDEPENDENT ROLLED
    for (int i = 0; i < HALVES; i++)
        out[i] = float_of_bfloat16(in[i]);
}
NOT_INLINE void float16_of_floats(const float *in, uint16_t *out)
{
    INDEPENDENT ROLLED
    for (int i = 0; i < HALVES; i++)
        out[i] = float16_of_float(in[i]);
}
NOT_INLINE void bfloat16_of_floats(const float *in, uint16_t *out)
{
    INDEPENDENT ROLLED
    for (int i = 0; i < HALVES; i++)
        out[i] = bfloat16_of_float(in[i]);
}
NOT_INLINE unsigned differences(const uint16_t *a, const uint16_t *b)
{
    unsigned found = 0;
    if (memcmp(a, b, HALVES * sizeof *a))
        for (int i = 0; i < HALVES; i++)
            found |= (unsigned)(a[i] != b[i]) << i;
    return found;
}
NOT_INLINE unsigned float16_of_bounds(const float *low, const float *high, uint16_t *out)
{
    uint16_t other[HALVES];
    float16_of_floats(low, out);
    float16_of_floats(high, other);
    return differences(out, other);
}
NOT_INLINE unsigned bfloat16_of_bounds(const float *low, const float *high, uint16_t *out)
{
    uint16_t other[HALVES];
    INDEPENDENT ROLLED
    for (int i = 0; i < HALVES; i++) {
        uint32_t below = (bits_of_float(high[i]) & 0x7fffffff) - 1;
        uint16_t half = bfloat16_of_float(low[i]);
        out[i] = half;
        other[i] = below < TINY - 1 ? ~half : bfloat16_of_float(high[i]);
    }
    return differences(out, other);
}
#endif

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
