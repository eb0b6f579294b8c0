/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry.proto's comments, row by row: which values a field takes and what stands for "not
 * set". A field that is added there needs its row here, in the same order; bf_rule_of holds
 * the two together. And the sentence of whoever finds a rule broken.
 */
#include "messages/rules.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/calendar/cron.h"
#include "core/calendar/exclusion.h"
#include "core/calendar/rrule.h"
#include "core/calendar/zone.h"
#include "messages/limits.h"
#include "messages/relations.h"

#include "belfry.pb-c.h"

#define AT(message, field) .offset = offsetof (Belfry__V1__##message, field)
#define COUNT(rows) (sizeof (rows) / sizeof (rows)[0])
#define RULES(message, table)                                            \
    .descriptor = &belfry__v1__##message##__descriptor, .rows = (table), \
    .n_rows = COUNT (table)

/* Shapes that return in many messages. */
#define ANY .kind = BF_RULE_ANY
#define NAME .kind = BF_RULE_NAME, .max = BF_NAME_BYTES
#define NAMESPACE NAME, .optional = true, .fallback_text = BF_DEFAULT_NS
#define FILTER_NAME NAME, .optional = true, .fallback_text = ""
#define TEXT(bytes) .kind = BF_RULE_TEXT, .max = (bytes)
#define REASON .kind = BF_RULE_REASON, .max = BF_REASON_BYTES, .optional = true
#define TOKEN .kind = BF_RULE_TOKEN
#define RANGE(low, high, in_words) \
    .kind = BF_RULE_NUMBER, .min = (low), .max = (high), .words = (in_words)
/* 0 stands for the fallback. */
#define RANGE_OR(low, high, value, in_words) \
    RANGE (low, high, in_words), .optional = true, .fallback = (value)
#define ENUM_OR(value) .kind = BF_RULE_ENUM, .optional = true, .fallback = (value)
#define NUMBER_63 RANGE (0, INT64_MAX, "63 bits")
#define LIST(low, high) .least = (low), .most = (high)
#define AT_TIME RANGE (0, BF_WALL_MAX_US, "1970 to 2400")
#define AFTER_TIME RANGE (0, BF_AFTER_MAX_US, "0 to 100 years")
#define PAGE(value, in_words) RANGE_OR (1, BF_PAGE, value, in_words)
#define SPAN_OR_NONE(low) RANGE_OR (low, BF_AFTER_MAX_US, 0, "up to 100 years, 0 for none")
#define TAG_LIST TEXT (BF_TAG_BYTES), LIST (0, BF_TAGS), .twice = BF_TWICE_COLLAPSED
#define STATE_LIST \
    .kind = BF_RULE_ENUM, LIST (0, BF_KINDS_PER_FILTER), .twice = BF_TWICE_COLLAPSED
/* What commands have that are for one job or, by filter, for many. */
#define MANY(message)                                                       \
    {AT (message, filter), .kind = BF_RULE_MESSAGE, .rules = &filter_rules, \
     .optional = true},                                                     \
    {                                                                       \
        AT (message, dry_run), ANY                                          \
    }
#define ONE_OR_MANY(message)          \
    MANY (message),                   \
    {                                 \
        AT (message, if_version), ANY \
    }
#define JOB_REF                                       \
    .kind = BF_RULE_MESSAGE, .rules = &job_ref_rules, \
    .words = "name the job by id or by key"
#define JOB_OR_FILTER JOB_REF, .optional = true

static const bf_rule retry_rows[] = {
    {AT (RetryPolicy, max_attempts),
     RANGE_OR (1, BF_MAX_ATTEMPTS, BF_DEFAULT_MAX_ATTEMPTS, "0 for 5")},
    {AT (RetryPolicy, backoff), ENUM_OR (BELFRY__V1__BACKOFF__BACKOFF_EXPONENTIAL)},
    {AT (RetryPolicy, delay_us),
     RANGE_OR (BF_RETRY_DELAY_MIN_US, BF_RETRY_DELAY_MAX_US, BF_DEFAULT_RETRY_DELAY_US,
               "1 ms to 30 days, 0 for 1 s")},
    {AT (RetryPolicy, factor_permille),
     RANGE_OR (1000, 10000, BF_DEFAULT_RETRY_FACTOR_PERMILLE,
               "once to ten times, 0 for 2000")},
    {AT (RetryPolicy, max_delay_us),
     RANGE_OR (BF_RETRY_DELAY_MIN_US, BF_RETRY_DELAY_MAX_US, 0,
               "delay_us to 30 days, 0 for 5 min or delay_us where that is longer")},
    {AT (RetryPolicy, jitter_percent), RANGE (0, 50, "percent")},
    {AT (RetryPolicy, delays_us),
     RANGE (BF_RETRY_DELAY_MIN_US, BF_RETRY_DELAY_MAX_US, "1 ms to 30 days"),
     LIST (0, BF_RETRY_DELAYS)},
    {AT (RetryPolicy, max_age_us), SPAN_OR_NONE (BF_MS_US)},
};
static const bf_rules retry_rules = {RULES (retry_policy, retry_rows),
                                     .relate = bf_relate_retry};

static const bf_rule every_rows[] = {
    {AT (Every, interval_us),
     RANGE (BF_EVERY_MIN_US, BF_EVERY_MAX_US, "10 ms to 100 years")},
    {AT (Every, anchor_us), AT_TIME},
};
static const bf_rules every_rules = {RULES (every, every_rows)};

static const bf_rule filter_rows[] = {
    {AT (Filter, ns), FILTER_NAME},
    {AT (Filter, type), FILTER_NAME},
    {AT (Filter, states), STATE_LIST},
    {AT (Filter, tags), TAG_LIST},
    {AT (Filter, key_prefix), TEXT (BF_KEY_BYTES), .optional = true},
    {AT (Filter, all), ANY},
};
static const bf_rules filter_rules = {RULES (filter, filter_rows),
                                      .relate = bf_relate_filter};

static const bf_rule job_spec_rows[] = {
    {AT (JobSpec, ns), NAMESPACE},
    {AT (JobSpec, key), TEXT (BF_KEY_BYTES), .optional = true},
    {AT (JobSpec, type), FILTER_NAME},
    {AT (JobSpec, payload), .kind = BF_RULE_BYTES, .max = BF_PAYLOAD_BYTES},
    {AT (JobSpec, content_type), TEXT (BF_CONTENT_TYPE_BYTES), .optional = true},
    {AT (JobSpec, tags), TEXT (BF_TAG_BYTES), LIST (0, BF_TAGS), .twice = BF_TWICE_REFUSED},
    {AT (JobSpec, delivery), ENUM_OR (BELFRY__V1__DELIVERY__DELIVERY_WORK)},
    {AT (JobSpec, at_us), AT_TIME},
    {AT (JobSpec, after_us), AFTER_TIME},
    {AT (JobSpec, every), .kind = BF_RULE_MESSAGE, .rules = &every_rules},
    {AT (JobSpec, start_us), AT_TIME},
    {AT (JobSpec, end_us), AT_TIME},
    {AT (JobSpec, max_runs), ANY},
    {AT (JobSpec, jitter_us), RANGE (0, BF_JITTER_MAX_US, "0 to 30 days")},
    {AT (JobSpec, retry), .kind = BF_RULE_MESSAGE, .rules = &retry_rules, .made = true},
    {AT (JobSpec, lease_us), RANGE_OR (BF_LEASE_MIN_US, BF_LEASE_MAX_US,
                                       BF_DEFAULT_LEASE_US, "100 ms to 24 h, 0 for 30 s")},
    {AT (JobSpec, run_timeout_us), RANGE_OR (BF_RUN_TIMEOUT_MIN_US, BF_RUN_TIMEOUT_MAX_US,
                                             0, "100 ms to 30 days, 0 for no limit")},
    {AT (JobSpec, start_timeout_us), RANGE_OR (BF_START_TIMEOUT_MIN_US, BF_AFTER_MAX_US, 0,
                                               "1 ms to 100 years, 0 for no limit")},
    {AT (JobSpec, late), ENUM_OR (BELFRY__V1__LATE__LATE_FIRE_ONCE)},
    {AT (JobSpec, grace_us),
     RANGE_OR (BF_GRACE_MIN_US, BF_GRACE_MAX_US, BF_DEFAULT_GRACE_US,
               "1 ms to 100 years, 0 for 1 s")},
    {AT (JobSpec, catchup_max), RANGE (0, BF_CATCHUP_MAX, "0 for 100")},
    {AT (JobSpec, overlap), ENUM_OR (0)},
    {AT (JobSpec, cron), TEXT (BF_CRON_BYTES), .lines = true},
    {AT (JobSpec, daily), TEXT (BF_CRON_BYTES), .lines = true},
    {AT (JobSpec, rrule), TEXT (BF_RRULE_BYTES), .lines = true},
    {AT (JobSpec, tz), TEXT (BF_ZONE_NAME_BYTES), .optional = true},
    {AT (JobSpec, skipped), ENUM_OR (0)},
    {AT (JobSpec, repeated), ENUM_OR (0)},
    {AT (JobSpec, exclude), NAME, LIST (0, BF_EXCLUDES), .twice = BF_TWICE_REFUSED},
    {AT (JobSpec, remind_before_us),
     RANGE (BF_REMIND_MIN_US, BF_REMIND_MAX_US, "1 ms to 366 days"), LIST (0, BF_REMINDERS),
     .twice = BF_TWICE_REFUSED},
    {AT (JobSpec, reminder_type), FILTER_NAME},
};
static const bf_rules job_spec_rules = {RULES (job_spec, job_spec_rows),
                                        .relate = bf_relate_job_spec};
/* Of a job that nobody makes. */
static const bf_rules preview_spec_rules = {RULES (job_spec, job_spec_rows),
                                            .relate = bf_relate_preview_spec};

static const bf_rule job_ref_rows[] = {
    {AT (JobRef, id), NUMBER_63},
    {AT (JobRef, ns), NAMESPACE},
    {AT (JobRef, key), TEXT (BF_KEY_BYTES), .optional = true},
};
static const bf_rules job_ref_rules = {RULES (job_ref, job_ref_rows),
                                       .relate = bf_relate_job_ref};

static const bf_rule schedule_rows[] = {
    {AT (Schedule, jobs), .kind = BF_RULE_MESSAGE, .rules = &job_spec_rules,
     LIST (1, BF_JOBS_PER_CALL), .in_all = BF_JOBS_PER_CALL},
    {AT (Schedule, on_key), ENUM_OR (BELFRY__V1__ON_KEY__ON_KEY_REJECT)},
    {AT (Schedule, reject_past), ANY},
    {AT (Schedule, window_us), RANGE_OR (BF_WINDOW_MIN_US, BF_WINDOW_MAX_US, 0,
                                         "1 ms to 366 days, with THROTTLE only")},
    {AT (Schedule, if_version), ANY},
};
static const bf_rules schedule_rules = {RULES (schedule, schedule_rows),
                                        .relate = bf_relate_schedule};

static const bf_rule reschedule_rows[] = {
    {AT (Reschedule, job), JOB_OR_FILTER},
    {AT (Reschedule, at_us), AT_TIME},
    {AT (Reschedule, after_us), AFTER_TIME},
    {AT (Reschedule, every), .kind = BF_RULE_MESSAGE, .rules = &every_rules},
    {AT (Reschedule, reject_past), ANY},
    ONE_OR_MANY (Reschedule),
    {AT (Reschedule, cron), TEXT (BF_CRON_BYTES), .lines = true},
    {AT (Reschedule, daily), TEXT (BF_CRON_BYTES), .lines = true},
    {AT (Reschedule, rrule), TEXT (BF_RRULE_BYTES), .lines = true},
    {AT (Reschedule, tz), TEXT (BF_ZONE_NAME_BYTES), .optional = true},
    {AT (Reschedule, skipped), ENUM_OR (0)},
    {AT (Reschedule, repeated), ENUM_OR (0)},
};
static const bf_rules reschedule_rules = {RULES (reschedule, reschedule_rows),
                                          .relate = bf_relate_reschedule};

static const bf_rule cancel_rows[] = {
    {AT (Cancel, job), JOB_OR_FILTER},
    {AT (Cancel, reason), REASON},
    ONE_OR_MANY (Cancel),
};
static const bf_rules cancel_rules = {RULES (cancel, cancel_rows),
                                      .relate = bf_relate_cancel};

static const bf_rule confirm_rows[] = {
    {AT (Confirm, job), JOB_OR_FILTER},
    {AT (Confirm, cancel_open), ANY},
    ONE_OR_MANY (Confirm),
};
static const bf_rules confirm_rules = {RULES (confirm, confirm_rows),
                                       .relate = bf_relate_confirm};

static const bf_rule pause_rows[] = {
    {AT (Pause, job), JOB_OR_FILTER},
    {AT (Pause, reason), REASON},
    ONE_OR_MANY (Pause),
};
static const bf_rules pause_rules = {RULES (pause, pause_rows), .relate = bf_relate_pause};

static const bf_rule resume_rows[] = {
    {AT (Resume, job), JOB_OR_FILTER},
    {AT (Resume, from), ENUM_OR (BELFRY__V1__RESUME_FROM__RESUME_FROM_PAUSE)},
    ONE_OR_MANY (Resume),
};
static const bf_rules resume_rules = {RULES (resume, resume_rows),
                                      .relate = bf_relate_resume};

static const bf_rule trigger_rows[] = {
    {AT (Trigger, job), JOB_OR_FILTER},
    ONE_OR_MANY (Trigger),
};
static const bf_rules trigger_rules = {RULES (trigger, trigger_rows),
                                       .relate = bf_relate_trigger};

static const bf_rule claim_rows[] = {
    {AT (Claim, ns), NAMESPACE},
    {AT (Claim, types), NAME, LIST (1, BF_TYPES_PER_CLAIM), .twice = BF_TWICE_COLLAPSED},
    {AT (Claim, max), RANGE_OR (1, BF_RUNS_PER_CLAIM, 1, "0 for 1")},
    {AT (Claim, wait_us), RANGE (0, BF_WAIT_MAX_US, "0 to 60 s")},
    {AT (Claim, worker), TEXT (BF_WORKER_BYTES), .optional = true},
};
static const bf_rules claim_rules = {RULES (claim, claim_rows)};

static const bf_rule heartbeat_rows[] = {
    {AT (Heartbeat, tokens), TOKEN, LIST (1, BF_TOKENS_PER_CALL),
     .twice = BF_TWICE_COLLAPSED},
};
static const bf_rules heartbeat_rules = {RULES (heartbeat, heartbeat_rows)};

static const bf_rule complete_rows[] = {
    {AT (Complete, token), TOKEN},
    {AT (Complete, result), .kind = BF_RULE_BYTES, .max = BF_PAYLOAD_BYTES},
};
static const bf_rules complete_rules = {RULES (complete, complete_rows)};

static const bf_rule fail_rows[] = {
    {AT (Fail, token), TOKEN},
    {AT (Fail, reason), REASON, .cut = true},
    {AT (Fail, non_retryable), ANY},
};
static const bf_rules fail_rules = {RULES (fail, fail_rows)};

static const bf_rule snooze_rows[] = {
    {AT (Snooze, token), TOKEN},
    {AT (Snooze, for_us), RANGE (0, BF_SNOOZE_MAX_US, "0 to 366 days")},
    {AT (Snooze, at_us), AT_TIME},
    {AT (Snooze, reason), REASON},
};
static const bf_rules snooze_rules = {RULES (snooze, snooze_rows),
                                      .relate = bf_relate_snooze};

static const bf_rule redrive_rows[] = {
    {AT (Redrive, run), .kind = BF_RULE_RUN_ID, .optional = true},
    MANY (Redrive),
};
static const bf_rules redrive_rules = {RULES (redrive, redrive_rows),
                                       .relate = bf_relate_redrive};

static const bf_rule get_rows[] = {
    {AT (Get, job), JOB_REF},
    {AT (Get, max_runs),
     RANGE_OR (1, BF_RUNS_PER_GET, BF_DEFAULT_RUNS_PER_GET, "0 for 10")},
    {AT (Get, before_ordinal), ANY},
    {AT (Get, with_payload), ANY},
};
static const bf_rules get_rules = {RULES (get, get_rows)};

static const bf_rule list_rows[] = {
    {AT (List, ns), FILTER_NAME},
    {AT (List, type), FILTER_NAME},
    {AT (List, states), STATE_LIST},
    {AT (List, tags), TAG_LIST},
    {AT (List, key_prefix), TEXT (BF_KEY_BYTES), .optional = true},
    {AT (List, limit), PAGE (BF_DEFAULT_PAGE, "0 for 100")},
    {AT (List, cursor), NUMBER_63},
    {AT (List, with_payload), ANY},
};
static const bf_rules list_rules = {RULES (list, list_rows)};

static const bf_rule history_rows[] = {
    {AT (History, job), JOB_REF, .optional = true},
    {AT (History, from_us), AT_TIME},
    {AT (History, until_us), AT_TIME},
    {AT (History, kinds), .kind = BF_RULE_KIND, LIST (0, BF_KINDS_PER_FILTER),
     .twice = BF_TWICE_COLLAPSED},
    {AT (History, type), FILTER_NAME},
    {AT (History, limit), PAGE (BF_DEFAULT_PAGE, "0 for 100")},
    {AT (History, cursor), NUMBER_63},
};
static const bf_rules history_rules = {RULES (history, history_rows),
                                       .relate = bf_relate_history};

static const bf_rule replay_rows[] = {
    {AT (Replay, after_seq), NUMBER_63},
    {AT (Replay, kinds), .kind = BF_RULE_KIND, LIST (0, BF_KINDS_PER_FILTER),
     .twice = BF_TWICE_COLLAPSED},
    {AT (Replay, types), NAME, LIST (0, BF_KINDS_PER_FILTER), .twice = BF_TWICE_COLLAPSED},
    {AT (Replay, limit), PAGE (BF_DEFAULT_REPLAY_PAGE, "0 for 500")},
};
static const bf_rules replay_rules = {RULES (replay, replay_rows)};

static const bf_rules status_rules = {.descriptor = &belfry__v1__status__descriptor};

static const bf_rules stats_rules = {.descriptor = &belfry__v1__stats__descriptor};

static const bf_rule snapshot_rows[] = {
    {AT (Snapshot, job), NUMBER_63},
    {AT (Snapshot, ordinal), ANY},
    {AT (Snapshot, limit), PAGE (BF_DEFAULT_SNAPSHOT_PAGE, "0 for 500")},
};
static const bf_rules snapshot_rules = {RULES (snapshot, snapshot_rows)};

static const bf_rule preview_rows[] = {
    {AT (Preview, spec), .kind = BF_RULE_MESSAGE, .rules = &preview_spec_rules,
     .optional = true},
    {AT (Preview, job), JOB_OR_FILTER},
    {AT (Preview, from_us), AT_TIME},
    {AT (Preview, limit),
     RANGE_OR (1, BF_SLOTS_PER_PREVIEW, BF_DEFAULT_SLOTS_PER_PREVIEW, "0 for 5")},
};
static const bf_rules preview_rules = {RULES (preview, preview_rows),
                                       .relate = bf_relate_preview};

static const bf_rule exclusion_calendar_rows[] = {
    {AT (ExclusionCalendar, ns), NAMESPACE},
    {AT (ExclusionCalendar, name), NAME},
    {AT (ExclusionCalendar, dates), TEXT (BF_CALENDAR_LINE_BYTES),
     LIST (0, BF_EXCLUSION_DATES)},
    {AT (ExclusionCalendar, windows), TEXT (BF_CALENDAR_LINE_BYTES),
     LIST (0, BF_EXCLUSION_WINDOWS)},
    {AT (ExclusionCalendar, version), ANY},
    {AT (ExclusionCalendar, updated_us), ANY},
};
static const bf_rules exclusion_calendar_rules = {
    RULES (exclusion_calendar, exclusion_calendar_rows),
    .relate = bf_relate_exclusion_calendar};

static const bf_rule set_calendar_rows[] = {
    {AT (SetCalendar, calendar), .kind = BF_RULE_MESSAGE,
     .rules = &exclusion_calendar_rules},
    {AT (SetCalendar, if_version), ANY},
};
static const bf_rules set_calendar_rules = {RULES (set_calendar, set_calendar_rows)};

static const bf_rule delete_calendar_rows[] = {
    {AT (DeleteCalendar, ns), NAMESPACE},
    {AT (DeleteCalendar, name), NAME},
    {AT (DeleteCalendar, if_version), ANY},
};
static const bf_rules delete_calendar_rules = {
    RULES (delete_calendar, delete_calendar_rows)};

static const bf_rule list_calendars_rows[] = {
    {AT (ListCalendars, ns), FILTER_NAME},
    {AT (ListCalendars, name), FILTER_NAME},
    {AT (ListCalendars, cursor), NUMBER_63},
};
static const bf_rules list_calendars_rules = {RULES (list_calendars, list_calendars_rows)};

static const bf_rule prune_rows[] = {
    {AT (Prune, finals_us), SPAN_OR_NONE (1)},
    {AT (Prune, events_us), SPAN_OR_NONE (1)},
    MANY (Prune),
};
static const bf_rules prune_rules = {RULES (prune, prune_rows), .relate = bf_relate_prune};

static const bf_rule backup_rows[] = {{AT (Backup, name), FILTER_NAME}};
static const bf_rules backup_rules = {RULES (backup, backup_rows),
                                      .relate = bf_relate_backup};

#define COMMAND(message, field)                                               \
    {                                                                         \
        AT (message, field), .kind = BF_RULE_MESSAGE, .rules = &field##_rules \
    }

static const bf_rule batch_item_rows[] = {
    COMMAND (BatchItem, schedule), COMMAND (BatchItem, reschedule),
    COMMAND (BatchItem, cancel),   COMMAND (BatchItem, confirm),
    COMMAND (BatchItem, pause),    COMMAND (BatchItem, resume),
    COMMAND (BatchItem, trigger),  COMMAND (BatchItem, complete),
    COMMAND (BatchItem, fail),     COMMAND (BatchItem, snooze),
    COMMAND (BatchItem, redrive),
};
static const bf_rules batch_item_rules = {RULES (batch_item, batch_item_rows),
                                          .relate = bf_relate_batch_item};

static const bf_rule batch_rows[] = {
    {AT (Batch, items), .kind = BF_RULE_MESSAGE, .rules = &batch_item_rules,
     LIST (1, BF_ITEMS_PER_BATCH)},
};
static const bf_rules batch_rules = {RULES (batch, batch_rows), .relate = bf_relate_batch};

static const bf_rule request_rows[] = {
    {AT (Request, version), ANY},
    {AT (Request, client), TEXT (BF_CLIENT_BYTES)},
    {AT (Request, request_id), TEXT (BF_REQUEST_ID_BYTES)},
    COMMAND (Request, schedule),
    COMMAND (Request, reschedule),
    COMMAND (Request, cancel),
    COMMAND (Request, confirm),
    COMMAND (Request, pause),
    COMMAND (Request, resume),
    COMMAND (Request, trigger),
    COMMAND (Request, batch),
    COMMAND (Request, claim),
    COMMAND (Request, heartbeat),
    COMMAND (Request, complete),
    COMMAND (Request, fail),
    COMMAND (Request, snooze),
    COMMAND (Request, redrive),
    COMMAND (Request, get),
    COMMAND (Request, list),
    COMMAND (Request, history),
    COMMAND (Request, replay),
    COMMAND (Request, status),
    COMMAND (Request, stats),
    COMMAND (Request, snapshot),
    COMMAND (Request, preview),
    COMMAND (Request, list_calendars),
    COMMAND (Request, prune),
    COMMAND (Request, backup),
    COMMAND (Request, set_calendar),
    COMMAND (Request, delete_calendar),
};
const bf_rules bf_request_rules = {RULES (request, request_rows),
                                   .relate = bf_relate_request};

const bf_rule *
bf_rule_of (const bf_rules *rules, size_t field_index)
{
    const ProtobufCMessageDescriptor *descriptor = rules->descriptor;
    BF_INVARIANT (rules->n_rows == descriptor->n_fields && field_index < rules->n_rows);
    const bf_rule *rule = &rules->rows[field_index];
    BF_INVARIANT (rule->offset == descriptor->fields[field_index].offset);
    return rule;
}

/* Longest path of the schema, with indices of any length that a frame has room for:
 * items[1048576].schedule.jobs[1048576].retry.factor_permille. */
#define PATH_BYTES 96

static size_t
print_place (const bf_place *place, char path[PATH_BYTES], size_t used)
{
    if (place == NULL) {
        return used;
    }
    used = print_place (place->above, path, used);
    if (place->name == NULL || used >= PATH_BYTES) {
        return used;
    }
    const char *dot = used > 0 ? "." : "";
    int more = place->index == BF_NO_INDEX
                   ? snprintf (path + used, PATH_BYTES - used, "%s%s", dot, place->name)
                   : snprintf (path + used, PATH_BYTES - used, "%s%s[%zu]", dot,
                               place->name, place->index);
    return used + (size_t)more;
}

bf_err
bf_refuse (bf_error *error, bf_err code, const bf_place *place, const char *format, ...)
{
    char path[PATH_BYTES] = "";
    print_place (place, path, 0);
    char rest[BF_ERROR_TEXT_BYTES];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (rest, sizeof rest, format, arguments);
    va_end (arguments);
    return bf_fail (error, code, "%s %s", path[0] != '\0' ? path : "the request", rest);
}
