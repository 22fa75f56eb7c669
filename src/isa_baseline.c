#define ISA baseline
#include "instruction_set.h"
