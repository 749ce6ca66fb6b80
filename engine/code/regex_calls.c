/* The methods of patterns and matches (regex.h): what Python's Pattern and Match have. A replacement comes from the compiler
 * in parts: a str, or a tuple of strs and of groups' numbers. */
#include "regex.h"

/* --- arguments --- */

static const struct regex *pattern_of(struct run *run, const struct value *v, const char *name) {
    if (v->tag == V_PATTERN)
        return v->p;
    no_attribute(run, v, name);
    return NULL;
}

static const struct match *match_of(struct run *run, const struct value *v, const char *name) {
    if (v->tag == V_MATCH)
        return v->p;
    no_attribute(run, v, name);
    return NULL;
}

/* A position in code points as Python clamps it. */
static bool clamp(struct run *run, const struct value *v, int64_t length, int64_t *out) {
    if (v->tag == V_BIGINT) {
        *out = v->flags & BIG_NEGATIVE ? 0 : length;
        return true;
    }
    if (!sequence_int(run, v, "positions", out))
        return false;
    *out = *out < 0 ? 0 : *out > length ? length : *out;
    return true;
}

struct area {
    struct search search;
    int64_t pos, endpos;
    bool none; /* it ends before it begins */
};

/* (pattern, string, pos, endpos) */
static bool area_of(struct run *run, const struct value *args, uint32_t count, const char *name, struct area *area) {
    const struct regex *regex = pattern_of(run, &args[0], name);
    if (regex == NULL)
        return false;
    if (args[1].tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, args[1].tag == V_BYTES ? "cannot use a string pattern on a bytes-like object"
                                                   : "expected string or bytes-like object, got '%s'", type_name(&args[1]));
    int64_t length = (int64_t)text_length(&args[1]);
    *area = (struct area){.search = {.regex = regex, .string = args[1]}, .endpos = length};
    if (!run_charge(run, is_ascii(&args[1]) ? 0 : args[1].len / 32))
        return false;
    if ((count > 2 && !clamp(run, &args[2], length, &area->pos)) || (count > 3 && !clamp(run, &args[3], length, &area->endpos)))
        return false;
    area->search.from = text_offset(&args[1], (uint64_t)area->pos);
    area->search.to = text_offset(&args[1], (uint64_t)area->endpos);
    area->none = area->pos > area->endpos;
    return true;
}

/* A place for a match; the next one goes over the same where it was not kept. */
static struct match *new_match(struct run *run, const struct area *area) {
    const struct regex *regex = area->search.regex;
    struct match *match = run_alloc(run, sizeof *match + (regex->groups + 1) * sizeof match->spans[0]);
    if (match != NULL)
        *match = (struct match){.regex = regex, .string = area->search.string, .pos = area->pos, .endpos = area->endpos};
    return match;
}

static int find(struct run *run, const struct area *area, struct match *match) {
    return area->none ? 0 : regex_match(run, &area->search, match->spans, &match->last);
}

/* Goes on behind a match: an empty one may not come twice at one place. */
static void go_on(struct area *area, const struct match *match) {
    area->search.not_empty = match->spans[0].from == match->spans[0].to;
    area->search.from = match->spans[0].to;
}

static struct value group_text(const struct match *match, uint32_t group, struct value unset) {
    const struct span *span = &match->spans[group];
    return span->from == REGEX_UNSET ? unset : text_part(&match->string, span->from, span->to);
}

static struct value make_match(const struct match *match) { return (struct value){.tag = V_MATCH, .p = match}; }

/* --- search, match, fullmatch --- */

static bool search_as(struct run *run, const struct value *args, uint32_t count, const char *name, enum regex_mode mode,
                      struct value *out) {
    struct area area;
    if (!area_of(run, args, count, name, &area))
        return false;
    area.search.mode = mode;
    struct match *match = new_match(run, &area);
    int found = match == NULL ? -1 : find(run, &area, match);
    if (found < 0)
        return false;
    *out = found == 0 ? value_none(MISSING_NOT) : make_match(match);
    return true;
}

bool builtin_pattern_search(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return search_as(run, args, count, "search", REGEX_SEARCH, out);
}

bool builtin_pattern_match(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return search_as(run, args, count, "match", REGEX_MATCH, out);
}

bool builtin_pattern_fullmatch(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    return search_as(run, args, count, "fullmatch", REGEX_FULLMATCH, out);
}

/* --- all matches --- */

/* What findall() gives for a match. */
static bool found_item(struct run *run, const struct match *match, struct value *out) {
    uint32_t groups = match->regex->groups;
    struct value empty = text_ascii("", 0);
    if (groups < 2) {
        *out = group_text(match, groups, empty);
        return true;
    }
    struct value *items = run_items(run, groups);
    if (items == NULL)
        return false;
    for (uint32_t i = 0; i < groups; i++)
        items[i] = group_text(match, i + 1, empty);
    *out = make_tuple(items, groups);
    return true;
}

bool builtin_pattern_findall(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct area area;
    struct gathered parts = {0};
    if (!area_of(run, args, count, "findall", &area))
        return false;
    struct match *match = new_match(run, &area);
    int found;
    while ((found = match == NULL ? -1 : find(run, &area, match)) == 1) {
        struct value item;
        if (!found_item(run, match, &item) || !gathered_add(run, &parts, item))
            return false;
        go_on(&area, match);
    }
    *out = make_list(parts.items, parts.count);
    return found == 0;
}

bool builtin_pattern_finditer(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct area area;
    struct gathered parts = {0};
    if (!area_of(run, args, count, "finditer", &area))
        return false;
    struct match *match = new_match(run, &area);
    int found;
    while ((found = match == NULL ? -1 : find(run, &area, match)) == 1) {
        go_on(&area, match);
        if (!gathered_add(run, &parts, make_match(match)))
            return false;
        match = new_match(run, &area);
    }
    struct value list = make_list(parts.items, parts.count);
    return found == 0 && sequence_iter(run, &list, out);
}

static bool count_argument(struct run *run, const struct value *args, uint32_t count, uint32_t at, int64_t *out) {
    *out = 0;
    return count <= at || text_size_argument(run, &args[at], out);
}

bool builtin_pattern_split(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    struct area area;
    struct gathered parts = {0};
    int64_t most;
    if (!area_of(run, args, 2, "split", &area) || !count_argument(run, args, count, 2, &most))
        return false;
    struct match *match = new_match(run, &area);
    size_t at = 0;
    int found = match == NULL ? -1 : 0;
    for (int64_t n = 0; match != NULL && (most == 0 || n < most) && (found = find(run, &area, match)) == 1; n++) {
        if (!gathered_add(run, &parts, text_part(&args[1], at, match->spans[0].from)))
            return false;
        for (uint32_t i = 1; i <= match->regex->groups; i++)
            if (!gathered_add(run, &parts, group_text(match, i, value_none(MISSING_NOT))))
                return false;
        at = match->spans[0].to;
        go_on(&area, match);
    }
    if (found < 0 || !gathered_add(run, &parts, text_part(&args[1], at, args[1].len)))
        return false;
    *out = make_list(parts.items, parts.count);
    return true;
}

/* --- replacements --- */

static bool add_part(struct run *run, const struct match *match, const struct value *part, struct buf *out, bool *ascii) {
    struct value text = *part;
    if (is_int64(part)) {
        if (part->i < 0 || part->i > match->regex->groups)
            return run_raise(run, EXCEPTION_IndexError, "invalid group reference");
        text = group_text(match, (uint32_t)part->i, text_ascii("", 0));
    }
    if (text.tag != V_STR)
        return run_raise(run, EXCEPTION_TypeError, "expected str instance, %s found", type_name(part));
    *ascii = *ascii && is_ascii(&text);
    buf_add(out, text.p, text.len);
    return true;
}

/* The parts with the groups' texts. */
static bool add_template(struct run *run, const struct match *match, const struct value *parts, struct buf *out, bool *ascii) {
    if (parts->tag != V_TUPLE)
        return add_part(run, match, parts, out, ascii);
    for (uint32_t i = 0; i < parts->len; i++)
        if (!add_part(run, match, &value_items(parts)[i], out, ascii))
            return false;
    return true;
}

/* (pattern, parts, string, count) */
static bool substitute(struct run *run, const struct value *args, uint32_t count, const char *name, struct value *out,
                       int64_t *times) {
    struct area area;
    struct buf made;
    int64_t most;
    const struct value given[2] = {args[0], args[2]};
    if (!area_of(run, given, 2, name, &area) || !count_argument(run, args, count, 3, &most))
        return false;
    struct match *match = new_match(run, &area);
    size_t at = 0;
    int found = match == NULL ? -1 : 0;
    bool ascii = is_ascii(&args[2]);
    run_buf(run, &made);
    for (*times = 0; match != NULL && (most == 0 || *times < most) && (found = find(run, &area, match)) == 1; ++*times) {
        buf_add(&made, (const char *)args[2].p + at, match->spans[0].from - at);
        if (!add_template(run, match, &args[1], &made, &ascii))
            return false;
        at = match->spans[0].to;
        go_on(&area, match);
    }
    if (found < 0)
        return false;
    if (*times == 0) {
        *out = args[2];
        return true;
    }
    buf_add(&made, (const char *)args[2].p + at, args[2].len - at);
    return run_text(run, &made, ascii, out);
}

bool builtin_pattern_sub(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int64_t times;
    return substitute(run, args, count, "sub", out, &times);
}

bool builtin_pattern_subn(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    int64_t times;
    struct value *pair = run_items(run, 2);
    if (pair == NULL || !substitute(run, args, count, "subn", &pair[0], &times))
        return false;
    pair[1] = value_int(times);
    *out = make_tuple(pair, 2);
    return true;
}

bool builtin_match_expand(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct match *match = match_of(run, &args[0], "expand");
    struct buf made;
    bool ascii = true;
    if (match == NULL)
        return false;
    run_buf(run, &made);
    return add_template(run, match, &args[1], &made, &ascii) && run_text(run, &made, ascii, out);
}

/* --- a match --- */

static bool group_number(struct run *run, const struct match *match, const struct value *v, uint32_t *out) {
    if (is_int64(v) && v->i >= 0 && v->i <= match->regex->groups) {
        *out = (uint32_t)v->i;
        return true;
    }
    for (uint32_t i = 0; v->tag == V_STR && i < match->regex->names; i++) {
        const struct regex_name *name = &match->regex->name[i];
        if (name->text.len == v->len && memcmp(name->text.p, v->p, v->len) == 0) {
            *out = name->group;
            return true;
        }
    }
    return run_raise(run, EXCEPTION_IndexError, "no such group");
}

bool match_index(struct run *run, const struct value *match, const struct value *group, struct value *out) {
    const struct match *of = match->p;
    uint32_t number;
    if (!group_number(run, of, group, &number))
        return false;
    *out = group_text(of, number, value_none(MISSING_NOT));
    return true;
}

bool builtin_match_group(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct match *match = match_of(run, &args[0], "group");
    if (match == NULL)
        return false;
    if (count <= 2) {
        const struct value whole = value_int(0);
        return match_index(run, &args[0], count == 1 ? &whole : &args[1], out);
    }
    struct value *items = run_items(run, count - 1);
    if (items == NULL)
        return false;
    for (uint32_t i = 1; i < count; i++)
        if (!match_index(run, &args[0], &args[i], &items[i - 1]))
            return false;
    *out = make_tuple(items, count - 1);
    return true;
}

bool builtin_match_groups(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct match *match = match_of(run, &args[0], "groups");
    struct value *items = match == NULL ? NULL : run_items(run, match->regex->groups);
    if (items == NULL)
        return false;
    for (uint32_t i = 0; i < match->regex->groups; i++)
        items[i] = group_text(match, i + 1, count > 1 ? args[1] : value_none(MISSING_NOT));
    *out = make_tuple(items, match->regex->groups);
    return true;
}

bool builtin_match_groupdict(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct match *match = match_of(run, &args[0], "groupdict");
    struct value *pairs = match == NULL ? NULL : run_items(run, match->regex->names * 2ull);
    if (pairs == NULL)
        return false;
    for (uint32_t i = 0; i < match->regex->names; i++) {
        pairs[2 * i] = match->regex->name[i].text;
        pairs[2 * i + 1] = group_text(match, match->regex->name[i].group, count > 1 ? args[1] : value_none(MISSING_NOT));
    }
    return make_dict(run, pairs, match->regex->names * 2, out);
}

/* A byte's place in code points; -1 of a group that took no part. */
static bool position(struct run *run, const struct match *match, size_t byte, struct value *out) {
    if (byte == REGEX_UNSET) {
        *out = value_int(-1);
        return true;
    }
    const struct value before = text_part(&match->string, 0, byte);
    *out = value_int((int64_t)text_length(&before));
    return run_charge(run, is_ascii(&match->string) ? 0 : byte / 32);
}

static const struct span *span_of(struct run *run, const struct value *args, uint32_t count, const char *name) {
    const struct match *match = match_of(run, &args[0], name);
    uint32_t number = 0;
    if (match == NULL || (count > 1 && !group_number(run, match, &args[1], &number)))
        return NULL;
    return &match->spans[number];
}

bool builtin_match_start(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct span *span = span_of(run, args, count, "start");
    return span != NULL && position(run, args[0].p, span->from, out);
}

bool builtin_match_end(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct span *span = span_of(run, args, count, "end");
    return span != NULL && position(run, args[0].p, span->to, out);
}

bool builtin_match_span(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct span *span = span_of(run, args, count, "span");
    struct value *pair = span == NULL ? NULL : run_items(run, 2);
    if (pair == NULL || !position(run, args[0].p, span->from, &pair[0]) || !position(run, args[0].p, span->to, &pair[1]))
        return false;
    *out = make_tuple(pair, 2);
    return true;
}

/* --- attributes --- */

bool builtin_match_lastindex(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct match *match = match_of(run, &args[0], "lastindex");
    if (match == NULL)
        return false;
    *out = match->last == 0 ? value_none(MISSING_NOT) : value_int(match->last);
    return true;
}

bool builtin_match_lastgroup(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct match *match = match_of(run, &args[0], "lastgroup");
    if (match == NULL)
        return false;
    struct value found = value_none(MISSING_NOT);
    for (uint32_t i = 0; match->last > 0 && i < match->regex->names; i++)
        if (match->regex->name[i].group == match->last)
            found = match->regex->name[i].text;
    *out = found;
    return true;
}

bool builtin_match_string(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct match *match = match_of(run, &args[0], "string");
    if (match == NULL)
        return false;
    *out = match->string;
    return true;
}

bool builtin_match_re(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct match *match = match_of(run, &args[0], "re");
    if (match == NULL)
        return false;
    *out = (struct value){.tag = V_PATTERN, .p = match->regex};
    return true;
}

bool builtin_match_pos(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct match *match = match_of(run, &args[0], "pos");
    if (match == NULL)
        return false;
    *out = value_int(match->pos);
    return true;
}

bool builtin_match_endpos(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct match *match = match_of(run, &args[0], "endpos");
    if (match == NULL)
        return false;
    *out = value_int(match->endpos);
    return true;
}

bool builtin_pattern_pattern(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct regex *regex = pattern_of(run, &args[0], "pattern");
    if (regex == NULL)
        return false;
    *out = regex->text;
    return true;
}

bool builtin_pattern_flags(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    const struct regex *regex = pattern_of(run, &args[0], "flags");
    if (regex == NULL)
        return false;
    *out = value_int(regex->flags);
    return true;
}
