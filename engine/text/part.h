/* What a tokenizer's part becomes (read.c), private to the room. All pointers point into the copy of the part that the
 * tokenizer owns, or into tables made while reading; every index in them was checked. */
#ifndef ASSAY_TEXT_PART_H
#define ASSAY_TEXT_PART_H

#include "tokenizer.h"
#include "trie.h"

#define TEXT_NONE UINT32_MAX

enum {
    TEXT_PAGES = 0x110000 / 256,
    TEXT_CLASSES_MAX = 64,
    TEXT_STEPS_MAX = 64,
    TEXT_STAGES_MAX = 32,
    TEXT_ALTERNATIVES_MAX = 32,
    TEXT_NODES_MAX = 1024
};

/* Character classes: a code point has a kind, a kind a mask of the classes it is in. */
struct text_kinds {
    const uint16_t *pages, *kinds; /* pages[c >> 8] * 256 + (c & 255) -> kind */
    const uint64_t *masks;
    uint64_t ascii[128];
};

/* A small number for each code point: combining classes, grapheme categories, scripts. */
struct text_property {
    const uint16_t *pages;
    const uint8_t *values;
};

enum { MAP_REMOVE = 0xff, MAP_TABLE = 0xfe };
#define MAP_SAME UINT32_MAX       /* the character stays */
#define MAP_SLOW (UINT32_MAX - 1) /* depends on its neighbours: the steps one by one */
#define MAP_SPACED (UINT32_MAX - 2) /* itself between two spaces */

/* A text for each code point: offset << 8 | bytes into `texts`. */
struct text_map {
    const uint8_t *ascii; /* [128]: the byte it becomes, MAP_REMOVE, or MAP_TABLE */
    const uint16_t *pages;
    const uint32_t *entries;
    const uint8_t *texts;
    uint32_t growth; /* a text grows at most so many times */
    bool ascii_only; /* no ASCII character needs the table */
};

/* Canonical composition: pairs of code points, sorted. */
struct text_pair {
    uint32_t first, second, composed;
};

enum text_op {
    STEP_MAP,         /* map a */
    STEP_FUSED,       /* map a stands for the next b steps where no character is MAP_SLOW */
    STEP_ORDER,       /* property a: canonical ordering by combining class */
    STEP_COMPOSE,     /* property a, pairs b */
    STEP_STRIP,       /* class a; b & 1 left, b & 2 right */
    STEP_PREPEND,     /* bytes a */
    STEP_REPLACE,     /* program a, bytes b */
    STEP_PRECOMPILED, /* charsmap a, property b: grapheme categories */
    STEP_BYTES,       /* each byte as its letter of the byte-level alphabet */
    STEP_OPS
};

enum text_stage_op {
    STAGE_CLASS,     /* split at characters of class a; behaviour b, invert c */
    STAGE_WORDS,     /* class a removed, class b isolated */
    STAGE_RUNS,      /* runs of class a, runs of what is in neither a nor b; b is dropped */
    STAGE_PATTERN,   /* program a; behaviour b, invert c */
    STAGE_METASPACE, /* bytes a (the replacement); scheme b (0 never, 1 first, 2 always); split c */
    STAGE_SPACE,     /* a space in front unless there is one */
    STAGE_BYTES,     /* each byte as its letter of the byte-level alphabet */
    STAGE_SCRIPTS,   /* property a */
    STAGE_LENGTH,    /* a characters each */
    STAGE_OPS
};

enum text_behavior { REMOVED, ISOLATED, MERGED_PREVIOUS, MERGED_NEXT, CONTIGUOUS, BEHAVIORS };

struct text_bytes {
    const uint8_t *p;
    uint32_t len;
};

/* A pattern's program (pattern.c). */
struct text_node {
    uint32_t op, a, b, c; /* see pattern.c */
};

struct text_program {
    const struct text_node *nodes;
    uint32_t count;
    uint32_t alternatives[TEXT_ALTERNATIVES_MAX]; /* where each begins, in their order */
    uint32_t alternative_count;
    uint32_t first[256]; /* bit i: alternative i can match a text that begins with this byte */
};

struct text_charsmap {
    const uint32_t *units;
    const uint8_t *texts;
    uint32_t unit_count, text_bytes;
    uint32_t growth;
};

struct text_step {
    uint32_t op, a, b, c;
    struct text_map map;
    struct text_property property;
    const struct text_pair *pairs;
    uint32_t pair_count;
    struct text_bytes bytes;
    struct text_program program;
    struct text_charsmap charsmap;
    uint32_t growth, extra; /* n bytes become at most n * growth + extra */
};

struct text_stage {
    uint32_t op, a, b, c;
    struct text_property property;
    struct text_bytes bytes;
    struct text_program program;
    uint32_t growth, extra; /* of the bytes it writes; growth 0: it writes none */
};

struct added_token {
    uint32_t id, flags; /* ADDED_* */
};
enum { ADDED_SINGLE_WORD = 1, ADDED_LSTRIP = 2, ADDED_RSTRIP = 4 };

struct text_added {
    struct trie trie; /* to an index in tokens */
    const struct added_token *tokens;
    uint32_t count;
    uint64_t starts[4]; /* first bytes */
    uint32_t start_count;
    uint8_t start; /* the first byte, if it is the only one */
};

enum model_kind { MODEL_WORD_LEVEL, MODEL_WORD_PIECE, MODEL_BPE, MODEL_UNIGRAM, MODEL_KINDS };

struct bpe_token {
    uint32_t left, right; /* what it is merged of, itself if it is a single symbol */
    uint32_t rank;        /* of that merge, from 1; 0: a symbol */
    uint32_t time;        /* the highest rank on the way to it */
    uint32_t len;         /* bytes of its key */
    uint32_t prefix;      /* the longest token whose key begins this one's; TEXT_NONE if there is none */
};

struct bpe_merge {
    uint64_t pair; /* left << 32 | right; UINT64_MAX: a free place */
    uint32_t rank, id;
};

enum {
    BPE_BYTES = 1,         /* symbols are bytes, not characters */
    BPE_IGNORE_MERGES = 2, /* a piece that is in the vocabulary is its token */
    BPE_FUSE_UNKNOWN = 4,
    BPE_BYTE_FALLBACK = 8,
    BPE_FAST = 16,         /* tokens[] is there and says what merging gives (bpe.c) */
    BPE_MARK_START = 32,   /* keys of what begins a piece begin with 0xfe */
    BPE_MARK_END = 64,     /* keys of what ends a piece end with 0xff */
    BPE_UNKNOWN_FAILS = 128,
    BPE_FLAGS = 255
};

struct text_model {
    enum model_kind kind;
    struct trie words;     /* the vocabulary */
    struct trie rest;      /* word piece: what continues a word; bpe: the symbols */
    struct trie merged;    /* bpe: the tokens that merging can give */
    uint32_t unknown;      /* id, or TEXT_NONE */
    uint32_t max_chars;    /* word piece */
    uint32_t flags;        /* bpe */
    const uint32_t *bytes; /* [256] ids of <0x00> ... <0xFF>, or NULL */
    const double *scores;  /* unigram, by id */
    double unknown_score;
    const struct bpe_token *tokens; /* by id */
    uint32_t token_count;
    const struct bpe_merge *merges;
    uint32_t merge_mask; /* places - 1 */
    const uint64_t *filter; /* two bits for each merge, in one word: most pairs that do not merge have not both */
    uint32_t filter_mask;   /* words - 1 */
};

/* After the model: pieces of the answer, with and without special tokens; truncation; padding. */
struct text_post {
    const uint32_t *pieces; /* ids, or TEXT_NONE: the text's own */
    uint32_t piece_count, own_count, special_count;
    uint32_t max_len;  /* with special tokens, before they are added; TEXT_NONE: no truncation */
    uint32_t max_bare; /* without */
    uint32_t keep_end; /* truncation keeps the end */
    uint32_t pad_to, pad_multiple, pad_id, pad_left; /* pad_to TEXT_NONE: no padding; 0: only to the multiple */
};

struct tokenizer {
    uint8_t *part; /* owned */
    uint64_t *filter; /* owned */
    size_t part_bytes;
    struct text_kinds kinds;
    uint32_t word_class, space_class; /* for added tokens */
    struct text_step steps[TEXT_STEPS_MAX];
    uint32_t step_count;
    struct text_stage stages[TEXT_STAGES_MAX];
    uint32_t stage_count;
    struct text_added added, added_normalized;
    struct text_model model;
    struct text_post post;
    uint32_t id_bound;
};

/* One encoding under way. */
struct text_run {
    const struct tokenizer *tokenizer;
    uint8_t *buffers[2]; /* of the normalizer */
    size_t buffer_bytes;
    uint8_t *stage_buffers[TEXT_STAGES_MAX];
    size_t stage_bytes[TEXT_STAGES_MAX];
    uint8_t *work; /* of the model, for a piece of at most work_bytes */
    size_t piece_bytes;
    uint32_t *ids;
    size_t count, capacity;
    uint64_t steps_left; /* of patterns */
    int64_t failure;     /* 0, or what went wrong; everything ends soon after */
};

#define BPE_HASH_FACTOR 0x9e3779b97f4a7c15ull

static inline uint64_t text_pair_bits(uint64_t hash) { return 1ull << (hash >> 20 & 63) | 1ull << (hash >> 26 & 63); }

/* The merge of two tokens, NULL if they have none. */
static inline const struct bpe_merge *text_bpe_find(const struct text_model *model, uint32_t left, uint32_t right) {
    enum { PROBES_MAX = 64 };
    uint64_t pair = (uint64_t)left << 32 | right, hash = pair * BPE_HASH_FACTOR, bits = text_pair_bits(hash);
    if (__builtin_expect((model->filter[hash >> 40 & model->filter_mask] & bits) != bits, 1))
        return NULL;
    uint32_t at = (uint32_t)(hash >> 32) & model->merge_mask;
    for (uint32_t probes = 0; probes < PROBES_MAX; probes++) {
        const struct bpe_merge *merge = &model->merges[at];
        if (merge->pair == pair)
            return merge;
        if (merge->pair == UINT64_MAX)
            return NULL;
        at = (at + 1) & model->merge_mask;
    }
    return NULL;
}

static inline bool text_push(struct text_run *run, uint32_t id) {
    if (run->count >= run->capacity) {
        run->failure = TOKENIZER_TOO_LONG;
        return false;
    }
    run->ids[run->count++] = id;
    return true;
}

/* Bytes of a character from its first byte, of valid UTF-8. */
static inline uint32_t text_width(uint8_t first) {
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static inline uint32_t text_decode(const uint8_t *p, uint32_t width) {
    switch (width) {
    case 1: return p[0];
    case 2: return (uint32_t)(p[0] & 31) << 6 | (p[1] & 63);
    case 3: return (uint32_t)(p[0] & 15) << 12 | (uint32_t)(p[1] & 63) << 6 | (p[2] & 63);
    default: return (uint32_t)(p[0] & 7) << 18 | (uint32_t)(p[1] & 63) << 12 | (uint32_t)(p[2] & 63) << 6 | (p[3] & 63);
    }
}

static inline uint32_t text_encode(uint32_t c, uint8_t *out) {
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xc0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xe0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 63));
        out[2] = (uint8_t)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 63));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 63));
    out[3] = (uint8_t)(0x80 | (c & 63));
    return 4;
}

static inline uint64_t text_classes(const struct text_kinds *kinds, uint32_t c) {
    return c < 128 ? kinds->ascii[c] : kinds->masks[kinds->kinds[kinds->pages[c >> 8] * 256u + (c & 255)]];
}

/* The classes of the character at p, and its width. */
static inline uint64_t text_classes_at(const struct text_kinds *kinds, const uint8_t *p, uint32_t *width) {
    if (p[0] < 128) {
        *width = 1;
        return kinds->ascii[p[0]];
    }
    *width = text_width(p[0]);
    return text_classes(kinds, text_decode(p, *width));
}

static inline uint32_t text_value(const struct text_property *property, uint32_t c) {
    return property->values[property->pages[c >> 8] * 256u + (c & 255)];
}

/* Where the character that ends before `at` begins. */
static inline size_t text_back(const uint8_t *p, size_t at) {
    do
        at--;
    while (at > 0 && (p[at] & 0xc0) == 0x80);
    return at;
}

/* A text between two steps: where it is, and how many of its first bytes come from the original's first character. */
struct text_piece {
    const uint8_t *p;
    size_t len, origin;
};

/* The room's parts, in the order in which a text meets them. Each sets run->failure. */
void text_added_split(struct text_run *run, struct text_piece piece, bool normalized); /* added.c */
bool text_normalize(struct text_run *run, struct text_piece *piece);                  /* normalize.c */
void text_order(const struct text_step *step, uint8_t *text, size_t len, uint32_t *work); /* compose.c */
size_t text_compose(const struct text_step *step, struct text_piece piece, uint8_t *out, size_t *origin,
                    uint32_t *work);
size_t text_precompiled(const struct text_step *step, struct text_piece piece, uint8_t *out, size_t *origin);
size_t text_byte_letters(const uint8_t *p, size_t len, uint8_t *out);
void text_stage(struct text_run *run, uint32_t stage, struct text_piece piece); /* pretokenize.c */
void text_model(struct text_run *run, const uint8_t *p, size_t len);            /* tokenizer.c */
void text_word_level(struct text_run *run, const uint8_t *p, size_t len);
void text_word_piece(struct text_run *run, const uint8_t *p, size_t len);
void text_bpe(struct text_run *run, const uint8_t *p, size_t len);
void text_bpe_merge(struct text_run *run, const uint8_t *p, size_t len); /* bpe_merge.c */
void text_unigram(struct text_run *run, const uint8_t *p, size_t len);
/* Finds the program's next match at or after *start: its end, or SIZE_MAX. */
size_t text_match(struct text_run *run, const struct text_program *program, const uint8_t *p, size_t len, size_t *start);
/* Fills in the alternatives; false if the nodes are not a program. */
bool text_program_check(struct text_program *program, const struct text_kinds *kinds);
size_t text_post_process(const struct tokenizer *tokenizer, bool special, uint32_t *ids, size_t count, size_t capacity);

/* Bytes of work that a piece of so many bytes needs. */
size_t text_work_bytes(const struct tokenizer *tokenizer, size_t piece_bytes);
/* A text of n bytes after the normalizer; after the stages too. */
size_t text_normalized_bound(const struct tokenizer *tokenizer, size_t n);
size_t text_staged_bound(const struct tokenizer *tokenizer, size_t n, size_t bounds[TEXT_STAGES_MAX]);

#endif
