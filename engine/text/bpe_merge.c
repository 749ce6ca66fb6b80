/* Byte pair encoding by merging, in the crate's own order (models/bpe: merge_word, Word::merge_all): the pair of the
 * lowest rank, the leftmost of equal ones, from a heap in which outdated entries are left until they come up. Each merge
 * adds two entries at most, so the time is linear but for the heap's logarithm. */
#include "../base/assert.h"
#include "part.h"

#define GONE UINT32_MAX
#define END  UINT32_MAX

enum { START_MARK = 0xfe, END_MARK = 0xff };

/* In the work memory, which has 40 bytes a byte of text (text_work_bytes): three numbers a symbol, and the heap. */
struct word {
    const struct text_model *model;
    uint32_t *ids, *next, *previous;
    uint32_t count;
    uint64_t *heap; /* rank << 32 | where the pair begins; four children a node */
    uint32_t heap_count;
};

static void heap_push(struct word *word, uint64_t entry) {
    uint32_t at = word->heap_count++;
    while (at > 0 && entry < word->heap[(at - 1) / 4]) {
        word->heap[at] = word->heap[(at - 1) / 4];
        at = (at - 1) / 4;
    }
    word->heap[at] = entry;
}

static uint64_t heap_pop(struct word *word) {
    ASSERT(word->heap_count > 0);
    uint64_t *heap = word->heap, top = heap[0], last = heap[--word->heap_count];
    uint32_t at = 0, count = word->heap_count;
    for (;;) {
        uint32_t child = 4 * at + 1, least = child, end = child + 4 < count ? child + 4 : count;
        if (child >= count)
            break;
        while (++child < end)
            least = heap[child] < heap[least] ? child : least;
        if (heap[least] >= last)
            break;
        heap[at] = heap[least];
        at = least;
    }
    heap[at] = last;
    return top;
}

static void add(struct word *word, uint32_t id) { word->ids[word->count++] = id; }

/* The symbol of the character at p[0, width), TRIE_NONE if there is none. */
static uint32_t symbol(const struct text_model *model, const uint8_t *p, uint32_t width, bool first, bool last) {
    uint32_t node = 0;
    if (first && model->flags & BPE_MARK_START && !trie_step(&model->rest, &node, START_MARK))
        return TRIE_NONE;
    for (uint32_t i = 0; i < width; i++)
        if (!trie_step(&model->rest, &node, p[i]))
            return TRIE_NONE;
    if (last && model->flags & BPE_MARK_END && !trie_step(&model->rest, &node, END_MARK))
        return TRIE_NONE;
    return model->rest.units[node].value;
}

static bool add_bytes(struct word *word, const uint8_t *p, uint32_t width) {
    const uint32_t *bytes = word->model->bytes;
    for (uint32_t i = 0; i < width; i++)
        if (bytes == NULL || bytes[p[i]] == TEXT_NONE)
            return false;
    for (uint32_t i = 0; i < width; i++)
        add(word, bytes[p[i]]);
    return true;
}

/* Symbols of a piece. Bytes do not wait for an unknown token that is pending, as in merge_word. False: unknown. */
static bool add_symbols(struct word *word, const uint8_t *p, size_t len) {
    const struct text_model *model = word->model;
    uint32_t pending = 0;
    for (size_t i = 0; i < len;) {
        uint32_t width = model->flags & BPE_BYTES ? 1 : text_width(p[i]);
        uint32_t id = symbol(model, p + i, width, i == 0, i + width == len);
        if (id != TRIE_NONE) {
            if (pending > 0)
                add(word, model->unknown);
            pending = 0;
            add(word, id);
        } else if (!(model->flags & BPE_BYTE_FALLBACK && add_bytes(word, p + i, width))) {
            if (model->flags & BPE_UNKNOWN_FAILS)
                return false;
            if (model->unknown != TEXT_NONE) {
                if (pending > 0 && !(model->flags & BPE_FUSE_UNKNOWN))
                    add(word, model->unknown);
                pending = 1;
            }
        }
        i += width;
    }
    if (pending > 0)
        add(word, model->unknown);
    return true;
}

static void offer(struct word *word, uint32_t at) {
    const struct bpe_merge *merge = text_bpe_find(word->model, word->ids[at], word->ids[word->next[at]]);
    if (merge != NULL)
        heap_push(word, (uint64_t)merge->rank << 32 | at);
}

static void merge_all(struct word *word) {
    for (uint32_t i = 0; i < word->count; i++) {
        word->previous[i] = i == 0 ? END : i - 1;
        word->next[i] = i + 1 == word->count ? END : i + 1;
    }
    for (uint32_t i = 0; i + 1 < word->count; i++)
        offer(word, i);
    while (word->heap_count > 0) {
        uint64_t top = heap_pop(word);
        uint32_t at = (uint32_t)top;
        uint32_t right = word->ids[at] == GONE ? END : word->next[at];
        if (right == END)
            continue;
        const struct bpe_merge *merge = text_bpe_find(word->model, word->ids[at], word->ids[right]);
        if (merge == NULL || merge->rank != top >> 32)
            continue; /* another pair stands there by now */
        word->ids[at] = merge->id;
        word->ids[right] = GONE;
        word->next[at] = word->next[right];
        if (word->next[right] != END)
            word->previous[word->next[right]] = at;
        if (word->previous[at] != END)
            offer(word, word->previous[at]);
        if (word->next[at] != END)
            offer(word, at);
    }
}

void text_bpe_merge(struct text_run *run, const uint8_t *p, size_t len) {
    uint32_t *work = (uint32_t *)(void *)run->work;
    struct word word = {.model = &run->tokenizer->model, .ids = work, .next = work + len, .previous = work + 2 * len};
    word.heap = (uint64_t *)(void *)(work + (3 * len + 1) / 2 * 2);
    if (!add_symbols(&word, p, len)) {
        run->failure = TOKENIZER_UNKNOWN;
        return;
    }
    ASSERT(word.count <= len);
    merge_all(&word);
    for (uint32_t i = 0; i < word.count; i++)
        if (word.ids[i] != GONE && !text_push(run, word.ids[i]))
            return;
}
