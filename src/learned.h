/* The terms that a parameter's gradient sums: dy times the derivative with respect to the parameter, the gate closed
 * where that is 0. Those of elu and swish are a template: SUFFIX, NARROW, `real` (double), after smooth_exp.h. */
#ifndef RELU_C_LEARNED_ONCE
#define RELU_C_LEARNED_ONCE
INLINE double sum_term(double dy, double x, double parameter) { (void)x, (void)parameter; return dy; }
/* x for x < 0 */
INLINE double prelu_weight_term(double dy, double x, double weight)
{
    (void)weight;
    return x < 0.0 ? dy * x : x == x ? 0.0 : x;
}
#endif

/* e^x - 1 for x < 0 */
INLINE double FN(elu_alpha)(double dy, double x, double alpha)
{
    double d = FN(elu)(x, 1);
    (void)alpha;
    return gate(dy, x > 0.0 ? 0.0 : d);
}

/* x^2 sigma(z) sigma(-z), z = beta x: it vanishes at both ends, unless beta is 0. x^2 alone may overflow, the sigmoids
 * alone underflow. */
INLINE double FN(swish_beta)(double dy, double x, double beta)
{
    double zl, a = negative_abs(FN(swish_argument)(x, beta, &zl));
    const double least = NARROW ? -EXP_MOST : EXPONENT_FLOOR;
    int gone = a <= least;
    double d = FN(logistic_slope)(1.0, gone ? least : a, x) * x;
    return gate(dy, gone ? 0.0 : d);
}
