/* The pre-tokenizer: stages, each of which cuts a piece into smaller ones (or puts something in front of it) and hands
 * them to the next stage, the last one's to the model, piece by piece. Splits as NormalizedString::split does them: a
 * pattern gives matches and what is between, the behaviour says what becomes of each. */
#include <string.h>

#include "../base/assert.h"
#include "part.h"

/* Parts as they are found, merged as the behaviour wants, handed to the next stage. */
struct cut {
    struct text_run *run;
    struct text_piece whole;
    uint32_t next; /* stage */
    enum text_behavior behavior;
    bool invert;
    bool pending, pending_match;
    size_t start, end; /* of what is pending */
};

static void hand_on(struct text_run *run, uint32_t next, const struct text_piece *whole, size_t start, size_t end) {
    if (start == end || run->failure != 0)
        return;
    size_t origin = whole->origin > start ? whole->origin - start : 0;
    if (origin > end - start)
        origin = end - start;
    text_stage(run, next, (struct text_piece){whole->p + start, end - start, origin});
}

static void flush(struct cut *cut) {
    if (cut->pending)
        hand_on(cut->run, cut->next, &cut->whole, cut->start, cut->end);
    cut->pending = false;
}

static void add(struct cut *cut, size_t start, size_t end, bool match) {
    match = match != cut->invert;
    switch (cut->behavior) {
    case REMOVED:
        if (!match)
            hand_on(cut->run, cut->next, &cut->whole, start, end);
        return;
    case ISOLATED: hand_on(cut->run, cut->next, &cut->whole, start, end); return;
    case CONTIGUOUS:
        if (cut->pending && cut->pending_match == match) {
            cut->end = end;
            return;
        }
        break;
    case MERGED_PREVIOUS:
        if (cut->pending && match && !cut->pending_match) {
            cut->end = end;
            cut->pending_match = true;
            return;
        }
        break;
    case MERGED_NEXT:
        if (cut->pending && cut->pending_match && !match) {
            cut->end = end;
            cut->pending_match = false;
            flush(cut);
            return;
        }
        break;
    case BEHAVIORS: UNREACHABLE();
    }
    flush(cut);
    cut->pending = true;
    cut->pending_match = match;
    cut->start = start;
    cut->end = end;
}

static void split_class(struct text_run *run, const struct text_stage *stage, uint32_t next, struct text_piece piece) {
    struct cut cut = {.run = run, .whole = piece, .next = next, .behavior = stage->b, .invert = stage->c};
    size_t from = 0;
    for (size_t at = 0; at < piece.len && run->failure == 0;) {
        uint32_t width;
        bool match = text_classes_at(&run->tokenizer->kinds, piece.p + at, &width) >> stage->a & 1;
        if (match && stage->b == REMOVED && !stage->c) {
            hand_on(run, next, &piece, from, at);
            from = at + width;
        } else if (match) {
            if (from < at)
                add(&cut, from, at, false);
            add(&cut, at, at + width, true);
            from = at + width;
        }
        at += width;
    }
    if (from < piece.len)
        add(&cut, from, piece.len, false);
    flush(&cut);
}

static void split_pattern(struct text_run *run, const struct text_stage *stage, uint32_t next,
                          struct text_piece piece) {
    struct cut cut = {.run = run, .whole = piece, .next = next, .behavior = stage->b, .invert = stage->c};
    size_t from = 0;
    while (from < piece.len && run->failure == 0) {
        size_t start = from;
        size_t end = text_match(run, &stage->program, piece.p, piece.len, &start);
        if (end == SIZE_MAX)
            break;
        if (from < start)
            add(&cut, from, start, false);
        if (stage->b == ISOLATED)
            hand_on(run, next, &piece, start, end);
        else
            add(&cut, start, end, true);
        from = end;
    }
    if (from < piece.len && run->failure == 0)
        add(&cut, from, piece.len, false);
    flush(&cut);
}

/* Words and single characters of class b; class a is dropped. */
static void split_words(struct text_run *run, const struct text_stage *stage, uint32_t next, struct text_piece piece) {
    const struct text_kinds *kinds = &run->tokenizer->kinds;
    const uint64_t removed = 1ull << stage->a, isolated = 1ull << stage->b;
    size_t from = 0;
    uint32_t width;
    for (size_t at = 0; at < piece.len; at += width) {
        uint64_t classes = text_classes_at(kinds, piece.p + at, &width);
        if (!(classes & (removed | isolated)))
            continue;
        hand_on(run, next, &piece, from, at);
        if (!(classes & removed))
            hand_on(run, next, &piece, at, at + width);
        from = at + width;
    }
    hand_on(run, next, &piece, from, piece.len);
}

/* Runs of class a and runs of neither; class b is dropped. */
static void split_runs(struct text_run *run, const struct text_stage *stage, uint32_t next, struct text_piece piece) {
    const struct text_kinds *kinds = &run->tokenizer->kinds;
    size_t from = 0;
    uint32_t width, state = 0; /* 0 dropped, 1 class a, 2 neither */
    for (size_t at = 0; at < piece.len; at += width) {
        uint64_t classes = text_classes_at(kinds, piece.p + at, &width);
        uint32_t now = classes >> stage->a & 1 ? 1 : classes >> stage->b & 1 ? 0 : 2;
        if (now == state)
            continue;
        if (state != 0)
            hand_on(run, next, &piece, from, at);
        from = at;
        state = now;
    }
    if (state != 0)
        hand_on(run, next, &piece, from, piece.len);
}

static bool has_room(struct text_run *run, uint32_t stage, size_t bytes) {
    if (bytes <= run->stage_bytes[stage])
        return true;
    run->failure = TOKENIZER_TOO_LONG;
    return false;
}

static bool begins_with(struct text_piece piece, struct text_bytes bytes) {
    return piece.len >= bytes.len && memcmp(piece.p, bytes.p, bytes.len) == 0;
}

/* Spaces become the replacement; one is put in front if the scheme says so. Where it splits, a part begins at each
 * replacement (NormalizedString::split by one character, merged with the next): it is handed on as soon as it ends. */
static void metaspace(struct text_run *run, uint32_t number, struct text_piece piece) {
    const struct text_stage *stage = &run->tokenizer->stages[number];
    const struct text_bytes mark = stage->bytes;
    uint8_t *out = run->stage_buffers[number];
    if (!has_room(run, number, piece.len * mark.len + mark.len))
        return;
    size_t n = 0, from = 0;
    bool begins = begins_with(piece, mark) || piece.p[0] == ' ';
    if (!begins && (stage->b == 2 || (stage->b == 1 && piece.origin > 0))) {
        memcpy(out, mark.p, mark.len);
        n = mark.len;
    }
    struct text_piece made = {out, 0, piece.origin > 0 ? n : 0}; /* its origin grows with it */
    for (size_t at = 0; at < piece.len && run->failure == 0;) {
        uint8_t byte = piece.p[at];
        uint32_t width = byte == ' ' ? 1 : 0;
        if (byte == mark.p[0] && begins_with((struct text_piece){piece.p + at, piece.len - at, 0}, mark))
            width = mark.len;
        if (width > 0) {
            if (stage->c && from < n) {
                hand_on(run, number + 1, &made, from, n);
                from = n;
            }
            memcpy(out + n, mark.p, mark.len);
            n += mark.len;
        } else {
            out[n++] = byte;
            width = 1;
        }
        at += width;
        if (at <= piece.origin)
            made.origin = n;
    }
    hand_on(run, number + 1, &made, from, n);
}

static void space_in_front(struct text_run *run, uint32_t number, struct text_piece piece) {
    uint8_t *out = run->stage_buffers[number];
    if (piece.p[0] == ' ') {
        text_stage(run, number + 1, piece);
        return;
    }
    if (!has_room(run, number, piece.len + 1))
        return;
    out[0] = ' ';
    memcpy(out + 1, piece.p, piece.len);
    text_stage(run, number + 1, (struct text_piece){out, piece.len + 1, piece.origin > 0 ? piece.origin + 1 : 0});
}

static void byte_letters(struct text_run *run, uint32_t number, struct text_piece piece) {
    uint8_t *out = run->stage_buffers[number];
    if (!has_room(run, number, piece.len * 2))
        return;
    size_t origin = text_byte_letters(piece.p, piece.origin, out);
    size_t rest = text_byte_letters(piece.p + piece.origin, piece.len - piece.origin, out + origin);
    text_stage(run, number + 1, (struct text_piece){out, origin + rest, origin});
}

/* A part begins where the script changes; 0 is any script and changes nothing, and what is before the first other one is
 * lost (as UnicodeScripts does). */
static void split_scripts(struct text_run *run, const struct text_stage *stage, uint32_t next,
                          struct text_piece piece) {
    size_t from = SIZE_MAX;
    uint32_t last = 0;
    for (size_t at = 0; at < piece.len && run->failure == 0;) {
        uint32_t width = text_width(piece.p[at]);
        uint32_t script = text_value(&stage->property, text_decode(piece.p + at, width));
        if (script != 0 && script != last) {
            if (from != SIZE_MAX)
                hand_on(run, next, &piece, from, at);
            from = at;
            last = script;
        }
        at += width;
    }
    if (from != SIZE_MAX)
        hand_on(run, next, &piece, from, piece.len);
}

static void split_length(struct text_run *run, const struct text_stage *stage, uint32_t next,
                         struct text_piece piece) {
    size_t from = 0;
    uint32_t count = 0;
    for (size_t at = 0; at < piece.len && run->failure == 0;) {
        at += text_width(piece.p[at]);
        if (++count == stage->a) {
            hand_on(run, next, &piece, from, at);
            from = at;
            count = 0;
        }
    }
    hand_on(run, next, &piece, from, piece.len);
}

void text_stage(struct text_run *run, uint32_t number, struct text_piece piece) {
    ASSERT(piece.len > 0);
    if (number == run->tokenizer->stage_count) {
        text_model(run, piece.p, piece.len);
        return;
    }
    const struct text_stage *stage = &run->tokenizer->stages[number];
    switch ((enum text_stage_op)stage->op) {
    case STAGE_CLASS: split_class(run, stage, number + 1, piece); return;
    case STAGE_WORDS: split_words(run, stage, number + 1, piece); return;
    case STAGE_RUNS: split_runs(run, stage, number + 1, piece); return;
    case STAGE_PATTERN: split_pattern(run, stage, number + 1, piece); return;
    case STAGE_METASPACE: metaspace(run, number, piece); return;
    case STAGE_SPACE: space_in_front(run, number, piece); return;
    case STAGE_BYTES: byte_letters(run, number, piece); return;
    case STAGE_SCRIPTS: split_scripts(run, stage, number + 1, piece); return;
    case STAGE_LENGTH: split_length(run, stage, number + 1, piece); return;
    case STAGE_OPS: break;
    }
    UNREACHABLE();
}
