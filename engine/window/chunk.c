/* Chunks of a key's entries (chunk.h): layout, access, insertion. Called by stripe.c (structure) and read.c (values).
 */
#include "chunk.h"

#include <string.h>

#include "../base/assert.h"

static const uint8_t capacities[CHUNK_CLASSES] = {4, 16, CHUNK_ENTRIES_MAX};

static uint32_t plane_bytes(uint32_t capacity) { return capacity < 8 ? 1 : capacity / 8; }

void layout_init(struct layout *layout) {
    ASSERT(layout->column_count <= LIMIT_STREAM_COLUMNS && layout->where_count <= LIMIT_STREAM_WHERES);
    ASSERT(layout->wide_count <= layout->column_count && layout->text_count <= layout->column_count);
    for (uint32_t size = 0; size < CHUNK_CLASSES; size++) {
        struct chunk_class *class = &layout->classes[size];
        uint32_t capacity = capacities[size], words = capacity * (uint32_t)sizeof(uint64_t);
        class->capacity = capacity;
        class->cells = (uint32_t)offsetof(struct chunk, times) + words;
        class->highs = class->cells + layout->column_count * words;
        class->texts = class->highs + layout->wide_count * words;
        class->sequences = class->texts + layout->text_count * words;
        class->tags = class->sequences + words;
        class->planes = class->tags + layout->column_count * capacity;
        uint32_t bytes = class->planes + layout->where_count * plane_bytes(capacity);
        class->bytes = (bytes + 15) & ~15u;
    }
}

static uint64_t *highs_of(const struct chunk_class *class, const struct chunk *chunk, int wide) {
    return (uint64_t *)(uintptr_t)((const char *)chunk + class->highs) + (size_t)wide * class->capacity;
}

static uint64_t *texts_of(const struct chunk_class *class, const struct chunk *chunk, int text) {
    return (uint64_t *)(uintptr_t)((const char *)chunk + class->texts) + (size_t)text * class->capacity;
}

static uint64_t *sequences_of(const struct chunk_class *class, const struct chunk *chunk) {
    return (uint64_t *)(uintptr_t)((const char *)chunk + class->sequences);
}

static uint8_t *plane_of(const struct chunk_class *class, const struct chunk *chunk, uint32_t where) {
    return (uint8_t *)(uintptr_t)((const char *)chunk + class->planes) + (size_t)where * plane_bytes(class->capacity);
}

struct cell chunk_cell(const struct layout *layout, const struct chunk *chunk, uint32_t column, uint32_t i) {
    ASSERT(column < layout->column_count && i < chunk->count);
    int wide = layout->wide_index[column];
    return (struct cell){
        .low = chunk_cells(layout, chunk, column)[i],
        .high = wide < 0 ? 0 : highs_of(&layout->classes[chunk->size], chunk, wide)[i],
        .tag = chunk_tags(layout, chunk, column)[i],
    };
}

const uint64_t *chunk_text(const struct layout *layout, const struct chunk *chunk, uint32_t column, uint32_t i) {
    ASSERT(layout->text_index[column] >= 0 && i < chunk->count);
    return &texts_of(&layout->classes[chunk->size], chunk, layout->text_index[column])[i];
}

uint64_t chunk_seq(const struct layout *layout, const struct chunk *chunk, uint32_t i) {
    ASSERT(i < chunk->count);
    return sequences_of(&layout->classes[chunk->size], chunk)[i];
}

uint64_t chunk_plane(const struct layout *layout, const struct chunk *chunk, uint32_t where) {
    ASSERT(where < layout->where_count);
    const struct chunk_class *class = &layout->classes[chunk->size];
    uint64_t bits = 0;
    memcpy(&bits, plane_of(class, chunk, where), plane_bytes(class->capacity)); /* little-endian */
    return bits;
}

static void set_plane(const struct chunk_class *class, struct chunk *chunk, uint32_t where, uint64_t bits) {
    memcpy(plane_of(class, chunk, where), &bits, plane_bytes(class->capacity));
}

uint32_t chunk_count_until(const struct chunk *chunk, int64_t at_us) {
    uint32_t low = 0, high = chunk->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (chunk->times[middle] <= at_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t chunk_count_before(const struct layout *layout, const struct chunk *chunk, int64_t at_us, uint64_t seq) {
    uint32_t count = chunk_count_until(chunk, at_us);
    while (count > 0 && chunk->times[count - 1] == at_us && chunk_seq(layout, chunk, count - 1) >= seq)
        count--;
    return count;
}

/* Bits from i on move up by one, bit i becomes `bit`. */
static uint64_t plane_insert(uint64_t bits, uint32_t i, uint64_t bit) {
    uint64_t below = (1ull << i) - 1;
    return (bits & below) | (bits & ~below) << 1 | bit << i;
}

void chunk_insert(const struct layout *layout, struct chunk *chunk, uint32_t i, const struct entry *entry) {
    const struct chunk_class *class = &layout->classes[chunk->size];
    ASSERT(chunk->count < class->capacity && i <= chunk->count);
    size_t tail = chunk->count - i, tail_words = tail * sizeof(uint64_t);
    memmove(chunk->times + i + 1, chunk->times + i, tail_words);
    chunk->times[i] = entry->at_us;
    uint64_t *sequences = sequences_of(class, chunk);
    memmove(sequences + i + 1, sequences + i, tail_words);
    sequences[i] = entry->seq;
    for (uint32_t column = 0; column < layout->column_count; column++) {
        const struct cell *cell = &entry->cells[column];
        uint64_t *cells = (uint64_t *)(uintptr_t)chunk_cells(layout, chunk, column);
        uint8_t *tags = (uint8_t *)(uintptr_t)chunk_tags(layout, chunk, column);
        memmove(cells + i + 1, cells + i, tail_words);
        memmove(tags + i + 1, tags + i, tail);
        cells[i] = cell->low;
        tags[i] = cell->tag;
        if (layout->wide_index[column] >= 0) {
            uint64_t *highs = highs_of(class, chunk, layout->wide_index[column]);
            memmove(highs + i + 1, highs + i, tail_words);
            highs[i] = cell->high;
        }
        if (layout->text_index[column] >= 0) {
            uint64_t *texts = texts_of(class, chunk, layout->text_index[column]);
            memmove(texts + i + 1, texts + i, tail_words);
            texts[i] = entry->texts[column];
        }
    }
    for (uint32_t where = 0; where < layout->where_count; where++)
        set_plane(class, chunk, where, plane_insert(chunk_plane(layout, chunk, where), i, entry->wheres >> where & 1));
    chunk->count++;
}

void chunk_split(const struct layout *layout, struct chunk *from, struct chunk *to, uint32_t first) {
    ASSERT(from->size == to->size && to->count == 0);
    ASSERT(first > 0 && first < from->count);
    const struct chunk_class *class = &layout->classes[from->size];
    size_t moved = from->count - first, words = moved * sizeof(uint64_t);
    memcpy(to->times, from->times + first, words);
    memcpy(sequences_of(class, to), sequences_of(class, from) + first, words);
    for (uint32_t column = 0; column < layout->column_count; column++) {
        memcpy((uint64_t *)(uintptr_t)chunk_cells(layout, to, column), chunk_cells(layout, from, column) + first,
               words);
        memcpy((uint8_t *)(uintptr_t)chunk_tags(layout, to, column), chunk_tags(layout, from, column) + first, moved);
    }
    for (uint32_t wide = 0; wide < layout->wide_count; wide++)
        memcpy(highs_of(class, to, (int)wide), highs_of(class, from, (int)wide) + first, words);
    for (uint32_t text = 0; text < layout->text_count; text++)
        memcpy(texts_of(class, to, (int)text), texts_of(class, from, (int)text) + first, words);
    for (uint32_t where = 0; where < layout->where_count; where++) {
        uint64_t bits = chunk_plane(layout, from, where);
        set_plane(class, to, where, bits >> first);
        set_plane(class, from, where, bits & ((1ull << first) - 1));
    }
    to->count = (uint16_t)moved;
    from->count = (uint16_t)first;
}
