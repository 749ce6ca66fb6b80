/* With an argument it is a filter for tests/test_number.py, which compares with Python's datetime: "format" turns
 * microseconds (8 bytes each) into lines, "parse" turns lines into "result microseconds". Without: days one by one, and
 * a table of texts. */
#include "calendar.h"

#include <stdlib.h>

#include "test.h"

/* Counts from the first day to the last as the months say. */
static void test_every_day_of_the_calendar(void) {
    int64_t day = CALENDAR_MIN_US / 86400000000ll;
    int weekday = 0, bad = 0; /* 0001-01-01 was a Monday */
    for (int year = 1; year <= 9999; year++) {
        int year_day = 1;
        for (int month = 1; month <= 12; month++) {
            for (int of_month = 1; of_month <= calendar_days_in_month(year, month); of_month++, day++, year_day++) {
                struct civil civil;
                calendar_civil(day * 86400000000ll + 86399999999ll, &civil);
                bad += civil.year != year || civil.month != month || civil.day != of_month ||
                       civil.weekday != weekday || civil.year_day != year_day || civil.hour != 23 ||
                       civil.minute != 59 || civil.second != 59 || civil.microsecond != 999999 ||
                       calendar_days(year, month, of_month) != day;
                weekday = (weekday + 1) % 7;
            }
        }
    }
    CHECK_INT(bad, 0);
    CHECK_INT(day, (CALENDAR_MAX_US + 1) / 86400000000ll);
}

static void test_times_as_texts(void) {
    static const struct {
        const char *text;
        enum calendar_result result;
        int64_t us;
    } cases[] = {
        {"1970-01-01T00:00:00Z", CALENDAR_OK, 0},
        {"1970-01-01t00:00:00z", CALENDAR_OK, 0},
        {"1970-01-01 00:00:01.5+00:00", CALENDAR_OK, 1500000},
        {"1970-01-01T00:00:00-00:00", CALENDAR_OK, 0},
        {"1970-01-01T01:30:00+01:30", CALENDAR_OK, 0},
        {"1969-12-31T23:59:59.999999Z", CALENDAR_OK, -1},
        {"1970-01-01T00:00:00.1234567Z", CALENDAR_OK, 123456},
        {"1970-01-01T00:00:00.123456789Z", CALENDAR_OK, 123456},
        {"1970-01-01T00:00:00.1234567890Z", CALENDAR_SYNTAX, 0},
        {"1970-01-01T00:00:00", CALENDAR_NAIVE, 0},
        {"1970-01-01T00:00:00.25", CALENDAR_NAIVE, 250000},
        {"0001-01-01T00:00:00Z", CALENDAR_OK, CALENDAR_MIN_US},
        {"9999-12-31T23:59:59.999999Z", CALENDAR_OK, CALENDAR_MAX_US},
        {"0001-01-01T00:00:00+00:01", CALENDAR_RANGE, 0},
        {"9999-12-31T23:59:59-00:01", CALENDAR_RANGE, 0},
        {"0000-01-01T00:00:00Z", CALENDAR_RANGE, 0},
        {"2026-02-29T00:00:00Z", CALENDAR_RANGE, 0},
        {"2026-00-10T00:00:00Z", CALENDAR_RANGE, 0},
        {"2026-13-10T00:00:00Z", CALENDAR_RANGE, 0},
        {"2026-01-00T00:00:00Z", CALENDAR_RANGE, 0},
        {"2026-01-01T24:00:00Z", CALENDAR_RANGE, 0},
        {"2026-01-01T23:60:00Z", CALENDAR_RANGE, 0},
        {"2016-12-31T23:59:60Z", CALENDAR_RANGE, 0},
        {"2026-01-01T00:00:00+24:00", CALENDAR_RANGE, 0},
        {"2026-01-01T00:00:00+00:60", CALENDAR_RANGE, 0},
        {"2026-01-01T00:00:00+0000", CALENDAR_SYNTAX, 0},
        {"2026-01-01T00:00:00+00", CALENDAR_SYNTAX, 0},
        {"2026-01-01T00:00:00.Z", CALENDAR_SYNTAX, 0},
        {"2026-01-01T00:00:00,5Z", CALENDAR_SYNTAX, 0},
        {"2026-01-01T00:00:00Zx", CALENDAR_SYNTAX, 0},
        {"2026-01-01T00:00:00 Z", CALENDAR_SYNTAX, 0},
        {"2026-01-01T00:00Z", CALENDAR_SYNTAX, 0},
        {"2026-01-01", CALENDAR_SYNTAX, 0},
        {"2026-1-01T00:00:00Z", CALENDAR_SYNTAX, 0},
        {"20260101T000000Z", CALENDAR_SYNTAX, 0},
        {"2026-01-01T0a:00:00Z", CALENDAR_SYNTAX, 0},
        {"2026/01/01T00:00:00Z", CALENDAR_SYNTAX, 0},
        {"", CALENDAR_SYNTAX, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t us = 0;
        enum calendar_result result = calendar_parse_time(str_of(cases[i].text), &us);
        if (result != cases[i].result || us != cases[i].us) {
            fprintf(stderr, "%s: %d %lld\n", cases[i].text, (int)result, (long long)us);
        }
        CHECK_INT(result, cases[i].result);
        CHECK_INT(us, cases[i].us);
    }
}

static void test_dates_as_texts(void) {
    int64_t days = 0;
    char out[CALENDAR_TEXT_BYTES];
    CHECK_INT(calendar_parse_date(STR("2024-02-29"), &days), CALENDAR_OK);
    CHECK_TEXT(out, calendar_format_date(days, out), "2024-02-29");
    CHECK_INT(calendar_parse_date(STR("2100-02-29"), &days), CALENDAR_RANGE);
    CHECK_INT(calendar_parse_date(STR("2024-02-29T"), &days), CALENDAR_SYNTAX);
    CHECK_INT(calendar_parse_date(STR("2024-2-290"), &days), CALENDAR_SYNTAX);
    CHECK_TEXT(out, calendar_format_time(-1, 'T', out), "1969-12-31T23:59:59.999999+00:00");
    CHECK_TEXT(out, calendar_format_time(0, ' ', out), "1970-01-01 00:00:00+00:00");
}

/* Each cut lies in a block of exactly its size, so that a sanitizer sees a read beyond it. */
static void test_reads_nothing_beyond_its_length(void) {
    const char *text = "2026-03-01T12:00:00.123456+01:00";
    for (size_t len = 0; len < strlen(text); len++) {
        char *copy = malloc(len + !len);
        int64_t out = 0;
        CHECK(copy != NULL);
        memcpy(copy, text, len);
        CHECK(calendar_parse_time((struct str){copy, len}, &out) != CALENDAR_OK);
        CHECK((calendar_parse_date((struct str){copy, len}, &out) == CALENDAR_OK) == (len == 10));
        free(copy);
    }
}

static int filter(const char *mode) {
    char line[128], out[CALENDAR_TEXT_BYTES];
    int64_t us;
    if (strcmp(mode, "format") == 0) {
        while (fread(&us, sizeof us, 1, stdin) == 1) {
            fwrite(out, 1, calendar_format_time(us, 'T', out), stdout);
            putchar('\n');
        }
        return 0;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        us = 0;
        enum calendar_result result = calendar_parse_time((struct str){line, strlen(line) - 1}, &us);
        printf("%d %lld\n", (int)result, (long long)us);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2) {
        return filter(argv[1]);
    }
    TEST(test_every_day_of_the_calendar);
    TEST(test_times_as_texts);
    TEST(test_dates_as_texts);
    TEST(test_reads_nothing_beyond_its_length);
    return test_end();
}
