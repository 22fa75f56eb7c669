/* Which instruction sets this CPU can run, which is in use, and the ufuncs as the table has them. */
#ifndef RELU_C_DISPATCH_H
#define RELU_C_DISPATCH_H

#include "kernels.h"
#include "runs.h"

/* NumPy's signature of a loop, with its two pointers left opaque. */
typedef int loop(void *context, char *const *data, const intptr_t *n, const intptr_t *strides, void *auxiliary);

typedef struct {
    const char *name;
    int inputs;
    enum evaluation evaluation;
    loop *loops[DTYPES];
} ufunc_row;

extern const ufunc_row relu_c_ufuncs[UFUNCS];

/* The name of the i-th instruction set that this CPU can run, best first; NULL past the last. */
const char *relu_c_available(int i);

/* Uses the instruction set of that name. Returns 0, or -1, with nothing changed, if it is not available. */
int relu_c_use(const char *name);
const char *relu_c_in_use(void);
const instruction_set *relu_c_set_in_use(void);

/* Bytes of the largest cache of data that this CPU tells of, else a usual size. */
intptr_t relu_c_largest_cache(void);

#endif
