/* The event object: walks JSON members and the class's tree of names together (event.h). Called by the engine for each
 * event; calls field.c for the members that are fields, json.c to leave the others, report.c for what is wrong.
 *
 * Members mostly come in the order of the class, so each is first compared with the child after the last one found;
 * then with all. In an object with many children an index is made once comparing has cost as much as making it. That no
 * name comes twice is kept as a bit for each child, and as a list of the other names that grows into a hash table: no
 * order or number of members makes the work more than linear in their bytes. */
#include "event.h"

#include "../base/assert.h"
#include "parse.h"

enum { SEEN_WORDS = 4, OTHERS_FIRST = 8, INDEX_CHILDREN = 32, NONE = -1 };

/* Names met in one object that the class does not know. */
struct others {
    struct str first[OTHERS_FIRST];
    struct str *table; /* open addressing, by keyed hash; NULL up to OTHERS_FIRST names */
    uint32_t count, size;
};

/* One JSON object as it is read. */
struct object {
    const struct event_node *children;
    uint32_t child_count, expected; /* the child after the last one found */
    uint32_t misses;                /* children compared in vain */
    uint16_t *index;                /* child + 1 by hash of its name, or 0; NULL until it pays */
    uint32_t index_size;
    uint64_t *seen;
    uint64_t first_seen[SEEN_WORDS];
    struct others others;
};

static bool full(struct parser *parser) {
    parser->json.failure = JSON_FULL;
    return false;
}

/* --- names --- */

/* str_equal for short texts, without a call. */
static inline bool same(struct str a, struct str b) {
    size_t len = a.len, at = 0;
    uint64_t x, y;
    if (len != b.len) {
        return false;
    }
    if (len < 8) {
        while (at < len && a.p[at] == b.p[at]) {
            at++;
        }
        return at == len;
    }
    for (;;) {
        memcpy(&x, a.p + at, 8);
        memcpy(&y, b.p + at, 8);
        if (x != y || at + 8 == len) {
            return x == y;
        }
        at = at + 16 <= len ? at + 8 : len - 8; /* the last eight may overlap those before */
    }
}

static void *zeroed(struct parser *parser, size_t bytes) {
    void *memory = arena_alloc(parser->json.arena, bytes);
    if (memory == NULL) {
        (void)full(parser);
        return NULL;
    }
    return memset(memory, 0, bytes);
}

static bool object_init(struct parser *parser, struct object *object, const struct event_node *node) {
    uint32_t words = (node->child_count + 63) / 64;
    object->children = parser->class->nodes + node->first_child;
    object->child_count = node->child_count;
    object->expected = object->misses = 0;
    object->index = NULL;
    object->others.count = 0;
    object->others.table = NULL;
    object->seen = object->first_seen;
    memset(object->first_seen, 0, sizeof object->first_seen);
    if (words > SEEN_WORDS) {
        object->seen = zeroed(parser, words * sizeof *object->seen);
    }
    return object->seen != NULL;
}

static bool make_index(struct parser *parser, struct object *object) {
    uint32_t size = 2;
    ASSERT(object->child_count < UINT16_MAX);
    while (size < 2 * object->child_count) {
        size *= 2;
    }
    object->index = zeroed(parser, size * sizeof *object->index);
    if (object->index == NULL) {
        return false;
    }
    object->index_size = size;
    for (uint32_t i = 0; i < object->child_count; i++) {
        struct str name = object->children[i].name;
        uint32_t at = (uint32_t)hash_checksum(name.p, name.len) & (size - 1);
        while (object->index[at] != 0) {
            at = (at + 1) & (size - 1);
        }
        object->index[at] = (uint16_t)(i + 1);
    }
    return true;
}

static int32_t look_up(const struct object *object, struct str name) {
    uint32_t at = (uint32_t)hash_checksum(name.p, name.len) & (object->index_size - 1);
    for (; object->index[at] != 0; at = (at + 1) & (object->index_size - 1)) {
        int32_t child = object->index[at] - 1;
        if (str_equal(object->children[child].name, name)) {
            return child;
        }
    }
    return NONE;
}

/* Sets *child to the one of that name, or NONE. False: the arena is full. */
static bool find_child(struct parser *parser, struct object *object, struct str name, int32_t *child) {
    uint32_t count = object->child_count, expected = object->expected;
    *child = NONE;
    if (expected < count && same(object->children[expected].name, name)) {
        *child = (int32_t)expected;
        object->expected++;
        return true;
    }
    if (count > INDEX_CHILDREN && object->misses > 2 * count) {
        if (object->index == NULL && !make_index(parser, object)) {
            return false;
        }
        *child = look_up(object, name);
    } else {
        uint32_t i = 0;
        while (i < count && !same(object->children[i].name, name)) {
            i++;
        }
        object->misses += i;
        *child = i < count ? (int32_t)i : NONE;
    }
    if (*child != NONE) {
        object->expected = (uint32_t)*child + 1;
    }
    return true;
}

/* Puts the name in the table; false if it is there. */
static bool table_add(const struct hash_key *key, struct others *others, struct str name) {
    uint32_t at = (uint32_t)hash_keyed(key, name.p, name.len).low & (others->size - 1);
    for (; others->table[at].p != NULL; at = (at + 1) & (others->size - 1)) {
        if (str_equal(others->table[at], name)) {
            return false;
        }
    }
    others->table[at] = name;
    return true;
}

static bool grow(struct parser *parser, struct others *others) {
    struct str *old = others->table != NULL ? others->table : others->first;
    uint32_t old_size = others->table != NULL ? others->size : OTHERS_FIRST;
    others->size = 4 * old_size;
    others->table = zeroed(parser, others->size * sizeof *others->table);
    if (others->table == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < old_size; i++) {
        if (old[i].p != NULL) {
            bool added = table_add(parser->secret_key, others, old[i]);
            ASSERT(added);
        }
    }
    return true;
}

/* Notes a name that the class does not know; *twice if it was there already. False: the arena is full. */
static bool note_other(struct parser *parser, struct others *others, struct str name, bool *twice) {
    *twice = false;
    if (others->table == NULL && others->count < OTHERS_FIRST) {
        for (uint32_t i = 0; i < others->count && !*twice; i++) {
            *twice = str_equal(others->first[i], name);
        }
        if (!*twice) {
            others->first[others->count++] = name;
        }
        return true;
    }
    if ((others->table == NULL || others->count >= others->size / 2) && !grow(parser, others)) {
        return false;
    }
    *twice = !table_add(parser->secret_key, others, name);
    others->count += !*twice;
    return true;
}

/* --- objects --- */

static bool read_object(struct parser *parser, const struct event_node *node, const struct place *place,
                        uint32_t depth);

static bool fall_back(struct parser *parser, const struct event_node *node) {
    if (node->field >= 0) {
        return field_fall_back(parser, &parser->class->fields[node->field]);
    }
    for (uint32_t i = 0; i < node->child_count; i++) {
        if (!fall_back(parser, &parser->class->nodes[node->first_child + i])) {
            return false;
        }
    }
    return true;
}

/* Reads what a member name on the way to fields holds: an object, or null. */
static bool read_node(struct parser *parser, const struct event_node *node, const struct place *place, uint32_t depth) {
    struct json *json = &parser->json;
    char c = json_next(json);
    if (c == '{' && depth < LIMIT_JSON_DEPTH) {
        return read_object(parser, node, place, depth + 1);
    }
    if (c == 'n' && node->nullable) {
        return json_literal(json, STR("null")) && fall_back(parser, node);
    }
    return report_value(parser, place, STR("object"), false, depth);
}

/* A member that the class does not know, or knows but has seen. */
static bool leave_member(struct parser *parser, struct object *object, const struct place *place, bool twice,
                         uint32_t depth) {
    if (!twice && !note_other(parser, &object->others, *place->name, &twice)) {
        return false;
    }
    if (twice) {
        return report_skip(parser, place, depth) &&
               report(parser, place, STR("one member of this name"), STR("a duplicate"));
    }
    if (parser->class->forbid_extra) {
        return report_value(parser, place, STR("no such member"), false, depth);
    }
    return report_skip(parser, place, depth);
}

/* "name": value */
static bool read_member(struct parser *parser, struct object *object, const struct place *up, uint32_t depth) {
    struct json *json = &parser->json;
    struct json_string name;
    int32_t child;
    if (json_next(json) != '"') {
        return json_fail(json, json->at, "'\"' and a member's name");
    }
    if (!json_string(json, &name)) {
        return false;
    }
    if (json_next(json) != ':') {
        return json_fail(json, json->at, "':'");
    }
    json->at++;
    if (!find_child(parser, object, name.text, &child)) {
        return false;
    }
    struct place place = {.up = up, .name = &name.text};
    if (child == NONE) {
        return leave_member(parser, object, &place, false, depth);
    }
    uint64_t bit = 1ull << (child & 63);
    if (object->seen[child >> 6] & bit) {
        return leave_member(parser, object, &place, true, depth);
    }
    object->seen[child >> 6] |= bit;
    const struct event_node *node = &object->children[child];
    if (node->field >= 0) {
        return field_read(parser, &parser->class->fields[node->field], &place, depth);
    }
    return read_node(parser, node, &place, depth);
}

/* Children that no member named: an error, or their fallbacks. */
static bool finish(struct parser *parser, const struct object *object, const struct place *up) {
    for (uint32_t i = 0; i < object->child_count; i++) {
        const struct event_node *node = &object->children[i];
        if (object->seen[i >> 6] >> (i & 63) & 1) {
            continue;
        }
        if (!node->required) {
            if (!fall_back(parser, node)) {
                return false;
            }
            continue;
        }
        struct place place = {.up = up, .name = &node->name};
        struct str expected = STR("object");
        if (node->field >= 0) {
            expected = field_expected(parser, &parser->class->fields[node->field], false);
        }
        if (!report(parser, &place, expected, STR("nothing"))) {
            return false;
        }
    }
    return true;
}

/* Reads the object at the cursor; `depth` counts it in. */
static bool read_object(struct parser *parser, const struct event_node *node, const struct place *place,
                        uint32_t depth) {
    struct json *json = &parser->json;
    struct object object;
    ASSERT(*json->at == '{' && depth >= 1 && depth <= LIMIT_JSON_DEPTH);
    if (!object_init(parser, &object, node)) {
        return false;
    }
    json->at++;
    if (json_next(json) == '}') {
        json->at++;
        return finish(parser, &object, place);
    }
    for (;;) {
        if (!read_member(parser, &object, place, depth)) {
            return false;
        }
        char c = json_next(json);
        if (c != ',' && c != '}') {
            return json_fail(json, json->at, "',' or '}'");
        }
        json->at++;
        if (c == '}') {
            return finish(parser, &object, place);
        }
    }
}

void event_conclude(struct parser *parser, bool read) {
    struct event_result *result = parser->result;
    switch (parser->json.failure) {
    case JSON_GOOD: ASSERT(read); break;
    case JSON_SYNTAX:
        result->status = EVENT_SYNTAX;
        result->offset = parser->json.offset;
        result->detail = parser->json.detail;
        return;
    case JSON_FULL: result->status = EVENT_LIMIT; return;
    case JSON_DEEP: ASSERT(result->errors_total > 0); break;
    }
    if (result->errors_total > 0) {
        result->status = EVENT_FIELDS;
        return;
    }
    const struct event_class *class = parser->class;
    const struct value *time = &parser->frame[class->fields[class->time_field].slot];
    result->id = parser->frame[class->fields[class->id_field].slot];
    ASSERT(time->tag == V_DATETIME && (result->id.tag == V_STR || result->id.tag == V_INT));
    result->at_us = time->i;
    result->status = EVENT_OK;
}

void event_parse(const struct event_class *class, const struct hash_key *secret_key, struct arena *arena,
                 struct str json, struct value *frame, struct event_result *result) {
    ASSERT(class->node_count > 0 && class->id_field < class->field_count && class->time_field < class->field_count);
    struct parser parser = {
        .json = json_of(arena, json), .class = class, .secret_key = secret_key, .frame = frame, .result = result};
    result->error_count = result->errors_total = result->masked = 0;
    result->detail = (struct str){NULL, 0};
    result->offset = 0;
    bool read;
    if (json_next(&parser.json) == '{') {
        read = read_object(&parser, &class->nodes[0], NULL, 1);
    } else {
        read = report_value(&parser, NULL, STR("object"), false, 0);
    }
    event_conclude(&parser, read && json_end(&parser.json));
}
