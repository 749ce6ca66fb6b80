/* The built-in functions, methods and attributes that CALL reaches, by name. BUILTIN(c_name, "python name", min, max arguments).
 * Functions carry their Python name ("len", "math.sqrt"); a method or attribute is ".name" with the receiver as its first
 * argument (counted), and dispatches on the receiver's tag (AttributeError where Python would raise it). The numbers are the
 * order here; a bundle names built-ins by number, so its format version covers this list.
 *
 * Keyword arguments are compiled to the position they have in Python's signature. Where Python takes them by keyword only:
 *   sorted(iterable, reverse)     math.isclose(a, b, rel_tol, abs_tol)     math.prod(iterable, start)
 * An optional argument in front of a given one is passed as Python's default (None for sep of split; -1 for maxsplit).
 * Attributes (no call in the source): .year .month .day .hour .minute .second .microsecond .tzinfo .fold .key .days .seconds
 * .microseconds .week .tm_... .real .imag .numerator .denominator.
 * "sum" adds from left to right, which is sum() of Python 3.11 and of every version for ints; "sum.compensated" is the
 * sum() of floats since 3.12. enumerate, zip and reversed give an iterator (for, list, tuple, sum, min, ...).
 * range, iterators, dict views live inside a function only. */
#ifndef ASSAY_CODE_BUILTINS_H
#define ASSAY_CODE_BUILTINS_H

/* clang-format off */
#define BUILTINS(BUILTIN) \
    BUILTIN(len, "len", 1, 1) \
    BUILTIN(abs, "abs", 1, 1) \
    BUILTIN(method_lower, ".lower", 1, 1) \
    /* numbers and conversions */ \
    BUILTIN(min, "min", 1, 255) \
    BUILTIN(max, "max", 1, 255) \
    BUILTIN(sum, "sum", 1, 2) \
    BUILTIN(sum_compensated, "sum.compensated", 1, 2) \
    BUILTIN(count_class, "sum.class", 2, 2)        /* sum(c.isdigit() for c in s): s, the method's name */ \
    BUILTIN(count_among, "sum.among", 2, 2)        /* sum(c in t for c in s): s, t */ \
    BUILTIN(any_class, "any.class", 2, 2)          /* any(c.isdigit() for c in s) */ \
    BUILTIN(any_among, "any.among", 2, 2) \
    BUILTIN(all_class, "all.class", 2, 2) \
    BUILTIN(all_among, "all.among", 2, 2) \
    BUILTIN(filter_class, "filter.class", 2, 2)    /* [c for c in s if c.isdigit()] */ \
    BUILTIN(filter_among, "filter.among", 2, 2) \
    BUILTIN(len_set, "len.set", 1, 1)              /* len(set(x)) */ \
    BUILTIN(any, "any", 1, 1) \
    BUILTIN(all, "all", 1, 1) \
    BUILTIN(round, "round", 1, 2) \
    BUILTIN(int, "int", 0, 2) \
    BUILTIN(float, "float", 0, 1) \
    BUILTIN(str, "str", 0, 1) \
    BUILTIN(bool, "bool", 0, 1) \
    BUILTIN(repr, "repr", 1, 1) \
    BUILTIN(ascii, "ascii", 1, 1) \
    BUILTIN(divmod, "divmod", 2, 2) \
    BUILTIN(pow, "pow", 2, 3) \
    BUILTIN(ord, "ord", 1, 1) \
    BUILTIN(chr, "chr", 1, 1) \
    BUILTIN(hex, "hex", 1, 1) \
    BUILTIN(oct, "oct", 1, 1) \
    BUILTIN(bin, "bin", 1, 1) \
    /* sequences */ \
    BUILTIN(sorted, "sorted", 1, 2) \
    BUILTIN(range, "range", 1, 3) \
    BUILTIN(enumerate, "enumerate", 1, 2) \
    BUILTIN(zip, "zip", 0, 255) \
    BUILTIN(reversed, "reversed", 1, 1) \
    BUILTIN(tuple, "tuple", 0, 1) \
    BUILTIN(list, "list", 0, 1) \
    /* str: case */ \
    BUILTIN(method_upper, ".upper", 1, 1) \
    BUILTIN(method_casefold, ".casefold", 1, 1) \
    BUILTIN(method_title, ".title", 1, 1) \
    BUILTIN(method_capitalize, ".capitalize", 1, 1) \
    BUILTIN(method_swapcase, ".swapcase", 1, 1) \
    /* str: classes */ \
    BUILTIN(method_isalnum, ".isalnum", 1, 1) \
    BUILTIN(method_isalpha, ".isalpha", 1, 1) \
    BUILTIN(method_isascii, ".isascii", 1, 1) \
    BUILTIN(method_isdecimal, ".isdecimal", 1, 1) \
    BUILTIN(method_isdigit, ".isdigit", 1, 1) \
    BUILTIN(method_isidentifier, ".isidentifier", 1, 1) \
    BUILTIN(method_islower, ".islower", 1, 1) \
    BUILTIN(method_isnumeric, ".isnumeric", 1, 1) \
    BUILTIN(method_isprintable, ".isprintable", 1, 1) \
    BUILTIN(method_isspace, ".isspace", 1, 1) \
    BUILTIN(method_istitle, ".istitle", 1, 1) \
    BUILTIN(method_isupper, ".isupper", 1, 1) \
    /* str: search and cut */ \
    BUILTIN(method_strip, ".strip", 1, 2) \
    BUILTIN(method_lstrip, ".lstrip", 1, 2) \
    BUILTIN(method_rstrip, ".rstrip", 1, 2) \
    BUILTIN(method_startswith, ".startswith", 2, 4) \
    BUILTIN(method_endswith, ".endswith", 2, 4) \
    BUILTIN(method_find, ".find", 2, 4) \
    BUILTIN(method_rfind, ".rfind", 2, 4) \
    BUILTIN(method_index, ".index", 2, 4)          /* list, tuple, range too */ \
    BUILTIN(method_rindex, ".rindex", 2, 4) \
    BUILTIN(method_count, ".count", 2, 4)          /* list, tuple, range too */ \
    BUILTIN(method_replace, ".replace", 1, 9)      /* str(old, new[, count]); datetime and date by position */ \
    BUILTIN(method_split, ".split", 1, 3) \
    BUILTIN(method_rsplit, ".rsplit", 1, 3) \
    BUILTIN(method_splitlines, ".splitlines", 1, 2) \
    BUILTIN(method_partition, ".partition", 2, 2) \
    BUILTIN(method_rpartition, ".rpartition", 2, 2) \
    BUILTIN(method_join, ".join", 2, 2) \
    BUILTIN(method_removeprefix, ".removeprefix", 2, 2) \
    BUILTIN(method_removesuffix, ".removesuffix", 2, 2) \
    /* str: padding */ \
    BUILTIN(method_zfill, ".zfill", 2, 2) \
    BUILTIN(method_ljust, ".ljust", 2, 3) \
    BUILTIN(method_rjust, ".rjust", 2, 3) \
    BUILTIN(method_center, ".center", 2, 3) \
    BUILTIN(method_expandtabs, ".expandtabs", 1, 2) \
    /* dict */ \
    BUILTIN(method_get, ".get", 2, 3) \
    BUILTIN(method_keys, ".keys", 1, 1) \
    BUILTIN(method_values, ".values", 1, 1) \
    BUILTIN(method_items, ".items", 1, 1) \
    BUILTIN(method_setdefault, ".setdefault", 2, 3) \
    BUILTIN(method_popitem, ".popitem", 1, 1) \
    BUILTIN(dict, "dict", 0, 1) \
    BUILTIN(dict_fromkeys, "dict.fromkeys", 1, 2) \
    /* of several containers */ \
    BUILTIN(method_update, ".update", 1, 255) \
    BUILTIN(method_pop, ".pop", 1, 3) \
    BUILTIN(method_clear, ".clear", 1, 1) \
    BUILTIN(method_copy, ".copy", 1, 1) \
    BUILTIN(method_remove, ".remove", 2, 2) \
    /* list */ \
    BUILTIN(method_append, ".append", 2, 2) \
    BUILTIN(method_extend, ".extend", 2, 2) \
    BUILTIN(method_insert, ".insert", 3, 3) \
    BUILTIN(method_reverse, ".reverse", 1, 1) \
    BUILTIN(list_replace, "list.replace", 2, 2)    /* the list, the one whose items it takes over: list.sort */ \
    BUILTIN(list_splice, "list.splice", 4, 4)      /* xs[i:j] = ys: xs, i, j, ys */ \
    BUILTIN(inplace, "inplace", 3, 3)              /* a op= b of a list, set or dict, else a op b: a, b, the operator's number */ \
    BUILTIN(min_star, "min.star", 1, 1)            /* min(*xs): the list xs */ \
    BUILTIN(max_star, "max.star", 1, 1) \
    BUILTIN(zip_star, "zip.star", 1, 1) \
    BUILTIN(zip_strict, "zip.strict", 0, 255) \
    BUILTIN(defaultdict, "defaultdict", 2, 3)      /* 0: a constant that a missing key gets, 1 to 3: a new list, dict, set; it */ \
    BUILTIN(Counter, "Counter", 1, 1) \
    BUILTIN(type_name, "type.name", 1, 1)          /* type(x).__name__ */ \
    BUILTIN(sorted_by, "sorted.by", 3, 3)          /* sorted(xs, key=): xs, the keys, reverse */ \
    /* set */ \
    BUILTIN(set, "set", 0, 1) \
    BUILTIN(frozenset, "frozenset", 0, 1) \
    BUILTIN(method_add, ".add", 2, 2) \
    BUILTIN(method_discard, ".discard", 2, 2) \
    BUILTIN(method_union, ".union", 1, 255) \
    BUILTIN(method_intersection, ".intersection", 1, 255) \
    BUILTIN(method_difference, ".difference", 1, 255) \
    BUILTIN(method_symmetric_difference, ".symmetric_difference", 2, 2) \
    BUILTIN(method_issubset, ".issubset", 2, 2) \
    BUILTIN(method_issuperset, ".issuperset", 2, 2) \
    BUILTIN(method_isdisjoint, ".isdisjoint", 2, 2) \
    /* iterators */ \
    BUILTIN(iter, "iter", 1, 1) \
    BUILTIN(next, "next", 1, 2) \
    /* int and float */ \
    BUILTIN(method_bit_length, ".bit_length", 1, 1) \
    BUILTIN(method_bit_count, ".bit_count", 1, 1) \
    BUILTIN(method_is_integer, ".is_integer", 1, 1) \
    BUILTIN(method_conjugate, ".conjugate", 1, 1) \
    BUILTIN(attribute_real, ".real", 1, 1) \
    BUILTIN(attribute_imag, ".imag", 1, 1) \
    BUILTIN(attribute_numerator, ".numerator", 1, 1) \
    BUILTIN(attribute_denominator, ".denominator", 1, 1) \
    /* datetime, date, timedelta */ \
    BUILTIN(attribute_year, ".year", 1, 1) \
    BUILTIN(attribute_month, ".month", 1, 1) \
    BUILTIN(attribute_day, ".day", 1, 1) \
    BUILTIN(attribute_hour, ".hour", 1, 1) \
    BUILTIN(attribute_minute, ".minute", 1, 1) \
    BUILTIN(attribute_second, ".second", 1, 1) \
    BUILTIN(attribute_microsecond, ".microsecond", 1, 1) \
    BUILTIN(method_weekday, ".weekday", 1, 1) \
    BUILTIN(method_isoweekday, ".isoweekday", 1, 1) \
    BUILTIN(method_isoformat, ".isoformat", 1, 3) \
    BUILTIN(method_timestamp, ".timestamp", 1, 1) \
    BUILTIN(method_date, ".date", 1, 1) \
    BUILTIN(method_toordinal, ".toordinal", 1, 1) \
    BUILTIN(attribute_days, ".days", 1, 1) \
    BUILTIN(attribute_seconds, ".seconds", 1, 1) \
    BUILTIN(attribute_microseconds, ".microseconds", 1, 1) \
    BUILTIN(method_total_seconds, ".total_seconds", 1, 1) \
    /* math */ \
    BUILTIN(math_acos, "math.acos", 1, 1) \
    BUILTIN(math_acosh, "math.acosh", 1, 1) \
    BUILTIN(math_asin, "math.asin", 1, 1) \
    BUILTIN(math_asinh, "math.asinh", 1, 1) \
    BUILTIN(math_atan, "math.atan", 1, 1) \
    BUILTIN(math_atan2, "math.atan2", 2, 2) \
    BUILTIN(math_atanh, "math.atanh", 1, 1) \
    BUILTIN(math_cbrt, "math.cbrt", 1, 1) \
    BUILTIN(math_ceil, "math.ceil", 1, 1) \
    BUILTIN(math_comb, "math.comb", 2, 2) \
    BUILTIN(math_copysign, "math.copysign", 2, 2) \
    BUILTIN(math_cos, "math.cos", 1, 1) \
    BUILTIN(math_cosh, "math.cosh", 1, 1) \
    BUILTIN(math_degrees, "math.degrees", 1, 1) \
    BUILTIN(math_dist, "math.dist", 2, 2) \
    BUILTIN(math_erf, "math.erf", 1, 1) \
    BUILTIN(math_erfc, "math.erfc", 1, 1) \
    BUILTIN(math_exp, "math.exp", 1, 1) \
    BUILTIN(math_exp2, "math.exp2", 1, 1) \
    BUILTIN(math_expm1, "math.expm1", 1, 1) \
    BUILTIN(math_fabs, "math.fabs", 1, 1) \
    BUILTIN(math_factorial, "math.factorial", 1, 1) \
    BUILTIN(math_floor, "math.floor", 1, 1) \
    BUILTIN(math_fmod, "math.fmod", 2, 2) \
    BUILTIN(math_frexp, "math.frexp", 1, 1) \
    BUILTIN(math_fsum, "math.fsum", 1, 1) \
    BUILTIN(math_gamma, "math.gamma", 1, 1) \
    BUILTIN(math_gcd, "math.gcd", 0, 255) \
    BUILTIN(math_hypot, "math.hypot", 0, 255) \
    BUILTIN(math_isclose, "math.isclose", 2, 4) \
    BUILTIN(math_isfinite, "math.isfinite", 1, 1) \
    BUILTIN(math_isinf, "math.isinf", 1, 1) \
    BUILTIN(math_isnan, "math.isnan", 1, 1) \
    BUILTIN(math_isqrt, "math.isqrt", 1, 1) \
    BUILTIN(math_lcm, "math.lcm", 0, 255) \
    BUILTIN(math_ldexp, "math.ldexp", 2, 2) \
    BUILTIN(math_lgamma, "math.lgamma", 1, 1) \
    BUILTIN(math_log, "math.log", 1, 2) \
    BUILTIN(math_log10, "math.log10", 1, 1) \
    BUILTIN(math_log1p, "math.log1p", 1, 1) \
    BUILTIN(math_log2, "math.log2", 1, 1) \
    BUILTIN(math_modf, "math.modf", 1, 1) \
    BUILTIN(math_nextafter, "math.nextafter", 2, 2) \
    BUILTIN(math_perm, "math.perm", 1, 2) \
    BUILTIN(math_pow, "math.pow", 2, 2) \
    BUILTIN(math_prod, "math.prod", 1, 2) \
    BUILTIN(math_radians, "math.radians", 1, 1) \
    BUILTIN(math_remainder, "math.remainder", 2, 2) \
    BUILTIN(math_sin, "math.sin", 1, 1) \
    BUILTIN(math_sinh, "math.sinh", 1, 1) \
    BUILTIN(math_sqrt, "math.sqrt", 1, 1) \
    BUILTIN(math_tan, "math.tan", 1, 1) \
    BUILTIN(math_tanh, "math.tanh", 1, 1) \
    BUILTIN(math_trunc, "math.trunc", 1, 1) \
    BUILTIN(math_ulp, "math.ulp", 1, 1) \
    /* texts with a format; dates, times and zones */ \
    BUILTIN(format, "format", 1, 2) \
    BUILTIN(datetime_new, "datetime.datetime", 3, 9) \
    BUILTIN(date_new, "datetime.date", 3, 3) \
    BUILTIN(time_new, "datetime.time", 0, 6) \
    BUILTIN(timedelta_new, "datetime.timedelta", 0, 7) \
    BUILTIN(timezone_new, "datetime.timezone", 1, 2) \
    BUILTIN(datetime_combine, "datetime.datetime.combine", 2, 3) \
    BUILTIN(datetime_fromtimestamp, "datetime.datetime.fromtimestamp", 2, 2) \
    BUILTIN(datetime_utcfromtimestamp, "datetime.datetime.utcfromtimestamp", 1, 1) \
    BUILTIN(datetime_fromordinal, "datetime.datetime.fromordinal", 1, 1) \
    BUILTIN(datetime_fromisocalendar, "datetime.datetime.fromisocalendar", 3, 3) \
    BUILTIN(datetime_fromisoformat, "datetime.datetime.fromisoformat", 1, 1) \
    BUILTIN(datetime_strptime, "datetime.datetime.strptime", 2, 2) \
    BUILTIN(date_fromordinal, "datetime.date.fromordinal", 1, 1) \
    BUILTIN(date_fromisocalendar, "datetime.date.fromisocalendar", 3, 3) \
    BUILTIN(date_fromisoformat, "datetime.date.fromisoformat", 1, 1) \
    BUILTIN(time_fromisoformat, "datetime.time.fromisoformat", 1, 1) \
    BUILTIN(replace_named, ".replace.named", 3, 11) /* a datetime, date or time; a letter for each argument behind it */ \
    BUILTIN(method_time, ".time", 1, 1) \
    BUILTIN(method_timetz, ".timetz", 1, 1) \
    BUILTIN(method_astimezone, ".astimezone", 2, 2) \
    BUILTIN(method_utcoffset, ".utcoffset", 1, 2) \
    BUILTIN(method_dst, ".dst", 1, 2) \
    BUILTIN(method_tzname, ".tzname", 1, 2) \
    BUILTIN(method_isocalendar, ".isocalendar", 1, 1) \
    BUILTIN(method_timetuple, ".timetuple", 1, 1) \
    BUILTIN(method_utctimetuple, ".utctimetuple", 1, 1) \
    BUILTIN(method_ctime, ".ctime", 1, 1) \
    BUILTIN(method_strftime, ".strftime", 2, 2) \
    BUILTIN(attribute_tzinfo, ".tzinfo", 1, 1) \
    BUILTIN(attribute_fold, ".fold", 1, 1) \
    BUILTIN(attribute_key, ".key", 1, 1) \
    BUILTIN(attribute_week, ".week", 1, 1) \
    BUILTIN(attribute_iso_weekday, ".weekday.attribute", 1, 1) \
    BUILTIN(attribute_tm_year, ".tm_year", 1, 1) \
    BUILTIN(attribute_tm_mon, ".tm_mon", 1, 1) \
    BUILTIN(attribute_tm_mday, ".tm_mday", 1, 1) \
    BUILTIN(attribute_tm_hour, ".tm_hour", 1, 1) \
    BUILTIN(attribute_tm_min, ".tm_min", 1, 1) \
    BUILTIN(attribute_tm_sec, ".tm_sec", 1, 1) \
    BUILTIN(attribute_tm_wday, ".tm_wday", 1, 1) \
    BUILTIN(attribute_tm_yday, ".tm_yday", 1, 1) \
    BUILTIN(attribute_tm_isdst, ".tm_isdst", 1, 1) \
    /* bytes, and ints as bytes: int.from_bytes(bytes, byteorder, signed), .to_bytes(length, byteorder, signed) */ \
    BUILTIN(bytes, "bytes", 0, 3) \
    BUILTIN(method_encode, ".encode", 1, 3) \
    BUILTIN(method_decode, ".decode", 1, 3) \
    BUILTIN(method_hex, ".hex", 1, 3) \
    BUILTIN(bytes_fromhex, "bytes.fromhex", 1, 1) \
    BUILTIN(int_from_bytes, "int.from_bytes", 1, 3) \
    BUILTIN(method_to_bytes, ".to_bytes", 1, 4) \
    /* hashlib, hmac (key, msg, name), checksums, base64 */ \
    BUILTIN(hashlib_md5, "hashlib.md5", 0, 1) \
    BUILTIN(hashlib_sha1, "hashlib.sha1", 0, 1) \
    BUILTIN(hashlib_sha224, "hashlib.sha224", 0, 1) \
    BUILTIN(hashlib_sha256, "hashlib.sha256", 0, 1) \
    BUILTIN(hashlib_sha384, "hashlib.sha384", 0, 1) \
    BUILTIN(hashlib_sha512, "hashlib.sha512", 0, 1) \
    BUILTIN(hashlib_sha3_224, "hashlib.sha3_224", 0, 1) \
    BUILTIN(hashlib_sha3_256, "hashlib.sha3_256", 0, 1) \
    BUILTIN(hashlib_sha3_384, "hashlib.sha3_384", 0, 1) \
    BUILTIN(hashlib_sha3_512, "hashlib.sha3_512", 0, 1) \
    BUILTIN(hashlib_blake2b, "hashlib.blake2b", 0, 3)      /* data, digest_size, key */ \
    BUILTIN(hashlib_blake2s, "hashlib.blake2s", 0, 3) \
    BUILTIN(hashlib_new, "hashlib.new", 1, 2) \
    BUILTIN(hmac_new, "hmac.new", 3, 3) \
    BUILTIN(hmac_digest, "hmac.digest", 3, 3) \
    BUILTIN(hmac_compare_digest, "hmac.compare_digest", 2, 2) \
    BUILTIN(method_digest, ".digest", 1, 1) \
    BUILTIN(method_hexdigest, ".hexdigest", 1, 1) \
    BUILTIN(hash_update, "hash.update", 2, 2)      /* what .update is on a hash object */ \
    BUILTIN(hash_copy, "hash.copy", 1, 1) \
    BUILTIN(attribute_digest_size, ".digest_size", 1, 1) \
    BUILTIN(attribute_block_size, ".block_size", 1, 1) \
    BUILTIN(zlib_crc32, "zlib.crc32", 1, 2) \
    BUILTIN(zlib_adler32, "zlib.adler32", 1, 2) \
    BUILTIN(binascii_crc32, "binascii.crc32", 1, 2) \
    BUILTIN(binascii_hexlify, "binascii.hexlify", 1, 3) \
    BUILTIN(binascii_unhexlify, "binascii.unhexlify", 1, 1) \
    BUILTIN(base64_b64encode, "base64.b64encode", 1, 2) \
    BUILTIN(base64_b64decode, "base64.b64decode", 1, 3) \
    BUILTIN(base64_standard_b64encode, "base64.standard_b64encode", 1, 1) \
    BUILTIN(base64_standard_b64decode, "base64.standard_b64decode", 1, 1) \
    BUILTIN(base64_urlsafe_b64encode, "base64.urlsafe_b64encode", 1, 1) \
    BUILTIN(base64_urlsafe_b64decode, "base64.urlsafe_b64decode", 1, 1) \
    BUILTIN(base64_b32encode, "base64.b32encode", 1, 1) \
    BUILTIN(base64_b32decode, "base64.b32decode", 1, 2) \
    BUILTIN(base64_b16encode, "base64.b16encode", 1, 1) \
    BUILTIN(base64_b16decode, "base64.b16decode", 1, 2) \
    /* text features: the text, the tokenizer's number, whether special tokens are added */ \
    BUILTIN(text_tokens, "text.tokens", 3, 3) \
    /* vectors of tokens: the size; the embedding's number and the pool */ \
    BUILTIN(text_bag, "text.bag", 2, 2) \
    BUILTIN(text_embed, "text.embed", 3, 3) \
    /* a text or its words, the vectorizer's number, whether it only is prepared for a pattern */ \
    BUILTIN(text_vectorize, "text.vectorize", 3, 3) \
    /* re: of a pattern (string, pos, endpos), of a match; a replacement is a str or a tuple of strs and groups */ \
    BUILTIN(pattern_search, "re.Pattern.search", 2, 4) \
    BUILTIN(pattern_match, "re.Pattern.match", 2, 4) \
    BUILTIN(pattern_fullmatch, "re.Pattern.fullmatch", 2, 4) \
    BUILTIN(pattern_findall, "re.Pattern.findall", 2, 4) \
    BUILTIN(pattern_finditer, "re.Pattern.finditer", 2, 4) \
    BUILTIN(pattern_sub, "re.Pattern.sub", 3, 4) \
    BUILTIN(pattern_subn, "re.Pattern.subn", 3, 4) \
    BUILTIN(pattern_split, "re.Pattern.split", 2, 3) \
    BUILTIN(match_expand, "re.Match.expand", 2, 2) \
    BUILTIN(match_group, "re.Match.group", 1, 255) \
    BUILTIN(match_groups, "re.Match.groups", 1, 2) \
    BUILTIN(match_groupdict, "re.Match.groupdict", 1, 2) \
    BUILTIN(match_start, "re.Match.start", 1, 2) \
    BUILTIN(match_end, "re.Match.end", 1, 2) \
    BUILTIN(match_span, "re.Match.span", 1, 2) \
    BUILTIN(match_lastindex, "re.Match.lastindex", 1, 1) \
    BUILTIN(match_lastgroup, "re.Match.lastgroup", 1, 1) \
    BUILTIN(match_string, "re.Match.string", 1, 1) \
    BUILTIN(match_re, "re.Match.re", 1, 1) \
    BUILTIN(match_pos, "re.Match.pos", 1, 1) \
    BUILTIN(match_endpos, "re.Match.endpos", 1, 1) \
    BUILTIN(pattern_pattern, "re.Pattern.pattern", 1, 1) \
    BUILTIN(pattern_flags, "re.Pattern.flags", 1, 1) \
    /* the comparisons of fraud detection (python/assay/fn.py) */ \
    BUILTIN(fn_haversine_km, "assay.fn.haversine_km", 4, 4) \
    BUILTIN(fn_jaro_winkler, "assay.fn.jaro_winkler", 2, 2) \
    BUILTIN(fn_levenshtein, "assay.fn.levenshtein", 2, 2) \
    BUILTIN(fn_soundex, "assay.fn.soundex", 1, 1) \
    BUILTIN(fn_geohash, "assay.fn.geohash", 2, 3) \
    BUILTIN(fn_luhn_valid, "assay.fn.luhn_valid", 1, 1) \
    BUILTIN(fn_entropy, "assay.fn.entropy", 1, 1) \
    BUILTIN(exact_sums, "assay._prelude.exact_sums", 2, 2) /* what mean and variance are made of */
/* clang-format on */

#endif
