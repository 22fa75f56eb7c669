#define ISA avx512
#include "instruction_set.h"
