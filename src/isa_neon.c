#define ISA neon
#include "instruction_set.h"
