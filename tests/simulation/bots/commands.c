/* SPDX-License-Identifier: MPL-2.0
 *
 * Commands that change jobs and runs, one by one. Those by filter and the reads are in
 * commands_many.c.
 */
#include "tests/simulation/bots/commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/bots/client.h"
#include "tests/simulation/bots/specs.h"
#include "tests/simulation/bots/triggers.h"

Belfry__V1__Request *
command_request (bot_party *party, Belfry__V1__Request__CommandCase which, void *message)
{
    Belfry__V1__Request *request = MAKE (party, request);
    request->command_case = which;
    /* Every member of the union is a pointer to a message. */
    request->schedule = message;
    return request;
}

Belfry__V1__JobRef *
command_ref (bot_party *party, sim_random *random, const note_job *job)
{
    Belfry__V1__JobRef *ref = MAKE (party, job_ref);
    if (job == NULL || sim_chance (random, 20)) {
        if (sim_chance (random, 500)) {
            ref->id = 256 * (1 + sim_below (random, 4000));
        } else {
            ref->ns = spec_ns (party, random);
            ref->key = spec_key (party, random);
        }
    } else if (job->has_spec && job->key[0] != '\0' && sim_chance (random, 400)) {
        ref->ns = spec_text (party, job->ns);
        ref->key = spec_text (party, job->key);
    } else {
        ref->id = job->id;
    }
    return ref;
}

static uint32_t
draw_version (sim_random *random, const note_job *job)
{
    if (job == NULL || !sim_chance (random, 150)) {
        return 0;
    }
    return sim_chance (random, 700) ? job->version : job->version + 1;
}

static Belfry__V1__Schedule *
make_schedule (bot_party *party, sim_random *random)
{
    Belfry__V1__Schedule *schedule = MAKE (party, schedule);
    schedule->n_jobs = sim_chance (random, 20)    ? (size_t)sim_scaled (random, 10, 120)
                       : sim_chance (random, 200) ? 1 + sim_below (random, 5)
                                                  : 1;
    schedule->jobs =
        bf_arena_alloc (party->arena, schedule->n_jobs * sizeof *schedule->jobs);
    if (schedule->jobs == NULL) {
        abort ();
    }
    for (size_t i = 0; i < schedule->n_jobs; i++) {
        schedule->jobs[i] = spec_make (party, random);
    }
    schedule->on_key = (Belfry__V1__OnKey)sim_below (random, 4);
    schedule->reject_past = sim_chance (random, 150);
    if (schedule->on_key == BELFRY__V1__ON_KEY__ON_KEY_REPLACE && schedule->n_jobs == 1) {
        Belfry__V1__JobSpec *spec = schedule->jobs[0];
        const note_job *job = notebook_job_in (
            party->notebook,
            sim_chance (random, 700) ? BELFRY__V1__JOB_STATE__JOB_STATE_SCHEDULED
                                     : BELFRY__V1__JOB_STATE__JOB_STATE_ACTIVE,
            random);
        if (job != NULL && job->has_spec && job->key[0] != '\0') {
            spec->ns = spec_text (party, job->ns);
            spec->key = spec_text (party, job->key);
            schedule->if_version = draw_version (random, job);
        }
    }
    return schedule;
}

Belfry__V1__Request *
command_schedule (bot_party *party, sim_random *random)
{
    return command_request (party, BELFRY__V1__REQUEST__COMMAND_SCHEDULE,
                            make_schedule (party, random));
}

/* A calendar trigger; every text is the same member of the union. */
void
command_recur (bot_party *party, sim_random *random, Belfry__V1__Reschedule *reschedule)
{
    calendar_trigger trigger = trigger_draw (party, random, true);
    reschedule->trigger_case = (Belfry__V1__Reschedule__TriggerCase)trigger.which;
    reschedule->cron = trigger.text;
    reschedule->tz = sim_chance (random, 300) ? spec_text (party, "") : trigger.tz;
    reschedule->skipped = trigger.skipped;
    reschedule->repeated = trigger.repeated;
}

static Belfry__V1__Reschedule *
make_reschedule (bot_party *party, sim_random *random, const note_job *job)
{
    Belfry__V1__Reschedule *reschedule = MAKE (party, reschedule);
    reschedule->job = command_ref (party, random, job);
    reschedule->if_version = draw_version (random, job);
    reschedule->reject_past = sim_chance (random, 150);
    bool recurs = job != NULL && job->recurs;
    bool recurring = recurs != sim_chance (random, 40);
    if (recurring && sim_chance (random, 500)) {
        command_recur (party, random, reschedule);
    } else if (recurring) {
        reschedule->trigger_case = BELFRY__V1__RESCHEDULE__TRIGGER_EVERY;
        reschedule->every = spec_coarse_grid (party, random);
        if (job != NULL && job->endless) {
            reschedule->every->interval_us += HOUR_US;
        }
    } else if (sim_chance (random, 500)) {
        reschedule->trigger_case = BELFRY__V1__RESCHEDULE__TRIGGER_AT_US;
        reschedule->at_us = spec_instant (party, random);
    } else {
        reschedule->trigger_case = BELFRY__V1__RESCHEDULE__TRIGGER_AFTER_US;
        reschedule->after_us = spec_delay (random);
    }
    return reschedule;
}

/* The message of a command for one job. */
static void *
make_one (bot_party *party, sim_random *random, Belfry__V1__Request__CommandCase which)
{
    const note_job *job = notebook_any_job (party->notebook, random);
    switch (which) {
    case BELFRY__V1__REQUEST__COMMAND_RESCHEDULE:
        return make_reschedule (party, random, job);
    case BELFRY__V1__REQUEST__COMMAND_CANCEL: {
        Belfry__V1__Cancel *cancel = MAKE (party, cancel);
        cancel->job = command_ref (party, random, job);
        cancel->reason = spec_reason (party, random);
        cancel->if_version = draw_version (random, job);
        return cancel;
    }
    case BELFRY__V1__REQUEST__COMMAND_CONFIRM: {
        Belfry__V1__Confirm *confirm = MAKE (party, confirm);
        confirm->job = command_ref (party, random, job);
        confirm->cancel_open = sim_chance (random, 400);
        confirm->if_version = draw_version (random, job);
        return confirm;
    }
    case BELFRY__V1__REQUEST__COMMAND_PAUSE: {
        Belfry__V1__Pause *pause = MAKE (party, pause);
        pause->job = command_ref (party, random, job);
        pause->reason = spec_reason (party, random);
        pause->if_version = draw_version (random, job);
        return pause;
    }
    case BELFRY__V1__REQUEST__COMMAND_RESUME: {
        const note_job *paused = notebook_paused_job (party->notebook, random);
        job = paused != NULL && sim_chance (random, 700) ? paused : job;
        Belfry__V1__Resume *resume = MAKE (party, resume);
        resume->job = command_ref (party, random, job);
        resume->from = (Belfry__V1__ResumeFrom)sim_below (random, 3);
        resume->if_version = draw_version (random, job);
        return resume;
    }
    default: {
        Belfry__V1__Trigger *trigger = MAKE (party, trigger);
        trigger->job = command_ref (party, random, job);
        trigger->if_version = draw_version (random, job);
        return trigger;
    }
    }
}

Belfry__V1__Request *
command_one (bot_party *party, sim_random *random, Belfry__V1__Request__CommandCase which)
{
    return command_request (party, which, make_one (party, random, which));
}

static Belfry__V1__RunState
draw_run_state (sim_random *random)
{
    /* From BLOCKED to DELIVERED: what lasts shortest is drawn most. */
    static const unsigned weights[] = {30, 15, 10, 15, 10, 10, 5, 10, 5};
    return (Belfry__V1__RunState)(BELFRY__V1__RUN_STATE__RUN_STATE_BLOCKED +
                                  sim_pick (random, weights, 9));
}

static Belfry__V1__Redrive *
make_redrive (bot_party *party, sim_random *random)
{
    Belfry__V1__Redrive *redrive = MAKE (party, redrive);
    const note_job *job = notebook_any_job (party->notebook, random);
    if (job != NULL && sim_chance (random, 300)) {
        redrive->run = bf_arena_printf (party->arena, "%" PRIu64, job->id);
        return redrive;
    }
    Belfry__V1__RunState state = sim_chance (random, 600)
                                     ? BELFRY__V1__RUN_STATE__RUN_STATE_DEAD
                                     : draw_run_state (random);
    const note_run *run = notebook_run_in (party->notebook, state, random);
    redrive->run = spec_text (party, run != NULL ? run->run : "256.1");
    return redrive;
}

Belfry__V1__Request *
command_redrive (bot_party *party, sim_random *random)
{
    return command_request (party, BELFRY__V1__REQUEST__COMMAND_REDRIVE,
                            make_redrive (party, random));
}

/* --- settling ---------------------------------------------------------------------------
 */

Belfry__V1__Complete *
command_complete (bot_party *party, sim_random *random, const char *token)
{
    Belfry__V1__Complete *complete = MAKE (party, complete);
    complete->token = spec_text (party, token);
    if (sim_chance (random, 400)) {
        complete->result = spec_bytes (party, random, sim_chance (random, 5) ? 16384 : 100);
    }
    return complete;
}

Belfry__V1__Fail *
command_fail (bot_party *party, sim_random *random, const char *token)
{
    Belfry__V1__Fail *fail = MAKE (party, fail);
    fail->token = spec_text (party, token);
    fail->reason = spec_reason (party, random);
    fail->non_retryable = sim_chance (random, 250);
    return fail;
}

Belfry__V1__Snooze *
command_snooze (bot_party *party, sim_random *random, const char *token)
{
    Belfry__V1__Snooze *snooze = MAKE (party, snooze);
    snooze->token = spec_text (party, token);
    snooze->reason = spec_reason (party, random);
    if (sim_chance (random, 700)) {
        snooze->until_case = BELFRY__V1__SNOOZE__UNTIL_FOR_US;
        snooze->for_us = sim_scaled (random, 1, 20 * SECOND_US) - 1;
    } else {
        snooze->until_case = BELFRY__V1__SNOOZE__UNTIL_AT_US;
        snooze->at_us = world_now (party->world).wall_us +
                        sim_between (random, -SECOND_US, 10 * SECOND_US);
    }
    return snooze;
}

/* A token as somebody may have it who is not up to date: old, of a run as it was heard of,
 * of an attempt that there is not, or of nothing. */
static char *
draw_token (bot_party *party, sim_random *random)
{
    const char *old = notebook_old_token (party->notebook, random);
    if (old != NULL && sim_chance (random, 400)) {
        return spec_text (party, old);
    }
    Belfry__V1__RunState state = draw_run_state (random);
    const note_run *run = notebook_run_in (party->notebook, state, random);
    if (run == NULL) {
        return spec_text (party, "256000000.1.1");
    }
    uint32_t attempt = run->attempt;
    if (state == BELFRY__V1__RUN_STATE__RUN_STATE_LEASED && !sim_chance (random, 100)) {
        /* Not what a worker holds at this moment: that would be its lease. */
        attempt = attempt > 1 && sim_chance (random, 500) ? attempt - 1 : attempt + 1;
    } else if (sim_chance (random, 100)) {
        attempt++;
    }
    return bf_arena_printf (party->arena, "%s.%" PRIu32, run->run,
                            attempt > 0 ? attempt : 1);
}

Belfry__V1__Request *
command_stale (bot_party *party, sim_random *random)
{
    char *token = draw_token (party, random);
    switch (sim_below (random, 4)) {
    case 0:
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_COMPLETE,
                                command_complete (party, random, token));
    case 1:
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_FAIL,
                                command_fail (party, random, token));
    case 2:
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_SNOOZE,
                                command_snooze (party, random, token));
    default: {
        Belfry__V1__Heartbeat *heartbeat = MAKE (party, heartbeat);
        heartbeat->n_tokens = 1 + sim_below (random, 3);
        heartbeat->tokens =
            bf_arena_alloc (party->arena, heartbeat->n_tokens * sizeof (char *));
        for (size_t i = 0; i < heartbeat->n_tokens; i++) {
            heartbeat->tokens[i] = draw_token (party, random);
        }
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_HEARTBEAT, heartbeat);
    }
    }
}

/* --- several in one ---------------------------------------------------------------------
 */

static Belfry__V1__BatchItem *
make_item (bot_party *party, sim_random *random)
{
    static const Belfry__V1__Request__CommandCase cases[] = {
        BELFRY__V1__REQUEST__COMMAND_SCHEDULE, BELFRY__V1__REQUEST__COMMAND_RESCHEDULE,
        BELFRY__V1__REQUEST__COMMAND_CANCEL,   BELFRY__V1__REQUEST__COMMAND_CONFIRM,
        BELFRY__V1__REQUEST__COMMAND_PAUSE,    BELFRY__V1__REQUEST__COMMAND_RESUME,
        BELFRY__V1__REQUEST__COMMAND_TRIGGER,  BELFRY__V1__REQUEST__COMMAND_REDRIVE,
        BELFRY__V1__REQUEST__COMMAND_COMPLETE,
    };
    static const unsigned weights[] = {18, 1, 1, 1, 1, 1, 1, 1, 2};
    Belfry__V1__Request__CommandCase which = cases[sim_pick (random, weights, 9)];
    Belfry__V1__BatchItem *item = MAKE (party, batch_item);
    /* The numbers of the commands are the same in both. */
    item->command_case = (Belfry__V1__BatchItem__CommandCase)which;
    switch (which) {
    case BELFRY__V1__REQUEST__COMMAND_SCHEDULE:
        item->schedule = make_schedule (party, random);
        break;
    case BELFRY__V1__REQUEST__COMMAND_REDRIVE:
        item->redrive = make_redrive (party, random);
        break;
    case BELFRY__V1__REQUEST__COMMAND_COMPLETE:
        item->complete = command_complete (party, random, draw_token (party, random));
        break;
    default:
        /* As in a request, every member of the union is a pointer. */
        item->schedule = make_one (party, random, which);
        break;
    }
    return item;
}

Belfry__V1__Request *
command_batch (bot_party *party, sim_random *random)
{
    Belfry__V1__Batch *batch = MAKE (party, batch);
    batch->n_items = (size_t)sim_scaled (random, 1, 6);
    batch->items = bf_arena_alloc (party->arena, batch->n_items * sizeof *batch->items);
    if (batch->items == NULL) {
        abort ();
    }
    for (size_t i = 0; i < batch->n_items; i++) {
        batch->items[i] = make_item (party, random);
    }
    return command_request (party, BELFRY__V1__REQUEST__COMMAND_BATCH, batch);
}
