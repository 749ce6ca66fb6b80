/* Regular expressions of Python's `re`, matched by PCRE2 (regex.c), and their methods (regex_calls.c).
 *
 * A constant V_PATTERN holds two patterns that mean the same: one for texts of ASCII alone, one for all others. The compiler
 * wrote both from Python's parse, but here they are hostile: they are compiled without \C and verbs that change the encoding,
 * and every match has limits of memory and of work, which is charged to the call's steps.
 *
 * Serialized: tag, u32 flags (Python's), u32 groups, u32 names, then
 *   per group u32: its place in the order in which groups close, from 1; 0 for all: marks in the pattern say which closed last
 *   per name u32 group (from 1, rising), u32 n, n bytes
 *   three texts (u32 n, n bytes): as it was written, for ASCII, for all others
 * Positions are bytes inside, code points outside. */
#ifndef ASSAY_CODE_REGEX_H
#define ASSAY_CODE_REGEX_H

#include "run.h"

enum { REGEX_GROUPS_MAX = 99 }; /* those that hold classes among them */

struct regex_name {
    uint32_t group;
    struct value text;
};

struct regex {
    struct value text; /* as it was written */
    uint32_t flags, groups, names;
    const uint32_t *closing;
    const struct regex_name *name;
    const void *ascii, *wide; /* pcre2_code */
};

/* A match that is known: of a group that took no part `from` is REGEX_UNSET. */
#define REGEX_UNSET SIZE_MAX
struct span {
    size_t from, to;
};
struct match {
    const struct regex *regex;
    struct value string;
    int64_t pos, endpos; /* code points */
    uint32_t last;       /* the group that closed last; 0: none */
    struct span spans[]; /* 1 + groups */
};

/* Reads and compiles a constant; the bytes must outlive it. False with the reason in *wrong. */
bool regex_read(const uint8_t *bytes, size_t len, size_t *at, struct arena *arena, struct value *out, const char **wrong);

/* What one thread needs to match: made before the first request, so that matching allocates nothing. */
struct matcher;
struct matcher *matcher_new(void);
void matcher_free(struct matcher *matcher);

/* Where a match may begin and end, and what it must be. */
enum regex_mode { REGEX_SEARCH, REGEX_MATCH, REGEX_FULLMATCH };
struct search {
    const struct regex *regex;
    struct value string; /* a str */
    size_t from, to;     /* bytes */
    enum regex_mode mode;
    bool not_empty;      /* no empty match at `from` */
};

/* 1: spans (1 + groups of them) and *last are set; 0: no match; -1: raised. */
int regex_match(struct run *run, const struct search *search, struct span *spans, uint32_t *last);

/* m[group] */
bool match_index(struct run *run, const struct value *match, const struct value *group, struct value *out);

#endif
