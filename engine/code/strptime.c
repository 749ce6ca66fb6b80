/* datetime.strptime(): the meaning of CPython's _strptime.py in the C locale, which makes a regular expression of the format.
 *
 * Here the format becomes a row of pieces, each with its ways to match at a place in the order that the expression would try them;
 * when a piece cannot go on, the one before it tries its next way. Digits are those of any script, as \d is. %Z knows UTC and
 * GMT; CPython also takes the names of the machine's own zone. Steps are charged for each try, so a text that makes the
 * search long ends in a LimitError. */
#include "moment.h"

enum { COMPOSED_MAX = 13 /* pieces of %c */, WAYS_MAX = 16 };

/* What a directive can look like, as in _strptime.py: alternatives of literals, [a-b] and \d. */
static const struct {
    char letter;
    const char *pattern;
} numbers[] = {
    {'d', "3[0-1]|[1-2]\\d|0[1-9]|[1-9]| [1-9]"},
    {'f', "[0-9][0-9][0-9][0-9][0-9][0-9]|[0-9][0-9][0-9][0-9][0-9]|[0-9][0-9][0-9][0-9]|[0-9][0-9][0-9]|[0-9][0-9]|[0-9]"},
    {'H', "2[0-3]|[0-1]\\d|\\d"},
    {'I', "1[0-2]|0[1-9]|[1-9]"},
    {'G', "\\d\\d\\d\\d"},
    {'j', "36[0-6]|3[0-5]\\d|[1-2]\\d\\d|0[1-9]\\d|00[1-9]|[1-9]\\d|0[1-9]|[1-9]"},
    {'m', "1[0-2]|0[1-9]|[1-9]"},
    {'M', "[0-5]\\d|\\d"},
    {'S', "6[0-1]|[0-5]\\d|\\d"},
    {'U', "5[0-3]|[0-4]\\d|\\d"},
    {'W', "5[0-3]|[0-4]\\d|\\d"},
    {'w', "[0-6]"},
    {'u', "[1-7]"},
    {'V', "5[0-3]|0[1-9]|[1-4]\\d|\\d"},
    {'y', "\\d\\d"},
    {'Y', "\\d\\d\\d\\d"},
};
static const char *const days[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", NULL};
static const char *const short_days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};
static const char *const months[] = {"january",   "february", "march",    "april",    "may", "june", "july", "august",
                                     "september", "october",  "november", "december", NULL};
static const char *const short_months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                           "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const halves[] = {"am", "pm", NULL};
static const char *const zones[] = {"utc", "gmt", NULL};
static const struct {
    char letter;
    const char *const *names;
} named[] = {{'A', days}, {'a', short_days}, {'B', months}, {'b', short_months}, {'p', halves}, {'Z', zones}};
static const struct {
    char letter;
    const char *format;
} composed[] = {{'c', "%a %b %d %H:%M:%S %Y"}, {'x', "%m/%d/%y"}, {'X', "%H:%M:%S"}};

enum piece_kind { PIECE_LITERAL, PIECE_SPACE, PIECE_NUMBER, PIECE_NAME, PIECE_OFFSET };

struct piece {
    enum piece_kind kind;
    char letter;             /* of a directive */
    uint32_t character;      /* of a literal */
    const char *pattern;
    const char *const *names;
    size_t from, to;         /* what it matched */
    uint32_t way;            /* how many ways were tried */
};

struct parser {
    struct run *run;
    struct str text;
    struct piece *pieces;
    uint32_t count, room;
    uint64_t seen; /* directives, by letter - 'A' */
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool wrong(struct run *run, const char *text) { return run_raise(run, EXCEPTION_ValueError, "%s", text); }

/* --- the format --- */

static bool add_piece(struct parser *parser, struct piece piece) {
    if (piece.letter != 0) {
        uint64_t bit = 1ull << (piece.letter - 'A');
        if (parser->seen & bit)
            return wrong(parser->run, "a directive stands twice in the format");
        parser->seen |= bit;
    }
    ASSERT(parser->count < parser->room);
    parser->pieces[parser->count++] = piece;
    return true;
}

static bool add_directive(struct parser *parser, char letter) {
    for (size_t i = 0; i < COUNT(numbers); i++)
        if (numbers[i].letter == letter)
            return add_piece(parser, (struct piece){.kind = PIECE_NUMBER, .letter = letter, .pattern = numbers[i].pattern});
    for (size_t i = 0; i < COUNT(named); i++)
        if (named[i].letter == letter)
            return add_piece(parser, (struct piece){.kind = PIECE_NAME, .letter = letter, .names = named[i].names});
    if (letter == 'z')
        return add_piece(parser, (struct piece){.kind = PIECE_OFFSET, .letter = letter});
    if (letter == '%')
        return add_piece(parser, (struct piece){.kind = PIECE_LITERAL, .character = '%'});
    return run_raise(parser->run, EXCEPTION_ValueError, "'%c' is a bad directive in the format", letter);
}

static const char *composed_of(char letter) {
    for (size_t i = 0; i < COUNT(composed); i++)
        if (composed[i].letter == letter)
            return composed[i].format;
    return NULL;
}

static bool is_letter_or_percent(uint32_t c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '%'; }

/* Composed directives do not hold composed ones. */
static bool read_format(struct parser *parser, struct str format, bool inner) {
    unsigned bytes;
    for (size_t at = 0; at < format.len; at += bytes) {
        uint32_t c = utf8_decode(format.p + at, &bytes);
        if (text_is_space(parser->run, c)) {
            bool again = parser->count > 0 && at > 0 && parser->pieces[parser->count - 1].kind == PIECE_SPACE;
            if (!again && !add_piece(parser, (struct piece){.kind = PIECE_SPACE}))
                return false;
            continue;
        }
        if (c != '%') {
            if (!add_piece(parser, (struct piece){.kind = PIECE_LITERAL, .character = c}))
                return false;
            continue;
        }
        if (++at >= format.len)
            return wrong(parser->run, "stray % in the format");
        c = utf8_decode(format.p + at, &bytes);
        if (!is_letter_or_percent(c))
            return wrong(parser->run, "a bad directive in the format");
        const char *parts = inner ? NULL : composed_of((char)c);
        if (!(parts != NULL ? read_format(parser, str_of(parts), true) : add_directive(parser, (char)c)))
            return false;
    }
    return true;
}

/* --- the ways of a piece; each gives where it ends, or 0 when there is no such way --- */

static uint32_t decimal_of(struct parser *parser, uint32_t c) {
    return c < 128 ? c - '0' : unicode_record(parser->run->unicode, c)->decimal;
}

/* The code point at a byte, UINT32_MAX at the end. */
static uint32_t character_at(const struct parser *parser, size_t at, unsigned *bytes) {
    *bytes = 0;
    return at < parser->text.len ? utf8_decode(parser->text.p + at, bytes) : UINT32_MAX;
}

/* One alternative of a pattern, up to '|' or its end. */
static bool alternative_matches(struct parser *parser, const char *pattern, size_t at, size_t *end) {
    unsigned bytes;
    while (*pattern != 0 && *pattern != '|') {
        uint32_t c = character_at(parser, at, &bytes);
        if (c == UINT32_MAX)
            return false;
        if (*pattern == '[') {
            if (c < (unsigned char)pattern[1] || c > (unsigned char)pattern[3])
                return false;
            pattern += 5;
        } else if (*pattern == '\\') {
            if (decimal_of(parser, c) > 9)
                return false;
            pattern += 2;
        } else if (c != (unsigned char)*pattern++) {
            return false;
        }
        at += bytes;
    }
    *end = at;
    return true;
}

static bool number_way(struct parser *parser, const struct piece *piece, uint32_t way, size_t *end, bool *matches) {
    const char *pattern = piece->pattern;
    for (; way > 0 && pattern != NULL; way--) {
        pattern = strchr(pattern, '|');
        pattern = pattern == NULL ? NULL : pattern + 1;
    }
    *matches = pattern != NULL && alternative_matches(parser, pattern, piece->from, end);
    return pattern != NULL;
}

static uint32_t lower_of(struct parser *parser, uint32_t c) {
    uint32_t mapped[3];
    return unicode_map(parser->run->unicode, UNICODE_TO_LOWER, c, mapped) == 1 ? mapped[0] : c;
}

static uint32_t fold_of(struct parser *parser, uint32_t c) {
    uint32_t mapped[3];
    return unicode_map(parser->run->unicode, UNICODE_TO_FOLD, c, mapped) == 1 ? mapped[0] : c;
}

/* As re.IGNORECASE compares. */
static bool same_letter(struct parser *parser, uint32_t a, uint32_t b) {
    return a == b || (b != UINT32_MAX && (lower_of(parser, a) == lower_of(parser, b) || fold_of(parser, a) == fold_of(parser, b)));
}

/* Which of the names stands there: its number, or -1. No name is the beginning of another. */
static int name_at(struct parser *parser, const char *const *names, size_t from, size_t *end) {
    for (int i = 0; names[i] != NULL; i++) {
        size_t at = from;
        const char *p = names[i];
        unsigned bytes;
        while (*p != 0 && same_letter(parser, (unsigned char)*p, character_at(parser, at, &bytes))) {
            at += bytes;
            p++;
        }
        *end = at;
        if (*p == 0)
            return i;
    }
    return -1;
}

static bool digits_at(struct parser *parser, size_t *at, uint32_t most_tens) {
    unsigned bytes;
    for (int i = 0; i < 2; i++) {
        uint32_t c = character_at(parser, *at, &bytes);
        if (c == UINT32_MAX || decimal_of(parser, c) > 9 || (i == 0 && most_tens < 9 && (c < '0' || c > '0' + most_tens)))
            return false;
        *at += bytes;
    }
    return true;
}

/* %z: all ends that it can have, the longest first. */
static uint32_t offset_ends(struct parser *parser, size_t from, size_t ends[WAYS_MAX]) {
    unsigned bytes;
    size_t at = from;
    uint32_t c = character_at(parser, at, &bytes), count = 0;
    if (c == 'Z') {
        ends[0] = at + 1;
        return 1;
    }
    at += 1;
    if ((c != '+' && c != '-') || !digits_at(parser, &at, 9))
        return 0;
    at += character_at(parser, at, &bytes) == ':';
    if (!digits_at(parser, &at, 5))
        return 0;
    size_t minutes = at;
    at += character_at(parser, at, &bytes) == ':';
    if (digits_at(parser, &at, 5)) {
        size_t seconds = at, fraction[6];
        uint32_t digits = 0;
        if (character_at(parser, at, &bytes) == '.')
            for (at++; digits < 6 && (c = character_at(parser, at, &bytes)) != UINT32_MAX && decimal_of(parser, c) <= 9;)
                fraction[digits++] = at += bytes;
        while (digits > 0)
            ends[count++] = fraction[--digits];
        ends[count++] = seconds;
    }
    ends[count++] = minutes;
    return count;
}

/* \s+: as many as there are, then one less each time; piece->to is the way before. */
static bool space_way(struct parser *parser, struct piece *piece, uint32_t way) {
    unsigned bytes;
    size_t at = piece->from;
    if (way > 0)
        at = text_before(parser->text.p, piece->to);
    else
        for (uint32_t c; (c = character_at(parser, at, &bytes)) != UINT32_MAX && text_is_space(parser->run, c); at += bytes)
            ;
    piece->to = at;
    return at > piece->from;
}

/* The next way of a piece that matches at piece->from: true with piece->to. */
static bool next_way(struct parser *parser, struct piece *piece) {
    size_t ends[WAYS_MAX];
    unsigned bytes;
    bool matches = false;
    uint32_t way = piece->way++;
    switch (piece->kind) {
    case PIECE_LITERAL:
        matches = way == 0 && same_letter(parser, piece->character, character_at(parser, piece->from, &bytes));
        piece->to = piece->from + (matches ? bytes : 0);
        return matches;
    case PIECE_SPACE: return space_way(parser, piece, way);
    case PIECE_NAME: return way == 0 && name_at(parser, piece->names, piece->from, &piece->to) >= 0;
    case PIECE_OFFSET:
        if (way >= offset_ends(parser, piece->from, ends))
            return false;
        piece->to = ends[way];
        return true;
    case PIECE_NUMBER:
        while (number_way(parser, piece, way, &piece->to, &matches)) {
            if (matches)
                return true;
            way = piece->way++;
        }
        return false;
    }
    UNREACHABLE();
}

static bool match(struct parser *parser, bool *found) {
    uint32_t i = 0;
    *found = false;
    if (parser->count == 0) {
        *found = true;
        return true;
    }
    parser->pieces[0].from = parser->pieces[0].way = 0;
    for (;;) {
        struct piece *piece = &parser->pieces[i];
        bool scans = piece->kind == PIECE_SPACE && piece->way == 0;
        uint64_t work = scans ? 1 + (parser->text.len - piece->from) / 16 : 1;
        if (!run_charge(parser->run, work))
            return false;
        if (next_way(parser, piece)) {
            if (++i == parser->count) {
                *found = true;
                return true;
            }
            parser->pieces[i].from = piece->to;
            parser->pieces[i].way = 0;
        } else if (i-- == 0) {
            return true;
        }
    }
}

/* --- what was found --- */

enum { ABSENT = INT32_MIN };

struct found {
    int64_t year, iso_year, iso_week, week, weekday, yday; /* ABSENT if not there */
    bool week_from_monday, has_offset;
    int64_t month, day, hour, minute, second, micros;
    int64_t offset_us;
    struct str zone;
    int half; /* 0 am, 1 pm, -1 */
    bool twelve;
};

static int64_t number_of(struct parser *parser, size_t from, size_t to) {
    int64_t sum = 0;
    unsigned bytes;
    for (size_t at = from; at < to; at += bytes) {
        uint32_t c = utf8_decode(parser->text.p + at, &bytes);
        if (c != ' ')
            sum = sum * 10 + decimal_of(parser, c);
    }
    return sum;
}

static bool take_offset(struct parser *parser, const struct piece *piece, struct found *out) {
    uint32_t c[32], count = 0, at = 3;
    unsigned bytes;
    for (size_t i = piece->from; i < piece->to; i += bytes)
        c[count++] = utf8_decode(parser->text.p + i, &bytes);
    out->has_offset = true;
    out->offset_us = 0;
    if (c[0] == 'Z')
        return true;
    int64_t parts[3] = {0}, micros = 0;
    bool colon = c[3] == ':';
    parts[0] = decimal_of(parser, c[1]) * 10 + decimal_of(parser, c[2]);
    for (int i = 1; i < 3 && at < count && c[at] != '.'; i++) {
        if ((c[at] == ':') != colon)
            return wrong(parser->run, "Inconsistent use of :");
        at += colon;
        parts[i] = decimal_of(parser, c[at]) * 10 + decimal_of(parser, c[at + 1]);
        at += 2;
    }
    uint32_t digits = 0;
    for (at++; at < count; at++, digits++)
        micros = micros * 10 + decimal_of(parser, c[at]);
    for (; digits < 6; digits++)
        micros *= 10;
    int64_t us = ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000000 + micros;
    out->offset_us = c[0] == '-' ? -us : us;
    return true;
}

/* A name as .index() of the lower text finds it: re's equivalents of letters are no names. */
static bool take_name(struct parser *parser, const struct piece *piece, int *out) {
    size_t end;
    *out = name_at(parser, piece->names, piece->from, &end);
    for (size_t i = piece->from; i < piece->to; i++)
        if ((unsigned char)parser->text.p[i] >= 128)
            return wrong(parser->run, "a name that is not in the list");
    return true;
}

static bool take_named(struct parser *parser, const struct piece *piece, struct found *out) {
    int number;
    if (piece->letter == 'Z') {
        out->zone = (struct str){parser->text.p + piece->from, piece->to - piece->from};
        return true;
    }
    if (!take_name(parser, piece, &number))
        return false;
    if (piece->letter == 'p')
        out->half = number;
    else if (piece->letter == 'A' || piece->letter == 'a')
        out->weekday = number;
    else
        out->month = number + 1;
    return true;
}

static void take_number(struct parser *parser, const struct piece *piece, struct found *out) {
    int64_t number = number_of(parser, piece->from, piece->to);
    switch (piece->letter) {
    case 'y': out->year = number + (number <= 68 ? 2000 : 1900); return;
    case 'Y': out->year = number; return;
    case 'G': out->iso_year = number; return;
    case 'm': out->month = number; return;
    case 'd': out->day = number; return;
    case 'H': out->hour = number; out->twelve = false; return;
    case 'I': out->hour = number; out->twelve = true; return;
    case 'M': out->minute = number; return;
    case 'S': out->second = number; return;
    case 'f':
        for (size_t digits = piece->to - piece->from; digits < 6; digits++)
            number *= 10;
        out->micros = number;
        return;
    case 'w': out->weekday = number == 0 ? 6 : number - 1; return;
    case 'u': out->weekday = number - 1; return;
    case 'j': out->yday = number; return;
    case 'U':
    case 'W':
        out->week = number;
        out->week_from_monday = piece->letter == 'W';
        return;
    default: out->iso_week = number; return; /* V */
    }
}

static bool take_all(struct parser *parser, struct found *out) {
    *out = (struct found){.year = ABSENT, .iso_year = ABSENT, .iso_week = ABSENT, .week = ABSENT, .weekday = ABSENT,
                          .yday = ABSENT, .month = 1, .day = 1, .half = -1};
    for (uint32_t i = 0; i < parser->count; i++) {
        const struct piece *piece = &parser->pieces[i];
        if (piece->kind == PIECE_NUMBER)
            take_number(parser, piece, out);
        else if (piece->kind == PIECE_NAME ? !take_named(parser, piece, out)
                                           : piece->kind == PIECE_OFFSET && !take_offset(parser, piece, out))
            return false;
    }
    if (out->twelve) /* no half is the first */
        out->hour = out->half == 1 ? (out->hour == 12 ? 12 : out->hour + 12) : out->hour == 12 ? 0 : out->hour;
    return true;
}

/* --- the date of a week or of a day of the year --- */

static bool weeks_are_consistent(struct run *run, const struct found *found) {
    bool iso_year = found->iso_year != ABSENT, iso_week = found->iso_week != ABSENT;
    bool strict = (run->unicode->python & PYTHON_ISO_STRICT) != 0;
    if (iso_year && (strict || found->year == ABSENT)) {
        if (found->yday != ABSENT)
            return wrong(run, "Day of the year directive '%j' is not compatible with ISO year directive '%G'. Use '%Y' instead.");
        if (!iso_week || found->weekday == ABSENT)
            return wrong(run, "ISO year directive '%G' must be used with the ISO week directive '%V' and a weekday directive "
                              "('%A', '%a', '%w', or '%u').");
    } else if (iso_week && (strict || found->week == ABSENT)) {
        if ((strict && found->year == ABSENT) || found->weekday == ABSENT)
            return wrong(run, "ISO week directive '%V' must be used with the ISO year directive '%G' and a weekday directive "
                              "('%A', '%a', '%w', or '%u').");
        return wrong(run, "ISO week directive '%V' is incompatible with the year directive '%Y'. Use the ISO year '%G' instead.");
    }
    return true;
}

static bool year_begin(struct run *run, int64_t year, int64_t *days_out) {
    return parts_date(run, &(struct parts){.part = {year, 1, 1}}, days_out);
}

/* CPython's _calc_julian_from_U_or_W. */
static bool yday_of_week(struct run *run, struct found *found) {
    int64_t begin = 0;
    if (!year_begin(run, found->year, &begin))
        return false;
    int64_t first = ((begin + 3) % 7 + 7) % 7, weekday = found->weekday;
    if (!found->week_from_monday) {
        first = (first + 1) % 7;
        weekday = (weekday + 1) % 7;
    }
    found->yday = 1 + weekday + (found->week == 0 ? -first : (7 - first) % 7 + 7 * (found->week - 1));
    return true;
}

/* CPython's _calc_julian_from_V; since 3.12 the date of fromisocalendar. */
static bool yday_of_iso_week(struct run *run, struct found *found) {
    int64_t begin = 0, date = 0;
    if (run->unicode->python & PYTHON_ISO_WEEKS) {
        if (!iso_week_days(run, found->iso_year, found->iso_week, found->weekday + 1, &date))
            return false;
        struct civil civil;
        calendar_civil(date * DAY_US, &civil);
        found->year = civil.year;
        found->yday = civil.year_day;
        return true;
    }
    if (!year_begin(run, found->iso_year, &begin))
        return false;
    int64_t fourth = ((begin + 3 + 3) % 7 + 7) % 7 + 1; /* isoweekday of 4 January */
    int64_t yday = found->iso_week * 7 + found->weekday + 1 - (fourth + 3), before = 0;
    found->year = found->iso_year;
    if (yday < 1) {
        found->year--;
        if (!year_begin(run, found->year, &before))
            return false;
        yday += begin - before;
    }
    found->yday = yday;
    return true;
}

static bool is_leap(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

/* Year, month and day of what was found. */
static bool find_date(struct run *run, struct found *found, struct parts *out) {
    bool no_year = found->year == ABSENT, leap_day = no_year && found->month == 2 && found->day == 29;
    if (no_year)
        found->year = leap_day ? 1904 : 1900;
    if (found->yday == ABSENT && found->weekday != ABSENT) {
        if (found->week != ABSENT ? !yday_of_week(run, found)
                                  : found->iso_year != ABSENT && found->iso_week != ABSENT && !yday_of_iso_week(run, found))
            return false;
        if (found->yday != ABSENT && found->yday <= 0) {
            found->year--;
            found->yday += is_leap(found->year) ? 366 : 365;
        }
    }
    *out = (struct parts){.part = {found->year, found->month, found->day}};
    int64_t date = 0;
    if (found->yday == ABSENT) {
        if (!parts_date(run, out, &date))
            return false;
    } else {
        struct civil civil;
        if (!year_begin(run, found->year, &date))
            return false;
        date += found->yday - 1;
        if (date < CALENDAR_MIN_US / DAY_US || date > CALENDAR_MAX_US / DAY_US)
            return wrong(run, "year is out of range");
        calendar_civil(date * DAY_US, &civil);
        *out = (struct parts){.part = {civil.year, civil.month, civil.day}};
    }
    if (leap_day)
        out->part[0] = 1900;
    return true;
}

static bool unmatched(const struct parser *parser, const struct str format, size_t end) {
    struct str text = parser->text, rest = {text.p + end, text.len - end};
    if (end > 0)
        return run_raise(parser->run, EXCEPTION_ValueError, "unconverted data remains: %.*s", (int)(rest.len < 100 ? rest.len : 100),
                         rest.p);
    return run_raise(parser->run, EXCEPTION_ValueError, "time data '%.*s' does not match format '%.*s'",
                     (int)(text.len < 80 ? text.len : 80), text.p, (int)(format.len < 80 ? format.len : 80), format.p);
}

static bool parse(struct parser *parser, struct str format, struct found *out) {
    bool matched;
    parser->room = (uint32_t)format.len + 1;
    for (size_t i = 0; i < format.len; i++)
        parser->room += format.p[i] == '%' ? COMPOSED_MAX : 0;
    parser->pieces = run_alloc(parser->run, parser->room * sizeof *parser->pieces);
    if (parser->pieces == NULL || !read_format(parser, format, false) || !match(parser, &matched))
        return false;
    size_t end = parser->count == 0 ? 0 : parser->pieces[parser->count - 1].to;
    if (!matched || end != parser->text.len)
        return unmatched(parser, format, matched ? end : 0);
    return take_all(parser, out);
}

bool builtin_datetime_strptime(struct run *run, const struct value *args, uint32_t count, struct value *out) {
    for (int i = 0; i < 2; i++)
        if (args[i].tag != V_STR)
            return run_raise(run, EXCEPTION_TypeError, "strptime() argument %d must be str, not %s", i + 1, type_name(&args[i]));
    struct parser parser = {.run = run, .text = value_text(&args[0])};
    struct found found;
    struct parts parts;
    if (!parse(&parser, value_text(&args[1]), &found) || !weeks_are_consistent(run, &found) || !find_date(run, &found, &parts))
        return false;
    parts.part[3] = found.hour;
    parts.part[4] = found.minute;
    parts.part[5] = found.second;
    parts.part[6] = found.micros;
    if (found.has_offset) {
        parts.zone = zone_fixed(run, found.offset_us, found.zone.len > 0 ? &found.zone : NULL);
        if (parts.zone == NULL)
            return false;
    }
    return parts_datetime(run, &parts, out);
}
