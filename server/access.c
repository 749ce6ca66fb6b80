/* Checks that keep web pages and mistaken clients out (access.h). Called by routes.c for every request, by main.c for the
 * listen address. */
#include "access.h"

#include <arpa/inet.h>

#include "../engine/base/assert.h"

bool access_address_is_loopback(const char *host) {
    ASSERT(host);
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

bool access_host_allowed(struct str host) {
    char name[64];
    size_t end = 0, start = 0;
    if (host.len > 0 && host.p[0] == '[') {
        start = 1;
        while (end < host.len && host.p[end] != ']')
            end++;
        if (end == host.len)
            return false;
    } else {
        while (end < host.len && host.p[end] != ':')
            end++;
    }
    size_t port = end + start;
    if (port < host.len && (host.p[port] != ':' || host.len - port < 2 || host.len - port > 6))
        return false;
    for (size_t i = port + 1; i < host.len; i++) {
        if (host.p[i] < '0' || host.p[i] > '9')
            return false;
    }
    size_t len = end - start;
    if (len == 0 || len >= sizeof name)
        return false;
    if (start == 0 && http_text_is((struct str){host.p, len}, "localhost"))
        return true;
    memcpy(name, host.p + start, len);
    name[len] = '\0';
    bool is_six = memchr(name, ':', len) != NULL;
    return is_six == (start == 1) && access_address_is_loopback(name);
}

bool access_origin_allowed(const struct http_head *head) {
    uint32_t count = http_field_count(head, "origin");
    if (count == 0)
        return true;
    struct str origin = http_field(head, "origin");
    static const char scheme[] = "http://";
    size_t skip = sizeof scheme - 1;
    if (count > 1 || origin.len != skip + head->host.len || memcmp(origin.p, scheme, skip) != 0)
        return false;
    for (size_t i = 0; i < head->host.len; i++) {
        char a = origin.p[skip + i], b = head->host.p[i];
        if (a != b && ((a | 32) != (b | 32) || (a | 32) < 'a' || (a | 32) > 'z'))
            return false;
    }
    return true;
}

static struct str trim(struct str text) {
    while (text.len > 0 && (text.p[0] == ' ' || text.p[0] == '\t')) {
        text.p++;
        text.len--;
    }
    while (text.len > 0 && (text.p[text.len - 1] == ' ' || text.p[text.len - 1] == '\t'))
        text.len--;
    return text;
}

enum media access_media(const struct http_head *head) {
    ASSERT(head);
    struct str coding = http_field(head, "content-encoding"), type = http_field(head, "content-type");
    if (http_field_count(head, "content-type") != 1 || (coding.p && !http_text_is(coding, "identity")))
        return MEDIA_OTHER;
    const char *semicolon = type.len ? memchr(type.p, ';', type.len) : NULL;
    if (semicolon) {
        struct str parameter = trim((struct str){semicolon + 1, type.len - (size_t)(semicolon + 1 - type.p)});
        if (!http_text_is(parameter, "charset=utf-8") && !http_text_is(parameter, "charset=\"utf-8\""))
            return MEDIA_OTHER;
        type.len = (size_t)(semicolon - type.p);
    }
    type = trim(type);
    if (http_text_is(type, "application/json"))
        return MEDIA_JSON;
    return http_text_is(type, "application/x-ndjson") ? MEDIA_NDJSON : MEDIA_OTHER;
}

bool access_query(struct str query, const char *known, bool *value, struct str *bad) {
    ASSERT(value && bad);
    bool seen = false;
    size_t at = 0;
    *value = false;
    while (at < query.len) {
        size_t end = at;
        while (end < query.len && query.p[end] != '&')
            end++;
        *bad = (struct str){query.p + at, end - at};
        size_t name = known ? strlen(known) : 0;
        bool good = known && !seen && bad->len == name + 2 && memcmp(bad->p, known, name) == 0 && bad->p[name] == '=' &&
                    (bad->p[name + 1] == '0' || bad->p[name + 1] == '1');
        if (!good)
            return false;
        seen = true;
        *value = bad->p[name + 1] == '1';
        at = end + 1;
    }
    return true;
}
