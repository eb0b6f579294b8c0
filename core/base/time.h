/* SPDX-License-Identifier: MPL-2.0
 *
 * Wall time, boot time and durations, each its own type so that mixing them does not
 * compile, all in microseconds. This is the only room that reads a clock; pure code is
 * handed a bf_now.
 */
#ifndef BF_BASE_TIME_H
#define BF_BASE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"

/* An instant since the epoch, UTC. May be set, may jump. */
typedef struct {
    int64_t us;
} bf_wall;

/* An instant of CLOCK_BOOTTIME: never set, runs on while the machine sleeps, starts over
 * when it boots. */
typedef struct {
    int64_t us;
} bf_boot;

/* A length of time. */
typedef struct {
    int64_t us;
} bf_span;

/* Both clocks, read together. */
typedef struct {
    bf_wall wall;
    bf_boot boot;
} bf_now;

#define BF_MS_US INT64_C (1000)
#define BF_SECOND_US INT64_C (1000000)
#define BF_MINUTE_US (60 * BF_SECOND_US)
#define BF_HOUR_US (60 * BF_MINUTE_US)
#define BF_DAY_US (24 * BF_HOUR_US)

/* 2400-01-01T00:00:00Z: no due time lies beyond it, so that sums of times stay far from
 * overflow. */
#define BF_WALL_MAX_US INT64_C (13569465600000000)

/* Reads both clocks. Thread-safe. */
bf_now bf_now_read (void);

/* The kernel's id of this boot, 36 characters and a NUL; empty where there is none to read.
 */
#define BF_BOOT_ID_BYTES 37
void bf_boot_id_read (char id[BF_BOOT_ID_BYTES]);

/* a + b, held inside the range of int64 instead of wrapping. */
int64_t bf_us_add (int64_t a, int64_t b);

/* "2026-11-23T13:05:46.120000Z": ISO 8601, UTC, microseconds (none where they are 0). Any
 * int64 in the years 1..9999, clamped beyond. Returns buffer. */
#define BF_ISO_BYTES 40
char *bf_wall_format (bf_wall wall, char buffer[BF_ISO_BYTES]);

/* Reads ISO 8601 with Z or ±HH:MM and up to 6 decimals; the date alone means midnight UTC.
 * No leap second, no local time: a missing offset after a time is an error. */
bf_err bf_wall_parse (const char *text, bf_wall *wall, bf_error *error);

/* "90s" "15m" "500ms" "2h" "3d" "250us", a sum of them ("1h30m") or a decimal ("1.5s").
 * Never negative. */
bf_err bf_span_parse (const char *text, bf_span *span, bf_error *error);

/* The shortest exact form that bf_span_parse reads back: "1h30m", "500ms", "0s"; a leading
 * '-' where negative. Returns buffer. */
#define BF_SPAN_BYTES 48
char *bf_span_format (bf_span span, char buffer[BF_SPAN_BYTES]);

#endif
