/* Stores that bypass the cache. A plain store to memory reads the cache line first and writes it back later; a streamed one only
 * writes: two thirds of the traffic of a function of one operand. */
#ifndef RELU_C_STREAM_H
#define RELU_C_STREAM_H

#include <stdint.h>

/* Copies a block in the cache, a whole number of cache lines, to a cache line's start in the memory. STREAM_END orders these
 * stores, before another thread may look. 32 bytes at a time serve AVX-512 too: 64 are no quicker. */
#if defined(__AVX__)
#include <immintrin.h>
static inline void stream(char *to, const char *from, intptr_t bytes)
{
    for (intptr_t i = 0; i < bytes; i += 32)
        _mm256_stream_si256((__m256i *)(to + i), _mm256_load_si256((const __m256i *)(from + i)));
}
#define STREAM stream
#define STREAM_END _mm_sfence()
#elif defined(__x86_64__) || defined(_M_X64)
#include <emmintrin.h>
static inline void stream(char *to, const char *from, intptr_t bytes)
{
    for (intptr_t i = 0; i < bytes; i += 16)
        _mm_stream_si128((__m128i *)(to + i), _mm_load_si128((const __m128i *)(from + i)));
}
#define STREAM stream
#define STREAM_END _mm_sfence()
#else
#define STREAM NULL
#define STREAM_END
#endif

#endif
