/* SPDX-License-Identifier: MPL-2.0
 *
 * A recurrence rule from inside, for the files rrule*.c alone: what was read of the text
 * (rrule_text.c the properties, rrule_parse.c the rule), what one period of it holds
 * (rrule_days.c, rrule_period.c), and the search over its periods (rrule_search.c). rrule.c
 * makes the set of it that others see. Local times are plain seconds here.
 *
 * Without BYSETPOS a rule is three conditions that a local time meets or not: its period (a
 * year, a week, a minute) is one that INTERVAL reaches, its day and its time of day are in
 * the BY lists or as DTSTART's.
 */
#ifndef BF_CALENDAR_RRULE_RULE_H
#define BF_CALENDAR_RRULE_RULE_H

#include "core/calendar/rrule.h"

typedef enum {
    BF_FREQ_YEARLY = 0,
    BF_FREQ_MONTHLY,
    BF_FREQ_WEEKLY,
    BF_FREQ_DAILY,
    BF_FREQ_HOURLY,
    BF_FREQ_MINUTELY,
    BF_FREQ_SECONDLY,
    BF_FREQS,
} bf_rrule_freq;

/* The parts of a rule; the first of them are lists of numbers. */
typedef enum {
    BF_BYSECOND = 0,
    BF_BYMINUTE,
    BF_BYHOUR,
    BF_BYMONTHDAY,
    BF_BYYEARDAY,
    BF_BYWEEKNO,
    BF_BYMONTH,
    BF_BYSETPOS,
    BF_RRULE_LISTS,
    BF_BYDAY = BF_RRULE_LISTS,
    BF_PART_FREQ,
    BF_PART_INTERVAL,
    BF_PART_COUNT,
    BF_PART_UNTIL,
    BF_PART_WKST,
    BF_RRULE_PARTS,
} bf_rrule_part;

/* Numbers 0..383, of which 366 is the largest that a rule can say. */
#define BF_RRULE_WORDS 6
typedef struct {
    uint64_t words[BF_RRULE_WORDS];
} bf_rrule_bits;

typedef struct {
    bf_rrule_bits up;   /* n, counted from the first */
    bf_rrule_bits down; /* -n, counted from the last: bit n */
} bf_rrule_list;

/* A time as it was written. */
typedef enum {
    BF_MOMENT_LOCAL = 1,
    BF_MOMENT_DATE,
    BF_MOMENT_UTC,
} bf_rrule_form;

typedef struct {
    bf_rrule_form form;
    int64_t s;
} bf_rrule_moment;

/* One of EXDATE or RDATE; from the opening on also the local times, [from, until), that it
 * means. */
typedef struct {
    bf_rrule_moment said;
    bool added; /* RDATE */
    int64_t from;
    int64_t until;
} bf_rrule_date;

struct bf_rrule {
    bf_rrule_freq freq;
    int32_t interval;
    int32_t count;  /* 0: none */
    int week_start; /* 0 Sunday..6 */
    uint32_t given; /* bit n: part n was written */
    bf_rrule_moment until;
    bool has_start;
    bf_rrule_moment said_start;
    char zone[BF_ZONE_NAME_BYTES + 1];

    /* As written; bf_rrule_bind adds what follows from DTSTART. */
    bf_rrule_list lists[BF_RRULE_LISTS];
    uint64_t nth_up[7];   /* BYDAY by weekday; bit n: the n-th one, bit 0: every one */
    uint64_t nth_down[7]; /* bit n: the n-th last one */
    bool by_month_day;    /* the list is a condition */
    bool by_day;

    int64_t start;
    int64_t start_unit;
    int64_t end;              /* no time of the rule lies after it */
    bf_instant until_instant; /* UNTIL with Z: the one after; INT64_MAX: none */

    /* EXDATEs, then RDATEs, each in order and without overlap from the opening on. */
    size_t n_excluded;
    size_t n_added;
    bf_rrule_date dates[];
};

static inline bool
bf_rrule_has (const bf_rrule *rule, bf_rrule_part part)
{
    return (rule->given >> part & 1U) != 0;
}

/* --- rrule_text.c, rrule_parse.c --- */

/* A stretch of a text. */
typedef struct {
    const char *at;
    size_t size;
} bf_piece;

/* For "%.*s": at most so much of it as a sentence can bear. */
static inline int
bf_piece_shown (bf_piece piece)
{
    return piece.size < 60 ? (int)piece.size : 60;
}
#define BF_PIECE(piece) bf_piece_shown (piece), (piece).at

bool bf_piece_is (bf_piece piece, const char *word);
/* Cuts *rest at the first such sign; what is before it is returned, what is after it left.
 * Without the sign all is returned, and *rest is at NULL. */
bf_piece bf_piece_cut (bf_piece *rest, char sign);
/* 1 to 9 digits, all of it. */
bool bf_piece_number (bf_piece piece, int32_t *number);

/* "20270328", "20270328T023000", "20270328T023000Z". */
bool bf_rrule_read_moment (bf_piece piece, bf_rrule_moment *moment);

/* "FREQ=…;…", and whether its parts go together. */
bf_err bf_rrule_read_rule (bf_piece piece, bf_rrule *rule, bf_error *error);

extern const char *const bf_rrule_part_names[BF_RRULE_PARTS];
extern const char *const bf_rrule_freq_names[BF_FREQS];

/* --- rrule_days.c --- */

/* Where the rule begins; fills what it takes from there. */
void bf_rrule_bind (bf_rrule *rule, int64_t start);

/* The number of the period of a time, and when a period begins. */
int64_t bf_rrule_unit (const bf_rrule *rule, int64_t at);
int64_t bf_rrule_unit_start (const bf_rrule *rule, int64_t unit);

/* The days of a month that meet the rule; bit 0: the first. */
uint32_t bf_rrule_month (const bf_rrule *rule, int32_t year, int32_t month);

/* --- rrule_period.c --- */

/* The times of a day: all hours of the set with all minutes with all seconds. */
typedef struct {
    uint64_t hours;
    uint64_t minutes;
    uint64_t seconds;
} bf_rrule_clock;

bf_rrule_clock bf_rrule_clock_of (const bf_rrule *rule);
/* The first one at or after a second of the day; BF_DAY_S: none. */
int64_t bf_rrule_clock_ceil (const bf_rrule_clock *clock, int64_t second);
/* The last one at or before it; -1: none. */
int64_t bf_rrule_clock_floor (const bf_rrule_clock *clock, int64_t second);
/* How many there are before it. */
int64_t bf_rrule_clock_below (const bf_rrule_clock *clock, int64_t second);

/* All times of a period that meet the rule, by rank 0..size - 1, before BYSETPOS. */
typedef struct {
    int64_t first_day;
    bf_rrule_bits days; /* bit n: first_day + n */
    bf_rrule_clock clock;
    int64_t size;
} bf_rrule_period;

void bf_rrule_expand (const bf_rrule *rule, int64_t unit, bf_rrule_period *period);
/* How many of them lie before one of them. */
int64_t bf_rrule_rank (const bf_rrule_period *period, int64_t at);
int64_t bf_rrule_select (const bf_rrule_period *period, int64_t rank);
/* The first rank that BYSETPOS takes at or after one, the last before one; -1: none. */
int64_t bf_rrule_position_ceil (const bf_rrule *rule, int64_t rank, int64_t size);
int64_t bf_rrule_position_below (const bf_rrule *rule, int64_t rank, int64_t size);

/* --- rrule_search.c: the rule without EXDATE and RDATE --- */

/* Within [from, until), from not before start. *steps is what may still be spent; below 0
 * afterwards: it ran out. */
bool bf_rrule_search_first (const bf_rrule *rule, int64_t from, int64_t until,
                            int64_t *steps, int64_t *found);
bool bf_rrule_search_last (const bf_rrule *rule, int64_t from, int64_t until,
                           int64_t *steps, int64_t *found);
uint64_t bf_rrule_search_count (const bf_rrule *rule, int64_t from, int64_t until);
/* The n-th time from start on, n >= 1. */
bool bf_rrule_search_nth (const bf_rrule *rule, int64_t n, int64_t until, int64_t *steps,
                          int64_t *found);

#endif
