/* The event class of the tests, the fuzz target and the benchmark: a 20-field card payment, then fields of every other
 * kind. Included once a program. */
#ifndef ASSAY_EVENT_SAMPLE_H
#define ASSAY_EVENT_SAMPLE_H

#include "event.h"

enum sample_field {
    S_ID,
    S_AT,
    S_AMOUNT,
    S_CURRENCY,
    S_CARD,
    S_COUNTRY,
    S_CITY,
    S_LAT,
    S_LON,
    S_DEVICE,
    S_IP,
    S_EMAIL,
    S_CHANNEL,
    S_ENTRY,
    S_MERCHANT,
    S_MCC,
    S_MEMO,
    S_ZIP,
    S_PRESENT,
    S_ATTEMPT,
    S_TAGS,
    S_SCORES,
    S_NOTE,
    S_CLEAR,
    S_OPENED,
    S_SEEN_S,
    S_SEEN_MS,
    S_SEEN_US,
    S_LEVEL,
    S_STORE_NAME,
    S_STORE_SIZE,
    S_STORE_PIN,
    S_ALIAS,
    S_NEEDED,
    S_MOMENTS,
    S_ODD,
    S_FIELDS,
};
enum { S_CARD_HASH = S_FIELDS, S_PIN_HASH, S_CELLS };

#define SAMPLE(index, n, t, ...)                                                                                       \
    [index] = {                                                                                                        \
        .name = {n, sizeof(n) - 1}, .type = t, .slot = index, .hash_slot = NO_SLOT, .required = true, __VA_ARGS__}
#define OPTIONAL .required = false

static const struct value sample_channels[] = {{.tag = V_STR, .flags = STR_ASCII, .len = 3, .p = "web"},
                                               {.tag = V_STR, .flags = STR_ASCII, .len = 3, .p = "pos"},
                                               {.tag = V_STR, .flags = STR_ASCII, .len = 3, .p = "app"}};
static const struct value sample_levels[] = {{.tag = V_INT, .i = 1}, {.tag = V_INT, .i = 2}};

#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
static const struct field sample_fields[S_FIELDS] = {
    SAMPLE(S_ID, "id", FIELD_STR),
    SAMPLE(S_AT, "at", FIELD_DATETIME),
    SAMPLE(S_AMOUNT, "amount", FIELD_FLOAT),
    SAMPLE(S_CURRENCY, "currency", FIELD_STR),
    SAMPLE(S_CARD, "card", FIELD_STR, .secrecy = FIELD_SECRET, .hash_slot = S_CARD_HASH),
    SAMPLE(S_COUNTRY, "country", FIELD_STR),
    SAMPLE(S_CITY, "city", FIELD_STR),
    SAMPLE(S_LAT, "lat", FIELD_FLOAT),
    SAMPLE(S_LON, "lon", FIELD_FLOAT),
    SAMPLE(S_DEVICE, "device", FIELD_STR, .nullable = true),
    SAMPLE(S_IP, "ip", FIELD_STR),
    SAMPLE(S_EMAIL, "email", FIELD_STR),
    SAMPLE(S_CHANNEL, "channel", FIELD_STR, .choices = sample_channels, .choice_count = 3),
    SAMPLE(S_ENTRY, "entry_mode", FIELD_STR),
    SAMPLE(S_MERCHANT, "merchant", FIELD_STR),
    SAMPLE(S_MCC, "mcc", FIELD_INT),
    SAMPLE(S_MEMO, "memo", FIELD_STR),
    SAMPLE(S_ZIP, "zip", FIELD_STR),
    SAMPLE(S_PRESENT, "card_present", FIELD_BOOL),
    SAMPLE(S_ATTEMPT, "attempt", FIELD_INT),
    SAMPLE(S_TAGS, "tags", FIELD_STR, OPTIONAL, .is_list = true, .fallback = {.tag = V_LIST}),
    SAMPLE(S_SCORES, "scores", FIELD_FLOAT, OPTIONAL, .is_list = true, .item_nullable = true, .nullable = true),
    SAMPLE(S_NOTE, "note", FIELD_STR, OPTIONAL, .nullable = true),
    SAMPLE(S_CLEAR, "clear", FIELD_STR, OPTIONAL, .secrecy = FIELD_CLEAR),
    SAMPLE(S_OPENED, "opened", FIELD_DATE, OPTIONAL, .nullable = true),
    SAMPLE(S_SEEN_S, "seen_s", FIELD_DATETIME, OPTIONAL, .unit = UNIT_S),
    SAMPLE(S_SEEN_MS, "seen_ms", FIELD_DATETIME, OPTIONAL, .unit = UNIT_MS),
    SAMPLE(S_SEEN_US, "seen_us", FIELD_DATETIME, OPTIONAL, .unit = UNIT_US),
    SAMPLE(S_LEVEL, "level", FIELD_INT, OPTIONAL, .choices = sample_levels, .choice_count = 2,
           .fallback = {.tag = V_INT, .i = 1}),
    SAMPLE(S_STORE_NAME, "store.name", FIELD_STR),
    SAMPLE(S_STORE_SIZE, "store.size", FIELD_INT, OPTIONAL, .fallback = {.tag = V_INT, .i = 7}),
    SAMPLE(S_STORE_PIN, "store.pin", FIELD_INT, OPTIONAL, .nullable = true, .secrecy = FIELD_SECRET,
           .hash_slot = S_PIN_HASH),
    SAMPLE(S_ALIAS, "alias", FIELD_INT, OPTIONAL, .fallback = {.tag = V_INT, .i = -1}),
    SAMPLE(S_NEEDED, "needed", FIELD_BOOL),
    SAMPLE(S_MOMENTS, "moments", FIELD_DATETIME, OPTIONAL, .is_list = true),
    SAMPLE(S_ODD, "odd/~name", FIELD_INT, OPTIONAL),
};
#pragma GCC diagnostic pop

#define LEAF(n, f, r)                                                                                                  \
    { .name = {n, sizeof(n) - 1}, .field = f, .required = r }
static const struct event_node sample_nodes[] = {
    {.name = {"", 0}, .field = -1, .first_child = 1, .child_count = 33, .required = true},
    LEAF("id", S_ID, true),
    LEAF("at", S_AT, true),
    LEAF("amount", S_AMOUNT, true),
    LEAF("currency", S_CURRENCY, true),
    LEAF("card", S_CARD, true),
    LEAF("country", S_COUNTRY, true),
    LEAF("city", S_CITY, true),
    LEAF("lat", S_LAT, true),
    LEAF("lon", S_LON, true),
    LEAF("device", S_DEVICE, true),
    LEAF("ip", S_IP, true),
    LEAF("email", S_EMAIL, true),
    LEAF("channel", S_CHANNEL, true),
    LEAF("entry_mode", S_ENTRY, true),
    LEAF("merchant", S_MERCHANT, true),
    LEAF("mcc", S_MCC, true),
    LEAF("memo", S_MEMO, true),
    LEAF("zip", S_ZIP, true),
    LEAF("card_present", S_PRESENT, true),
    LEAF("attempt", S_ATTEMPT, true),
    LEAF("tags", S_TAGS, false),
    LEAF("scores", S_SCORES, false),
    LEAF("note", S_NOTE, false),
    LEAF("clear", S_CLEAR, false),
    LEAF("opened", S_OPENED, false),
    LEAF("seen_s", S_SEEN_S, false),
    LEAF("seen_ms", S_SEEN_MS, false),
    LEAF("seen_us", S_SEEN_US, false),
    LEAF("level", S_LEVEL, false),
    {.name = {"store", 5}, .field = -1, .first_child = 34, .child_count = 3, .nullable = true},
    {.name = {"a", 1}, .field = -1, .first_child = 37, .child_count = 1, .nullable = true},
    LEAF("moments", S_MOMENTS, false),
    LEAF("odd/~name", S_ODD, false),
    LEAF("name", S_STORE_NAME, true),
    LEAF("size", S_STORE_SIZE, false),
    LEAF("pin", S_STORE_PIN, false),
    {.name = {"b", 1}, .field = -1, .first_child = 38, .child_count = 2, .nullable = true},
    LEAF("alias", S_ALIAS, false),
    {.name = {"c", 1}, .field = -1, .first_child = 40, .child_count = 1, .required = true},
    LEAF("needed", S_NEEDED, true),
};

static const struct event_class sample_class = {
    .name = {"Payment", 7},
    .fields = sample_fields,
    .field_count = S_FIELDS,
    .nodes = sample_nodes,
    .node_count = sizeof sample_nodes / sizeof sample_nodes[0],
    .id_field = S_ID,
    .time_field = S_AT,
    .scored = true,
};

/* About 800 bytes. */
static const char sample_payment[] =
    "{\"id\": \"pay_01HV3Z8K2M4N6P8Q\", \"at\": \"2026-03-01T12:34:56.789012Z\", \"amount\": 129.95, \"currency\": "
    "\"EUR\", "
    "\"card\": \"4111111111111111\", \"country\": \"DE\", \"city\": \"Frankfurt am Main\", \"lat\": 50.110924, "
    "\"lon\": 8.682127, "
    "\"device\": \"d3b07384d113edec49eaa6238ad5ff00\", \"ip\": \"203.0.113.195\", \"email\": "
    "\"maria.gonzalez@example.com\", "
    "\"channel\": \"web\", \"entry_mode\": \"ecommerce\", \"merchant\": \"Example Electronics GmbH\", \"mcc\": 5732, "
    "\"memo\": \"Order 77 for two pairs of wireless headphones and one charging cable to be delivered before the "
    "weekend please "
    "leave the parcel with the neighbour on the second floor if nobody opens the door and call the number on the order "
    "form "
    "first thank you very much and have a pleasant weekend with the music turned up loud\", \"zip\": \"60311\", "
    "\"card_present\": false, \"attempt\": 1}";

#endif
