/* SPDX-License-Identifier: MPL-2.0
 *
 * Writes cron expressions back. Each set has one usual form: all of it, a step, or values
 * and ranges; where that would be long, the shortest cover by steps that is found greedily.
 *
 * A field may only begin with * where that says nothing new: one of second, minute and hour
 * of a wild expression has to, and none of a fixed one may; likewise the two day fields,
 * where * means that a day must match both.
 */
#include "core/calendar/cron.h"

#include <stdio.h>
#include <string.h>

#include "core/calendar/cron_days.h"

/* Lists up to here are written value by value. */
#define PLAIN_BYTES 40
/* Of fewer values nobody makes a step. */
#define STEP_VALUES 4

typedef struct {
    char *buffer;
    size_t size;
    size_t length; /* as it would be in a buffer that is large enough */
} writer_t;

static void
put (writer_t *writer, const char *text)
{
    size_t length = strlen (text);
    if (writer->length + length < writer->size) {
        memcpy (writer->buffer + writer->length, text, length + 1);
    }
    writer->length += length;
}

static void
put_number (writer_t *writer, unsigned number)
{
    char text[12];
    snprintf (text, sizeof text, "%u", number);
    put (writer, text);
}

/* A field's values: which there can be, which there are, and what they are called. */
typedef struct {
    uint64_t set;
    unsigned low;
    unsigned high;
    const char *names; /* three letters each, from 0 on; NULL: numbers */
} values_t;

static void
put_value (writer_t *writer, const values_t *values, unsigned value)
{
    if (values->names != NULL) {
        char name[4] = "";
        memcpy (name, values->names + 3 * (size_t)value, 3);
        put (writer, name);
        return;
    }
    put_number (writer, value);
}

/* first, first + step, … up to last. */
typedef struct {
    unsigned first;
    unsigned last;
    unsigned step;
} steps_t;

static uint64_t
steps_set (steps_t steps)
{
    uint64_t set = 0;
    for (unsigned value = steps.first; value <= steps.last; value += steps.step) {
        set |= UINT64_C (1) << value;
    }
    return set;
}

static void
put_steps (writer_t *writer, const values_t *values, steps_t steps)
{
    put_value (writer, values, steps.first);
    if (steps.last > steps.first) {
        put (writer, "-");
        put_value (writer, values, steps.last);
    }
    if (steps.step > 1) {
        put (writer, "/");
        put_number (writer, steps.step);
    }
}

static bool
has (const values_t *values, unsigned value)
{
    return value <= values->high && (values->set >> value & 1) != 0;
}

/* As far as the set goes on from `first` in these steps. */
static steps_t
longest (const values_t *values, unsigned first, unsigned step)
{
    steps_t steps = {first, first, step};
    while (has (values, steps.last + step)) {
        steps.last += step;
    }
    return steps;
}

static void
put_comma (writer_t *writer, bool *any)
{
    if (*any) {
        put (writer, ",");
    }
    *any = true;
}

/* Value by value, three or more in a row as a range. */
static void
put_plain (writer_t *writer, const values_t *values, bool any)
{
    for (unsigned value = values->low; value <= values->high; value++) {
        if (!has (values, value)) {
            continue;
        }
        steps_t run = longest (values, value, 1);
        if (run.last - run.first < 2) {
            run.last = run.first;
        }
        put_comma (writer, &any);
        put_steps (writer, values, run);
        value = run.last;
    }
}

/* The steps that cover most of what is left; of equals the first, in the smallest steps. */
static steps_t
best_steps (const values_t *values, uint64_t left)
{
    steps_t best = {0, 0, 1};
    int most = 0;
    for (unsigned step = 1; step <= values->high; step++) {
        for (unsigned first = values->low; first <= values->high; first++) {
            if (!has (values, first)) {
                continue;
            }
            steps_t steps = longest (values, first, step);
            int covers = __builtin_popcountll (steps_set (steps) & left);
            if (covers > most) {
                best = steps;
                most = covers;
            }
        }
    }
    unsigned lowest = (unsigned)__builtin_ctzll (left);
    return most > 1 ? best : (steps_t){lowest, lowest, 1};
}

static void
put_cover (writer_t *writer, const values_t *values, bool any)
{
    uint64_t left = values->set;
    while (left != 0) {
        steps_t steps = best_steps (values, left);
        put_comma (writer, &any);
        put_steps (writer, values, steps);
        left &= ~steps_set (steps);
    }
}

/* The whole set as one: "0-56/7". */
static bool
is_steps (const values_t *values, steps_t *steps)
{
    if (__builtin_popcountll (values->set) < STEP_VALUES) {
        return false;
    }
    unsigned first = (unsigned)__builtin_ctzll (values->set);
    uint64_t others = values->set & (values->set - 1);
    *steps = longest (values, first, (unsigned)__builtin_ctzll (others) - first);
    return steps_set (*steps) == values->set;
}

/* A list without a star. */
static void
put_list (writer_t *writer, const values_t *values, bool any)
{
    steps_t steps;
    if (is_steps (values, &steps)) {
        put_comma (writer, &any);
        put_steps (writer, values, steps);
        return;
    }
    writer_t plain = {NULL, 0, 0};
    writer_t cover = {NULL, 0, 0};
    put_plain (&plain, values, any);
    put_cover (&cover, values, any);
    if (plain.length <= PLAIN_BYTES || plain.length <= cover.length) {
        put_plain (writer, values, any);
    } else {
        put_cover (writer, values, any);
    }
}

/* The smallest n whose multiples from the lowest value on are all in the set. There is one
 * where the lowest value is. */
static unsigned
star_step (const values_t *values)
{
    unsigned step = 1;
    for (;; step++) {
        uint64_t set = steps_set ((steps_t){values->low, values->high, step});
        if ((set & ~values->set) == 0) {
            return step;
        }
    }
}

static uint64_t
star_set (const values_t *values, unsigned step)
{
    return steps_set ((steps_t){values->low, values->high, step});
}

/* Whether the set is * or a step of it that people would write as one: three values or
 * more, or a step that divides the field. */
static bool
is_star (const values_t *values)
{
    if (!has (values, values->low)) {
        return false;
    }
    unsigned step = star_step (values);
    unsigned size = values->high - values->low + 1;
    int count = __builtin_popcountll (values->set);
    return star_set (values, step) == values->set &&
           (count >= 3 || (count == 2 && size % step == 0));
}

/* What a star with a step has of the set, and then what it has not. */
static void
put_star (writer_t *writer, const values_t *values)
{
    unsigned step = star_step (values);
    put (writer, "*");
    if (step > 1) {
        put (writer, "/");
        put_number (writer, step);
    }
    values_t rest = *values;
    rest.set &= ~star_set (values, step);
    if (rest.set != 0) {
        put_list (writer, &rest, true);
    }
}

static void
put_field (writer_t *writer, const values_t *values, bool star)
{
    if (star) {
        put_star (writer, values);
    } else {
        put_list (writer, values, false);
    }
}

static void
put_time (writer_t *writer, const bf_cron *cron)
{
    /* In the order in which one of them is chosen to begin with a star where none would. */
    const values_t fields[] = {{cron->minutes, 0, 59, NULL},
                               {cron->hours, 0, 23, NULL},
                               {cron->seconds, 0, 59, NULL}};
    bool stars[3];
    bool any = false;
    for (size_t i = 0; i < 3; i++) {
        stars[i] = cron->wild && is_star (&fields[i]);
        any |= stars[i];
    }
    if (cron->wild && !any) {
        /* What made it wild began with a star, so it has 0. */
        stars[has (&fields[0], 0) ? 0 : has (&fields[1], 0) ? 1 : 2] = true;
    }
    if (cron->has_seconds) {
        put_field (writer, &fields[2], stars[2]);
        put (writer, " ");
    }
    put_field (writer, &fields[0], stars[0]);
    put (writer, " ");
    put_field (writer, &fields[1], stars[1]);
    put (writer, " ");
}

static void
put_days (writer_t *writer, const bf_cron *cron, const values_t *days, bool star)
{
    bool any = days->set != 0;
    if (any) {
        put_field (writer, days, star);
    }
    for (unsigned day = 1; day <= 31; day++) {
        if ((cron->nearest >> day & 1) != 0) {
            put_comma (writer, &any);
            put_number (writer, day);
            put (writer, "W");
        }
    }
    if (cron->last_day) {
        put_comma (writer, &any);
        put (writer, "L");
    }
    if (cron->last_working_day) {
        put_comma (writer, &any);
        put (writer, "LW");
    }
    put (writer, " ");
}

static void
put_weekdays (writer_t *writer, const bf_cron *cron, const values_t *weekdays, bool star)
{
    bool any = weekdays->set != 0;
    if (any) {
        put_field (writer, weekdays, star);
    }
    for (unsigned k = 1; k <= 5; k++) {
        for (unsigned day = 0; day < 7; day++) {
            if ((cron->weekdays_nth[k - 1] >> day & 1) != 0) {
                put_comma (writer, &any);
                put_value (writer, weekdays, day);
                put (writer, "#");
                put_number (writer, k);
            }
        }
    }
    for (unsigned day = 0; day < 7; day++) {
        if ((cron->weekdays_last >> day & 1) != 0) {
            put_comma (writer, &any);
            put_value (writer, weekdays, day);
            put (writer, "L");
        }
    }
}

size_t
bf_cron_write (const bf_cron *cron, char *buffer, size_t size)
{
    writer_t writer = {buffer, size, 0};
    values_t months = {cron->months, 1, 12, NULL};
    values_t days = {cron->days, 1, 31, NULL};
    values_t weekdays = {cron->weekdays, 0, 6, "SUNMONTUEWEDTHUFRISAT"};
    bool day_star = cron->both_days && is_star (&days);
    bool weekday_star = cron->both_days && weekdays.set == BF_CRON_ALL_WEEKDAYS;
    put_time (&writer, cron);
    put_days (&writer, cron, &days, day_star);
    put_field (&writer, &months, is_star (&months));
    put (&writer, " ");
    if (cron->both_days && !day_star && !weekday_star) {
        put (&writer, "+");
    }
    put_weekdays (&writer, cron, &weekdays, weekday_star);
    return writer.length;
}

char *
bf_cron_print (const bf_cron *cron, char buffer[BF_CRON_BYTES])
{
    bf_cron_write (cron, buffer, BF_CRON_BYTES);
    return buffer;
}
