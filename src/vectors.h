/* Vectors of floats: explicit ones with AVX-512 and AVX2, where the compiler has operators for them; else of one float,
 * in loops for the compiler to vectorise. ENTRIES: as many as a table in registers can have. */
#ifndef RELU_C_VECTORS_H
#define RELU_C_VECTORS_H

#include "base.h"
#include "estimates.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__GNUC__)
#include <immintrin.h>
#define LANES 16
#define ENTRIES 32
typedef __m512 vector;
typedef __mmask16 lanes; /* combine by & and | */
#define NO_LANES 0

INLINE vector load(const float *from) { return _mm512_loadu_ps(from); }
INLINE void store(float *to, vector a) { _mm512_storeu_ps(to, a); }
INLINE vector all(float c) { return _mm512_set1_ps(c); }
INLINE vector absolute(vector a) { return _mm512_abs_ps(a); }
INLINE vector root(vector a) { return _mm512_sqrt_ps(a); }
INLINE vector greater_of(vector a, vector b) { return _mm512_max_ps(a, b); } /* b where one is NaN */
INLINE vector lesser_of(vector a, vector b) { return _mm512_min_ps(a, b); }  /* b where one is NaN */
INLINE vector fused(vector a, vector b, vector c) { return _mm512_fmadd_ps(a, b, c); }       /* ab + c */
INLINE vector fused_less(vector a, vector b, vector c) { return _mm512_fmsub_ps(a, b, c); }  /* ab - c */
INLINE vector fused_from(vector a, vector b, vector c) { return _mm512_fnmadd_ps(a, b, c); } /* c - ab */
INLINE lanes less(vector a, vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
INLINE lanes not_less(vector a, vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ); }  /* or NaN */
INLINE lanes unequal(vector a, vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ); }    /* or NaN */
INLINE vector choose(lanes where, vector a, vector b) { return _mm512_mask_mov_ps(b, where, a); }
INLINE int any(lanes where) { return where != 0; }

/* Entry k modulo ENTRIES of a table, k the integer in the low bits of each lane. */
typedef struct { float entries[ENTRIES]; } table;
INLINE vector entry(const table *t, vector k)
{
    const float *e = t->entries;
    return _mm512_permutex2var_ps(_mm512_loadu_ps(e), _mm512_castps_si512(k), _mm512_loadu_ps(e + 16));
}
/* a 2^(k/ENTRIES) where that is a power of two; else its bits so interpolated. */
INLINE vector raised(vector a, vector k)
{
    __m512i raise = _mm512_slli_epi32(_mm512_castps_si512(k), 18);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), raise));
}
#elif defined(__AVX2__) && defined(__FMA__) && defined(__GNUC__)
#include <immintrin.h>
#define LANES 8
#define ENTRIES 8
typedef __m256 vector;
typedef __m256i lanes;
#define NO_LANES _mm256_setzero_si256()

INLINE vector load(const float *from) { return _mm256_loadu_ps(from); }
INLINE void store(float *to, vector a) { _mm256_storeu_ps(to, a); }
INLINE vector all(float c) { return _mm256_set1_ps(c); }
INLINE vector absolute(vector a) { return _mm256_andnot_ps(all(-0.0f), a); }
INLINE vector root(vector a) { return _mm256_sqrt_ps(a); }
INLINE vector greater_of(vector a, vector b) { return _mm256_max_ps(a, b); }
INLINE vector lesser_of(vector a, vector b) { return _mm256_min_ps(a, b); }
INLINE vector fused(vector a, vector b, vector c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vector fused_less(vector a, vector b, vector c) { return _mm256_fmsub_ps(a, b, c); }
INLINE vector fused_from(vector a, vector b, vector c) { return _mm256_fnmadd_ps(a, b, c); }
INLINE lanes less(vector a, vector b) { return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_LT_OQ)); }
INLINE lanes not_less(vector a, vector b) { return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_NLT_UQ)); }
INLINE lanes unequal(vector a, vector b) { return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_NEQ_UQ)); }
INLINE vector choose(lanes where, vector a, vector b) { return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(where)); }
INLINE int any(lanes where) { return !_mm256_testz_si256(where, where); }

typedef struct { float entries[ENTRIES]; } table;
INLINE vector entry(const table *t, vector k)
{
    return _mm256_permutevar8x32_ps(_mm256_loadu_ps(t->entries), _mm256_castps_si256(k));
}
INLINE vector raised(vector a, vector k)
{
    __m256i raise = _mm256_slli_epi32(_mm256_castps_si256(k), 20);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), raise));
}
#else
#define LANES 1
typedef float vector;
typedef int lanes;
#define NO_LANES 0

INLINE vector load(const float *from) { return *from; }
INLINE void store(float *to, vector a) { *to = a; }
INLINE vector all(float c) { return c; }
INLINE vector absolute(vector a) { return float_magnitude(a); }
INLINE vector root(vector a) { return sqrtf(a); }
INLINE vector fused(vector a, vector b, vector c) { return fmaf(a, b, c); }
INLINE vector fused_less(vector a, vector b, vector c) { return fmaf(a, b, -c); }
INLINE vector fused_from(vector a, vector b, vector c) { return fmaf(-a, b, c); }
INLINE lanes less(vector a, vector b) { return a < b; }
INLINE lanes not_less(vector a, vector b) { return !(a < b); }
INLINE lanes unequal(vector a, vector b) { return a != b; }
INLINE vector choose(lanes where, vector a, vector b) { return where ? a : b; }
INLINE int any(lanes where) { return where; }
#endif

#endif
