/* SPDX-License-Identifier: MPL-2.0
 *
 * When: what holds between a trigger and its zone, its switches for clock changes, its
 * bounds and its exclusion calendars; and whether a calendar text can be read at all.
 * Whether there is a zone or a calendar of a name is judged by the store.
 */
#include "messages/relations.h"

#include <inttypes.h>
#include <string.h>

#include "core/calendar/cron.h"
#include "core/calendar/daily.h"
#include "core/calendar/exclusion.h"
#include "core/calendar/recurrence.h"
#include "core/calendar/rrule.h"
#include "messages/limits.h"

/* A trigger of the calendar kinds, in a JobSpec or in a Reschedule. */
typedef struct {
    bf_recurrence_kind kind;
    const char *name; /* of its field */
    char **text;
    char **tz;
    Belfry__V1__Skipped *skipped;
    Belfry__V1__Repeated *repeated;
} calendar_t;

static bf_err
refuse_no_trigger (const bf_place *here, bf_error *error)
{
    return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "trigger"),
                      "is missing: set exactly one of at_us, after_us, every, cron, daily "
                      "and rrule");
}

static bf_err
refuse_memory (bf_error *error)
{
    return bf_fail (error, BF_ENOMEM, "%s", bf_err_text (BF_ENOMEM));
}

/* Takes the blanks around a text away. */
static bf_err
trim (char **text, bf_arena *arena, bf_error *error)
{
    const char *first = *text + strspn (*text, " ");
    size_t size = strlen (first);
    while (size > 0 && first[size - 1] == ' ') {
        size--;
    }
    if (size == strlen (*text)) {
        return BF_OK;
    }
    char *copy = bf_arena_copy (arena, first, size);
    if (copy == NULL) {
        return refuse_memory (error);
    }
    *text = copy;
    return BF_OK;
}

/* "2130 Europe/Berlin MON-FRI" without the zone and the blanks before it. */
static bf_err
take_zone_out (char **text, const char *zone, bf_arena *arena, bf_error *error)
{
    const char *word = *text;
    size_t before = 0; /* as far as the word before it */
    size_t size = strcspn (word, " ");
    while (size != strlen (zone) || memcmp (word, zone, size) != 0) {
        before = (size_t)(word - *text) + size;
        word += size + strspn (word + size, " ");
        size = strcspn (word, " ");
        BF_INVARIANT (size > 0);
    }
    char *copy = bf_arena_copy (arena, *text, strlen (*text));
    if (copy == NULL) {
        return refuse_memory (error);
    }
    const char *rest = word + size;
    memcpy (copy + before, rest, strlen (rest) + 1);
    *text = copy;
    return BF_OK;
}

/* Reads the text: the zone that it names, or none, and the defaults of its switches. */
static bf_err
read_text (const calendar_t *calendar, char zone[BF_ZONE_NAME_BYTES + 1],
           bf_switches *switches, bf_error *error)
{
    if (calendar->kind == BF_RECURRENCE_RRULE) {
        *switches = bf_rrule_switches ();
        return bf_recurrence_check (calendar->kind, *calendar->text, zone, error);
    }
    bf_cron cron;
    bf_err rc;
    if (calendar->kind == BF_RECURRENCE_DAILY) {
        rc = bf_daily_parse (*calendar->text, &cron, zone, error);
    } else {
        rc = bf_cron_parse (*calendar->text, &cron, error);
    }
    if (rc == BF_OK) {
        *switches = bf_cron_switches (&cron);
    }
    return rc;
}

/* The zone of a text and the field tz: one of them, or both alike. */
static bf_err
relate_zone (const calendar_t *calendar, const char *zone, const bf_place *here,
             bf_arena *arena, bf_error *error)
{
    if (zone[0] == '\0') {
        return BF_OK;
    }
    const char *tz = *calendar->tz;
    bool same = tz[0] == '\0' || strcmp (tz, zone) == 0 ||
                (bf_zone_name_is_utc (tz) && bf_zone_name_is_utc (zone));
    if (!same) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "tz"),
                          "is %s, but %s names %s: leave one of them out", tz,
                          calendar->name, zone);
    }
    if (tz[0] == '\0') {
        *calendar->tz = bf_arena_copy (arena, zone, strlen (zone));
        if (*calendar->tz == NULL) {
            *calendar->tz = "";
            return refuse_memory (error);
        }
    }
    /* A rule needs its own TZID to be understood elsewhere; it stays. */
    return calendar->kind == BF_RECURRENCE_DAILY
               ? take_zone_out (calendar->text, zone, arena, error)
               : BF_OK;
}

static bf_err
relate_calendar (const calendar_t *calendar, const bf_place *here, bf_arena *arena,
                 bf_error *error)
{
    bf_err rc = trim (calendar->text, arena, error);
    if (rc != BF_OK) {
        return rc;
    }
    char zone[BF_ZONE_NAME_BYTES + 1] = "";
    bf_switches switches;
    bf_error detail = {0};
    rc = read_text (calendar, zone, &switches, &detail);
    if (rc == BF_ENOMEM) {
        return refuse_memory (error);
    }
    if (rc != BF_OK) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, calendar->name),
                          "is not accepted: %s", detail.text);
    }
    if (*calendar->skipped == 0) {
        *calendar->skipped = (Belfry__V1__Skipped)switches.skipped;
    }
    if (*calendar->repeated == 0) {
        *calendar->repeated = (Belfry__V1__Repeated)switches.repeated;
    }
    return relate_zone (calendar, zone, here, arena, error);
}

static bf_err
check_zone_name (const char *tz, const bf_place *here, bf_error *error)
{
    if (tz[0] == '\0' || bf_zone_name_is_valid (tz)) {
        return BF_OK;
    }
    return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "tz"),
                      "is %s, allowed is the name of a time zone, such as Europe/Berlin",
                      tz);
}

/* A field that only the calendar kinds have. */
static bf_err
refuse_calendar_field (const bf_place *here, const char *field, bf_error *error)
{
    return bf_refuse (error, BF_EINVALID, BF_FIELD (here, field),
                      "is for cron, daily and rrule: leave it out");
}

/* What only a job that recurs can have. */
static bf_err
relate_one_shot (Belfry__V1__JobSpec *spec, const bf_place *here, bf_error *error)
{
    const char *field = spec->start_us != 0    ? "start_us"
                        : spec->end_us != 0    ? "end_us"
                        : spec->max_runs != 0  ? "max_runs"
                        : spec->n_exclude != 0 ? "exclude"
                                               : NULL;
    if (field != NULL) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, field),
                          "is for recurring jobs: leave it out, or set every, cron, daily "
                          "or rrule");
    }
    field = spec->tz[0] != '\0'   ? "tz"
            : spec->skipped != 0  ? "skipped"
            : spec->repeated != 0 ? "repeated"
                                  : NULL;
    if (field != NULL) {
        return refuse_calendar_field (here, field, error);
    }
    if (spec->overlap == 0) {
        spec->overlap = BELFRY__V1__OVERLAP__OVERLAP_ALLOW_ALL;
    }
    return BF_OK;
}

static bf_err
relate_every (Belfry__V1__JobSpec *spec, const bf_place *here, bf_error *error)
{
    if (spec->skipped != 0 || spec->repeated != 0) {
        return refuse_calendar_field (here, spec->skipped != 0 ? "skipped" : "repeated",
                                      error);
    }
    if (spec->tz[0] != '\0' && spec->n_exclude == 0) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "tz"),
                          "means nothing to every without exclude: leave it out");
    }
    if (spec->jitter_us >= spec->every->interval_us) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "jitter_us"),
                          "is %" PRId64
                          ", as long as the interval or longer: set it below %" PRId64,
                          spec->jitter_us, spec->every->interval_us);
    }
    return BF_OK;
}

/* False: none of the calendar kinds. */
static bool
calendar_of_spec (Belfry__V1__JobSpec *spec, calendar_t *calendar)
{
    *calendar = (calendar_t){
        .tz = &spec->tz, .skipped = &spec->skipped, .repeated = &spec->repeated};
    switch (spec->trigger_case) {
    case BELFRY__V1__JOB_SPEC__TRIGGER_CRON:
        calendar->kind = BF_RECURRENCE_CRON;
        calendar->name = "cron";
        calendar->text = &spec->cron;
        return true;
    case BELFRY__V1__JOB_SPEC__TRIGGER_DAILY:
        calendar->kind = BF_RECURRENCE_DAILY;
        calendar->name = "daily";
        calendar->text = &spec->daily;
        return true;
    case BELFRY__V1__JOB_SPEC__TRIGGER_RRULE:
        calendar->kind = BF_RECURRENCE_RRULE;
        calendar->name = "rrule";
        calendar->text = &spec->rrule;
        return true;
    default:
        return false;
    }
}

static bf_err
relate_recurring (Belfry__V1__JobSpec *spec, const bf_place *here, bf_arena *arena,
                  bf_error *error)
{
    if (spec->end_us != 0 && spec->end_us < spec->start_us) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "end_us"),
                          "is %" PRId64 ", before start_us %" PRId64
                          ": set it later, or 0 for an open end",
                          spec->end_us, spec->start_us);
    }
    calendar_t calendar;
    bool zoned = calendar_of_spec (spec, &calendar);
    bf_err rc = zoned ? relate_calendar (&calendar, here, arena, error)
                      : relate_every (spec, here, error);
    if (rc != BF_OK) {
        return rc;
    }
    if (spec->tz[0] == '\0' && (zoned || spec->n_exclude > 0)) {
        spec->tz = "UTC";
    }
    if (spec->overlap == 0) {
        spec->overlap = BELFRY__V1__OVERLAP__OVERLAP_SKIP;
    }
    return BF_OK;
}

bf_err
bf_relate_trigger_of_spec (Belfry__V1__JobSpec *spec, const bf_place *here, bf_arena *arena,
                           bf_error *error)
{
    bf_err rc = check_zone_name (spec->tz, here, error);
    if (rc != BF_OK) {
        return rc;
    }
    switch (spec->trigger_case) {
    case BELFRY__V1__JOB_SPEC__TRIGGER__NOT_SET:
        return refuse_no_trigger (here, error);
    case BELFRY__V1__JOB_SPEC__TRIGGER_AT_US:
    case BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US:
        return relate_one_shot (spec, here, error);
    default:
        return relate_recurring (spec, here, arena, error);
    }
}

/* As that of a JobSpec; no tz stays none: that of the job is kept. */
bf_err
bf_relate_trigger_of_reschedule (Belfry__V1__Reschedule *reschedule, const bf_place *here,
                                 bf_arena *arena, bf_error *error)
{
    bf_err rc = check_zone_name (reschedule->tz, here, error);
    if (rc != BF_OK) {
        return rc;
    }
    calendar_t calendar = {.tz = &reschedule->tz,
                           .skipped = &reschedule->skipped,
                           .repeated = &reschedule->repeated};
    switch (reschedule->trigger_case) {
    case BELFRY__V1__RESCHEDULE__TRIGGER__NOT_SET:
        return refuse_no_trigger (here, error);
    case BELFRY__V1__RESCHEDULE__TRIGGER_CRON:
        calendar.kind = BF_RECURRENCE_CRON;
        calendar.name = "cron";
        calendar.text = &reschedule->cron;
        break;
    case BELFRY__V1__RESCHEDULE__TRIGGER_DAILY:
        calendar.kind = BF_RECURRENCE_DAILY;
        calendar.name = "daily";
        calendar.text = &reschedule->daily;
        break;
    case BELFRY__V1__RESCHEDULE__TRIGGER_RRULE:
        calendar.kind = BF_RECURRENCE_RRULE;
        calendar.name = "rrule";
        calendar.text = &reschedule->rrule;
        break;
    default: {
        const char *field = reschedule->tz[0] != '\0'   ? "tz"
                            : reschedule->skipped != 0  ? "skipped"
                            : reschedule->repeated != 0 ? "repeated"
                                                        : NULL;
        return field != NULL ? refuse_calendar_field (here, field, error) : BF_OK;
    }
    }
    return relate_calendar (&calendar, here, arena, error);
}

/* A slot has its note, and as much again as a local time and the rest need; the definition
 * has two long texts at most, each also in its usual form. */
_Static_assert(BF_SLOTS_PER_PREVIEW *(BF_NOTE_BYTES + 64) + 4 * BF_RRULE_BYTES <=
                   BF_ANSWER_BYTES,
               "a Preview does not fit into an answer");

bf_err
bf_relate_preview (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    const Belfry__V1__Preview *preview = message;
    if ((preview->spec != NULL) == (preview->job != NULL)) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "spec"),
                          "is %s: set exactly one of spec and job",
                          preview->spec != NULL ? "set, and so is job"
                                                : "missing, and so is job");
    }
    if (preview->spec != NULL) {
        /* Nobody runs it, and the answer shows none. */
        preview->spec->payload.len = 0;
    }
    return BF_OK;
}

bf_err
bf_relate_exclusion_calendar (void *message, const bf_place *here, bf_arena *arena,
                              bf_error *error)
{
    (void)arena;
    Belfry__V1__ExclusionCalendar *calendar = message;
    calendar->version = 0;
    calendar->updated_us = 0;
    bf_exclusion *exclusion = NULL;
    size_t which = 0;
    bf_error detail = {0};
    bf_err rc = bf_exclusion_new ((const char *const *)calendar->dates, calendar->n_dates,
                                  (const char *const *)calendar->windows,
                                  calendar->n_windows, &exclusion, &which, &detail);
    bf_exclusion_destroy (&exclusion);
    if (rc == BF_ENOMEM) {
        return refuse_memory (error);
    }
    if (rc != BF_OK) {
        bool date = which < calendar->n_dates;
        const bf_place at = {here, date ? "dates" : "windows",
                             date ? which : which - calendar->n_dates};
        return bf_refuse (error, BF_EINVALID, &at, "is not accepted: %s", detail.text);
    }
    return BF_OK;
}
