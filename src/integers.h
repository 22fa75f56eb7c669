/* One integer type, `real`: the formulas of which the table has integer loops, and their driver. */
#include "order.h"
#include "clamps.h"
#define STORED real
#define LOAD
#include "pool.h"
#undef STORED
#undef LOAD
#include "loops.h"
