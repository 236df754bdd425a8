/* Included by aligner.c once for each precision: REAL is the type of the numbers, NAME(x) the name of a function. Rows
 * are padded with zeros to whole blocks of LANES numbers. */
#define LANES ((int)(64 / sizeof(REAL)))

#if defined(__GNUC__)
/* LANES numbers side by side, which may begin anywhere. */
typedef REAL NAME(block) __attribute__((vector_size(64), aligned(sizeof(REAL)), may_alias));
#define ADD_SCALED(sums, factor, values) sums += (factor) * *(const NAME(block) *)(values)
#define STORE(result, even, odd) *(NAME(block) *)(result) = even + odd
#else
typedef struct {
    REAL lane[64 / sizeof(REAL)];
} NAME(block);
#define ADD_SCALED(sums, factor, values) \
    for (int lane = 0; lane < LANES; lane++) sums.lane[lane] += (factor) * (values)[lane]
#define STORE(result, even, odd) \
    for (int lane = 0; lane < LANES; lane++) (result)[lane] = even.lane[lane] + odd.lane[lane]
#endif

/* result = the sum over the n rows k of factors[k * step] * values[k * step + ...], for `blocks` blocks of numbers. Two
 * are computed at a time; behind an odd last one there must be memory to read. */
INLINED void NAME(combine)(REAL *restrict result, int blocks, const REAL *factors, const REAL *values, ptrdiff_t step,
                           int n) {
    for (; blocks > 0; blocks -= 2, result += 2 * LANES, values += 2 * LANES) {
        NAME(block) even = {0}, odd = {0}, next_even = {0}, next_odd = {0};
        int k = 0;
        for (; k + 2 <= n; k += 2) {
            const REAL one = factors[k * step], other = factors[(k + 1) * step];
            ADD_SCALED(even, one, values + k * step);
            ADD_SCALED(next_even, one, values + k * step + LANES);
            ADD_SCALED(odd, other, values + (k + 1) * step);
            ADD_SCALED(next_odd, other, values + (k + 1) * step + LANES);
        }
        if (k < n) {
            ADD_SCALED(even, factors[k * step], values + k * step);
            ADD_SCALED(next_even, factors[k * step], values + k * step + LANES);
        }
        STORE(result, even, odd);
        if (blocks > 1) STORE(result + LANES, next_even, next_odd);
    }
}

/* result[j] = the sum over k of factors[k] * jump[j - k]. `shifted` has LANES rows, `stride` apart: row s is `jump`, s
 * to the right. So each block begins at a whole number of blocks, which is read twice as fast. */
INLINED void NAME(combine_jumps)(REAL *restrict result, int blocks, const REAL *factors, const REAL *shifted,
                                 ptrdiff_t stride) {
    const int width = blocks * LANES;
    for (int block = 0; block < blocks; block += 2) {
        NAME(block) even = {0}, odd = {0}, next_even = {0}, next_odd = {0};
        for (int k = 0; k < width; k += LANES) {
            const REAL *values = shifted + block * LANES - k;
            for (int s = 0; s < LANES; s += 2) {
                const REAL one = factors[k + s], other = factors[k + s + 1];
                const REAL *left = values + s * stride, *right = left + stride;
                ADD_SCALED(even, one, left);
                ADD_SCALED(next_even, one, left + LANES);
                ADD_SCALED(odd, other, right);
                ADD_SCALED(next_odd, other, right + LANES);
            }
        }
        STORE(result + block * LANES, even, odd);
        if (block + 1 < blocks) STORE(result + (block + 1) * LANES, next_even, next_odd);
    }
}

/* The sum of whole blocks, in an order that does not depend on the width of a vector. */
INLINED REAL NAME(sum)(const REAL *restrict values, int blocks) {
    REAL part[64 / sizeof(REAL)] = {0};
    for (int k = 0; k < blocks; k++)
        for (int lane = 0; lane < LANES; lane++) part[lane] += values[k * LANES + lane];
    for (int half = LANES / 2; half; half /= 2)
        for (int lane = 0; lane < half; lane++) part[lane] += part[lane + half];
    return part[0];
}

/* The weights of jumps between `states` positions and a block beyond them: LANES rows for jumps forward, each shifted by
 * one more, and LANES rows for jumps back. NULL if there is no memory. */
INLINED ptrdiff_t NAME(middle)(int states) { return ((ptrdiff_t)states / LANES + 3) * LANES; }

INLINED REAL *NAME(jumps)(const float *move, int states) {
    const ptrdiff_t middle = NAME(middle)(states), stride = 2 * middle;
    REAL *rows = whole_blocks(2 * LANES * stride * sizeof(REAL));
    for (int s = 0; rows && s < LANES; s++)
        for (ptrdiff_t k = 0; k < stride; k++) {
            const ptrdiff_t d = k - middle - s;
            rows[s * stride + k] = (REAL)move[nearest_move(d)];
            rows[(s + LANES) * stride + k] = (REAL)move[nearest_move(-d)];
        }
    return rows;
}

/* RETURNS: The numbers that a sentence pair needs room for. */
INLINED size_t NAME(rows)(int states, int steps) {
    return (2 * (size_t)steps + 8) * (states + LANES) + steps;
}

/* Forward and backward through one sentence pair of n positions and `steps` words.
 *
 * `emission` and `linked` have rows of n numbers, one a word, which begin `row` numbers apart; `empty` has one number a
 * word, `empty_step` apart. `jumps` are those of `most` states, and `space` has room for the rows. */
INLINED void NAME(pair)(const Chain *chain, int n, int steps, const REAL *emission, size_t row, const REAL *empty,
                        size_t empty_step, REAL *linked, const REAL *jumps, int most, REAL *space) {
    const int blocks = (n + LANES - 1) / LANES, width = blocks * LANES;
    const ptrdiff_t stride = 2 * NAME(middle)(most);
    const REAL *jump = jumps + NAME(middle)(most), *back = jump + LANES * stride;
    const REAL null = (REAL)chain->null, full = (REAL)1 - null;
    REAL *scale = space, *arriving = scale + width, *after = arriving + width, *scaled = after + width;
    REAL *link = scaled + width, *first = link + width;
    /* A row for each word: the position after it, and then the probability of this word and of all after it. */
    REAL *position = first + width, *onward = position + (size_t)steps * width;
    REAL *jumped = onward + (size_t)steps * width, *norm = jumped + 2 * (size_t)width;
    memset(space, 0, 6 * (size_t)width * sizeof(REAL));

    /* Jumps that leave the sentence share their weight among those that do not. */
    for (int i = 0; i < n; i++) {
        memcpy(link, jump - i, n * sizeof(REAL));
        scale[i] = (REAL)1 / NAME(sum)(link, blocks);
    }
    for (int j = 0; j < n; j++) first[j] = (REAL)chain->start[j < LIMIT ? j : LIMIT];
    const REAL all = NAME(sum)(first, blocks);
    for (int j = 0; j < n; j++) first[j] /= all;

    const REAL *before = first;
    for (int time = 0; time < steps; time++) {
        REAL *here = position + (size_t)time * width, *word = onward + (size_t)time * width;
        const REAL stay = null * empty[time * empty_step];
        for (int j = 0; j < n; j++) word[j] = emission[time * row + j] * full;
        for (int j = n; j < width; j++) word[j] = (REAL)0;
        if (time) {
            for (int k = 0; k < width; k++) scaled[k] = before[k] * scale[k];
            NAME(combine_jumps)(arriving, blocks, scaled, jump, stride);
        } else {
            memcpy(arriving, first, width * sizeof(REAL));
        }
        for (int k = 0; k < width; k++) {
            link[k] = arriving[k] * word[k];
            here[k] = before[k] * stay + link[k];
        }
        const REAL total = NAME(sum)(here, blocks);
        const REAL factor = norm[time] = (REAL)1 / (total > (REAL)1e-30 ? total : (REAL)1e-30);
        for (int k = 0; k < width; k++) here[k] *= factor;
        for (int j = 0; j < n; j++) linked[time * row + j] = link[j] * factor;
        before = here;
    }

    for (int k = 0; k < width; k++) after[k] = (REAL)1;
    for (int time = steps - 1; time >= 0; time--) {
        REAL *word = onward + (size_t)time * width;
        const REAL stay = null * empty[time * empty_step], factor = norm[time];
        for (int j = 0; j < n; j++) linked[time * row + j] *= after[j];
        for (int k = 0; k < width; k++) {
            after[k] *= factor;
            word[k] *= after[k];
        }
        if (time == 0) break;
        NAME(combine_jumps)(arriving, blocks, word, back, stride);
        for (int k = 0; k < width; k++) after[k] = scale[k] * arriving[k] + after[k] * stay;
    }

    if (!chain->moved) return;
    /* Expected jumps by distance, the shortest at `jumped + width`. */
    memset(jumped, 0, 2 * (size_t)width * sizeof(REAL));
    for (int i = 0; i < n; i++) {
        REAL *from = jumped + width - i;
        NAME(combine)(arriving, blocks, position + i, onward + width, width, steps - 1);
        for (int k = 0; k < width; k++) from[k] += arriving[k] * scale[i];
    }
    for (int d = 1 - n; d < n; d++) chain->moved[nearest_move(d)] += (double)(jumped[width + d] * jump[d]);
    for (int j = 0; j < n; j++) chain->began[j < LIMIT ? j : LIMIT] += (double)linked[j];
}

/* The posteriors of a batch of `batch` sentences in one direction. `emission` and `linked` are (steps, batch, states)
 * arrays, and `empty` is (steps, batch); `linked` must be 0 where there is no word. RETURNS: 0, or 1 if there is no
 * memory. */
EXPORTED FOR_EACH_PROCESSOR int NAME(posteriors)(const Chain *chain, int steps, int batch, int states,
                                                 const int *n_steps, const int *n_states, const REAL *emission,
                                                 const REAL *empty, REAL *linked) {
    const size_t row = (size_t)batch * states;
    REAL *jumps = NAME(jumps)(chain->move, states);
    REAL *space = whole_blocks(NAME(rows)(states, steps) * sizeof(REAL));
    const int failed = !jumps || !space;
    for (int b = 0; b < batch && !failed; b++)
        NAME(pair)(chain, n_states[b], n_steps[b], emission + (size_t)b * states, row, empty + b, batch,
                   linked + (size_t)b * states, jumps, states, space);
    release(jumps);
    release(space);
    return failed;
}
#undef LANES
#undef ADD_SCALED
#undef STORE
