/* One pool of sleeping workers, shared by all loops. Plain C. */
#ifndef RELU_C_THREADS_H
#define RELU_C_THREADS_H

#include <stdint.h>

enum { RELU_C_MAX_THREADS = 1024 };

/* Does the elements from `start` to `stop` of a job. */
typedef void relu_c_task(void *context, intptr_t start, intptr_t stop);

/* Runs `task` over disjoint ranges that cover [0, n), on the calling thread and on workers of the pool; returns when all are
 * done. `grain`: the least number of elements worth a thread of its own. Ranges begin at multiples of `align`, so that where
 * this is a cache line's worth of the output, no two threads share a line. A range may be shorter than `grain`, and each thread
 * does several. The whole is one range on the calling thread when n < 2 * grain, when another caller has the pool, and in a
 * build without threads. Workers compute in the caller's floating-point environment; their flags are not handed back. */
void relu_c_parallel(relu_c_task *task, void *context, intptr_t n, intptr_t grain, intptr_t align);

/* Whether this build has threads at all. */
int relu_c_has_threads(void);

/* How many threads a job may use, the caller's included, from 1 to RELU_C_MAX_THREADS; one number for the process. Exported,
 * for threadpoolctl. */
#if defined(_WIN32)
#define RELU_C_EXPORT __declspec(dllexport)
#else
#define RELU_C_EXPORT __attribute__((visibility("default")))
#endif
RELU_C_EXPORT int relu_c_get_num_threads(void);
RELU_C_EXPORT void relu_c_set_num_threads(int n);

#endif
