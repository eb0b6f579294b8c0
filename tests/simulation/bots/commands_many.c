/* SPDX-License-Identifier: MPL-2.0
 *
 * Commands for all jobs that a filter finds, and everything that only reads.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "tests/simulation/bots/client.h"
#include "tests/simulation/bots/commands.h"
#include "tests/simulation/bots/specs.h"
#include "tests/simulation/bots/triggers.h"

static Belfry__V1__JobState
draw_job_state (sim_random *random)
{
    return (Belfry__V1__JobState)sim_between (random,
                                              BELFRY__V1__JOB_STATE__JOB_STATE_WAITING,
                                              BELFRY__V1__JOB_STATE__JOB_STATE_CONFIRMED);
}

static void
draw_states (bot_party *party, sim_random *random, size_t *n_states,
             Belfry__V1__JobState **states)
{
    *n_states = sim_chance (random, 250) ? 1 + sim_below (random, 3) : 0;
    *states = bf_arena_alloc (party->arena, *n_states * sizeof **states);
    if (*states == NULL) {
        abort ();
    }
    for (size_t i = 0; i < *n_states; i++) {
        (*states)[i] = draw_job_state (random);
    }
}

/* For everything: what takes more than one slice. */
static Belfry__V1__Filter *
wide_filter (bot_party *party)
{
    Belfry__V1__Filter *filter = MAKE (party, filter);
    filter->all = true;
    return filter;
}

/* Narrow as a rule: one that finds everything leaves nothing for the others. */
Belfry__V1__Filter *
command_filter (bot_party *party, sim_random *random)
{
    if (sim_chance (random, 30)) {
        return wide_filter (party);
    }
    Belfry__V1__Filter *filter = MAKE (party, filter);
    filter->type = spec_any_type (party, random);
    if (sim_chance (random, 500)) {
        filter->ns = spec_ns (party, random);
    }
    draw_states (party, random, &filter->n_states, &filter->states);
    spec_tags (party, random, 2, &filter->n_tags, &filter->tags);
    if (filter->n_tags == 0 || sim_chance (random, 300)) {
        filter->key_prefix = spec_key_prefix (party, random);
    }
    return filter;
}

static Belfry__V1__Reschedule *
make_reschedule (bot_party *party, sim_random *random)
{
    Belfry__V1__Reschedule *reschedule = MAKE (party, reschedule);
    switch (sim_below (random, 4)) {
    case 0:
        command_recur (party, random, reschedule);
        break;
    case 1:
        reschedule->trigger_case = BELFRY__V1__RESCHEDULE__TRIGGER_EVERY;
        reschedule->every = spec_coarse_grid (party, random);
        reschedule->every->interval_us += HOUR_US;
        break;
    case 2:
        reschedule->trigger_case = BELFRY__V1__RESCHEDULE__TRIGGER_AT_US;
        reschedule->at_us = spec_instant (party, random);
        break;
    default:
        reschedule->trigger_case = BELFRY__V1__RESCHEDULE__TRIGGER_AFTER_US;
        reschedule->after_us = spec_delay (random);
        break;
    }
    return reschedule;
}

/* What all of these messages have. */
#define BY_FILTER(message)                              \
    do {                                                \
        (message)->filter = filter;                     \
        (message)->dry_run = dry_run;                   \
        return command_request (party, which, message); \
    } while (0)

Belfry__V1__Request *
command_many (bot_party *party, sim_random *random, Belfry__V1__Request__CommandCase which)
{
    Belfry__V1__Filter *filter = command_filter (party, random);
    bool dry_run = sim_chance (random, 200);
    switch (which) {
    case BELFRY__V1__REQUEST__COMMAND_RESCHEDULE: {
        Belfry__V1__Reschedule *reschedule = make_reschedule (party, random);
        BY_FILTER (reschedule);
    }
    case BELFRY__V1__REQUEST__COMMAND_CANCEL: {
        Belfry__V1__Cancel *cancel = MAKE (party, cancel);
        cancel->reason = spec_reason (party, random);
        BY_FILTER (cancel);
    }
    case BELFRY__V1__REQUEST__COMMAND_CONFIRM: {
        Belfry__V1__Confirm *confirm = MAKE (party, confirm);
        confirm->cancel_open = sim_chance (random, 300);
        BY_FILTER (confirm);
    }
    case BELFRY__V1__REQUEST__COMMAND_PAUSE: {
        Belfry__V1__Pause *pause = MAKE (party, pause);
        filter = sim_chance (random, 200) ? wide_filter (party) : filter;
        BY_FILTER (pause);
    }
    case BELFRY__V1__REQUEST__COMMAND_RESUME: {
        Belfry__V1__Resume *resume = MAKE (party, resume);
        resume->from = (Belfry__V1__ResumeFrom)sim_below (random, 3);
        filter = sim_chance (random, 300) ? wide_filter (party) : filter;
        BY_FILTER (resume);
    }
    case BELFRY__V1__REQUEST__COMMAND_REDRIVE: {
        Belfry__V1__Redrive *redrive = MAKE (party, redrive);
        BY_FILTER (redrive);
    }
    default: {
        Belfry__V1__Trigger *trigger = MAKE (party, trigger);
        BY_FILTER (trigger);
    }
    }
}

Belfry__V1__Request *
command_prune (bot_party *party, sim_random *random)
{
    Belfry__V1__Prune *prune = MAKE (party, prune);
    prune->dry_run = sim_chance (random, 150);
    if (sim_chance (random, 600)) {
        prune->finals_us = sim_scaled (random, SECOND_US, DAY_US);
        if (sim_chance (random, 600)) {
            prune->filter = command_filter (party, random);
        }
    }
    if (prune->filter == NULL && (prune->finals_us == 0 || sim_chance (random, 300))) {
        prune->events_us = sim_scaled (random, SECOND_US, DAY_US);
    }
    return command_request (party, BELFRY__V1__REQUEST__COMMAND_PRUNE, prune);
}

/* What is taken away is missed by those who name it: not often. */
Belfry__V1__Request *
command_calendar (bot_party *party, sim_random *random)
{
    if (sim_chance (random, 150)) {
        Belfry__V1__DeleteCalendar *delete = MAKE (party, delete_calendar);
        delete->ns = spec_ns (party, random);
        delete->name = trigger_exclude (party, random);
        delete->if_version = sim_chance (random, 100) ? 1 : 0;
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_DELETE_CALENDAR,
                                delete);
    }
    Belfry__V1__SetCalendar *set = MAKE (party, set_calendar);
    set->calendar = trigger_calendar (party, random);
    set->if_version = sim_chance (random, 100) ? (uint32_t)sim_between (random, 1, 4) : 0;
    return command_request (party, BELFRY__V1__REQUEST__COMMAND_SET_CALENDAR, set);
}

/* --- reads ------------------------------------------------------------------------------
 */

static uint32_t
draw_limit (sim_random *random, int64_t most)
{
    return sim_chance (random, 300) ? 0 : (uint32_t)sim_scaled (random, 1, most);
}

static Belfry__V1__Request *
make_get (bot_party *party, sim_random *random)
{
    Belfry__V1__Get *get = MAKE (party, get);
    get->job = command_ref (party, random, notebook_any_job (party->notebook, random));
    get->max_runs = draw_limit (random, 100);
    get->before_ordinal = sim_chance (random, 300) ? (uint32_t)sim_below (random, 20) : 0;
    get->with_payload = sim_chance (random, 300);
    return command_request (party, BELFRY__V1__REQUEST__COMMAND_GET, get);
}

static Belfry__V1__Request *
make_list (bot_party *party, sim_random *random)
{
    Belfry__V1__List *list = MAKE (party, list);
    if (sim_chance (random, 300)) {
        list->ns = spec_ns (party, random);
    }
    if (sim_chance (random, 300)) {
        list->type = spec_any_type (party, random);
    }
    draw_states (party, random, &list->n_states, &list->states);
    spec_tags (party, random, 1, &list->n_tags, &list->tags);
    if (sim_chance (random, 200)) {
        list->key_prefix = spec_key_prefix (party, random);
    }
    list->limit = draw_limit (random, 50);
    list->cursor = sim_chance (random, 500) ? 256 * sim_below (random, 400) : 0;
    list->with_payload = sim_chance (random, 200);
    return command_request (party, BELFRY__V1__REQUEST__COMMAND_LIST, list);
}

static void
draw_kinds (bot_party *party, sim_random *random, size_t *n_kinds, char ***kinds)
{
    static const char *const names[] = {"run.fired",      "run.claimed",   "run.succeeded",
                                        "run.failed",     "job.scheduled", "job.cancelled",
                                        "slot.skipped",   "run.delivered", "clock.stepped",
                                        "recovery.report"};
    *n_kinds = sim_chance (random, 300) ? 1 + sim_below (random, 3) : 0;
    *kinds = bf_arena_alloc (party->arena, *n_kinds * sizeof **kinds);
    if (*kinds == NULL) {
        abort ();
    }
    for (size_t i = 0; i < *n_kinds; i++) {
        (*kinds)[i] = spec_text (party, names[sim_below (random, 10)]);
    }
}

static Belfry__V1__Request *
make_history (bot_party *party, sim_random *random)
{
    Belfry__V1__History *history = MAKE (party, history);
    if (sim_chance (random, 700)) {
        history->job =
            command_ref (party, random, notebook_any_job (party->notebook, random));
    }
    if (sim_chance (random, 300)) {
        history->from_us = spec_instant (party, random);
        if (sim_chance (random, 700)) {
            history->until_us = history->from_us + sim_scaled (random, 1, DAY_US);
        }
    }
    draw_kinds (party, random, &history->n_kinds, &history->kinds);
    if (sim_chance (random, 200)) {
        history->type = spec_any_type (party, random);
    }
    history->limit = draw_limit (random, 100);
    history->cursor = sim_chance (random, 300) ? 1 + sim_below (random, 4000) : 0;
    return command_request (party, BELFRY__V1__REQUEST__COMMAND_HISTORY, history);
}

static Belfry__V1__Request *
make_replay (bot_party *party, sim_random *random)
{
    Belfry__V1__Replay *replay = MAKE (party, replay);
    replay->after_seq = sim_chance (random, 100) ? 0 : sim_below (random, 8000);
    draw_kinds (party, random, &replay->n_kinds, &replay->kinds);
    replay->limit = draw_limit (random, 50);
    return command_request (party, BELFRY__V1__REQUEST__COMMAND_REPLAY, replay);
}

static Belfry__V1__Request *
make_snapshot (bot_party *party, sim_random *random)
{
    Belfry__V1__Snapshot *snapshot = MAKE (party, snapshot);
    const note_job *job = notebook_any_job (party->notebook, random);
    snapshot->job = job != NULL ? job->id : 0;
    snapshot->ordinal = (uint32_t)sim_below (random, 4);
    snapshot->limit = draw_limit (random, 50);
    return command_request (party, BELFRY__V1__REQUEST__COMMAND_SNAPSHOT, snapshot);
}

static Belfry__V1__Request *
make_preview (bot_party *party, sim_random *random)
{
    Belfry__V1__Preview *preview = MAKE (party, preview);
    if (sim_chance (random, 400)) {
        preview->job =
            command_ref (party, random, notebook_any_job (party->notebook, random));
    } else {
        preview->spec = spec_make (party, random);
        preview->spec->payload = (ProtobufCBinaryData){0, NULL};
    }
    if (sim_chance (random, 700)) {
        preview->from_us = spec_instant (party, random);
    }
    preview->limit = draw_limit (random, 60);
    return command_request (party, BELFRY__V1__REQUEST__COMMAND_PREVIEW, preview);
}

static Belfry__V1__Request *
make_list_calendars (bot_party *party, sim_random *random)
{
    Belfry__V1__ListCalendars *list = MAKE (party, list_calendars);
    list->ns = sim_chance (random, 300) ? spec_ns (party, random) : spec_text (party, "");
    list->name =
        sim_chance (random, 300) ? trigger_exclude (party, random) : spec_text (party, "");
    return command_request (party, BELFRY__V1__REQUEST__COMMAND_LIST_CALENDARS, list);
}

Belfry__V1__Request *
command_read (bot_party *party, sim_random *random)
{
    static const unsigned weights[] = {8, 4, 6, 2, 2, 2, 2, 5, 1};
    switch (sim_pick (random, weights, sizeof weights / sizeof weights[0])) {
    case 0:
        return make_get (party, random);
    case 1:
        return make_list (party, random);
    case 2:
        return make_history (party, random);
    case 3:
        return make_replay (party, random);
    case 4:
        return make_snapshot (party, random);
    case 5:
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_STATS,
                                MAKE (party, stats));
    case 7:
        return make_preview (party, random);
    case 8:
        return make_list_calendars (party, random);
    default:
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_STATUS,
                                MAKE (party, status));
    }
}
