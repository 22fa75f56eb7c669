/* The generalised ufuncs, and the elementwise ones with two outputs, as the second table has them. */
#ifndef RELU_C_GENERALISED_H
#define RELU_C_GENERALISED_H

#include "dispatch.h"

typedef struct {
    const char *name, *signature; /* NULL: elementwise */
    int inputs, outputs;
    loop *loops[DTYPES];
} generalised_row;

/* The last row has no name. */
extern const generalised_row relu_c_generalised[];

/* maxout: (p)->(),(), and its gradient (),()->(p): by the dtype of the index, then that of x. */
enum { INDEX_DTYPES = 3 }; /* UINT8, UINT16, UINT32 */
extern loop *const relu_c_maxout[INDEX_DTYPES][DTYPES], *const relu_c_maxout_grad[INDEX_DTYPES][DTYPES];

#endif
