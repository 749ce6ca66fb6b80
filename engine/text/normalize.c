/* The normalizer: steps one after another over two buffers in turn (tokenizer.c sizes them), each the crate's own step or
 * what the build made of several. A fused step does what the steps after it do wherever each character's result does
 * not depend on its neighbours; where one does, it is undone and they run one by one.
 *
 * `origin` follows how many of the first bytes come from the original's first character, for Metaspace(first). */
#include <string.h>

#include "../base/assert.h"
#include "part.h"

static size_t put_entry(const struct text_map *map, uint32_t c, const uint8_t *p, uint32_t width, uint8_t *out) {
    uint32_t entry = map->entries[map->pages[c >> 8] * 256u + (c & 255)];
    if (entry == MAP_SLOW)
        return SIZE_MAX;
    if (entry == MAP_SAME) {
        memcpy(out, p, width);
        return width;
    }
    if (entry == MAP_SPACED) {
        out[0] = ' ';
        memcpy(out + 1, p, width);
        out[width + 1] = ' ';
        return width + 2;
    }
    uint32_t len = entry & 255;
    memcpy(out, map->texts + (entry >> 8), len);
    return len;
}

/* Bytes written, or SIZE_MAX if a character is slow. */
static size_t map_text(const struct text_map *map, const uint8_t *p, size_t len, uint8_t *out) {
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        uint8_t byte = p[i];
        if (byte < 0x80) {
            uint8_t to = map->ascii[byte];
            if (to < 0x80) {
                out[n++] = to;
                i++;
                continue;
            }
            if (to == MAP_REMOVE) {
                i++;
                continue;
            }
        }
        uint32_t width = text_width(byte);
        size_t put = put_entry(map, text_decode(p + i, width), p + i, width, out + n);
        if (put == SIZE_MAX)
            return SIZE_MAX;
        n += put;
        i += width;
    }
    return n;
}

static bool map_step(const struct text_map *map, struct text_piece *piece, uint8_t *out) {
    size_t first = map_text(map, piece->p, piece->origin, out);
    if (first == SIZE_MAX)
        return false;
    size_t rest = map_text(map, piece->p + piece->origin, piece->len - piece->origin, out + first);
    if (rest == SIZE_MAX)
        return false;
    *piece = (struct text_piece){out, first + rest, first};
    return true;
}

static void strip(const struct text_run *run, const struct text_step *step, struct text_piece *piece) {
    const struct text_kinds *kinds = &run->tokenizer->kinds;
    size_t start = 0, end = piece->len;
    uint32_t width;
    while (step->b & 1 && start < end && text_classes_at(kinds, piece->p + start, &width) >> step->a & 1)
        start += width;
    while (step->b & 2 && end > start) {
        size_t before = text_back(piece->p, end);
        if (!(text_classes_at(kinds, piece->p + before, &width) >> step->a & 1))
            break;
        end = before;
    }
    piece->p += start;
    piece->len = end - start;
    piece->origin = piece->origin > start ? piece->origin - start : 0;
    if (piece->origin > piece->len)
        piece->origin = piece->len;
}

static void prepend(const struct text_step *step, struct text_piece *piece, uint8_t *out) {
    if (piece->len == 0)
        return;
    memcpy(out, step->bytes.p, step->bytes.len);
    memcpy(out + step->bytes.len, piece->p, piece->len);
    size_t origin = piece->origin > 0 ? piece->origin + step->bytes.len : 0;
    *piece = (struct text_piece){out, piece->len + step->bytes.len, origin};
}

static bool replace(struct text_run *run, const struct text_step *step, struct text_piece *piece, uint8_t *out) {
    size_t from = 0, n = 0, origin = 0;
    while (from < piece->len) {
        size_t start = from;
        size_t end = text_match(run, &step->program, piece->p, piece->len, &start);
        if (run->failure != 0)
            return false;
        if (end == SIZE_MAX)
            break;
        ASSERT(end > start);
        if (from < piece->origin && piece->origin <= start)
            origin = n + (piece->origin - from);
        memcpy(out + n, piece->p + from, start - from);
        n += start - from;
        if (step->bytes.len > 0)
            memcpy(out + n, step->bytes.p, step->bytes.len);
        n += step->bytes.len;
        if (end <= piece->origin)
            origin = n;
        else if (start < piece->origin) /* what replaces it comes from its last character */
            origin = n - step->bytes.len;
        from = end;
    }
    if (from < piece->origin)
        origin = n + (piece->origin - from);
    if (from < piece->len)
        memcpy(out + n, piece->p + from, piece->len - from);
    n += piece->len - from;
    *piece = (struct text_piece){out, n, origin};
    return true;
}

/* The letters of GPT-2's byte alphabet: printable bytes are themselves, the others follow U+0100. */
size_t text_byte_letters(const uint8_t *p, size_t len, uint8_t *out) {
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        uint32_t b = p[i];
        uint32_t c = b;
        if (b <= 32)
            c = 256 + b;
        else if (b >= 127 && b <= 160)
            c = 256 + 33 + (b - 127);
        else if (b == 173)
            c = 256 + 67;
        n += text_encode(c, out + n);
    }
    return n;
}

/* Ordering moves characters: as many as before count as the first one's. */
static void order(struct text_run *run, const struct text_step *step, struct text_piece *piece, uint8_t *out) {
    size_t chars = 0, origin = 0;
    if (piece->len > 0)
        memcpy(out, piece->p, piece->len);
    for (size_t i = 0; i < piece->origin; i += text_width(out[i]))
        chars++;
    text_order(step, out, piece->len, (uint32_t *)(void *)run->work);
    for (; chars > 0; chars--)
        origin += text_width(out[origin]);
    *piece = (struct text_piece){out, piece->len, origin};
}

static bool run_step(struct text_run *run, const struct text_step *step, struct text_piece *piece, uint8_t *out) {
    size_t len, origin = 0;
    switch ((enum text_op)step->op) {
    case STEP_MAP:
    case STEP_FUSED: return map_step(&step->map, piece, out);
    case STEP_ORDER: order(run, step, piece, out); return true;
    case STEP_COMPOSE:
        len = text_compose(step, *piece, out, &origin, (uint32_t *)(void *)run->work);
        break;
    case STEP_STRIP: strip(run, step, piece); return true;
    case STEP_PREPEND: prepend(step, piece, out); return true;
    case STEP_REPLACE: return replace(run, step, piece, out);
    case STEP_PRECOMPILED: len = text_precompiled(step, *piece, out, &origin); break;
    case STEP_BYTES:
        origin = text_byte_letters(piece->p, piece->origin, out);
        len = origin + text_byte_letters(piece->p + piece->origin, piece->len - piece->origin, out + origin);
        break;
    default: UNREACHABLE();
    }
    *piece = (struct text_piece){out, len, origin};
    return true;
}

bool text_normalize(struct text_run *run, struct text_piece *piece) {
    const struct tokenizer *tokenizer = run->tokenizer;
    uint32_t turn = 0;
    for (uint32_t i = 0; i < tokenizer->step_count; i++) {
        const struct text_step *step = &tokenizer->steps[i];
        if ((uint64_t)piece->len * step->growth + step->extra > run->buffer_bytes) {
            run->failure = TOKENIZER_TOO_LONG;
            return false;
        }
        uint8_t *out = run->buffers[turn];
        bool done = run_step(run, step, piece, out);
        if (run->failure != 0)
            return false;
        if (step->op == STEP_FUSED && done)
            i += step->b;
        if (piece->p >= out && piece->p <= out + run->buffer_bytes)
            turn ^= 1;
    }
    return true;
}
