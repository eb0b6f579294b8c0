/* SPDX-License-Identifier: MPL-2.0
 *
 * bf_zone_name_is_valid: of any text, exactly what can be part of a path and nothing else
 * that a path may say. bf_zone_read: of any bytes, a zone or a sentence; the spans of a
 * zone cover the line from end to end, and what a local time means is what a search through
 * all of them finds. The input is a name, a NUL, the bytes of a TZif file.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "core/calendar/zone.h"

/* --- names -------------------------------------------------------------------------- */

/* Walks a path as the kernel does: how deep below the directory it ends, at no time above
 * it; -1 where it leaves. */
static int
depth_of (const char *path)
{
    int depth = 0;
    while (*path != '\0') {
        size_t length = strcspn (path, "/");
        if (length == 2 && strncmp (path, "..", 2) == 0) {
            depth--;
        } else if (length > 0 && !(length == 1 && path[0] == '.')) {
            depth++;
        }
        if (depth < 0) {
            return -1;
        }
        path += length + (path[length] == '/' ? 1 : 0);
    }
    return depth;
}

static void
check_name (const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_+-/";
    size_t length = strlen (name);
    bool valid = bf_zone_name_is_valid (name);
    bool letter = length > 0 && memchr (allowed, name[0], 52) != NULL;
    bool whole = length > 0 && name[length - 1] != '/' && strstr (name, "//") == NULL;
    bool wanted =
        letter && whole && length <= BF_ZONE_NAME_BYTES && strspn (name, allowed) == length;
    FUZZ_CHECK (valid == wanted, "\"%s\" is %s", name, valid ? "valid" : "refused");
    FUZZ_CHECK (!valid || depth_of (name) > 0, "\"%s\" leads out", name);
    FUZZ_CHECK (valid || !bf_zone_name_is_utc (name), "\"%s\" is UTC", name);
}

/* --- bytes -------------------------------------------------------------------------- */

/* More than any file can list and any rule can add. */
#define SPANS_MAX (BF_ZONE_BYTES / 5 + 2 * 600)

static bool
is_same (bf_zone_span a, bf_zone_span b)
{
    return a.from.s == b.from.s && a.until.s == b.until.s && a.offset_s == b.offset_s &&
           a.index == b.index;
}

static void
check_span (const bf_zone *zone, bf_zone_span span)
{
    FUZZ_CHECK (span.from.s < span.until.s, "span %d is empty", span.index);
    FUZZ_CHECK (span.offset_s > -25 * 3600 && span.offset_s < 26 * 3600, "%d",
                span.offset_s);
    FUZZ_CHECK (is_same (bf_zone_at (zone, span.from), span), "span %d", span.index);
    bf_instant end = {span.until.s - 1};
    FUZZ_CHECK (is_same (bf_zone_at (zone, end), span), "span %d", span.index);
}

/* How many instants have a local time, by looking at every span; the first and the last. */
static int
search (const bf_zone *zone, int64_t local_s, int64_t found[2])
{
    int count = 0;
    bf_zone_span span = bf_zone_at (zone, (bf_instant){INT64_MIN});
    while (true) {
        int64_t at = local_s - span.offset_s;
        if (at >= span.from.s && at < span.until.s) {
            found[count == 0 ? 0 : 1] = at;
            count++;
        }
        if (span.until.s == INT64_MAX) {
            return count;
        }
        span = bf_zone_next (zone, span);
    }
}

static void
check_local (const bf_zone *zone, int64_t local_s)
{
    int64_t found[2] = {0};
    int count = search (zone, local_s, found);
    bf_local_meaning meaning = bf_zone_resolve (zone, (bf_local){local_s});
    long long shown = (long long)local_s;
    FUZZ_CHECK (count <= 2, "%lld has %d instants", shown, count);
    if (count == 1) {
        FUZZ_CHECK (meaning.kind == BF_LOCAL_UNIQUE && meaning.first.s == found[0] &&
                        meaning.second.s == found[0],
                    "%lld is unique", shown);
        return;
    }
    FUZZ_CHECK (meaning.first.s == local_s - meaning.offset_before &&
                    meaning.second.s == local_s - meaning.offset_after,
                "%lld", shown);
    bf_zone_span after = bf_zone_at (zone, meaning.change);
    FUZZ_CHECK (after.from.s == meaning.change.s &&
                    after.offset_s == meaning.offset_after &&
                    bf_zone_previous (zone, after).offset_s == meaning.offset_before,
                "%lld: no change at %lld", shown, (long long)meaning.change.s);
    if (count == 2) {
        FUZZ_CHECK (meaning.kind == BF_LOCAL_OVERLAP && meaning.first.s == found[0] &&
                        meaning.second.s == found[1],
                    "%lld comes twice", shown);
    } else {
        FUZZ_CHECK (meaning.kind == BF_LOCAL_GAP && meaning.first.s >= meaning.change.s &&
                        meaning.second.s < meaning.change.s,
                    "%lld is skipped", shown);
    }
}

/* The edges and the middle of what a change skips or repeats. */
static void
check_change (const bf_zone *zone, bf_zone_span before, bf_zone_span after)
{
    FUZZ_CHECK (before.until.s == after.from.s, "a hole behind span %d", before.index);
    FUZZ_CHECK (before.offset_s != after.offset_s, "nothing changes at span %d",
                after.index);
    FUZZ_CHECK (is_same (bf_zone_previous (zone, after), before), "span %d", after.index);
    int64_t ends[2] = {after.from.s + before.offset_s, after.from.s + after.offset_s};
    for (int64_t step = -1; step <= 1; step++) {
        check_local (zone, ends[0] + step);
        check_local (zone, ends[1] + step);
    }
    check_local (zone, ends[0] + (ends[1] - ends[0]) / 2);
}

static void
check_zone (const bf_zone *zone)
{
    bf_zone_span span = bf_zone_at (zone, (bf_instant){INT64_MIN});
    FUZZ_CHECK (span.from.s == INT64_MIN && span.index == 0, "no beginning");
    check_span (zone, span);
    while (span.until.s != INT64_MAX) {
        bf_zone_span next = bf_zone_next (zone, span);
        FUZZ_CHECK (next.index == span.index + 1 && next.index < SPANS_MAX, "%d",
                    next.index);
        check_span (zone, next);
        /* The search through all is long where there are many: a few of them. */
        if (next.index < 8 || next.index % 64 == 0) {
            check_change (zone, span, next);
        }
        span = next;
    }
    for (int64_t local_s = BF_INSTANT_MIN_S; local_s < BF_INSTANT_MAX_S;
         local_s += BF_INSTANT_MAX_S / 16) {
        check_local (zone, local_s);
        FUZZ_CHECK (bf_zone_local (zone, (bf_instant){local_s}).s ==
                        local_s + bf_zone_at (zone, (bf_instant){local_s}).offset_s,
                    "%lld", (long long)local_s);
    }
}

static void
check_bytes (fuzz_input input)
{
    bf_zone *zone = NULL;
    bf_error error = {0};
    bf_err err = bf_zone_read (input.at, input.size, &zone, &error);
    if (err == BF_OK) {
        check_zone (zone);
        bf_zone_destroy (&zone);
    } else {
        FUZZ_CHECK (err == BF_EINVALID && error.code == err && error.text[0] != '\0',
                    "%s: %s", bf_err_name (err), error.text);
    }
    FUZZ_CHECK (zone == NULL, "refused, or destroyed");
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    fuzz_input input = {bytes, size};
    char *name = fuzz_text_until (&input, '\0');
    check_name (name);
    free (name);
    check_bytes (input);
    return 0;
}
