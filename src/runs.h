/* How a long run of elements is done: by several threads, and with stores that bypass the cache, where each pays. The bits are
 * those of one call of the kernel. Plain C. */
#ifndef RELU_C_RUNS_H
#define RELU_C_RUNS_H

#include "kernels.h"

/* The table's column of this name, which tells what an element costs. */
enum evaluation { EVALUATION_CHOICE, EVALUATION_STORED, EVALUATION_WIDE, EVALUATION_DOUBLE, EVALUATION_CHAIN, EVALUATIONS };

/* Bytes of output below which a run is one call of its kernel, whatever its evaluation. */
extern intptr_t relu_c_short_run;

/* Runs `kernel` over n elements of `size` bytes, `inputs` operands and the output. `stream` is the instruction set's. */
void relu_c_run_long(kernel *kernel, streamer *stream, int inputs, enum evaluation evaluation, intptr_t size,
                     char *const *data, intptr_t n, const intptr_t *strides);

/* Whether operands of so many bytes, output included, are more than the caches hold: stores that bypass them may pay. */
int relu_c_beyond_caches(intptr_t operands);

/* Whether the memory of an output has been written before: else plain stores are the quicker ones. */
int relu_c_has_pages(const char *out, intptr_t bytes);

/* Sets the bytes of operands, output included, from which on stores bypass the cache, and, for tests, the bytes of output that are
 * worth a thread of their own (0 for the usual). To be called before any run. */
void relu_c_set_limits(intptr_t grain, intptr_t operands);

#endif
