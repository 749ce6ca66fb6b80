/* Rows as bytes (columns.h). A ruler is searched in two looks: sixteen pivots, then the sixteen thresholds between two
 * of them; with AVX-512 a look is one comparison (two of doubles) and a count of bits. Where rows are rounded to
 * float32 (XGBoost, CatBoost, sklearn), thresholds are too, downwards: `value <= threshold` stays the same for such
 * values, and half the memory is touched. */
#include "columns.h"

#include <math.h>
#include <stdlib.h>

#include "../base/assert.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    RULER_MAX = 255,
    LOOK = 16,
    WIDE = LOOK + 256, /* pivots, then thresholds, infinity behind the last */
    VARIANTS = 8,
    NONE = 0xffff,
};

enum ruler_kind { RULER_NARROW, RULER_WIDE, RULER_CATEGORY };

struct ruler {
    uint32_t first; /* in edges */
    uint32_t node;  /* of a category: one that splits so */
    uint16_t input;
    uint16_t column, columns;   /* its columns are neighbours */
    uint16_t variant[VARIANTS]; /* the column of nodes with these flags */
    uint8_t kind, count;
    bool nan_is_zero; /* every node sends NaN where it sends zero (LightGBM without missing values) */
};

/* Of a ruler what a row needs: eight of them a cache line. Their columns follow each other. */
struct look {
    uint32_t first;
    uint16_t input;
    uint8_t wide, columns;
};

struct columns {
    const struct forest *forest;
    struct ruler *rulers;
    struct look looks[COLUMNS_MAX];
    uint16_t *input_rulers; /* per input and one more: its first ruler */
    double *sorted;         /* thresholds by input, each once */
    uint32_t *sorted_first, *sorted_count;
    double *doubles; /* the rulers' edges, of one kind */
    float *floats;
    uint32_t ruler_count, number_rulers, column_count, edge_count;
    bool float32, avx512;
    uint8_t nan_byte[COLUMNS_MAX];  /* per column */
    uint8_t zero_rule[COLUMNS_MAX]; /* 0: zero is a number; 1: missing, left; 2: missing, right */
};

/* --- making --- */

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint32_t unique(double *values, uint32_t count) {
    uint32_t kept = 0;
    qsort(values, count, sizeof *values, by_value);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || values[i] != values[kept - 1])
            values[kept++] = values[i];
    return kept;
}

/* The largest float32 that is not above it. */
static double float_below(double threshold) {
    float near = (float)threshold;
    return (double)((double)near > threshold ? nextafterf(near, -INFINITY) : near);
}

static double threshold_of(const struct columns *c, uint32_t node) {
    double threshold = c->forest->nodes[node].threshold;
    return c->float32 ? float_below(threshold) : threshold;
}

static bool is_number(const struct node *node) { return node->step && !(node->flags & NODE_CATEGORY); }

static bool sort_thresholds(struct columns *c) {
    const struct forest *forest = c->forest;
    uint32_t total = 0;
    for (uint32_t i = 0; i < forest->node_count; i++)
        if (is_number(&forest->nodes[i])) {
            if (isnan(forest->nodes[i].threshold))
                return false; /* nothing is at most that: it has no place in the order */
            c->sorted_count[forest->nodes[i].feature]++;
            total++;
        }
    c->sorted = calloc((size_t)total + 1, sizeof *c->sorted);
    if (c->sorted == NULL)
        return false;
    for (uint32_t f = 0, at = 0; f < forest->input_count; f++) {
        c->sorted_first[f] = at;
        at += c->sorted_count[f];
        c->sorted_count[f] = 0;
    }
    for (uint32_t i = 0; i < forest->node_count; i++)
        if (is_number(&forest->nodes[i])) {
            uint32_t f = forest->nodes[i].feature;
            c->sorted[c->sorted_first[f] + c->sorted_count[f]++] = threshold_of(c, i);
        }
    for (uint32_t f = 0; f < forest->input_count; f++)
        c->sorted_count[f] = unique(c->sorted + c->sorted_first[f], c->sorted_count[f]);
    return true;
}

static struct ruler *add_ruler(struct columns *c, uint16_t input, enum ruler_kind kind) {
    if (c->ruler_count == COLUMNS_MAX)
        return NULL;
    struct ruler *ruler = &c->rulers[c->ruler_count++];
    *ruler = (struct ruler){.input = input, .kind = (uint8_t)kind};
    for (int v = 0; v < VARIANTS; v++)
        ruler->variant[v] = NONE;
    return ruler;
}

static bool add_number_rulers(struct columns *c) {
    for (uint32_t f = 0; f < c->forest->input_count; f++) {
        c->input_rulers[f] = (uint16_t)c->ruler_count;
        for (uint32_t from = 0; from < c->sorted_count[f]; from += RULER_MAX) {
            uint32_t count = c->sorted_count[f] - from < RULER_MAX ? c->sorted_count[f] - from : RULER_MAX;
            struct ruler *ruler = add_ruler(c, (uint16_t)f, count < LOOK ? RULER_NARROW : RULER_WIDE);
            if (ruler == NULL)
                return false;
            ruler->count = (uint8_t)count;
            ruler->first = c->edge_count;
            c->edge_count += ruler->kind == RULER_WIDE ? WIDE : LOOK;
        }
    }
    c->number_rulers = c->ruler_count;
    return true;
}

static double edge_of(const struct columns *c, const struct ruler *ruler, uint32_t i) {
    uint32_t chunk = (uint32_t)(ruler - c->rulers) - c->input_rulers[ruler->input];
    return i < ruler->count ? c->sorted[c->sorted_first[ruler->input] + chunk * RULER_MAX + i] : INFINITY;
}

static bool lay_edges(struct columns *c) {
    size_t bytes = ((size_t)c->edge_count + LOOK) * (c->float32 ? sizeof(float) : sizeof(double));
    void *edges = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (edges == NULL)
        return false;
    c->floats = c->float32 ? edges : NULL;
    c->doubles = c->float32 ? NULL : edges;
    for (uint32_t r = 0; r < c->number_rulers; r++) {
        const struct ruler *ruler = &c->rulers[r];
        bool wide = ruler->kind == RULER_WIDE;
        for (uint32_t i = 0; i < (uint32_t)(wide ? WIDE : LOOK); i++) {
            uint32_t edge = !wide ? i : i < LOOK ? i * LOOK + LOOK - 1 : i - LOOK;
            if (c->float32)
                c->floats[ruler->first + i] = (float)edge_of(c, ruler, edge);
            else
                c->doubles[ruler->first + i] = edge_of(c, ruler, edge);
        }
    }
    return true;
}

static uint32_t variant_of(const struct ruler *ruler, const struct node *node) {
    uint32_t zero = NODE_ZERO_IS_MISSING | NODE_ZERO_LEFT;
    uint32_t flags = node->flags & (NODE_NAN_LEFT | zero);
    if (ruler->nan_is_zero)
        return 0;
    return flags & NODE_ZERO_IS_MISSING ? flags : flags & ~zero;
}

static bool same_category(const struct forest *forest, const struct node *a, const struct node *b) {
    return a->feature == b->feature && a->flags == b->flags && a->set.words == b->set.words &&
           memcmp(forest->words + a->set.first_word, forest->words + b->set.first_word,
                  a->set.words * sizeof *forest->words) == 0;
}

static uint32_t category_ruler(const struct columns *c, const struct node *node) {
    for (uint32_t r = c->number_rulers; r < c->ruler_count; r++)
        if (same_category(c->forest, &c->forest->nodes[c->rulers[r].node], node))
            return r;
    return NONE;
}

/* How many of the input's thresholds lie below this one of them. */
static uint32_t place_of(const struct columns *c, uint32_t input, double threshold) {
    const double *sorted = c->sorted + c->sorted_first[input];
    uint32_t low = 0, high = c->sorted_count[input];
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (sorted[middle] < threshold)
            low = middle + 1;
        else
            high = middle;
    }
    ASSERT(low < c->sorted_count[input] && sorted[low] == threshold);
    return low;
}

static struct ruler *ruler_of(const struct columns *c, uint32_t at, uint32_t *place) {
    uint32_t input = c->forest->nodes[at].feature;
    *place = place_of(c, input, threshold_of(c, at));
    return &c->rulers[c->input_rulers[input] + *place / RULER_MAX];
}

/* Which rulers need no column for each direction of NaN. */
static void find_nan_is_zero(struct columns *c) {
    uint32_t place;
    for (uint32_t r = 0; r < c->number_rulers; r++)
        c->rulers[r].nan_is_zero = true;
    for (uint32_t i = 0; i < c->forest->node_count; i++) {
        const struct node *node = &c->forest->nodes[i];
        if (is_number(node) && ((node->flags & NODE_ZERO_IS_MISSING) ||
                                ((node->flags & NODE_NAN_LEFT) != 0) != (0.0 <= threshold_of(c, i))))
            ruler_of(c, i, &place)->nan_is_zero = false;
    }
}

static uint32_t zero_place(const struct columns *c, const struct ruler *ruler) {
    uint32_t below = 0;
    while (below < ruler->count && edge_of(c, ruler, below) < 0.0)
        below++;
    return below;
}

static bool mark_variants(struct columns *c) {
    find_nan_is_zero(c);
    for (uint32_t i = 0; i < c->forest->node_count; i++) {
        const struct node *node = &c->forest->nodes[i];
        if (is_number(node)) {
            uint32_t place;
            struct ruler *ruler = ruler_of(c, i, &place);
            ruler->variant[variant_of(ruler, node)] = 0;
        } else if (node->step && category_ruler(c, node) == NONE) {
            struct ruler *ruler = add_ruler(c, node->feature, RULER_CATEGORY);
            if (ruler == NULL)
                return false;
            ruler->node = i;
            ruler->variant[0] = 0;
        }
    }
    return true;
}

static bool number_columns(struct columns *c) {
    for (uint32_t r = 0; r < c->ruler_count; r++) {
        struct ruler *ruler = &c->rulers[r];
        ruler->column = (uint16_t)c->column_count;
        for (uint32_t v = 0; v < VARIANTS; v++) {
            if (ruler->variant[v] == NONE)
                continue;
            if (c->column_count == COLUMNS_MAX)
                return false;
            ruler->variant[v] = (uint16_t)c->column_count;
            c->nan_byte[c->column_count] = v & NODE_NAN_LEFT ? 0 : 255;
            if (ruler->nan_is_zero)
                c->nan_byte[c->column_count] = (uint8_t)zero_place(c, ruler);
            c->zero_rule[c->column_count] = !(v & NODE_ZERO_IS_MISSING) ? 0 : v & NODE_ZERO_LEFT ? 1 : 2;
            c->column_count++;
            ruler->columns++;
        }
        c->looks[r] = (struct look){ruler->first, ruler->input, ruler->kind == RULER_WIDE, (uint8_t)ruler->columns};
    }
    return true;
}

struct columns *columns_make(const struct forest *forest) {
    struct columns *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->forest = forest;
    c->float32 = forest->row_rule == ROW_FLOAT32;
#if defined(__x86_64__)
    c->avx512 = forest->path == MODEL_FASTEST && __builtin_cpu_supports("avx512f");
#endif
    c->rulers = calloc(COLUMNS_MAX, sizeof *c->rulers);
    c->input_rulers = calloc((size_t)forest->input_count + 1, sizeof *c->input_rulers);
    c->sorted_first = calloc((size_t)forest->input_count + 1, sizeof *c->sorted_first);
    c->sorted_count = calloc((size_t)forest->input_count + 1, sizeof *c->sorted_count);
    bool good = c->rulers != NULL && c->input_rulers != NULL && c->sorted_first != NULL && c->sorted_count != NULL;
    if (good && sort_thresholds(c) && add_number_rulers(c) && lay_edges(c) && mark_variants(c) && number_columns(c))
        return c;
    columns_free(c);
    return NULL;
}

void columns_free(struct columns *columns) {
    if (columns == NULL)
        return;
    free(columns->rulers);
    free(columns->input_rulers);
    free(columns->sorted);
    free(columns->sorted_first);
    free(columns->sorted_count);
    free(columns->doubles);
    free(columns->floats);
    free(columns);
}

uint32_t columns_count(const struct columns *columns) { return columns->column_count; }

struct decision columns_decision(const struct columns *c, uint32_t at) {
    const struct node *node = &c->forest->nodes[at];
    ASSERT(node->step);
    if (node->flags & NODE_CATEGORY)
        return (struct decision){(uint8_t)c->rulers[category_ruler(c, node)].column, 0};
    uint32_t place;
    const struct ruler *ruler = ruler_of(c, at, &place);
    uint16_t column = ruler->variant[variant_of(ruler, node)];
    ASSERT(column < c->column_count);
    return (struct decision){(uint8_t)column, (uint8_t)(place % RULER_MAX)};
}

/* --- rows --- */

/* How many of a power of two less one sorted edges lie below. */
#define BIN_PLAIN(edges, count, value, below)                                                                          \
    for (uint32_t half = ((count) + 1) / 2; half > 0; half /= 2)                                                       \
    below += (edges)[below + half - 1] < (value) ? half : 0

static uint32_t bin_plain(const struct columns *c, const struct look *look, double value) {
    uint32_t below = 0, skip = look->wide ? LOOK : 0, count = look->wide ? RULER_MAX : LOOK - 1;
    if (c->float32)
        BIN_PLAIN(c->floats + look->first + skip, count, (float)value, below);
    else
        BIN_PLAIN(c->doubles + look->first + skip, count, value, below);
    return below;
}

/* Puts a ruler's byte into its columns; returns the next column. */
static inline uint32_t fill(const struct columns *c, const struct look *look, double value, uint32_t below,
                            uint32_t column, uint8_t *bytes, const size_t stride) {
    bool nan = value != value;
    if (look->columns == 1 && !c->forest->zero_missing) {
        bytes[column * stride] = nan ? c->nan_byte[column] : (uint8_t)below;
        return column + 1;
    }
    for (uint32_t end = column + look->columns; column < end; column++) {
        bytes[column * stride] = nan ? c->nan_byte[column] : (uint8_t)below;
        if (value == 0 && c->zero_rule[column] != 0)
            bytes[column * stride] = c->zero_rule[column] == 1 ? 0 : 255;
    }
    return column;
}

#if defined(__x86_64__)

#define AVX512 __attribute__((target("avx512f,popcnt")))

AVX512 static inline uint32_t look_doubles(const double *edges, __m512d value) {
    uint32_t low = _mm512_cmp_pd_mask(_mm512_load_pd(edges), value, _CMP_LT_OQ);
    uint32_t high = _mm512_cmp_pd_mask(_mm512_load_pd(edges + 8), value, _CMP_LT_OQ);
    return (uint32_t)__builtin_popcount(low | high << 8);
}

AVX512 static inline uint32_t look_floats(const float *edges, __m512 value) {
    return (uint32_t)__builtin_popcount((uint32_t)_mm512_cmp_ps_mask(_mm512_load_ps(edges), value, _CMP_LT_OQ));
}

#define AVX512_INLINE AVX512 static inline __attribute__((always_inline))

AVX512_INLINE uint32_t below_of(const struct columns *c, const struct look *look, double value, const bool float32) {
    uint32_t below = 0;
    if (float32) {
        const float *edges = c->floats + look->first;
        __m512 wanted = _mm512_set1_ps((float)value);
        if (look->wide) {
            below = LOOK * look_floats(edges, wanted);
            edges += LOOK + below;
        }
        return below + look_floats(edges, wanted);
    }
    const double *edges = c->doubles + look->first;
    __m512d wanted = _mm512_set1_pd(value);
    if (look->wide) {
        below = LOOK * look_doubles(edges, wanted);
        edges += LOOK + below;
    }
    return below + look_doubles(edges, wanted);
}

AVX512_INLINE void number_row(const struct columns *c, const double *row, uint8_t *bytes, const bool float32) {
    for (uint32_t r = 0, column = 0; r < c->number_rulers; r++) {
        const struct look *look = &c->looks[r];
        double value = row[look->input];
        column = fill(c, look, value, below_of(c, look, value, float32), column, bytes, 1);
    }
}

/* Sixteen values' looks at once: a search by halves, among pivots in a register, then among the edges in memory. */
AVX512_INLINE __m512i below_floats(const float *edges, bool wide, __m512 values) {
    const __m512 pivots = _mm512_load_ps(edges);
    __m512i below = _mm512_setzero_si512();
    for (int half = LOOK / 2; half > 0; half /= 2) {
        __m512 edge = _mm512_permutexvar_ps(_mm512_add_epi32(below, _mm512_set1_epi32(half - 1)), pivots);
        __mmask16 more = _mm512_cmp_ps_mask(edge, values, _CMP_LT_OQ);
        below = _mm512_mask_add_epi32(below, more, below, _mm512_set1_epi32(half));
    }
    if (!wide)
        return below;
    below = _mm512_slli_epi32(below, 4);
    for (int half = LOOK / 2; half > 0; half /= 2) {
        __m512 edge = _mm512_i32gather_ps(below, edges + LOOK + half - 1, sizeof(float));
        __mmask16 more = _mm512_cmp_ps_mask(edge, values, _CMP_LT_OQ);
        below = _mm512_mask_add_epi32(below, more, below, _mm512_set1_epi32(half));
    }
    return below;
}

AVX512_INLINE __m512i below_doubles(const double *edges, bool wide, __m512d values) {
    const __m512d low = _mm512_load_pd(edges), high = _mm512_load_pd(edges + 8);
    __m512i below = _mm512_setzero_si512();
    for (int half = LOOK / 2; half > 0; half /= 2) {
        __m512i index = _mm512_add_epi64(below, _mm512_set1_epi64(half - 1));
        __mmask8 more = _mm512_cmp_pd_mask(_mm512_permutex2var_pd(low, index, high), values, _CMP_LT_OQ);
        below = _mm512_mask_add_epi64(below, more, below, _mm512_set1_epi64(half));
    }
    if (!wide)
        return below;
    below = _mm512_slli_epi64(below, 4);
    for (int half = LOOK / 2; half > 0; half /= 2) {
        __m512d edge = _mm512_i64gather_pd(below, edges + LOOK + half - 1, sizeof(double));
        __mmask8 more = _mm512_cmp_pd_mask(edge, values, _CMP_LT_OQ);
        below = _mm512_mask_add_epi64(below, more, below, _mm512_set1_epi64(half));
    }
    return below;
}

/* One ruler's bytes for rows whose values lie together; both arrays have room up to a whole sixteen. */
AVX512_INLINE void ruler_floats(const struct columns *c, const struct look *look, const float *values, uint32_t count,
                                uint32_t column, uint8_t *bytes) {
    for (uint32_t i = 0; i < count; i += 16) {
        __m512 own = _mm512_load_ps(values + i);
        __mmask16 nan = _mm512_cmp_ps_mask(own, own, _CMP_UNORD_Q);
        __m512i below = below_floats(c->floats + look->first, look->wide, own);
        for (uint32_t k = column; k < column + look->columns; k++) {
            __m512i all = _mm512_mask_mov_epi32(below, nan, _mm512_set1_epi32(c->nan_byte[k]));
            _mm_storeu_si128((__m128i *)(bytes + (size_t)k * COLUMNS_ROWS + i), _mm512_cvtepi32_epi8(all));
        }
    }
}

AVX512_INLINE void ruler_doubles(const struct columns *c, const struct look *look, const double *values, uint32_t count,
                                 uint32_t column, uint8_t *bytes) {
    for (uint32_t i = 0; i < count; i += 8) {
        __m512d own = _mm512_load_pd(values + i);
        __mmask8 nan = _mm512_cmp_pd_mask(own, own, _CMP_UNORD_Q);
        __m512i below = below_doubles(c->doubles + look->first, look->wide, own);
        for (uint32_t k = column; k < column + look->columns; k++) {
            __m512i all = _mm512_mask_mov_epi64(below, nan, _mm512_set1_epi64(c->nan_byte[k]));
            _mm_storel_epi64((__m128i *)(bytes + (size_t)k * COLUMNS_ROWS + i), _mm512_cvtepi64_epi8(all));
        }
    }
}

/* Ruler by ruler over the rows, so that its edges stay in the nearest cache. */
AVX512_INLINE void number_rows(const struct columns *c, const double *const *rows, uint32_t count, uint8_t *bytes,
                               const bool float32) {
    _Alignas(64) double doubles[COLUMNS_ROWS];
    _Alignas(64) float floats[COLUMNS_ROWS];
    memset(doubles, 0, sizeof doubles);
    memset(floats, 0, sizeof floats);
    for (uint32_t r = 0, column = 0; r < c->number_rulers; r++) {
        const struct look *look = &c->looks[r];
        for (uint32_t i = 0; i < count; i++) {
            double value = rows[i][look->input];
            if (float32)
                floats[i] = (float)value;
            else
                doubles[i] = value;
            if (c->forest->zero_missing)
                fill(c, look, value, below_of(c, look, value, float32), column, bytes + i, COLUMNS_ROWS);
        }
        if (!c->forest->zero_missing && float32)
            ruler_floats(c, look, floats, count, column, bytes);
        else if (!c->forest->zero_missing)
            ruler_doubles(c, look, doubles, count, column, bytes);
        column += look->columns;
    }
}

AVX512 static void number_rows_doubles(const struct columns *c, const double *const *rows, uint32_t count,
                                       uint8_t *bytes) {
    number_rows(c, rows, count, bytes, false);
}
AVX512 static void number_rows_floats(const struct columns *c, const double *const *rows, uint32_t count,
                                      uint8_t *bytes) {
    number_rows(c, rows, count, bytes, true);
}
AVX512 static void number_row_doubles(const struct columns *c, const double *row, uint8_t *bytes) {
    number_row(c, row, bytes, false);
}
AVX512 static void number_row_floats(const struct columns *c, const double *row, uint8_t *bytes) {
    number_row(c, row, bytes, true);
}

#endif

void columns_row(const struct columns *c, const double *row, uint8_t bytes[COLUMNS_MAX]) {
#if defined(__x86_64__)
    if (c->avx512)
        (c->float32 ? number_row_floats : number_row_doubles)(c, row, bytes);
#endif
    for (uint32_t r = 0, column = 0; r < c->number_rulers && !c->avx512; r++) {
        const struct look *look = &c->looks[r];
        double value = row[look->input];
        column = fill(c, look, value, bin_plain(c, look, value), column, bytes, 1);
    }
    for (uint32_t r = c->number_rulers; r < c->ruler_count; r++) {
        const struct ruler *ruler = &c->rulers[r];
        uint32_t right = forest_next(c->forest, ruler->node, row) - c->forest->nodes[ruler->node].child;
        bytes[ruler->column] = right ? 255 : 0;
    }
}

void columns_rows(const struct columns *c, const double *const *rows, uint32_t count, uint8_t *bytes) {
    ASSERT(count <= COLUMNS_ROWS);
#if defined(__x86_64__)
    if (c->avx512)
        (c->float32 ? number_rows_floats : number_rows_doubles)(c, rows, count, bytes);
#endif
    for (uint32_t i = 0; i < count; i++) {
        uint8_t own[COLUMNS_MAX];
        uint32_t from =
            c->avx512 ? c->ruler_count > c->number_rulers ? c->rulers[c->number_rulers].column : COLUMNS_MAX : 0;
        if (from == COLUMNS_MAX)
            return;
        columns_row(c, rows[i], own);
        for (uint32_t column = from; column < c->column_count; column++)
            bytes[(size_t)column * COLUMNS_ROWS + i] = own[column];
    }
}
