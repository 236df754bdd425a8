/* The span score of the projector (projection/matching/span_score.py), a sentence pair at a time. sentence_words.py and
 * word_evidence.py have the same in Python. Sums are in the same order, so that both give the same bits.
 */
#include <math.h>

#include "native.h"

/* What is asked about a word, as bits of its number; the bits from WORD on are the number of the word once folded. */
enum {
    MARK = 1,      /* it is punctuation */
    FUNCTION = 2,  /* it is a function word */
    LOWER = 4,     /* its first letter is in lower case */
    CAPITAL = 8,   /* it begins with a capital */
    CONTENT = 16,  /* source: neither a mark nor a function word */
    PARTICLE = 32, /* source: outside the entities, the word for a name may translate it too */
    EDGE = 64,     /* source: at an entity's edge, its copies in the target may be at the span's */
    COMMON = 128,  /* source: a content word of letters without a capital, so no part of a capitalised name */
    OPENING = 256, /* target: ( */
    CLOSING = 512, /* target: ) */
    STANDS_OUT = 1024 /* source: its spelling is compared even outside the entities */
};
#define WORD 16

typedef struct {
    double spelling, unlinked, missing, lower;
    double smooth, cap, function_link, function_rival, content_rival, function_weight, punctuation_weight;
    double edge, bracket, lower_word, other_lower_word, of_case;
    double least_alike, least_linked;
    double gain[2];   /* what a word gains that is not in lower case, and one that is */
    int max_words, most_linked;
    int tells;        /* whether capitals mark names in the corpus */
    int after_first;  /* whether a sentence with a capital in its first word alone has none */
    int trained;      /* whether function words of the target are known */
    int names_lose;   /* whether a lower-case span costs something for a name */
} Settings;

/* Sentence pairs, one after another. Each `..._start` has (pairs + 1) places in the arrays that follow it. */
typedef struct {
    ptrdiff_t pairs;
    const int64_t *source_start, *target_start, *link_start, *alike_start, *entity_start;
    const int64_t *source, *target; /* words */
    const int32_t *links;           /* (links, 2) source and target word in their sentences */
    const float *scores;            /* (links) */
    const int32_t *alike;           /* (alike, 2) source and target words that are spelled alike */
    const double *similar;          /* (alike) */
    const int32_t *entities;        /* (entities, 3) start, end (exclusive), and whether the label is one of names */
} Pairs;

/* What `spelling.outline` says, by the number of a folded word. */
typedef struct {
    const uint64_t *letter_pairs;
    const int32_t *length;
    const uint8_t *hyphen;
} Outlines;

/* Words that may be spelled alike. */
typedef struct {
    ptrdiff_t room;  /* how many there is room for */
    ptrdiff_t words; /* how many there are */
    int32_t *places; /* (room, 4) pair, source word, target word, and whether they are the same once folded */
} Similar;

typedef struct {
    ptrdiff_t room;    /* how many options there is room for */
    ptrdiff_t options; /* how many there are */
    int32_t *count;    /* (entities) options of each entity */
    double *score;     /* (room) */
    int32_t *span;     /* (room, 2) start and end (exclusive) */
} Found;

/* The probability of a link. */
typedef struct {
    int i, j;
    double value;
    int next_in_row, next_in_column; /* -1: none */
} Link;

typedef struct {
    double rank, distance, similar;
    int i, j;
} Spelled;

typedef struct {
    double weight;
    int j;
} Weighted;

/* A sentence pair, with what the scores of all its entities need. */
typedef struct {
    const Settings *settings;
    int m, n, entities, n_links;
    const int64_t *source, *target;
    const int32_t *entity;
    Link *link;                           /* (links + alike) */
    int *row_head, *row_tail, *column_head; /* (n), (n), (m) */
    double *strongest;                    /* (m) */
    Spelled *spelled;                     /* (alike) */
    char *used_source, *used_target;      /* (m), (n) */
    int *row_start, *column_start;        /* (n + 1), (m + 1) */
    int *row_word, *column_word;          /* (links + alike) source words of a row; target words of a column, ascending */
    double *row_value, *column_value;     /* (links + alike) */
    int *owner;                           /* (m) entity of a source word, or -1 */
    char *is_function, *is_particle;      /* (n), (m) */
    int start;                            /* the first target word that is no mark */
    int has_case;                         /* whether capitals mark names here */
    int *brackets, *contents, *lowers;    /* (n + 1) opening minus closing; content words; those in lower case, so far */
    double *unlinked_weight, *weight;     /* (n) */
    double *sum;                          /* (n + 1) */
    double *content_sum;                  /* (links + alike + m) sums of the links of content words of an entity */
    int *content, *content_first;         /* (m) */
    int *strong, *starts, *ends, *copies; /* (n), (2n), (2n), (n) */
    char *gains, *is_strong;              /* (n) */
    Weighted *ranked;                     /* (n) */
} Sentence;

INLINED int has(int64_t word, int flag) { return (word & flag) != 0; }
INLINED int64_t folded(int64_t word) { return word >> WORD; }

/* RETURNS: The link of a row to a source word, or NULL. */
static Link *find(const Sentence *s, int i, int j) {
    for (int k = s->row_head[j]; k >= 0; k = s->link[k].next_in_row)
        if (s->link[k].i == i) return &s->link[k];
    return NULL;
}

/* Set a link, at the end of its row if it is new. */
static void set_link(Sentence *s, int i, int j, double value) {
    Link *known = find(s, i, j);
    if (known) {
        known->value = value;
        return;
    }
    const int k = s->n_links++;
    s->link[k] = (Link){i, j, value, -1, s->column_head[i]};
    s->column_head[i] = k;
    if (s->row_head[j] < 0)
        s->row_head[j] = k;
    else
        s->link[s->row_tail[j]].next_in_row = k;
    s->row_tail[j] = k;
}

static int by_rank(const void *left, const void *right) {
    const Spelled *a = left, *b = right;
    if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
    if (a->distance != b->distance) return a->distance < b->distance ? -1 : 1;
    if (a->i != b->i) return a->i < b->i ? -1 : 1;
    return (a->j > b->j) - (a->j < b->j);
}

/* `word_evidence._respell`. */
static void respell(Sentence *s, int n_alike) {
    const double trust = s->settings->spelling, least = s->settings->least_alike;
    for (int k = 0; k < s->n_links; k++)
        if (s->link[k].value > s->strongest[s->link[k].i]) s->strongest[s->link[k].i] = s->link[k].value;
    for (int k = 0; k < n_alike; k++) {
        Spelled *one = &s->spelled[k];
        const Link *known = find(s, one->i, one->j);
        one->rank = -one->similar - 0.5 * (known ? known->value : 0.0);
        one->distance = fabs((double)one->i / s->m - (double)one->j / s->n);
    }
    qsort(s->spelled, n_alike, sizeof(Spelled), by_rank);
    for (int k = 0; k < n_alike; k++) {
        const int i = s->spelled[k].i, j = s->spelled[k].j;
        const double similar = s->spelled[k].similar;
        if (s->used_source[i] || s->used_target[j]) continue;
        double gain = trust;
        if (similar < 1.0) {
            double rival = 0.0, own = 0.0;
            for (int l = s->row_head[j]; l >= 0; l = s->link[l].next_in_row) {
                if (s->link[l].i == i)
                    own = s->link[l].value;
                else if (s->link[l].value > rival)
                    rival = s->link[l].value;
            }
            if (s->strongest[i] > own && s->strongest[i] > rival) rival = s->strongest[i];
            gain = trust * (similar - least) / (1.0 - least) * (1.0 - rival);
        }
        if (gain <= 0.0) continue;
        s->used_source[i] = s->used_target[j] = 1;
        for (int l = s->row_head[j]; l >= 0; l = s->link[l].next_in_row) s->link[l].value *= 1.0 - gain;
        const Link *known = find(s, i, j);
        set_link(s, i, j, (known ? known->value : 0.0) + gain);
        if (similar == 1.0)
            for (int l = s->column_head[i]; l >= 0; l = s->link[l].next_in_column)
                if (s->link[l].j != j) s->link[l].value *= 1.0 - gain;
    }
}

/* Write the links by target word, in the order of each row, and by source word, with ascending target words. */
static void sort_links(Sentence *s) {
    int *filled = s->column_start;
    memset(filled, 0, (s->m + 1) * sizeof(int));
    int at = 0;
    for (int j = 0; j < s->n; j++) {
        s->row_start[j] = at;
        for (int k = s->row_head[j]; k >= 0; k = s->link[k].next_in_row, at++) {
            s->row_word[at] = s->link[k].i;
            s->row_value[at] = s->link[k].value;
            filled[s->link[k].i]++;
        }
    }
    s->row_start[s->n] = at;
    /* Each count becomes the end of its column, and then, filled from behind, its start. */
    for (int i = 1; i < s->m; i++) filled[i] += filled[i - 1];
    if (s->m) filled[s->m] = filled[s->m - 1];
    for (int j = s->n - 1; j >= 0; j--)
        for (int k = s->row_start[j]; k < s->row_start[j + 1]; k++) {
            const int place = --filled[s->row_word[k]];
            s->column_word[place] = j;
            s->column_value[place] = s->row_value[k];
        }
}

INLINED int column_size(const Sentence *s, int i) { return s->column_start[i + 1] - s->column_start[i]; }

/* Whether the entity's words that are linked to a target word are linked to no other one. */
static int is_only(const Sentence *s, int j, int begin, int stop) {
    for (int k = s->row_start[j]; k < s->row_start[j + 1]; k++) {
        const int i = s->row_word[k];
        if (begin <= i && i < stop && column_size(s, i) != 1) return 0;
    }
    return 1;
}

/* Whether a source word has a target word that no function word shares. */
static int is_apart(const Sentence *s, int i) {
    for (int k = s->column_start[i]; k < s->column_start[i + 1]; k++) {
        const int j = s->column_word[k];
        if (has(s->target[j], MARK) || s->is_function[j]) continue;
        int shared = 0;
        for (int l = s->row_start[j]; l < s->row_start[j + 1] && !shared; l++) shared = s->is_particle[s->row_word[l]];
        if (!shared) return 1;
    }
    return 0;
}

/* `Sentence._weight`. */
static double weight_of(const Sentence *s, int j, int begin, int stop, double lower_cost) {
    const Settings *c = s->settings;
    const int64_t word = s->target[j];
    double inside = 0.0, outside = 0.0, rival = 0.0, function = 0.0, strongest = 0.0;
    int leader = -1;
    for (int k = s->row_start[j]; k < s->row_start[j + 1]; k++) {
        const int i = s->row_word[k];
        const double value = s->row_value[k];
        if (begin <= i && i < stop)
            inside += value * (has(s->source[i], CONTENT) ? 1.0 : c->function_link);
        else if (s->owner[i] >= 0)
            rival += value;
        else if (s->is_particle[i])
            function += value;
        else
            outside += value;
        if (value > strongest) {
            strongest = value;
            leader = i;
        }
    }
    if (has(word, MARK)) {
        const double all = inside + outside + rival + function;
        return inside / (all > 1.0 ? all : 1.0) < 0.2 ? c->punctuation_weight : 0.0;
    }
    if (s->is_function[j]) {
        outside += rival + function;
        const double all = inside + outside;
        return c->function_weight * (1.0 + outside / (all > 1.0 ? all : 1.0));
    }
    if (inside != 0.0 && outside != 0.0 && is_only(s, j, begin, stop)) outside *= c->content_rival;
    if (function != 0.0) {
        int apart = 0;
        for (int k = s->row_start[j]; k < s->row_start[j + 1] && !apart; k++) {
            const int i = s->row_word[k];
            apart = begin <= i && i < stop && is_apart(s, i);
        }
        outside += apart ? function : c->function_rival * function;
    }
    if (rival > inside) outside += rival;
    const double scale = inside + outside > 1.0 ? inside + outside : 1.0;
    inside /= scale;
    outside /= scale;
    const double nothing = 1.0 - inside - outside;
    double weight = log((inside + c->unlinked * nothing + c->smooth) /
                        (outside + (1.0 - c->unlinked) * nothing + c->smooth));
    if (s->has_case) {
        if (has(word, LOWER) && begin <= leader && leader < stop && has(s->source[leader], CAPITAL))
            weight -= lower_cost;
        if (j != s->start) weight += c->of_case * c->gain[has(word, LOWER)];
    }
    return weight < -c->cap ? -c->cap : weight > c->cap ? c->cap : weight;
}

/* What does not depend on the entity. `SpanScore._read_one` and `Sentence.__post_init__`. */
static void read_sentence(Sentence *s) {
    const Settings *c = s->settings;
    for (int i = 0; i < s->m; i++) s->owner[i] = -1;
    for (int e = 0; e < s->entities; e++)
        for (int i = s->entity[3 * e]; i < s->entity[3 * e + 1]; i++) s->owner[i] = e;
    for (int i = 0; i < s->m; i++)
        s->is_particle[i] = column_size(s, i) > 0 && has(s->source[i], PARTICLE) && s->owner[i] < 0;
    int first = -1, capital = -1; /* the first word, and the last one with a capital */
    s->brackets[0] = s->contents[0] = s->lowers[0] = 0;
    for (int j = 0; j < s->n; j++) {
        const int64_t word = s->target[j];
        const int is_content = !has(word, MARK | FUNCTION);
        s->is_function[j] = has(word, FUNCTION);
        if (first < 0 && !has(word, MARK)) first = j;
        if (has(word, CAPITAL)) capital = j;
        s->brackets[j + 1] = s->brackets[j] + has(word, OPENING) - has(word, CLOSING);
        s->contents[j + 1] = s->contents[j] + is_content;
        s->lowers[j + 1] = s->lowers[j] + (is_content && has(word, LOWER));
    }
    s->start = first < 0 ? 0 : first;
    s->has_case = c->tells && capital > (c->after_first ? s->start : -1);
    if (!c->trained && capital < 1)
        /* Every short word counts as a function word: in text without capitals even "eu" and "usa". */
        for (int j = 0; j < s->n; j++) {
            int leader = -1;
            double strongest = 0.0;
            for (int k = s->row_start[j]; k < s->row_start[j + 1]; k++)
                if (leader < 0 || s->row_value[k] > strongest) {
                    strongest = s->row_value[k];
                    leader = s->row_word[k];
                }
            if (leader >= 0 && s->owner[leader] >= 0 && has(s->source[leader], CAPITAL)) s->is_function[j] = 0;
        }
    double of_content[2];
    int known[2] = {0, 0};
    for (int j = 0; j < s->n; j++) {
        const int64_t word = s->target[j];
        const int is_lower = has(word, LOWER);
        double *weight = &s->unlinked_weight[j];
        if (s->row_start[j] < s->row_start[j + 1] || j == s->start)
            *weight = weight_of(s, j, 0, 0, 0.0);
        else if (has(word, MARK))
            *weight = c->punctuation_weight;
        else if (s->is_function[j])
            *weight = c->function_weight;
        else {
            if (!known[is_lower]) of_content[is_lower] = weight_of(s, j, 0, 0, 0.0);
            known[is_lower] = 1;
            *weight = of_content[is_lower];
        }
    }
}

/* The target words that an entity's first or last word has copies of, at most `most_linked`. `SpanScore._copies`. */
static int copies_of(const Sentence *s, int64_t word, int first, int last, int *copies) {
    int found = 0;
    if (has(word, EDGE))
        for (int j = first; j < last && found < s->settings->most_linked; j++)
            if (folded(s->target[j]) == folded(word) && !s->is_strong[j]) copies[found++] = j;
    return found;
}

/* Merge two ascending lists. RETURNS: The size of the result. */
static int merge(const int *left, int n_left, const int *right, int n_right, int *result) {
    int a = 0, b = 0;
    while (a < n_left || b < n_right) {
        const int from_left = b == n_right || (a < n_left && left[a] <= right[b]);
        result[a + b] = from_left ? left[a] : right[b];
        if (from_left)
            a++;
        else
            b++;
    }
    return a + b;
}

static int by_weight(const void *left, const void *right) {
    const Weighted *a = left, *b = right;
    if (a->weight != b->weight) return a->weight > b->weight ? -1 : 1;
    return (a->j > b->j) - (a->j < b->j);
}

/* Keep the `most_linked` strongest words, the first of equals. RETURNS: How many are left. */
static int keep_strongest(Sentence *s, int n_strong) {
    const int most = s->settings->most_linked;
    if (n_strong <= most) return n_strong;
    for (int k = 0; k < n_strong; k++) s->ranked[k] = (Weighted){s->weight[s->strong[k]], s->strong[k]};
    qsort(s->ranked, n_strong, sizeof(Weighted), by_weight);
    for (int k = most; k < n_strong; k++) s->is_strong[s->ranked[k].j] = 0;
    int kept = 0;
    for (int k = 0; k < n_strong; k++)
        if (s->is_strong[s->strong[k]]) s->strong[kept++] = s->strong[k];
    return kept;
}

/* RETURNS: The first place in an ascending list whose value is not below another. */
INLINED int place_in(const int *list, int size, int value) {
    int low = 0, high = size;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (list[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The range of target words that a span of an entity may contain. `SpanScore._reach`. */
static void reach_of(const Sentence *s, int begin, int stop, int *first, int *last) {
    const int most = s->settings->max_words;
    *first = 0;
    *last = s->n;
    if (s->n <= 2 * most || s->settings->unlinked > 0.5) return;
    int low = s->n, high = -1;
    for (int k = s->column_start[begin]; k < s->column_start[stop]; k++) {
        if (s->column_word[k] < low) low = s->column_word[k];
        if (s->column_word[k] > high) high = s->column_word[k];
    }
    *first = high < 0 || low < most ? 0 : low - most;
    *last = high < 0 ? 0 : high + most + 1 < s->n ? high + most + 1 : s->n;
}

/* Weigh the words for an entity, and find those that a span may begin and end with. `SpanScore._view`. */
static void view(Sentence *s, const int32_t *entity, int *n_starts, int *n_ends) {
    const int begin = entity[0], stop = entity[1];
    const double lower_cost = entity[2] ? s->settings->lower_word : s->settings->other_lower_word;
    int first, last;
    reach_of(s, begin, stop, &first, &last);
    memcpy(s->weight, s->unlinked_weight, s->n * sizeof(double));
    for (int k = s->column_start[begin]; k < s->column_start[stop]; k++) {
        const int j = s->column_word[k];
        s->weight[j] = weight_of(s, j, begin, stop, lower_cost);
    }
    for (int j = 0; j < s->n; j++)
        if (s->is_function[j])
            for (int i = begin; i < stop; i++)
                if (folded(s->source[i]) == folded(s->target[j])) s->weight[j] = 0.0;
    int n_strong = 0;
    memset(s->is_strong, 0, s->n);
    memset(s->gains, 0, s->n);
    s->sum[first] = 0.0;
    for (int j = first; j < last; j++) {
        s->sum[j + 1] = s->sum[j] + s->weight[j];
        if (s->weight[j] > 0.0) {
            s->strong[n_strong++] = j;
            s->is_strong[j] = 1;
        }
    }
    *n_starts = *n_ends = 0;
    if (!n_strong) return;
    n_strong = keep_strongest(s, n_strong);
    int n_copies = copies_of(s, s->source[begin], first, last, s->copies);
    for (int k = 0; k < n_copies; k++) s->gains[s->copies[k]] = 1;
    *n_starts = merge(s->strong, n_strong, s->copies, n_copies, s->starts);
    n_copies = copies_of(s, s->source[stop - 1], first, last, s->copies);
    for (int k = 0; k < n_copies; k++) s->gains[s->copies[k]] = 1;
    *n_ends = merge(s->strong, n_strong, s->copies, n_copies, s->ends);
}

/* Find the content words of an entity that has several, and add up the links of each. RETURNS: How many there are. */
static int content_of(Sentence *s, int begin, int stop) {
    int n_content = 0, at = 0;
    for (int i = begin; i < stop; i++)
        if (has(s->source[i], CONTENT)) s->content[n_content++] = i;
    if (s->settings->missing == 0.0 || n_content < 2) return 0;
    for (int k = 0; k < n_content; k++, at++) {
        const int i = s->content[k];
        s->content_first[k] = at;
        s->content_sum[at] = 0.0;
        for (int l = s->column_start[i]; l < s->column_start[i + 1]; l++, at++)
            s->content_sum[at + 1] = s->content_sum[at] + s->column_value[l];
    }
    return n_content;
}

/* The score of a span from `start` to `end`. `SpanScore._scorer`. */
INLINED double score_of(const Sentence *s, int start, int end, int n_content, int is_name) {
    const Settings *c = s->settings;
    double value = s->sum[end] - s->sum[start], cost = 0.0;
    if (s->gains[start]) value += c->edge;
    if (s->gains[end - 1] && end - 1 != start) value += c->edge;
    for (int k = 0; k < n_content; k++) {
        const int i = s->content[k], size = column_size(s, i);
        const int *words = s->column_word + s->column_start[i];
        const double *sums = s->content_sum + s->content_first[k];
        if (sums[place_in(words, size, end)] - sums[place_in(words, size, start)] < c->least_linked) cost += c->missing;
    }
    cost += c->bracket * abs(s->brackets[end] - s->brackets[start]);
    if (is_name) {
        /* A span has lost its capitals if it has content words, and all of them are in lower case. */
        const int contents = s->contents[end] - s->contents[start];
        if (contents && s->lowers[end] - s->lowers[start] == contents) cost += c->lower;
    }
    return value - cost;
}

/* `SpanScore._options` of one entity. RETURNS: How many options it has. */
static int options_of(Sentence *s, const int32_t *entity, Found *found) {
    const ptrdiff_t before = found->options;
    int n_starts, n_ends;
    view(s, entity, &n_starts, &n_ends);
    const int n_content = content_of(s, entity[0], entity[1]);
    int is_name = s->settings->names_lose && s->has_case && entity[2];
    for (int i = entity[0]; i < entity[1]; i++)
        if (has(s->source[i], COMMON)) is_name = 0;
    for (int a = 0; a < n_starts; a++) {
        const int start = s->starts[a], limit = start + s->settings->max_words;
        for (int b = place_in(s->ends, n_ends, start); b < n_ends && s->ends[b] < limit; b++) {
            const double score = score_of(s, start, s->ends[b] + 1, n_content, is_name);
            if (!(score > 0.0)) continue;
            if (found->options < found->room) {
                found->score[found->options] = score;
                found->span[2 * found->options] = start;
                found->span[2 * found->options + 1] = s->ends[b] + 1;
            }
            found->options++;
        }
    }
    return (int)(found->options - before);
}

/* Take a part of a block of memory. With `block` NULL, only its size is counted. */
static void *part(char *block, size_t *used, size_t bytes) {
    char *result = block ? block + *used : NULL;
    *used += (bytes + 63) / 64 * 64;
    return result;
}

/* Give a sentence its arrays. RETURNS: The bytes that they take. */
static size_t arrange(Sentence *s, char *block, size_t m, size_t n, size_t links, size_t alike) {
    size_t used = 0;
#define ARRAY(name, size) s->name = part(block, &used, (size) * sizeof(*s->name))
    ARRAY(link, links + alike);
    ARRAY(row_head, n);
    ARRAY(row_tail, n);
    ARRAY(column_head, m);
    ARRAY(strongest, m);
    ARRAY(spelled, alike);
    ARRAY(used_source, m);
    ARRAY(used_target, n);
    ARRAY(row_start, n + 1);
    ARRAY(column_start, m + 1);
    ARRAY(row_word, links + alike);
    ARRAY(column_word, links + alike);
    ARRAY(row_value, links + alike);
    ARRAY(column_value, links + alike);
    ARRAY(owner, m);
    ARRAY(is_function, n);
    ARRAY(is_particle, m);
    ARRAY(brackets, n + 1);
    ARRAY(contents, n + 1);
    ARRAY(lowers, n + 1);
    ARRAY(unlinked_weight, n);
    ARRAY(weight, n);
    ARRAY(sum, n + 1);
    ARRAY(content_sum, links + alike + m);
    ARRAY(content, m);
    ARRAY(content_first, m);
    ARRAY(strong, n);
    ARRAY(starts, 2 * n);
    ARRAY(ends, 2 * n);
    ARRAY(copies, n);
    ARRAY(gains, n);
    ARRAY(is_strong, n);
    ARRAY(ranked, n);
#undef ARRAY
    return used;
}

INLINED size_t size_at(const int64_t *start, ptrdiff_t pair) { return (size_t)(start[pair + 1] - start[pair]); }

/* All spans of all entities with scores above 0, entity by entity, by start and end. `found` says how many there are,
 * even if there is less room.
 * RETURNS: 0, or 1 if there is no memory.
 */
EXPORTED int span_options(const Settings *settings, const Pairs *pairs, Found *found) {
    size_t most_m = 0, most_n = 0, most_links = 0, most_alike = 0;
    for (ptrdiff_t p = 0; p < pairs->pairs; p++) {
        const size_t m = size_at(pairs->source_start, p), n = size_at(pairs->target_start, p);
        const size_t links = size_at(pairs->link_start, p), alike = size_at(pairs->alike_start, p);
        if (m > most_m) most_m = m;
        if (n > most_n) most_n = n;
        if (links > most_links) most_links = links;
        if (alike > most_alike) most_alike = alike;
    }
    Sentence s = {.settings = settings};
    char *block = whole_blocks(arrange(&s, NULL, most_m, most_n, most_links, most_alike));
    if (!block) return 1;
    arrange(&s, block, most_m, most_n, most_links, most_alike);
    found->options = 0;
    for (ptrdiff_t p = 0; p < pairs->pairs; p++) {
        s.m = (int)size_at(pairs->source_start, p);
        s.n = (int)size_at(pairs->target_start, p);
        s.entities = (int)size_at(pairs->entity_start, p);
        s.source = pairs->source + pairs->source_start[p];
        s.target = pairs->target + pairs->target_start[p];
        s.entity = pairs->entities + 3 * pairs->entity_start[p];
        s.n_links = 0;
        for (int j = 0; j < s.n; j++) s.row_head[j] = -1;
        for (int i = 0; i < s.m; i++) {
            s.column_head[i] = -1;
            s.strongest[i] = 0.0;
        }
        for (int64_t k = pairs->link_start[p]; k < pairs->link_start[p + 1]; k++) {
            const double score = pairs->scores[k];
            set_link(&s, pairs->links[2 * k], pairs->links[2 * k + 1], score < 1.0 ? score : 1.0);
        }
        const int n_alike = (int)size_at(pairs->alike_start, p);
        if (n_alike) {
            memset(s.used_source, 0, s.m);
            memset(s.used_target, 0, s.n);
            for (int k = 0; k < n_alike; k++) {
                const int64_t at = pairs->alike_start[p] + k;
                s.spelled[k] = (Spelled){0.0, 0.0, pairs->similar[at], pairs->alike[2 * at], pairs->alike[2 * at + 1]};
            }
            respell(&s, n_alike);
        }
        sort_links(&s);
        read_sentence(&s);
        for (int e = 0; e < s.entities; e++)
            found->count[pairs->entity_start[p] + e] = options_of(&s, s.entity + 3 * e, found);
    }
    release(block);
    return 0;
}

/* `spelling.may_be_similar`. */
INLINED int may_be_similar(const Outlines *outlines, int64_t left, int64_t right, double least) {
    if (outlines->hyphen[left] || outlines->hyphen[right]) return 1;
    const uint64_t a = outlines->letter_pairs[left], b = outlines->letter_pairs[right];
    const int m = outlines->length[left], n = outlines->length[right];
    if (m == n && a == b) return 1;
    if (m < 4 || n < 4) return 0;
    /* Each bit of one word alone is at least one letter pair that the other has not. */
    const int of_left = m - bit_count(a & ~b), of_right = n - bit_count(b & ~a);
    const int common = (of_left < of_right ? of_left : of_right) - 1;
    return common >= least * (m + n) / 2 - 1 - 1e-6;
}

/* The words whose spelling has to be compared: `SpanScore._compared` and `word_evidence.words_alike`. `least`: the least
 * share of common letters. `reach`: see `word_evidence._REACH`. `similar` says how many there are, even if there is less
 * room.
 * RETURNS: 0, or 1 if there is no memory.
 */
EXPORTED int similar_words(const Pairs *pairs, const Outlines *outlines, double least, int reach, Similar *similar) {
    size_t most_m = 1, most_n = 1;
    for (ptrdiff_t p = 0; p < pairs->pairs; p++) {
        const size_t m = size_at(pairs->source_start, p), n = size_at(pairs->target_start, p);
        if (m > most_m) most_m = m;
        if (n > most_n) most_n = n;
    }
    int *content = malloc(most_n * sizeof(int));
    char *is_named = malloc(most_m);
    const int failed = !content || !is_named;
    similar->words = 0;
    for (ptrdiff_t p = 0; p < pairs->pairs && !failed; p++) {
        const int m = (int)size_at(pairs->source_start, p), n = (int)size_at(pairs->target_start, p);
        const int64_t *source = pairs->source + pairs->source_start[p];
        const int64_t *target = pairs->target + pairs->target_start[p];
        memset(is_named, 0, m);
        for (int64_t e = pairs->entity_start[p]; e < pairs->entity_start[p + 1]; e++)
            for (int i = pairs->entities[3 * e]; i < pairs->entities[3 * e + 1]; i++) is_named[i] = 1;
        int n_content = 0;
        for (int j = 0; j < n; j++)
            if (!has(target[j], MARK | FUNCTION)) content[n_content++] = j;
        for (int i = 0; i < m; i++) {
            if (!has(source[i], STANDS_OUT) && !(is_named[i] && !has(source[i], MARK))) continue;
            int first = 0, stop = n_content;
            if (n > 2 * reach) {
                const int expected = (int)((int64_t)i * n / m);
                first = place_in(content, n_content, expected - reach);
                stop = place_in(content, n_content, expected + reach + 1);
            }
            for (int k = first; k < stop; k++) {
                const int64_t left = folded(source[i]), right = folded(target[content[k]]);
                if (!may_be_similar(outlines, left, right, least)) continue;
                if (similar->words < similar->room) {
                    int32_t *place = similar->places + 4 * similar->words;
                    place[0] = (int32_t)p;
                    place[1] = i;
                    place[2] = content[k];
                    place[3] = left == right && outlines->length[left] > 0;
                }
                similar->words++;
            }
        }
    }
    free(content);
    free(is_named);
    return failed;
}
