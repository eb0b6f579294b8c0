/* SPDX-License-Identifier: MPL-2.0
 *
 * The next slot of cron expressions, of every shape, in zones whose clocks change. The
 * zones are made here: those of the machine change with its tzdata.
 */
#include <stdint.h>

#include "core/calendar/recurrence.h"
#include "core/calendar/zone.h"
#include "tests/bench/instructions/instructions.h"
#include "tests/support/zone_file.h"

#define COUNT(list) (sizeof (list) / sizeof (list)[0])
#define CALLS 64 /* of each expression in each zone */

static const char *const expressions[] = {
    "* * * * *",     "*/5 * * * *",
    "0 9 * * 1-5",   "30 2 * * *",
    "15 10 1 * *",   "0 0 L * *",
    "0 8 * * MON#1", "0 22 15W * *",
    "0 0 29 2 *",    "*/10 8-17 * * MON,FRI",
    "0 0 1,15 * 3",  "0 12 * JAN-MAR 5L",
    "30 0 12 * * *", "*/15 * * * * *",
    "0 0 LW * *",    "45 23 31 12 +SUN",
};

static const char *const rules[] = {
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "EST5EDT,M3.2.0,M11.1.0",
};
static const int32_t offsets_s[] = {3600, -18000};

typedef struct {
    const bf_recurrence *recurrence;
    bf_instant from[CALLS];
} questions;

/* splitmix64. */
static uint64_t
draw (uint64_t *state)
{
    uint64_t z = (*state += UINT64_C (0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C (0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bf_zone *
make_zone (size_t number)
{
    zone_recipe recipe = {.version = '2', .footer = rules[number]};
    recipe.offsets[0] = offsets_s[number];
    zone_file file;
    zone_file_make (&recipe, &file);
    bf_zone *zone = NULL;
    bf_error error = {0};
    instructions_require (bf_zone_read (file.bytes, file.size, &zone, &error) == BF_OK,
                          "%s: %s", rules[number], error.text);
    return zone;
}

static void
ask (void *context)
{
    const questions *self = context;
    for (size_t i = 0; i < CALLS; i++) {
        bf_instant found = {0};
        bool is_there = bf_recurrence_first (self->recurrence, self->from[i],
                                             (bf_instant){BF_INSTANT_MAX_S}, &found);
        instructions_require (is_there && found.s >= self->from[i].s, "no next slot");
    }
}

void
instructions_calendar (void)
{
    uint64_t state = 1;
    for (size_t zone = 0; zone < COUNT (rules); zone++) {
        bf_zone *made = make_zone (zone);
        for (size_t i = 0; i < COUNT (expressions); i++) {
            bf_recurrence_args args = {
                .kind = BF_RECURRENCE_CRON, .text = expressions[i], .zone = made};
            bf_recurrence *recurrence = NULL;
            bf_error error = {0};
            instructions_require (bf_recurrence_new (&args, &recurrence, &error) == BF_OK,
                                  "%s: %s", expressions[i], error.text);
            questions all = {.recurrence = recurrence};
            for (size_t k = 0; k < CALLS; k++) {
                /* Any second of 2020 to 2039. */
                int64_t first_s = bf_days_of (2020, 1, 1) * BF_DAY_S;
                uint64_t length_s =
                    (uint64_t)(bf_days_of (2040, 1, 1) * BF_DAY_S - first_s);
                all.from[k].s = first_s + (int64_t)(draw (&state) % length_s);
            }
            instructions_counted (ask, &all);
            bf_recurrence_destroy (&recurrence);
        }
        bf_zone_destroy (&made);
    }
    instructions_path_end ("cron_next", COUNT (rules) * COUNT (expressions) * CALLS);
}
