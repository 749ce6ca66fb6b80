/* Patterns of Split and Replace: a backtracking matcher over character classes with the meaning of Oniguruma (which the
 * crate uses) for the patterns that the build accepts: leftmost, first alternative first, greedy. The build parses the
 * pattern (python/assay/_tokenizers/_pattern.py) and writes the classes from Oniguruma's own tables.
 *
 * Linear: jumps go forward only, so the depth is bounded by the nodes, and steps are counted against a budget that
 * grows with the text. Which alternatives can begin with a byte is known beforehand. */
#include "pattern.h"

#include "../base/assert.h"
#include "part.h"

struct matcher {
    const struct text_kinds *kinds;
    const struct text_node *nodes;
    const uint8_t *p;
    size_t len;
    uint64_t steps_left;
};

static inline bool in_class(const struct matcher *m, size_t at, uint32_t class, uint32_t *width) {
    return text_classes_at(m->kinds, m->p + at, width) >> class & 1;
}

/* The end of a run of at most `most` characters; *taken of them. */
static inline size_t run_end(const struct matcher *m, size_t at, uint32_t class, uint32_t most, uint32_t *taken) {
    uint32_t count = 0, width;
    while (count < most && at < m->len && in_class(m, at, class, &width)) {
        at += width;
        count++;
    }
    *taken = count;
    return at;
}

static bool assertion(const struct matcher *m, const struct text_node *node, size_t at) {
    uint32_t width;
    switch (node->op) {
    case NODE_AHEAD: return (at < m->len && in_class(m, at, node->a, &width)) != (node->b != 0);
    case NODE_BEHIND:
        return (at > 0 && in_class(m, text_back(m->p, at), node->a, &width)) != (node->b != 0);
    case NODE_BEGIN: return at == 0 || (node->a && m->p[at - 1] == '\n' && at < m->len);
    default:
        return at == m->len || (node->a && m->p[at] == '\n') || (node->b && at + 1 == m->len && m->p[at] == '\n');
    }
}

/* The end of the match that begins at `at` with node pc; SIZE_MAX if there is none. */
static size_t match(struct matcher *m, uint32_t pc, size_t at) {
    for (;;) {
        if (m->steps_left == 0)
            return SIZE_MAX;
        m->steps_left--;
        const struct text_node *node = &m->nodes[pc];
        uint32_t taken;
        size_t end;
        switch ((enum pattern_op)node->op) {
        case NODE_MATCH: return at;
        case NODE_TAKE:
        case NODE_RUN:
            end = run_end(m, at, node->a, node->c, &taken);
            if (taken < node->b)
                return SIZE_MAX;
            pc++;
            if (node->op == NODE_TAKE || taken == node->b || m->nodes[pc].op == NODE_MATCH) {
                at = end;
                break;
            }
            for (;; taken--, end = text_back(m->p, end)) {
                size_t found = match(m, pc, end);
                if (found != SIZE_MAX || taken == node->b || m->steps_left == 0)
                    return found;
            }
        case NODE_SPLIT:
            end = match(m, node->a, at);
            if (end != SIZE_MAX)
                return end;
            pc = node->b;
            break;
        case NODE_JUMP: pc = node->a; break;
        default:
            if (!assertion(m, node, at))
                return SIZE_MAX;
            pc++;
        }
    }
}

size_t text_match(struct text_run *run, const struct text_program *program, const uint8_t *p, size_t len,
                  size_t *start) {
    struct matcher m = {&run->tokenizer->kinds, program->nodes, p, len, run->steps_left};
    size_t found = SIZE_MAX;
    size_t at = *start;
    while (at < len) {
        uint32_t possible = program->first[p[at]];
        for (; possible != 0 && found == SIZE_MAX; possible &= possible - 1)
            found = match(&m, program->alternatives[__builtin_ctz(possible)], at);
        if (found != SIZE_MAX || m.steps_left == 0)
            break;
        at += text_width(p[at]);
    }
    run->steps_left = m.steps_left;
    if (m.steps_left == 0) {
        run->failure = TOKENIZER_TOO_COSTLY;
        return SIZE_MAX;
    }
    *start = at;
    return found;
}

static bool check_node(const struct text_program *program, uint32_t pc) {
    const struct text_node *node = &program->nodes[pc];
    bool last = pc + 1 == program->count;
    switch ((enum pattern_op)node->op) {
    case NODE_MATCH: return true;
    case NODE_RUN:
    case NODE_TAKE: return !last && node->a < TEXT_CLASSES_MAX && node->b <= node->c && node->c > 0;
    case NODE_SPLIT:
        return node->a > pc && node->a < program->count && node->b > pc && node->b < program->count;
    case NODE_JUMP: return node->a > pc && node->a < program->count;
    case NODE_AHEAD:
    case NODE_BEHIND: return !last && node->a < TEXT_CLASSES_MAX;
    case NODE_BEGIN:
    case NODE_END: return !last;
    case NODE_OPS: break;
    }
    return false;
}

/* What a match can begin with, from the last node to the first, since what follows is behind. */
struct firsts {
    uint64_t bytes[4];
    bool empty; /* it can match nothing */
};

static void add(struct firsts *to, const struct firsts *from) {
    for (int i = 0; i < 4; i++)
        to->bytes[i] |= from->bytes[i];
    to->empty = to->empty || from->empty;
}

static void find_firsts(const struct text_program *program, const struct text_kinds *kinds, struct firsts *firsts) {
    for (uint32_t pc = program->count; pc-- > 0;) {
        const struct text_node *node = &program->nodes[pc];
        struct firsts *own = &firsts[pc];
        *own = (struct firsts){{0}, false};
        switch ((enum pattern_op)node->op) {
        case NODE_MATCH: own->empty = true; break;
        case NODE_RUN:
        case NODE_TAKE:
            for (uint32_t c = 0; c < 128; c++)
                if (kinds->ascii[c] >> node->a & 1)
                    own->bytes[c >> 6] |= 1ull << (c & 63);
            own->bytes[2] = own->bytes[3] = UINT64_MAX; /* of other characters the first byte says little */
            if (node->b == 0)
                add(own, &firsts[pc + 1]);
            break;
        case NODE_SPLIT:
            add(own, &firsts[node->a]);
            add(own, &firsts[node->b]);
            break;
        case NODE_JUMP: *own = firsts[node->a]; break;
        default: *own = firsts[pc + 1];
        }
    }
}

bool text_program_check(struct text_program *program, const struct text_kinds *kinds) {
    if (program->count == 0 || program->count > TEXT_NODES_MAX)
        return false;
    for (uint32_t pc = 0; pc < program->count; pc++)
        if (!check_node(program, pc))
            return false;
    struct firsts firsts[TEXT_NODES_MAX];
    find_firsts(program, kinds, firsts);
    if (firsts[0].empty)
        return false;
    uint32_t pc = 0;
    program->alternative_count = 0;
    while (program->nodes[pc].op == NODE_SPLIT && program->alternative_count + 1 < TEXT_ALTERNATIVES_MAX) {
        program->alternatives[program->alternative_count++] = program->nodes[pc].a;
        pc = program->nodes[pc].b;
    }
    program->alternatives[program->alternative_count++] = pc;
    for (uint32_t byte = 0; byte < 256; byte++) {
        program->first[byte] = 0;
        for (uint32_t i = 0; i < program->alternative_count; i++)
            if (firsts[program->alternatives[i]].bytes[byte >> 6] >> (byte & 63) & 1)
                program->first[byte] |= 1u << i;
    }
    return true;
}
