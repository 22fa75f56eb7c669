/* See oracle.c. */
#ifndef RELU_C_ORACLE_H
#define RELU_C_ORACLE_H
#include <stdint.h>

/* What a comparison found; the lists hold at most `capacity` entries each, the counts go on. Zero it, with worst = -1, before the first call. */
typedef struct {
    int64_t misrounded, undecided, close;   /* `close`: results within `near` ulp of a rounding boundary */
    int64_t worst;                          /* index of the largest error, -1: none */
    double worst_ulp;
    int64_t capacity;
    int64_t *misrounded_at, *undecided_at, *close_at;
    double *close_ulp;                      /* distance of the exact value to the boundary */
} oracle_report;

/* Whether the oracle was compiled for AVX2 and fma, which the CPU must then have. */
int oracle_needs_avx2(void);
/* `derivative`: 0 is f(x), 1 is f'(x), 2 is f' as a function of y = f(x), which then is x here; 0 where y is no output.
 * The number of a function, -1 if there is none; the name of a number, NULL if there is none. */
int oracle_find(const char *name, int derivative);
const char *oracle_name(int function);
/* The i-th region of inputs whose rounded result is known without evaluation, for the tests; 0 if there is none. */
int oracle_region(int function, int derivative, int i, float *low, float *high);
/* Compare y with the exact values. Counts are added to *r. */
void oracle_check(int function, int derivative, const float *x, const float *y, int64_t n, double near, oracle_report *r);
/* The oracle's own values: h + l is the factor returned times the exact value, with an error of at most `bound`. */
double oracle_evaluate(int function, int derivative, const float *x, int64_t n, double *h, double *l, double *bound);
#endif
