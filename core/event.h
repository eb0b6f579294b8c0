/* SPDX-License-Identifier: MPL-2.0
 *
 * The list of event kinds. A kind's name is what topics begin with and what Event.kind
 * says; its number is what the tables keep.
 */
#ifndef BF_CORE_EVENT_H
#define BF_CORE_EVENT_H

#include <stddef.h>

/* X (name, number, text) */
#define BF_EVENT_MAP(X)                              \
    X (JOB_SCHEDULED, 1, "job.scheduled")            \
    X (JOB_REPLACED, 2, "job.replaced")              \
    X (JOB_RESCHEDULED, 3, "job.rescheduled")        \
    X (JOB_PAUSED, 4, "job.paused")                  \
    X (JOB_RESUMED, 5, "job.resumed")                \
    X (JOB_TRIGGERED, 6, "job.triggered")            \
    X (JOB_CANCELLED, 7, "job.cancelled")            \
    X (JOB_CONFIRMED, 8, "job.confirmed")            \
    X (JOB_COMPLETED, 9, "job.completed")            \
    X (JOB_DEAD, 10, "job.dead")                     \
    X (JOB_PRUNED, 11, "job.pruned")                 \
    X (RUN_FIRED, 20, "run.fired")                   \
    X (RUN_CLAIMED, 21, "run.claimed")               \
    X (RUN_RETURNED, 22, "run.returned")             \
    X (RUN_SUCCEEDED, 23, "run.succeeded")           \
    X (RUN_FAILED, 24, "run.failed")                 \
    X (RUN_RETRYING, 25, "run.retrying")             \
    X (RUN_SNOOZED, 26, "run.snoozed")               \
    X (RUN_EXPIRED, 27, "run.expired")               \
    X (RUN_CANCELLED, 28, "run.cancelled")           \
    X (RUN_DEAD, 29, "run.dead")                     \
    X (RUN_DELIVERED, 30, "run.delivered")           \
    X (RUN_REDRIVEN, 31, "run.redriven")             \
    X (RUN_BLOCKED, 32, "run.blocked")               \
    X (CLOCK_STEPPED, 40, "clock.stepped")           \
    X (SCHEDULER_STARTED, 41, "scheduler.started")   \
    X (SCHEDULER_STOPPING, 42, "scheduler.stopping") \
    X (RECOVERY_REPORT, 43, "recovery.report")       \
    X (LOG_PRUNED, 44, "log.pruned")                 \
    X (ZONE_CHANGED, 45, "zone.changed")             \
    X (CALENDAR_CHANGED, 46, "calendar.changed")     \
    X (SLOT_MISSED, 50, "slot.missed")               \
    X (SLOT_SKIPPED, 51, "slot.skipped")             \
    X (REMINDER_FIRED, 75, "reminder.fired")         \
    X (REMINDER_SKIPPED, 76, "reminder.skipped")

typedef enum {
#define X(name, number, text) BF_EVENT_##name = (number),
    BF_EVENT_MAP (X)
#undef X
} bf_event_kind;

/* "run.fired"; NULL for a number that is not in the list. Static. */
const char *bf_event_name (bf_event_kind kind);

/* The kind of a name; 0 where there is none. */
bf_event_kind bf_event_find (const char *name);

/* 18 for the longest kind name, 64 for the type, two spaces, NUL; with room. */
#define BF_TOPIC_BYTES 128

/* "KIND TYPE ", or "KIND " where type is empty: one trailing space, so that a subscription
 * to `claim ` does not match `claim_timeout `. Returns buffer. */
char *bf_event_topic (bf_event_kind kind, const char *type, char buffer[BF_TOPIC_BYTES]);

/* The topic of the doors' heartbeat. */
#define BF_HEARTBEAT_TOPIC "heartbeat "

#endif
