/* SPDX-License-Identifier: MPL-2.0
 *
 * Days and months: the proleptic Gregorian calendar as arithmetic, and the two kinds of
 * seconds that the calendar room counts in. An instant is a second of UTC; a local time is
 * what a clock on some wall shows, written as if it were UTC. Which of them is meant is
 * told by the type; only a zone turns one into the other.
 */
#ifndef BF_CALENDAR_CIVIL_H
#define BF_CALENDAR_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

/* Whole seconds since 1970-01-01T00:00:00Z. */
typedef struct {
    int64_t s;
} bf_instant;

/* Whole seconds since 1970-01-01T00:00:00 on a wall. */
typedef struct {
    int64_t s;
} bf_local;

typedef struct {
    int32_t year;  /* 1..9999 */
    int32_t month; /* 1..12 */
    int32_t day;   /* 1..31 */
} bf_date;

#define BF_DAY_S INT64_C (86400)

/* 1970-01-01, and the last second of the year 2400: the times that the calendar knows.
 * Local times may lie a day outside. */
#define BF_INSTANT_MIN_S INT64_C (0)
#define BF_INSTANT_MAX_S INT64_C (13601087999)

/* Days since 1970-01-01, of any year. month 1..12; day may lie outside its month, and then
 * counts on from it. */
int64_t bf_days_of (int32_t year, int32_t month, int32_t day);
bf_date bf_date_of (int64_t days);

/* 0 Sunday … 6 Saturday. */
int bf_weekday_of (int64_t days);

bool bf_year_is_leap (int32_t year);
int bf_days_in_month (int32_t year, int month);

/* The day that a local time is of, days since 1970-01-01; and its second of that day. */
int64_t bf_local_day (bf_local local);
int32_t bf_local_second (bf_local local);

/* "2027-03-28T02:30:00". Years 1..9999. Returns buffer. */
#define BF_LOCAL_BYTES 24
char *bf_local_format (bf_local local, char buffer[BF_LOCAL_BYTES]);
/* Reads that form, or a date alone (midnight), or without seconds; all of it, no zone, no
 * blanks. False: it is none, or no such day. */
bool bf_local_parse (const char *text, bf_local *local);

#endif
