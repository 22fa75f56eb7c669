#define ISA avx2
#include "instruction_set.h"
