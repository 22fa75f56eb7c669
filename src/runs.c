#define _GNU_SOURCE /* -std=c11 alone hides mincore */
#include "runs.h"
#include "stream.h"
#include "threads.h"

#include <stddef.h>

/* Bytes of output from which on a thread of its own is worth while: a hundred microseconds of work, beside which waking it (10 to
 * 50) is small. Nanoseconds an element in the cache, cheapest and dearest row of the table, AVX-512 on Zen 4:
 *
 *             float32        float64
 *   STORED    0.07 .. 0.14   0.17 .. 0.28
 *   WIDE      0.07 .. 0.62   0.17 .. 0.63
 *   others    0.25 .. 1.89   0.25 .. 5.38
 *
 * For STORED and CHOICE the data are what takes the time: 2 MiB of float32 take 45 microseconds from a core's own cache,
 * 130 and more from the memory, or from the other core's cache after a matrix product. */
static const intptr_t GRAIN[EVALUATIONS] = {
    [EVALUATION_CHOICE] = 2 << 20,
    [EVALUATION_STORED] = 2 << 20,
    [EVALUATION_WIDE] = 1 << 20,
    [EVALUATION_DOUBLE] = 512 << 10,
    [EVALUATION_CHAIN] = 512 << 10,
};

static intptr_t one_grain, stream_from;
intptr_t relu_c_short_run;

void relu_c_set_limits(intptr_t grain, intptr_t operands)
{
    one_grain = grain;
    relu_c_short_run = 2 * (grain ? grain : GRAIN[EVALUATION_DOUBLE]);
    stream_from = operands;
}

/* Bytes that are computed into the first-level cache, then streamed out: whole cache lines, and so few that reading and writing
 * overlap (16 KiB at a time take twice as long). */
enum { LINE = 64, BLOCK = 2048 };

typedef struct {
    kernel *kernel;
    streamer *stream; /* NULL: plain stores */
    int inputs;
    intptr_t block, skew; /* elements in a BLOCK; elements in the output's first cache line that lie before the output */
    char *const *data;
    const intptr_t *strides;
} run;

/* A task of elements `skew` and on, so that its ranges, which begin at multiples of a block, begin cache lines of the output. */
static void do_range(void *context, intptr_t start, intptr_t stop)
{
    const run *const r = context;
    for (intptr_t count, i = start < r->skew ? r->skew : start; i < stop; i += count) {
        _Alignas(LINE) char block[BLOCK];
        char *data[5], *out;
        const intptr_t rest = r->block - i % r->block;
        const int streamed = r->stream && rest == r->block && stop - i >= rest;
        count = r->stream && stop - i > rest ? rest : stop - i;
        for (int k = 0; k <= r->inputs; k++)
            data[k] = r->data[k] + (i - r->skew) * r->strides[k];
        out = data[r->inputs];
        if (streamed)
            data[r->inputs] = block;
        r->kernel(data, count, r->strides);
        if (streamed)
            r->stream(out, block, BLOCK);
    }
    STREAM_END;
}

/* Whether the output's memory has been written before, by a page in its middle. The system clears a page in the cache on the first
 * write to it; there a plain store is the quicker one, by a tenth with pages of 2 MiB, by a quarter with pages of 4 KiB. */
#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
int relu_c_has_pages(const char *out, intptr_t bytes)
{
    const uintptr_t middle = (uintptr_t)out + (uintptr_t)bytes / 2, page = (uintptr_t)sysconf(_SC_PAGESIZE);
    unsigned char resident = 1;
    mincore((void *)(middle / page * page), 1, &resident);
    return resident & 1;
}
#else
int relu_c_has_pages(const char *out, intptr_t bytes) { return out != NULL && bytes > 0; }
#endif

int relu_c_beyond_caches(intptr_t operands) { return operands >= stream_from; }

void relu_c_run_long(kernel *kernel, streamer *stream, int inputs, enum evaluation evaluation, intptr_t size,
                     char *const *data, intptr_t n, const intptr_t *strides)
{
    /* Elements do not depend on each other where an input is the output or apart from it. */
    const uintptr_t out = (uintptr_t)data[inputs], end = out + (uintptr_t)(n * size);
    int contiguous = strides[inputs] == size && out % (uintptr_t)size == 0, in_place = 0, arrays = 1;
    for (int k = 0; k < inputs; k++) {
        const uintptr_t in = (uintptr_t)data[k];
        const int same = in == out && strides[k] == size;
        const int apart = in >= end || in + (uintptr_t)((n - 1) * strides[k] + size) <= out;
        contiguous &= (strides[k] == size || strides[k] == 0) && (same || apart);
        in_place |= same;
        arrays += strides[k] == size;
    }
    if (!contiguous) {
        kernel(data, n, strides);
        return;
    }
    const intptr_t grain = one_grain ? one_grain : GRAIN[evaluation];
    /* Streamed stores gain a fifth to a half where the memory is all that takes time; other rows lose a tenth by the blocks. */
    const int pays = !in_place && evaluation <= EVALUATION_STORED
                     && relu_c_beyond_caches(arrays * n * size) && relu_c_has_pages(data[inputs], n * size);
    run r = {kernel, pays ? stream : NULL, inputs, BLOCK / size, (intptr_t)(out % LINE) / size, data, strides};
    relu_c_parallel(do_range, &r, r.skew + n, grain / size, r.block);
}
