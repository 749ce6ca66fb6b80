/* Who may ask, and for what form: Host, Origin, media types, query parameters. Pure checks of a parsed head. */
#ifndef ASSAY_SERVER_ACCESS_H
#define ASSAY_SERVER_ACCESS_H

#include "../http/parse.h"

/* Host is localhost or a loopback address, with or without a port: a page of another name cannot reach us by rebinding its
 * name to this machine. */
bool access_host_allowed(struct str host);
/* Origin, if there is one, is this server itself: "http://" and the Host. */
bool access_origin_allowed(const struct http_head *head);

enum media { MEDIA_JSON, MEDIA_NDJSON, MEDIA_OTHER };
/* The declared media type; a charset other than utf-8, any other parameter, two declarations or a content coding: MEDIA_OTHER. */
enum media access_media(const struct http_head *head);

/* Reads a query of "name=0" or "name=1" with the one known name (NULL: none is known). False: *bad is the part that is wrong. */
bool access_query(struct str query, const char *known, bool *value, struct str *bad);

/* True for a listen address that only this machine can reach. */
bool access_address_is_loopback(const char *host);

#endif
