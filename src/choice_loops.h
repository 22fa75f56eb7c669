/* The driver of choices on the bits, for either half type: as in loops.h, but a function that calls the kernel's block. */
static void gather_halves(const char *from, intptr_t stride, uint16_t *to, intptr_t n)
{
    for (intptr_t i = 0; i < n; i++)
        to[i] = *(const uint16_t *)(from + i * stride);
}

static void drive_choice(choice_block *choice, int inputs, int first, char *const *data, intptr_t n, const intptr_t *strides)
{
    enum { BLOCK = 2 * HALF_BLOCK };
    LINE_ALIGNED uint16_t buffer[5][BLOCK];
    int direct[5], all_direct = 1, fixed = inputs > first;
    const intptr_t size = sizeof(uint16_t);
    for (int k = first; k < inputs; k++)
        fixed &= strides[k] == 0;
    for (int k = 0; k <= inputs; k++) {
        const char *in = data[k], *out = data[inputs];
        int partly_overlap = in != out && in < out + n * size && out < in + n * size;
        direct[k] = (strides[k] == size && !partly_overlap) || (fixed && k >= first && k < inputs);
        all_direct &= direct[k];
    }
    const intptr_t step = all_direct ? n : carried(inputs, data, strides) ? 1 : BLOCK;
    const intptr_t head = all_direct && n > 256 ? (intptr_t)(-(uintptr_t)data[inputs] % 64 / sizeof(uint16_t)) : 0;
    for (intptr_t start = 0, count; start < n; start += count) {
        count = start < head ? head : n - start < step ? n - start : step;
        const uint16_t *in[4] = {0};
        for (int k = 0; k < inputs; k++) {
            const char *from = data[k] + start * strides[k];
            in[k] = direct[k] ? (const uint16_t *)from : buffer[k];
            if (!direct[k] && (strides[k] != 0 || start == 0 || step == 1))
                gather_halves(from, strides[k], buffer[k], count);
        }
        char *to = data[inputs] + start * strides[inputs];
        uint16_t *out = direct[inputs] ? (uint16_t *)to : buffer[inputs];
        choice(in, fixed, out, count);
        if (!direct[inputs])
            for (intptr_t i = 0; i < count; i++)
                *(uint16_t *)(to + i * strides[inputs]) = out[i];
    }
}
