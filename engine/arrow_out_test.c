/* Columns out (arrow_out.h) and in again (event/columns.h): what is appended is what the event room reads. */
#include "arrow_out.h"

#include "base/calendar.h"
#include "base/test.h"
#include "event/columns.h"

enum { F_ID, F_AT, F_AMOUNT, F_OK, F_DAY, F_TAGS, F_CARD, F_SHOP, FIELDS, CARD_HASH = FIELDS, CELLS };

#define FIELD(n, t, s, ...)                                                                                            \
    { .name = {n, sizeof(n) - 1}, .type = t, .slot = s, .hash_slot = NO_SLOT, __VA_ARGS__ }
#define NODE(n, f, ...)                                                                                                \
    { .name = {n, sizeof(n) - 1}, .field = f, __VA_ARGS__ }

static const struct field fields[FIELDS] = {
    FIELD("id", FIELD_INT, F_ID, .required = true),
    FIELD("at", FIELD_DATETIME, F_AT, .required = true),
    FIELD("amount", FIELD_FLOAT, F_AMOUNT, .required = true),
    FIELD("ok", FIELD_BOOL, F_OK, .nullable = true),
    FIELD("day", FIELD_DATE, F_DAY, .nullable = true),
    FIELD("tags", FIELD_STR, F_TAGS, .is_list = true, .nullable = true, .item_nullable = true),
    {.name = {"card", 4}, .type = FIELD_STR, .slot = F_CARD, .hash_slot = CARD_HASH, .secrecy = FIELD_SECRET},
    FIELD("shop.name", FIELD_STR, F_SHOP, .fallback = {.tag = V_STR, .flags = STR_ASCII, .len = 1, .p = "-"}),
};
static const struct event_node nodes[] = {
    NODE("", -1, .first_child = 1, .child_count = 8, .required = true),
    NODE("id", F_ID, .required = true),
    NODE("at", F_AT, .required = true),
    NODE("amount", F_AMOUNT, .required = true),
    NODE("ok", F_OK, .nullable = true),
    NODE("day", F_DAY, .nullable = true),
    NODE("tags", F_TAGS, .nullable = true),
    NODE("card", F_CARD),
    NODE("shop", -1, .first_child = 9, .child_count = 1, .nullable = true),
    NODE("name", F_SHOP),
};
static const struct event_class class = {.name = {"Payment", 7},
                                         .fields = fields,
                                         .field_count = FIELDS,
                                         .nodes = nodes,
                                         .node_count = sizeof nodes / sizeof *nodes,
                                         .id_field = F_ID,
                                         .time_field = F_AT};
static const struct hash_key key = {{1, 2, 3}};

struct table {
    struct arena arena;
    struct out_column columns[FIELDS];
    struct ArrowSchema schema;
    struct ArrowArray array;
};

static void begin(struct table *t) {
    static const struct out_column columns[FIELDS] = {
        {.name = "id", .type = OUT_INT},   {.name = "at", .type = OUT_DATETIME},
        {.name = "amount", .type = OUT_FLOAT}, {.name = "ok", .type = OUT_BOOL},
        {.name = "day", .type = OUT_DATE}, {.name = "tags", .type = OUT_STR, .is_list = true},
        {.name = "card", .type = OUT_STR}, {.name = "shop.name", .type = OUT_STR}};
    memset(t, 0, sizeof *t);
    memcpy(t->columns, columns, sizeof columns);
    arena_init(&t->arena, 1 << 20);
}

static void add(struct table *t, const struct value row[FIELDS]) {
    for (int f = 0; f < FIELDS; f++)
        out_append(&t->columns[f], &row[f], &t->arena);
}

static void give(struct table *t, int64_t rows) {
    struct error error;
    CHECK(out_give(t->columns, FIELDS, rows, &t->schema, &t->array, &error));
    CHECK_INT(t->array.length, rows);
}

static void end(struct table *t) {
    t->schema.release(&t->schema);
    t->array.release(&t->array);
    arena_release(&t->arena);
}

static void test_rows_come_back(void) {
    struct table t;
    struct columns columns;
    struct error error;
    struct value frame[CELLS], tags[2] = {value_str("\xc3\xbc", 2), value_none(MISSING_NOT)};
    struct event_result result;
    begin(&t);
    for (int64_t i = 0; i < 20; i++) {
        struct value row[FIELDS] = {value_int(i), value_datetime(i * 1000001), value_float(0.1 * (double)i),
                                    i % 3 == 0 ? value_none(MISSING_NOT) : value_bool(i % 3 == 1),
                                    {.tag = V_DATE, .i = i - 5},
                                    {.tag = V_LIST, .len = (uint32_t)i % 3, .p = tags},
                                    value_str("4111111111111111", 16),
                                    i % 2 == 0 ? value_str("kiosk", 5) : value_none(MISSING_NOT)};
        if (i % 5 == 4)
            row[F_TAGS] = row[F_DAY] = value_none(MISSING_NOT);
        add(&t, row);
    }
    give(&t, 20);
    CHECK(columns_bind(&class, &t.schema, &t.array, COLUMNS_TYPED, false, &t.arena, &columns, &error));
    for (int64_t i = 0; i < 20; i++) {
        columns_read(&columns, &key, &t.arena, i, frame, &result);
        CHECK_INT(result.status, EVENT_OK);
        CHECK_INT(frame[F_ID].i, i);
        CHECK_INT(result.at_us, i * 1000001);
        CHECK(frame[F_AMOUNT].f == 0.1 * (double)i);
        CHECK(i % 3 == 0 ? frame[F_OK].tag == V_NONE : frame[F_OK].i == (i % 3 == 1));
        CHECK(i % 5 == 4 ? frame[F_DAY].tag == V_NONE : frame[F_DAY].i == i - 5);
        if (i % 5 != 4) {
            CHECK_INT(frame[F_TAGS].len, i % 3);
            CHECK(i % 3 < 1 || value_equal(&value_items(&frame[F_TAGS])[0], &tags[0]));
            CHECK(i % 3 < 2 || value_items(&frame[F_TAGS])[1].tag == V_NONE);
        }
        CHECK_INT(frame[CARD_HASH].tag, V_SECRET);
        CHECK_TEXT(frame[F_SHOP].p, frame[F_SHOP].len, i % 2 == 0 ? "kiosk" : "-");
    }
    end(&t);
}

static const struct value good[FIELDS] = {
    {.tag = V_INT, .i = 1},  {.tag = V_DATETIME, .i = 5}, {.tag = V_FLOAT, .f = 1.5}, {.tag = V_NONE}, {.tag = V_NONE},
    {.tag = V_NONE},         {.tag = V_STR, .flags = STR_ASCII, .len = 1, .p = "c"},  {.tag = V_NONE}};

static void test_errors_name_field_and_value(void) {
    struct table t;
    struct columns columns;
    struct error error;
    struct value frame[CELLS], row[FIELDS];
    struct event_result result;
    begin(&t);
    memcpy(row, good, sizeof row);
    row[F_AMOUNT] = value_float(__builtin_nan(""));
    add(&t, row);
    row[F_AMOUNT] = row[F_ID] = value_none(MISSING_NOT);
    row[F_AT] = value_datetime(INT64_MAX);
    add(&t, row);
    give(&t, 2);
    CHECK(columns_bind(&class, &t.schema, &t.array, COLUMNS_TYPED, false, &t.arena, &columns, &error));
    columns_read(&columns, &key, &t.arena, 0, frame, &result);
    CHECK_INT(result.status, EVENT_FIELDS);
    CHECK_INT(result.error_count, 1);
    CHECK_TEXT(result.errors[0].path.p, result.errors[0].path.len, "/amount");
    CHECK_TEXT(result.errors[0].got.p, result.errors[0].got.len, "number nan");
    CHECK(columns_read_key(&columns, &key, &t.arena, 0, frame, &result));
    CHECK(!columns_read_key(&columns, &key, &t.arena, 1, frame, &result));
    columns_read(&columns, &key, &t.arena, 1, frame, &result);
    CHECK_INT(result.errors_total, 3);
    end(&t);
}

static void test_secret_goes_as_its_hash(void) {
    struct table t;
    struct columns columns;
    struct error error;
    struct value frame[CELLS], row[FIELDS];
    struct event_result result;
    const struct hash128 hash = {0x0123456789abcdefull, 0xfedcba9876543210ull};
    char text[SECRET_TEXT_BYTES];
    columns_write_secret(&hash, text);
    CHECK_TEXT(text, sizeof text, "secret:fedcba98765432100123456789abcdef");
    begin(&t);
    memcpy(row, good, sizeof row);
    row[F_CARD] = value_str(text, sizeof text);
    add(&t, row);
    give(&t, 1);
    CHECK(columns_bind(&class, &t.schema, &t.array, COLUMNS_HASHED, false, &t.arena, &columns, &error));
    columns_read(&columns, &key, &t.arena, 0, frame, &result);
    CHECK_INT(result.status, EVENT_OK);
    CHECK(frame[CARD_HASH].tag == V_SECRET && hash128_equal(*(const struct hash128 *)frame[CARD_HASH].p, hash));
    CHECK(frame[F_CARD].tag == V_NONE && frame[F_CARD].len == MISSING_SOURCE);
    CHECK(columns_bind(&class, &t.schema, &t.array, COLUMNS_TYPED, false, &t.arena, &columns, &error));
    columns_read(&columns, &key, &t.arena, 0, frame, &result);
    CHECK(frame[F_CARD].tag == V_STR && !hash128_equal(*(const struct hash128 *)frame[CARD_HASH].p, hash));
    end(&t);
}

static void test_column_of_another_type_is_refused(void) {
    struct table t;
    struct columns columns;
    struct error error;
    begin(&t);
    t.columns[F_AMOUNT].type = OUT_STR;
    struct value row[FIELDS];
    memcpy(row, good, sizeof row);
    row[F_AMOUNT] = value_str("1.5", 3);
    add(&t, row);
    give(&t, 1);
    CHECK(!columns_bind(&class, &t.schema, &t.array, COLUMNS_TYPED, false, &t.arena, &columns, &error));
    CHECK_TEXT(error.text, strlen(error.text), "the column amount holds strings, Payment.amount expects float");
    CHECK(columns_bind(&class, &t.schema, &t.array, COLUMNS_TYPED, true, &t.arena, &columns, &error));
    CHECK(columns_bind(&class, &t.schema, &t.array, COLUMNS_TEXT, false, &t.arena, &columns, &error));
    struct value frame[CELLS];
    struct event_result result;
    columns_read(&columns, &key, &t.arena, 0, frame, &result);
    CHECK(result.status == EVENT_OK && frame[F_AMOUNT].f == 1.5);
    end(&t);
}

static void test_value_of_another_type_is_a_failure(void) {
    struct table t;
    const struct value text = value_str("x", 1), one = value_int(1), yes = value_bool(true);
    begin(&t);
    out_append(&t.columns[F_AMOUNT], &one, &t.arena);
    out_append(&t.columns[F_ID], &yes, &t.arena);
    CHECK(t.columns[F_AMOUNT].failure == NULL && t.columns[F_ID].failure == NULL);
    out_append(&t.columns[F_AMOUNT], &text, &t.arena);
    CHECK(t.columns[F_AMOUNT].failure != NULL);
    for (int f = 0; f < FIELDS; f++)
        out_release(&t.columns[f]);
    arena_release(&t.arena);
}

int main(void) {
    TEST(test_rows_come_back);
    TEST(test_errors_name_field_and_value);
    TEST(test_secret_goes_as_its_hash);
    TEST(test_column_of_another_type_is_refused);
    TEST(test_value_of_another_type_is_a_failure);
    return test_end();
}
