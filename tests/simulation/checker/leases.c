/* SPDX-License-Identifier: MPL-2.0
 *
 * The life of a run on its clocks: told how late it is, expired when nobody came in time,
 * leased for as long as it was promised, woken when its time has come. What workers asked
 * for is noted as it was sent, so that nothing fails, or is put off, of which nobody spoke.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/simulation/checker/slots.h"

#define IMAGE(name) BELFRY__V1__##name

/* Bots finish for five minutes before they cancel what is left; a disk that is full as the
 * world heals has room again within two. */
#define FORGOTTEN_US (4 * 60 * SECOND_US)

/* --- what was asked ------------------------------------------------------------------ */

token_notes *
notes_of_token (slots *self, const char *token)
{
    size_t size = strlen (token);
    token_notes *notes = table_get (self->tokens, token, size);
    if (!notes) {
        notes = checker_alloc (1, sizeof *notes);
        table_put (self->tokens, token, size, notes);
    }
    return notes;
}

run_notes *
notes_of_run (slots *self, uint64_t job, uint32_t ordinal)
{
    uint64_t key[2] = {job, ordinal};
    run_notes *notes = table_get (self->runs, key, sizeof key);
    if (!notes) {
        notes = checker_alloc (1, sizeof *notes);
        table_put (self->runs, key, sizeof key, notes);
    }
    return notes;
}

static void
note_fail (slots *self, const Belfry__V1__Fail *fail)
{
    token_notes *notes = notes_of_token (self, fail->token);
    notes->failed = true;
    notes->failed_for_good |= fail->non_retryable;
    notes->failed_for_now |= !fail->non_retryable;
}

static void
note_snooze (slots *self, const Belfry__V1__Snooze *snooze)
{
    token_notes *notes = notes_of_token (self, snooze->token);
    bool until = snooze->until_case == IMAGE (SNOOZE__UNTIL_AT_US);
    bool *known = until ? &notes->snoozed_until : &notes->snoozed_for;
    int64_t *least = until ? &notes->at_least_us : &notes->for_least_us;
    int64_t *most = until ? &notes->at_most_us : &notes->for_most_us;
    int64_t us = until ? snooze->at_us : snooze->for_us;
    *least = !*known || us < *least ? us : *least;
    *most = !*known || us > *most ? us : *most;
    *known = true;
}

static void
note_heartbeat (slots *self, const Belfry__V1__Request *request)
{
    const Belfry__V1__Heartbeat *heartbeat = request->heartbeat;
    int64_t now_us = world_now (self->world).true_us;
    for (size_t i = 0; i < heartbeat->n_tokens; i++) {
        token_notes *notes = notes_of_token (self, heartbeat->tokens[i]);
        unsigned at = notes->beat++ % (sizeof notes->beats / sizeof notes->beats[0]);
        notes->beats[at].request =
            checker_hash (CHECKER_HASH, request->request_id, strlen (request->request_id));
        notes->beats[at].sent_us = now_us;
    }
}

void
slots_request (checker *whole, const Belfry__V1__Request *request)
{
    slots *self = checker_slots (whole);
    switch (request->command_case) {
    case IMAGE (REQUEST__COMMAND_FAIL):
        note_fail (self, request->fail);
        break;
    case IMAGE (REQUEST__COMMAND_SNOOZE):
        note_snooze (self, request->snooze);
        break;
    case IMAGE (REQUEST__COMMAND_HEARTBEAT):
        note_heartbeat (self, request);
        break;
    case IMAGE (REQUEST__COMMAND_BATCH):
        for (size_t i = 0; i < request->batch->n_items; i++) {
            const Belfry__V1__BatchItem *item = request->batch->items[i];
            if (item->command_case == IMAGE (BATCH_ITEM__COMMAND_FAIL)) {
                note_fail (self, item->fail);
            } else if (item->command_case == IMAGE (BATCH_ITEM__COMMAND_SNOOZE)) {
                note_snooze (self, item->snooze);
            }
        }
        break;
    default:
        break;
    }
}

/* A heartbeat that was answered OK was taken after it was sent: from then on its lease has
 * the full length. */
void
slots_answered (checker *whole, const Belfry__V1__Reply *reply)
{
    slots *self = checker_slots (whole);
    if (reply->code != IMAGE (CODE__CODE_OK) ||
        reply->result_case != IMAGE (REPLY__RESULT_HEARTBEAT)) {
        return;
    }
    uint64_t request =
        checker_hash (CHECKER_HASH, reply->request_id, strlen (reply->request_id));
    for (size_t i = 0; i < reply->heartbeat->n_items; i++) {
        const Belfry__V1__HeartbeatReply__Item *item = reply->heartbeat->items[i];
        if (item->code != IMAGE (CODE__CODE_OK)) {
            continue;
        }
        token_notes *notes = notes_of_token (self, item->token);
        for (size_t j = 0; j < sizeof notes->beats / sizeof notes->beats[0]; j++) {
            bool newer = !notes->alive || notes->beats[j].sent_us > notes->alive_us;
            if (notes->beats[j].request == request && newer) {
                notes->alive = true;
                notes->alive_us = notes->beats[j].sent_us;
            }
        }
    }
}

/* --- births -------------------------------------------------------------------------- */

bool
run_is_withdrawn (const model_job *job, const model_run *run)
{
    return job->image->state == IMAGE (JOB_STATE__JOB_STATE_CANCELLED) ||
           job->image->state == IMAGE (JOB_STATE__JOB_STATE_CONFIRMED) ||
           run->image->job_version < job->image->version ||
           (run->decides && run->ordinal < job->image->others_below);
}

/* It says how late it is; and late is what is later than grace. */
static void
judge_lateness (const happened *event)
{
    const Belfry__V1__Run *run = event->run->image;
    between now = happened_now (event, event->run->clock);
    int64_t told_us = run->lateness_us;
    if (event->said->lateness_us != told_us || event->said->due_us != run->due_us) {
        slots_broken (event, "2",
                      "event and image differ: late by %" PRId64 " and %" PRId64,
                      event->said->lateness_us, told_us);
    }
    if (told_us < 0 || told_us < now.least_us - run->due_us ||
        told_us > now.most_us - run->due_us) {
        slots_broken (event, "2",
                      "due at %" PRId64 ", made between %" PRId64 " and %" PRId64
                      ", told to be late by %" PRId64,
                      run->due_us, now.least_us, now.most_us, told_us);
    }
    if (run->late != (told_us > event->job->definition->spec->grace_us)) {
        slots_broken (event, "2",
                      "late by %" PRId64 " with a grace of %" PRId64 ", and flagged %s",
                      told_us, event->job->definition->spec->grace_us,
                      run->late ? "late" : "in time");
    }
}

static void
judge_timer (const happened *event, between base, between length)
{
    int64_t timer_us = event->run->image->timer_us;
    if (!event->when.scale_known) {
        return;
    }
    if (timer_us < base.least_us + length.least_us ||
        timer_us > base.most_us + length.most_us) {
        slots_broken (
            event, "2", "its timer is %" PRId64 ", and should be %" PRId64 " to %" PRId64,
            timer_us, base.least_us + length.least_us, base.most_us + length.most_us);
    }
}

void
runs_born (const happened *event)
{
    const Belfry__V1__Run *run = event->run->image;
    const Belfry__V1__JobSpec *spec = event->job->definition->spec;
    run_notes *notes = notes_of_run (event->slots, event->run->job, event->run->ordinal);
    notes->born = event->when;
    judge_lateness (event);
    bool waits = run->state == IMAGE (RUN_STATE__RUN_STATE_RETRY_WAIT);
    int64_t start_us =
        spec->delivery == IMAGE (DELIVERY__DELIVERY_NOTIFY) ? 0 : spec->start_timeout_us;
    if (waits) {
        /* Where that failure is its last, it is dead in the same commit. */
        between wait = retries_wait (spec->retry, run->failures);
        judge_timer (event, event->when.scale,
                     retries_may_die (event) ? (between){0, wait.most_us} : wait);
    } else if (start_us > 0) {
        judge_timer (event, event->when.scale, (between){start_us, start_us});
    } else if (run->timer_us != 0) {
        slots_broken (event, "2", "it has a timer, and no start_timeout");
    }
}

/* --- leases -------------------------------------------------------------------------- */

static void
lease_opened (const happened *event)
{
    const Belfry__V1__JobSpec *spec = event->job->definition->spec;
    run_notes *notes = notes_of_run (event->slots, event->run->job, event->run->ordinal);
    notes->claimed = event->when;
    notes->claimed_life = event->event->life;
    notes->lease_us = spec->lease_us;
    notes->run_timeout_us = spec->run_timeout_us;
}

/* Not before its full length has passed since it was last told to be alive; after a restart
 * it has that anew: as its worker was told, however the job is by then. */
static void
lease_expired (const happened *event, const char *token)
{
    const run_notes *notes =
        notes_of_run (event->slots, event->run->job, event->run->ordinal);
    const token_notes *asked = notes_of_token (event->slots, token);
    int64_t lease_us = notes->lease_us;
    int64_t from_us = notes->claimed.true_time.least_us;
    if (asked->alive && asked->alive_us > from_us) {
        from_us = asked->alive_us;
    }
    /* Of one that was never published it is not known which start it belongs to. */
    if (event->event->published && event->event->life != notes->claimed_life) {
        int64_t started_us =
            facts_started (event->slots->facts, event->when.true_time.most_us);
        from_us = started_us > from_us ? started_us : from_us;
    }
    if (event->when.true_time.most_us < from_us + lease_us) {
        slots_broken (event, "3",
                      "the lease of %" PRId64 " us was alive at %" PRId64
                      ", and was taken away at %" PRId64 " (true time)",
                      lease_us, from_us, event->when.true_time.most_us);
    }
}

/* An attempt has failed: its lease ran out, or its time, or its worker said so. */
static void
attempt_failed (const happened *event)
{
    const Belfry__V1__Event *said = event->said;
    const run_notes *notes =
        notes_of_run (event->slots, event->run->job, event->run->ordinal);
    char token[64];
    snprintf (token, sizeof token, "%s.%u", said->run, said->attempt);
    if (strcmp (said->reason, "the lease expired") == 0) {
        lease_expired (event, token);
    } else if (strcmp (said->reason, "run_timeout passed") == 0) {
        bool known = event->when.scale_known && notes->claimed.scale_known;
        if (notes->run_timeout_us == 0 ||
            (known && event->when.scale.most_us <
                          notes->claimed.scale.least_us + notes->run_timeout_us)) {
            slots_broken (event, "3", "its run_timeout of %" PRId64 " us had not passed",
                          notes->run_timeout_us);
        }
    } else if (!notes_of_token (event->slots, token)->failed) {
        slots_broken (event, "3", "nobody said that %s failed", token);
    }
}

/* --- timers -------------------------------------------------------------------------- */

/* What waits for a time does so until then. */
static void
judge_waited (const happened *event)
{
    int64_t timer_us = event->run_before->image->timer_us;
    if (timer_us == 0 ||
        (event->when.scale_known && event->when.scale.most_us < timer_us)) {
        slots_broken (event, "2", "its timer is %" PRId64 ", and now is %" PRId64, timer_us,
                      event->when.scale.most_us);
    }
}

static void
run_expired (const happened *event)
{
    judge_waited (event);
    /* A claim whose answer could not be sent does not count. */
    if (event->run->image->attempt > 1 && event->run->image->failures > 0) {
        slots_broken (event, "2", "it expired after its first attempt");
    }
}

static void
run_woke (const happened *event)
{
    const Belfry__V1__JobSpec *spec = event->job->definition->spec;
    judge_waited (event);
    int64_t start_us = event->run->image->attempt == 0 ? spec->start_timeout_us : 0;
    if (start_us > 0) {
        judge_timer (event, event->when.scale, (between){start_us, start_us});
    } else if (event->run->image->timer_us != 0) {
        slots_broken (event, "2", "a retry does not expire");
    }
}

/* Ready again, as if it had not been given out: start_timeout goes on from its birth. */
static void
run_returned (const happened *event)
{
    const run_notes *notes =
        notes_of_run (event->slots, event->run->job, event->run->ordinal);
    const Belfry__V1__Run *run = event->run->image;
    int64_t start_us = event->job->definition->spec->start_timeout_us;
    if (run->attempt == 1 && run->failures == 0 && start_us > 0) {
        if (notes->born.scale_known) {
            judge_timer (event, notes->born.scale, (between){start_us, start_us});
        }
    } else if (run->timer_us != 0) {
        slots_broken (event, "2", "a retry does not expire");
    }
}

static void
run_snoozed (const happened *event)
{
    char token[64];
    snprintf (token, sizeof token, "%s.%u", event->said->run, event->said->attempt);
    const token_notes *asked = notes_of_token (event->slots, token);
    int64_t timer_us = event->run->image->timer_us;
    between now = event->when.scale;
    int64_t to_wall_us = event->said->at_us;
    bool fits = !event->when.scale_known;
    if (asked->snoozed_for) {
        fits |= timer_us >= now.least_us + asked->for_least_us &&
                timer_us <= now.most_us + asked->for_most_us;
    }
    if (asked->snoozed_until) {
        int64_t least_us = asked->at_least_us - to_wall_us;
        int64_t most_us = asked->at_most_us - to_wall_us;
        fits |= timer_us >= now.least_us + (least_us > 0 ? least_us : 0) &&
                timer_us <= now.most_us + (most_us > 0 ? most_us : 0);
    }
    if (!fits || !(asked->snoozed_for || asked->snoozed_until)) {
        slots_broken (event, "2", "nobody asked for %s to be put off to %" PRId64, token,
                      timer_us);
    }
}

/* In a healed world workers claim every type, all the time: what is still ready when the
 * last jobs are cancelled was forgotten. */
static void
run_cancelled (const happened *event)
{
    const model_run *run = event->run_before;
    if (!run || !world_is_healed (event->slots->world) ||
        run->image->state != BELFRY__V1__RUN_STATE__RUN_STATE_READY) {
        return;
    }
    const model_event *ready = model_event_at (event->slots->checker, run->last_seq);
    int64_t since_us = world_healed_us (event->slots->world);
    since_us = ready && ready->seen.true_us > since_us ? ready->seen.true_us : since_us;
    int64_t waited_us = event->when.true_time.least_us - since_us;
    if (waited_us > FORGOTTEN_US) {
        slots_broken (event, "liveness",
                      "it was ready for %" PRId64 " us, and no worker was given it",
                      waited_us);
    }
}

void
runs_judge (const happened *event)
{
    static const struct {
        const char *kind;
        void (*judge) (const happened *event);
    } judges[] = {
        {"run.claimed", lease_opened}, {"run.expired", run_expired},
        {"run.retrying", run_woke},    {"run.returned", run_returned},
        {"run.snoozed", run_snoozed},  {"run.cancelled", run_cancelled},
    };
    for (size_t i = 0; i < sizeof judges / sizeof judges[0]; i++) {
        if (happened_is (event, judges[i].kind)) {
            judges[i].judge (event);
        }
    }
    if (happened_is (event, "run.failed")) {
        if (event->said->attempt > 0) {
            attempt_failed (event);
        }
        retries_judge (event);
    }
}
