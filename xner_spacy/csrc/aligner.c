/* The inner loops of the embedded aligner, a sentence pair or a word pair at a time. hmm.py, trainer.py and
 * word_forms.py have the same in NumPy.
 */
#include "native.h"

/* Jumps beyond this many positions share one weight in each direction. LIMIT in hmm.py. */
#define LIMIT 40
#define MOVES (2 * LIMIT + 1)

INLINED int nearest_move(ptrdiff_t jump) { return jump < -LIMIT ? 0 : jump > LIMIT ? MOVES - 1 : (int)jump + LIMIT; }

/* The hidden Markov model of one direction, but for its emissions. */
typedef struct {
    const float *move;  /* (MOVES) weights of a jump by -LIMIT ... LIMIT */
    const float *start; /* (LIMIT + 1) weights of the first position */
    double null;        /* probability of the empty word */
    double *moved;      /* (MOVES) expected jumps are added to these; NULL if they are not wanted */
    double *began;      /* (LIMIT + 1) */
} Chain;

#define REAL float
#define NAME(function) function##_float32
#include "passes.h"
#undef REAL
#undef NAME

#define REAL double
#define NAME(function) function##_float64
#include "passes.h"
#undef REAL
#undef NAME

/* A batch of sentence pairs, as `Batch` and the cells of `Cooccurrence` have it. */
typedef struct {
    int targets, batch, sources; /* sizes of the arrays */
    const int *source_length;    /* (batch) */
    const int *target_length;    /* (batch) */
    const int32_t *source;       /* (batch, sources) word numbers */
    const int32_t *target;       /* (batch, targets) */
    const int32_t *cells;        /* (targets, batch, sources) position of each cell's word pair in the tables */
} Batch;

/* Posteriors of all links of a batch in both directions, and their product.
 *
 * `table` (pairs, 2): the probabilities of the word pairs, forward and reverse. `empty`: those of each target word and of
 * each source word given the empty word. `links`: (targets, batch, sources) products, which must be 0 where there are
 * no words. `linked_target` (batch, targets), `linked_source` (batch, sources): the posteriors of each word, added up.
 * RETURNS: 0, or 1 if there is no memory.
 */
EXPORTED FOR_EACH_PROCESSOR int expected_links(const Batch *batch, const Chain *forward, const Chain *reverse,
                                               const float *table, const float *const *empty, float *links,
                                               double *linked_target, double *linked_source) {
    const int most = batch->sources > batch->targets ? batch->sources : batch->targets;
    const size_t area = (size_t)batch->sources * batch->targets;
    double *ahead_jumps = jumps_float64(forward->move, most), *back_jumps = jumps_float64(reverse->move, most);
    double *rows = whole_blocks(rows_float64(most, most) * sizeof(double));
    double *space = whole_blocks((4 * area + most) * sizeof(double));
    const int failed = !ahead_jumps || !back_jumps || !rows || !space;
    for (int b = 0; b < batch->batch && !failed; b++) {
        const int m = batch->source_length[b], n = batch->target_length[b];
        const int32_t *source = batch->source + (size_t)b * batch->sources;
        const int32_t *target = batch->target + (size_t)b * batch->targets;
        const size_t first = (size_t)b * batch->sources, step = (size_t)batch->batch * batch->sources;
        double *ahead = space, *back = ahead + area, *by_target = back + area, *by_source = by_target + area;
        double *of_empty = by_source + area;
        for (int j = 0; j < n; j++)
            for (int i = 0; i < m; i++) {
                const float *both = table + 2 * (ptrdiff_t)batch->cells[first + j * step + i];
                ahead[j * m + i] = both[0];
                back[i * n + j] = both[1];
            }
        for (int j = 0; j < n; j++) of_empty[j] = empty[0][target[j]];
        pair_float64(forward, m, n, ahead, m, of_empty, 1, by_target, ahead_jumps, most, rows);
        for (int i = 0; i < m; i++) of_empty[i] = empty[1][source[i]];
        pair_float64(reverse, n, m, back, n, of_empty, 1, by_source, back_jumps, most, rows);
        for (int i = 0; i < m; i++) {
            double all = 0.0;
            for (int j = 0; j < n; j++) all += by_source[i * n + j];
            linked_source[(size_t)b * batch->sources + i] = all;
        }
        for (int j = 0; j < n; j++) {
            double all = 0.0;
            for (int i = 0; i < m; i++) {
                const double one = by_target[j * m + i];
                links[first + j * step + i] = (float)(one * by_source[i * n + j]);
                all += one;
            }
            linked_target[(size_t)b * batch->targets + j] = all;
        }
    }
    release(ahead_jumps);
    release(back_jumps);
    release(rows);
    release(space);
    return failed;
}

/* The products of both directions without positions: each word's probabilities over the words of the other side. The
 * arguments are those of `expected_links`. RETURNS: 0, or 1 if there is no memory. */
EXPORTED FOR_EACH_PROCESSOR int lexical_links(const Batch *batch, const float *table, float *links) {
    double *of_source = malloc(((size_t)batch->sources + 1) * sizeof(double));
    if (!of_source) return 1;
    for (int b = 0; b < batch->batch; b++) {
        const int m = batch->source_length[b], n = batch->target_length[b];
        const size_t first = (size_t)b * batch->sources, step = (size_t)batch->batch * batch->sources;
        const int32_t *cells = batch->cells + first;
        float *result = links + first;
        memset(of_source, 0, m * sizeof(double));
        for (int j = 0; j < n; j++)
            for (int i = 0; i < m; i++) of_source[i] += (double)table[2 * (ptrdiff_t)cells[j * step + i] + 1];
        for (int i = 0; i < m; i++)
            if (of_source[i] < 1e-9) of_source[i] = 1e-9;
        for (int j = 0; j < n; j++) {
            double of_target = 0.0;
            for (int i = 0; i < m; i++) of_target += (double)table[2 * (ptrdiff_t)cells[j * step + i]];
            if (of_target < 1e-9) of_target = 1e-9;
            for (int i = 0; i < m; i++) {
                const float *both = table + 2 * (ptrdiff_t)cells[j * step + i];
                result[j * step + i] = (float)((double)both[0] / of_target * ((double)both[1] / of_source[i]));
            }
        }
    }
    free(of_source);
    return 0;
}

/* Add the links of `n` cells to the word pairs that they belong to. Pair 0 is the padding. */
EXPORTED void add_links(double *sums, const int32_t *cells, const float *links, ptrdiff_t n) {
    for (ptrdiff_t k = 0; k < n; k++)
        if (cells[k] > 0) sums[cells[k]] += (double)links[k];
}

/* Add each value to the sum that `index` names. */
EXPORTED void add_values(double *sums, const int32_t *index, const double *values, ptrdiff_t n) {
    for (ptrdiff_t k = 0; k < n; k++) sums[index[k]] += values[k];
}

/* What the probability of a word pair takes from each of its words. `Direction` in alignment_model.py. */
typedef struct {
    const float *weight;       /* expected links of each given word, and the strength of the prior */
    const float *other_totals; /* of each given word */
    const float *share;        /* of each generated word */
    const float *floor;        /* of each generated word */
    const float *rates;        /* prior by kind of pair */
    const int16_t *kinds;      /* the kind of each pair that is spelled alike */
} Words;

/* `Direction.probabilities` of word pairs in both directions, to the same bits.
 *
 * `alike` (n_alike): the pairs that are spelled alike, in order; the others have no prior by their kind. `stems`: the
 * position of each pair's stems in `stem_links`. `table` (n, 2): the result, forward and reverse.
 */
EXPORTED void probabilities(ptrdiff_t n, const int32_t *source, const int32_t *target, const double *links,
                            const int32_t *stems, const float *stem_links, const int64_t *alike, ptrdiff_t n_alike,
                            const Words *words, float strength, float *table) {
    ptrdiff_t next = 0;
    for (ptrdiff_t k = 0; k < n; k++) {
        const float others = stem_links[stems[k]] - (float)links[k], stem = others > 0.0f ? others : 0.0f;
        const int is_alike = next < n_alike && alike[next] == k;
        for (int way = 0; way < 2; way++) {
            const Words *w = words + way;
            const int32_t given = way ? target[k] : source[k], word = way ? source[k] : target[k];
            const float rate = is_alike ? w->rates[w->kinds[next]] : 0.0f;
            const float prior = (rate + w->floor[word]) + (stem * w->share[word]) / w->other_totals[given];
            table[2 * k + way] = (float)((links[k] + (double)(strength * prior)) / (double)w->weight[given]);
        }
        next += is_alike;
    }
}

/* The words of one side, as `Spelling` compares them. */
typedef struct {
    const uint64_t *bits; /* (words, 2) the n-grams of each word */
    const int32_t *size;  /* (words) how many bits are set */
    const uint8_t *kind;  /* (words) */
} Spelled;

/* `Spelling.buckets` of word pairs. `same`: the target word that a source word is identical to, or -1. `named`: the
 * buckets of words without enough n-grams in common, with all of them in common, of identical words, and of words of
 * two kinds. */
EXPORTED void buckets(ptrdiff_t n, const int32_t *source, const int32_t *target, const Spelled *words,
                      const int64_t *same, const uint8_t *named, uint8_t *result) {
    const uint8_t unlike = named[0], same_letters = named[1], identical = named[2], other_kind = named[3];
    for (ptrdiff_t k = 0; k < n; k++) {
        const int32_t e = source[k], f = target[k];
        const uint64_t *one = words[0].bits + 2 * (ptrdiff_t)e, *other = words[1].bits + 2 * (ptrdiff_t)f;
        const int common = bit_count(one[0] & other[0]) + bit_count(one[1] & other[1]);
        const int both = words[0].size[e] + words[1].size[f], size = both > 1 ? both : 1;
        const int tenths = 20 * common / size - 3;
        uint8_t bucket = tenths < unlike ? unlike : tenths < same_letters ? (uint8_t)tenths : same_letters - 1;
        if (2 * common == size) bucket = same_letters;
        if (words[0].kind[e] != words[1].kind[f]) bucket = other_kind;
        if (same[e] == f) bucket = identical;
        result[k] = bucket;
    }
}
