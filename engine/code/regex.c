/* Reads, compiles and matches regular expressions (regex.h).
 *
 * Work. PCRE2 counts the steps of a match from one start, not of a search; what a step reads is bounded only by the text. So a
 * search goes window by window of starts, with a limit of steps for each start; after a window what it may have done is charged. A
 * start that passes the limit is charged and the window is tried again with a limit eight times as high, until the steps of the
 * call are used up: LimitError. The result never depends on the windows. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "regex.h"

enum {
    FIRST_LIMIT = 128,             /* PCRE2's steps for a start, at first */
    LIMIT_GROWTH = 8,
    WINDOW_WORK = 1 << 18,         /* steps in a window, at most */
    WINDOW_READS = 1 << 22,        /* bytes read in a window by steps that read all of the text */
    SLAB_BYTES = 2 * LIMIT_PATTERN_HEAP_BYTES + (1 << 18),
    NESTING_MAX = 200,
};

struct matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
    size_t used;
    uint8_t *slab; /* PCRE2 doubles its memory for backtracking up to the limit: all of the doublings fit */
};

/* --- memory: PCRE2 takes from an arena or a slab, which are freed as a whole --- */

static void *arena_take(size_t bytes, void *arena) { return arena_alloc(arena, bytes); }

static void *slab_take(size_t bytes, void *data) {
    struct matcher *matcher = data;
    size_t rounded = (bytes + 15) & ~(size_t)15;
    if (bytes > SLAB_BYTES || rounded > SLAB_BYTES - matcher->used)
        return NULL;
    void *p = matcher->slab + matcher->used;
    matcher->used += rounded;
    return p;
}

static void keep(void *p, void *data) {
    (void)p;
    (void)data;
}

struct matcher *matcher_new(void) {
    struct matcher *matcher = calloc(1, sizeof *matcher);
    if (matcher == NULL)
        return NULL;
    matcher->slab = malloc(SLAB_BYTES); /* touched only as far as it is used */
    if (matcher->slab != NULL) {
        pcre2_general_context *memory = pcre2_general_context_create(slab_take, keep, matcher);
        if (memory != NULL) {
            matcher->data = pcre2_match_data_create(REGEX_GROUPS_MAX + 1, memory);
            matcher->context = pcre2_match_context_create(memory);
        }
    }
    if (matcher->data == NULL || matcher->context == NULL) {
        matcher_free(matcher);
        return NULL;
    }
    pcre2_set_heap_limit(matcher->context, LIMIT_PATTERN_HEAP_BYTES / 1024);
    return matcher;
}

void matcher_free(struct matcher *matcher) {
    if (matcher == NULL)
        return;
    free(matcher->slab);
    free(matcher);
}

/* --- reading --- */

struct reader {
    const uint8_t *bytes;
    size_t len, at;
    struct arena *arena;
    const char *wrong;
};

static bool refuse(struct reader *reader, const char *why) {
    reader->wrong = why;
    return false;
}

static bool take_u32(struct reader *reader, uint32_t *out) {
    if (reader->len - reader->at < sizeof *out)
        return refuse(reader, "truncated");
    memcpy(out, reader->bytes + reader->at, sizeof *out);
    reader->at += sizeof *out;
    return true;
}

static bool take_text(struct reader *reader, struct value *out) {
    uint32_t count;
    bool ascii;
    if (!take_u32(reader, &count))
        return false;
    if (count > reader->len - reader->at || count > LIMIT_PATTERN_BYTES)
        return refuse(reader, "a pattern's text is too long");
    const char *p = (const char *)reader->bytes + reader->at;
    if (utf8_valid_prefix(p, count, &ascii) != count)
        return refuse(reader, "a pattern's text is not UTF-8");
    reader->at += count;
    *out = value_str(p, count);
    if (ascii)
        *out = text_ascii(p, count);
    return true;
}

static bool take_names(struct reader *reader, struct regex *regex) {
    struct regex_name *names = arena_alloc(reader->arena, (regex->names + 1ull) * sizeof *names);
    uint32_t before = 0;
    if (names == NULL)
        return refuse(reader, "no memory");
    for (uint32_t i = 0; i < regex->names; i++) {
        if (!take_u32(reader, &names[i].group) || !take_text(reader, &names[i].text))
            return false;
        if (names[i].group <= before || names[i].group > regex->groups)
            return refuse(reader, "the name of a group that there is not");
        before = names[i].group;
    }
    regex->name = names;
    return true;
}

static bool take_closing(struct reader *reader, struct regex *regex) {
    uint32_t *closing = arena_alloc(reader->arena, (regex->groups + 1ull) * sizeof *closing);
    if (closing == NULL)
        return refuse(reader, "no memory");
    for (uint32_t i = 0; i < regex->groups; i++)
        if (!take_u32(reader, &closing[i]))
            return false;
    regex->closing = closing;
    return true;
}

/* Tables and locale are PCRE2's own, those of C; the encoding is what `options` says, whatever the pattern begins with. */
static const void *compile(struct reader *reader, const struct value *text, uint32_t options, uint32_t groups) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    uint32_t found = 0;
    pcre2_general_context *memory = pcre2_general_context_create(arena_take, keep, reader->arena);
    pcre2_compile_context *context = memory == NULL ? NULL : pcre2_compile_context_create(memory);
    if (context == NULL) {
        refuse(reader, "no memory");
        return NULL;
    }
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_parens_nest_limit(context, NESTING_MAX);
    options |= PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UCP | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | PCRE2_USE_OFFSET_LIMIT;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text->p, text->len, options, &error, &offset, context);
    if (code == NULL) {
        refuse(reader, "a pattern that PCRE2 does not take, or too large");
        return NULL;
    }
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &found);
    if (found < groups || found > REGEX_GROUPS_MAX) { /* those behind the pattern's own hold classes, and match nothing */
        refuse(reader, "a pattern with another number of groups");
        return NULL;
    }
    return code;
}

bool regex_read(const uint8_t *bytes, size_t len, size_t *at, struct arena *arena, struct value *out, const char **wrong) {
    ASSERT(*at < len && bytes[*at] == V_PATTERN);
    struct reader reader = {.bytes = bytes, .len = len, .at = *at + 1, .arena = arena};
    struct regex *regex = arena_alloc(arena, sizeof *regex);
    struct value ascii, wide;
    *wrong = "no memory";
    if (regex == NULL)
        return false;
    bool valid = take_u32(&reader, &regex->flags) && take_u32(&reader, &regex->groups) && take_u32(&reader, &regex->names);
    if (valid && (regex->groups > REGEX_GROUPS_MAX || regex->names > regex->groups))
        valid = refuse(&reader, "a pattern of too many groups");
    valid = valid && take_closing(&reader, regex) && take_names(&reader, regex) && take_text(&reader, &regex->text) &&
            take_text(&reader, &ascii) && take_text(&reader, &wide);
    if (valid) {
        regex->ascii = compile(&reader, &ascii, PCRE2_NEVER_UTF, regex->groups);
        regex->wide = regex->ascii == NULL ? NULL : compile(&reader, &wide, PCRE2_UTF, regex->groups);
    }
    *wrong = reader.wrong;
    *at = reader.at;
    *out = (struct value){.tag = V_PATTERN, .p = regex};
    return valid && regex->wide != NULL;
}

/* --- matching --- */

static uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* How many starts a window has: never none. */
static uint64_t window_of(uint64_t starts, uint64_t len, uint64_t limit) {
    uint64_t window = smaller(starts, WINDOW_WORK / smaller(limit, WINDOW_WORK));
    window = smaller(window, WINDOW_READS / (len + 1) + 1);
    return window == 0 ? 1 : window;
}

static bool charge(struct run *run, uint64_t starts, uint64_t len, uint64_t limit) {
    return run_charge(run, 2 + starts / 8 + starts * limit / 64 + starts * len / 4096);
}

static uint32_t last_closed(const struct regex *regex, pcre2_match_data *data, const struct span *spans) {
    uint32_t last = 0;
    if (regex->groups == 0)
        return 0;
    if (regex->closing[0] == 0) {
        PCRE2_SPTR mark = pcre2_get_mark(data);
        for (; mark != NULL && *mark >= '0' && *mark <= '9' && last <= REGEX_GROUPS_MAX; mark++)
            last = last * 10 + (uint32_t)(*mark - '0');
        return last <= regex->groups ? last : 0;
    }
    for (uint32_t i = 1; i <= regex->groups; i++)
        if (spans[i].from != REGEX_UNSET && (last == 0 || regex->closing[i - 1] > regex->closing[last - 1]))
            last = i;
    return last;
}

/* A pattern that is not the compiler's may leave spans that are none (\K): no match then is what it gets. */
static int take_spans(const struct search *search, pcre2_match_data *data, struct span *spans, uint32_t *last) {
    const PCRE2_SIZE *found = pcre2_get_ovector_pointer(data);
    for (uint32_t i = 0; i <= search->regex->groups; i++) {
        spans[i] = (struct span){found[2 * i], found[2 * i + 1]};
        if (found[2 * i] == PCRE2_UNSET)
            spans[i] = (struct span){REGEX_UNSET, REGEX_UNSET};
        else if (spans[i].from > spans[i].to || spans[i].to > search->to)
            return 0;
    }
    if (spans[0].from == REGEX_UNSET || spans[0].from < search->from)
        return 0;
    *last = last_closed(search->regex, data, spans);
    return 1;
}

static int out_of_memory(struct run *run) {
    run_raise(run, EXCEPTION_LimitError, "a match that needs more than %u bytes", LIMIT_PATTERN_HEAP_BYTES);
    return -1;
}

int regex_match(struct run *run, const struct search *search, struct span *spans, uint32_t *last) {
    ASSERT(run->matcher != NULL && search->string.tag == V_STR && search->to <= search->string.len);
    struct matcher *matcher = run->matcher;
    const char *text = search->string.p;
    bool ascii = is_ascii(&search->string);
    uint32_t always = PCRE2_NO_UTF_CHECK | (search->mode == REGEX_SEARCH ? 0 : PCRE2_ANCHORED) |
                      (search->mode == REGEX_FULLMATCH ? PCRE2_ENDANCHORED : 0);
    uint64_t limit = FIRST_LIMIT, len = search->to - search->from;
    size_t from = search->from;
    while (from <= search->to) {
        uint64_t starts = search->mode == REGEX_SEARCH ? window_of(search->to - from + 1, len, limit) : 1;
        size_t next = from + starts;
        while (!ascii && next < search->to && ((uint8_t)text[next] & 0xc0) == 0x80)
            next++;
        uint32_t options = always | (search->not_empty && from == search->from ? PCRE2_NOTEMPTY_ATSTART : 0);
        pcre2_set_match_limit(matcher->context, (uint32_t)limit);
        pcre2_set_offset_limit(matcher->context, next - 1);
        int found = pcre2_match(ascii ? search->regex->ascii : search->regex->wide, (PCRE2_SPTR)text, search->to, from, options,
                                matcher->data, matcher->context);
        if (found == PCRE2_ERROR_MATCHLIMIT) {
            if (!run_charge(run, 8 + limit / 8))
                return -1;
            limit = smaller(limit * LIMIT_GROWTH, UINT32_MAX);
            continue;
        }
        if (found < 0 && found != PCRE2_ERROR_NOMATCH)
            return out_of_memory(run);
        int result = found < 0 ? 0 : take_spans(search, matcher->data, spans, last);
        uint64_t tried = result == 1 ? spans[0].from - from + 1 : starts;
        if (!charge(run, tried, len, limit))
            return -1;
        if (found >= 0 || search->mode != REGEX_SEARCH)
            return result;
        from = next;
    }
    return 0;
}
