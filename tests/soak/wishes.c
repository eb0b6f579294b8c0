/* SPDX-License-Identifier: MPL-2.0
 *
 * What the callers ask for; see wishes.h.
 */
#include "tests/soak/wishes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "core/base/time.h"
#include "tests/soak/soak.h"
#include "tests/support/cmocka.h"

/* Producers wait while so much is open: the gauges' bounds count on it. */
#define OPEN_RUNS 4000
#define OPEN_JOBS 20000

#define WAVES 8 /* tags that bulk commands go by */
#define BATCH 8 /* jobs in one call */

/* Events are pruned up to so long before what somebody still has to read. */
#define MARGIN_US (3 * BF_SECOND_US)

static const char *const types[] = {"turn", "mail", "season"};

/* printf into the crowd's arena. */
#define TEXT(...) bf_arena_printf (self->arena, __VA_ARGS__)

static uint64_t
some_job (const crowd *self)
{
    return self->recent[soak_random (self->recent_count)];
}

/* --- producers ------------------------------------------------------------------------ */

static const char *
trigger_text (crowd *self, size_t i)
{
    switch (soak_random (10)) {
    case 0: /* recurring: a few slots, with every policy */
    case 1:
        return TEXT (
            "schedule.jobs[%zu].every.interval_us=%" PRIu64
            " schedule.jobs[%zu].max_runs=%" PRIu64 " schedule.jobs[%zu].late=%" PRIu64
            " schedule.jobs[%zu].overlap=%" PRIu64 " schedule.jobs[%zu].grace_us=%" PRIu64,
            i, 50000 + soak_random (1000000), i, 2 + soak_random (8), i,
            1 + soak_random (4), i, 1 + soak_random (6), i, 1000 + soak_random (500000));
    case 2: /* far away: it will be cancelled */
        return TEXT ("schedule.jobs[%zu].after_us=%" PRIu64 " schedule.jobs[%zu].tags=far",
                     i, BF_HOUR_US + soak_random (BF_HOUR_US), i);
    case 3: /* long past, notify */
        return TEXT ("schedule.jobs[%zu].at_us=%" PRIu64 " schedule.jobs[%zu].delivery=2",
                     i, soak_random (BF_DAY_US), i);
    case 4:
        return TEXT ("schedule.jobs[%zu].at_us=%" PRId64 " schedule.jobs[%zu].delivery=2",
                     i, bf_now_read ().wall.us + (int64_t)soak_random (2000000), i);
    case 5:
        return TEXT ("schedule.jobs[%zu].at_us=%" PRId64
                     " schedule.jobs[%zu].start_timeout_us=200000",
                     i, bf_now_read ().wall.us + (int64_t)soak_random (2000000), i);
    default:
        return TEXT ("schedule.jobs[%zu].after_us=%" PRIu64, i, soak_random (2000000));
    }
}

static const char *
job_text (crowd *self, size_t i)
{
    return TEXT ("schedule.jobs[%zu].type=%s schedule.jobs[%zu].payload=*%" PRIu64
                 " schedule.jobs[%zu].lease_us=%" PRIu64
                 " schedule.jobs[%zu].retry.max_attempts=%" PRIu64
                 " schedule.jobs[%zu].retry.delay_us=%" PRIu64
                 " schedule.jobs[%zu].tags=wave-%" PRIu64 " %s",
                 i, types[soak_random (3)], i, soak_random (400), i,
                 300000 + soak_random (1500000), i, 1 + soak_random (3), i,
                 1000 + soak_random (200000), i, soak_random (WAVES),
                 trigger_text (self, i));
}

static const char *
schedule_text (crowd *self)
{
    if (self->record->open_runs > OPEN_RUNS || self->record->open_jobs > OPEN_JOBS) {
        return NULL;
    }
    size_t jobs = soak_random (6) ? 1 : 1 + soak_random (BATCH);
    const char *text = TEXT ("schedule.on_key=%" PRIu64, soak_random (4));
    uint64_t first_key = soak_random (CROWD_KEYS);
    for (size_t i = 0; i < jobs; i++) {
        text = TEXT ("%s %s", text, job_text (self, i));
        if (soak_random (4) == 0) {
            text = TEXT ("%s schedule.jobs[%zu].key=key-%" PRIu64, text, i,
                         (first_key + i) % CROWD_KEYS);
        }
    }
    return text;
}

/* --- those who change their minds ----------------------------------------------------- */

static const char *
change_text (crowd *self)
{
    if (self->recent_count == 0) {
        return NULL;
    }
    uint64_t job = some_job (self);
    switch (soak_random (9)) {
    case 0:
    case 1:
        return TEXT ("cancel.job.id=%" PRIu64 " cancel.reason=enough", job);
    case 2:
        return TEXT ("confirm.job.id=%" PRIu64, job);
    case 3:
        return TEXT ("confirm.job.key=key-%" PRIu64 " confirm.cancel_open=1",
                     soak_random (CROWD_KEYS));
    case 4:
    case 5:
        return TEXT ("reschedule.job.id=%" PRIu64 " reschedule.after_us=%" PRIu64, job,
                     soak_random (1000000));
    case 6:
        return TEXT ("trigger.job.id=%" PRIu64, job);
    case 7:
        return soak_random (2) ? TEXT ("pause.job.id=%" PRIu64, job)
                               : TEXT ("resume.job.id=%" PRIu64 " resume.from=%" PRIu64,
                                       job, soak_random (3));
    default:
        return TEXT ("redrive.run=%" PRIu64, job);
    }
}

/* --- workers -------------------------------------------------------------------------- */

/* A worker that falls asleep for so long comes back with a token that is out of date. */
#define ASLEEP_US (4 * BF_SECOND_US)

/* One lease in fifteen is slept over. */
static const char *
settle_text (crowd *self, caller *who)
{
    size_t at = soak_random (who->held_count);
    const char *token = TEXT ("%s", who->held[at].token);
    uint64_t what = self->settling ? 14 : soak_random (15);
    if (what == 0) {
        who->next_us = soak_now_us () + (int64_t)soak_random (ASLEEP_US);
        return NULL;
    }
    if (what == 1) {
        return TEXT ("heartbeat.tokens=%s", token);
    }
    who->held[at] = who->held[--who->held_count];
    switch (what) {
    case 2:
        return TEXT ("fail.token=%s fail.reason=no", token);
    case 3:
        return TEXT ("fail.token=%s fail.non_retryable=1", token);
    case 4:
        return TEXT ("snooze.token=%s snooze.for_us=%" PRIu64, token, soak_random (500000));
    default:
        return TEXT ("complete.token=%s complete.result=*%" PRIu64, token,
                     soak_random (100));
    }
}

static const char *
work_text (crowd *self, caller *who)
{
    if (who->held_count > 0) {
        return settle_text (self, who);
    }
    return TEXT ("claim.types=turn claim.types=mail claim.types=season claim.max=%" PRIu64
                 " claim.wait_us=%" PRIu64,
                 1 + soak_random (CROWD_HELD), soak_random (1000000));
}

/* --- many at once --------------------------------------------------------------------- */

/* Takes everything back that would never end by itself. */
static const char *
end_text (crowd *self)
{
    if (self->record->open_jobs == 0) {
        return NULL;
    }
    return "cancel.filter.states=1 cancel.filter.states=2 cancel.reason=over";
}

static const char *
bulk_text (crowd *self)
{
    if (self->settling) {
        return end_text (self);
    }
    uint64_t wave = soak_random (WAVES);
    switch (soak_random (10)) {
    case 0:
        return "cancel.filter.tags=far";
    case 1:
        return TEXT ("cancel.filter.tags=wave-%" PRIu64 " cancel.filter.type=%s", wave,
                     types[soak_random (3)]);
    case 2:
        return TEXT ("confirm.filter.tags=wave-%" PRIu64 " confirm.filter.key_prefix=key-1",
                     wave);
    case 3:
        return TEXT ("pause.filter.tags=wave-%" PRIu64, wave);
    case 4:
        return TEXT ("resume.filter.all=1 resume.from=%" PRIu64, soak_random (3));
    case 5:
        return TEXT ("redrive.filter.tags=wave-%" PRIu64, wave);
    case 6:
        return "trigger.filter.all=1 trigger.dry_run=1";
    case 7:
        return TEXT ("reschedule.filter.tags=far reschedule.filter.type=mail "
                     "reschedule.after_us=%" PRIu64,
                     soak_random (BF_HOUR_US));
    case 8: {
        int64_t age_us = bf_now_read ().wall.us - self->need_us + MARGIN_US;
        return TEXT ("prune.events_us=%" PRId64, age_us < MARGIN_US ? MARGIN_US : age_us);
    }
    default:
        return TEXT ("prune.finals_us=%" PRIu64, 1 + soak_random (5 * BF_SECOND_US));
    }
}

static const char *
batch_text (crowd *self)
{
    if (self->recent_count == 0) {
        return NULL;
    }
    return TEXT ("batch.items[0].schedule.jobs.type=turn "
                 "batch.items[0].schedule.jobs.lease_us=500000 "
                 "batch.items[0].schedule.jobs.after_us=%" PRIu64
                 " batch.items[1].%s.job.id=%" PRIu64
                 " batch.items[2].schedule.jobs.type=mail "
                 "batch.items[2].schedule.jobs.lease_us=500000 "
                 "batch.items[2].schedule.jobs.after_us=%" PRIu64,
                 soak_random (1000000), soak_random (2) ? "cancel" : "trigger",
                 some_job (self), soak_random (1000000));
}

static const char *
read_text (crowd *self)
{
    if (self->recent_count == 0) {
        return "status";
    }
    switch (soak_random (5)) {
    case 0:
        return TEXT ("get.job.id=%" PRIu64 " get.with_payload=1", some_job (self));
    case 1:
        return TEXT ("history.job.id=%" PRIu64, some_job (self));
    case 2:
        return TEXT ("list.limit=50 list.tags=wave-%" PRIu64, soak_random (WAVES));
    case 3:
        return "stats";
    default:
        return "snapshot.limit=200";
    }
}

const char *
wish_next (crowd *self, caller *who)
{
    switch (who->role) {
    case ROLE_PRODUCER:
        return self->settling ? NULL : schedule_text (self);
    case ROLE_MOVER:
        return self->settling ? NULL : change_text (self);
    case ROLE_WORKER:
        return work_text (self, who);
    case ROLE_BULK:
        return bulk_text (self);
    case ROLE_BATCH:
        return self->settling ? NULL : batch_text (self);
    case ROLE_READER:
        return read_text (self);
    }
    return NULL;
}
