/* SPDX-License-Identifier: MPL-2.0
 *
 * One rule is broken at a time: a request that would be right is made, and one thing of it
 * spoilt.
 */
#include "tests/simulation/bots/mistakes.h"

#include <stdlib.h>
#include <string.h>

#include "tests/simulation/bots/commands.h"
#include "tests/simulation/bots/specs.h"
#include "tests/simulation/bots/triggers.h"

static char *
long_text (bot_party *party, size_t size)
{
    char *text = bf_arena_alloc (party->arena, size + 1);
    if (text == NULL) {
        abort ();
    }
    memset (text, 'k', size);
    return text;
}

static void
spoil_words (bot_party *party, sim_random *random, Belfry__V1__JobSpec *spec)
{
    switch (sim_below (random, 7)) {
    case 0:
        spec->type = spec_text (party, "");
        break;
    case 1:
        spec->type = spec_text (party, "not a name");
        break;
    case 2:
        spec->key = long_text (party, 257);
        break;
    case 3:
        spec->payload = (ProtobufCBinaryData){65537, (uint8_t *)long_text (party, 65537)};
        break;
    case 4:
        spec->n_tags = 2;
        spec->tags = bf_arena_alloc (party->arena, 2 * sizeof (char *));
        spec->tags[0] = spec->tags[1] = spec_text (party, "twice");
        break;
    case 5:
        spec->n_tags = 9;
        spec->tags = bf_arena_alloc (party->arena, 9 * sizeof (char *));
        for (size_t i = 0; i < 9; i++) {
            spec->tags[i] = long_text (party, i + 1);
        }
        break;
    default:
        spec->ns = spec_text (party, "bad\x01");
        break;
    }
}

static void
spoil_numbers (sim_random *random, Belfry__V1__JobSpec *spec)
{
    switch (sim_below (random, 8)) {
    case 0:
        spec->late = (Belfry__V1__Late)99;
        break;
    case 1:
        spec->overlap = (Belfry__V1__Overlap)7;
        break;
    case 2:
        spec->lease_us = 99 * MS_US;
        break;
    case 3:
        spec->grace_us = -1;
        break;
    case 4:
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER__NOT_SET;
        break;
    case 5:
        spec->delivery = BELFRY__V1__DELIVERY__DELIVERY_NOTIFY;
        spec->late = BELFRY__V1__LATE__LATE_FAIL;
        break;
    case 6:
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US;
        spec->after_us = SECOND_US;
        spec->max_runs = 3;
        break;
    default:
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AT_US;
        spec->at_us = -SECOND_US;
        break;
    }
}

static void
spoil_calendar (bot_party *party, sim_random *random, Belfry__V1__JobSpec *spec)
{
    static const char *const texts[] = {"61 * * * *",   "* * * *",         "0 0 30 2 *",
                                        "5/15 * * * *", "0 9 * * FRI-MON", "@reboot"};
    static const char *const names[] = {"Mars/Olympus", "../etc/passwd", "Europe//Berlin"};
    calendar_trigger trigger = trigger_draw (party, random, true);
    trigger_put (&trigger, spec);
    switch (sim_below (random, 4)) {
    case 0:
        spec->tz = spec_text (party, names[sim_below (random, 3)]);
        break;
    case 1:
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_DAILY;
        spec->daily = spec_text (party, "2460");
        break;
    case 2:
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_RRULE;
        spec->rrule = spec_text (party, "FREQ=DAILY;COUNT=0");
        break;
    default:
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_CRON;
        spec->cron = spec_text (party, texts[sim_below (random, 6)]);
        break;
    }
}

static Belfry__V1__Request *
bad_schedule (bot_party *party, sim_random *random)
{
    Belfry__V1__Request *request = command_schedule (party, random);
    Belfry__V1__Schedule *schedule = request->schedule;
    Belfry__V1__JobSpec *spec = schedule->jobs[schedule->n_jobs - 1];
    switch (sim_below (random, 6)) {
    case 0:
        schedule->n_jobs = 0;
        break;
    case 3:
        spoil_calendar (party, random, spec);
        break;
    case 1:
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_EVERY;
        spec->every = spec_coarse_grid (party, random);
        spec->every->interval_us = 5 * MS_US;
        break;
    case 2:
        spoil_words (party, random, spec);
        break;
    default:
        spoil_numbers (random, spec);
        break;
    }
    return request;
}

static Belfry__V1__Request *
bad_command (bot_party *party, sim_random *random)
{
    Belfry__V1__Request *request =
        command_one (party, random, BELFRY__V1__REQUEST__COMMAND_CANCEL);
    Belfry__V1__Cancel *cancel = request->cancel;
    switch (sim_below (random, 6)) {
    case 0:
        cancel->job->id = 256;
        cancel->job->key = spec_text (party, "and a key");
        break;
    case 1:
        cancel->job->id = 0;
        cancel->job->key = spec_text (party, "");
        break;
    case 2:
        cancel->filter = command_filter (party, random);
        break;
    case 3:
        cancel->job = NULL;
        cancel->filter = MAKE (party, filter);
        break;
    case 4:
        cancel->reason = long_text (party, 1025);
        break;
    default:
        cancel->job->id = UINT64_MAX;
        break;
    }
    return request;
}

static Belfry__V1__Request *
bad_work (bot_party *party, sim_random *random)
{
    switch (sim_below (random, 5)) {
    case 0:
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_COMPLETE,
                                command_complete (party, random, "256.01.1"));
    case 1:
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_FAIL,
                                command_fail (party, random, "no token"));
    case 2:
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_CLAIM,
                                MAKE (party, claim));
    case 3: {
        Belfry__V1__Snooze *snooze = command_snooze (party, random, "256.1.1");
        snooze->until_case = BELFRY__V1__SNOOZE__UNTIL__NOT_SET;
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_SNOOZE, snooze);
    }
    default: {
        Belfry__V1__Heartbeat *heartbeat = MAKE (party, heartbeat);
        heartbeat->n_tokens = 1;
        heartbeat->tokens = bf_arena_alloc (party->arena, sizeof (char *));
        heartbeat->tokens[0] = spec_text (party, "256.1");
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_HEARTBEAT, heartbeat);
    }
    }
}

static Belfry__V1__Request *
bad_other (bot_party *party, sim_random *random)
{
    switch (sim_below (random, 6)) {
    case 0:
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_PRUNE,
                                MAKE (party, prune));
    case 1:
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_BATCH,
                                MAKE (party, batch));
    case 2: {
        Belfry__V1__List *list = MAKE (party, list);
        list->limit = 1001;
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_LIST, list);
    }
    case 3: {
        Belfry__V1__History *history = MAKE (party, history);
        history->n_kinds = 1;
        history->kinds = bf_arena_alloc (party->arena, sizeof (char *));
        history->kinds[0] = spec_text (party, "run.vanished");
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_HISTORY, history);
    }
    case 4:
        return MAKE (party, request);
    default: {
        Belfry__V1__Request *request = command_request (
            party, BELFRY__V1__REQUEST__COMMAND_STATUS, MAKE (party, status));
        request->version = 2;
        return request;
    }
    }
}

/* Bytes that mean nothing, a request that was cut off, one whose id is too long. */
static void
send_garbage (bot_client *client)
{
    bot_party *party = client->party;
    sim_random *random = client->random;
    ProtobufCBinaryData bytes = spec_bytes (party, random, 300);
    if (!sim_chance (random, 300)) {
        char id[80] = {CLIENT_GARBAGE};
        bool is_long = sim_chance (random, 300);
        memset (id, CLIENT_GARBAGE, is_long ? 65 : 10);
        Belfry__V1__Request *request = command_batch (party, random);
        request->version = 1;
        request->client = client->name;
        request->request_id = id;
        size_t size = belfry__v1__request__get_packed_size (request);
        bytes.data = bf_arena_alloc (party->arena, size);
        belfry__v1__request__pack (request, bytes.data);
        bytes.len = is_long ? size : sim_below (random, size);
    }
    client_send_garbage (client, bytes.data, bytes.len);
}

void
mistake_send (bot_client *client, int what)
{
    bot_party *party = client->party;
    sim_random *random = client->random;
    Belfry__V1__Request *request;
    switch (sim_below (random, 6)) {
    case 0:
    case 1:
        request = bad_schedule (party, random);
        break;
    case 2:
        request = bad_command (party, random);
        break;
    case 3:
        request = bad_work (party, random);
        break;
    case 4:
        request = bad_other (party, random);
        break;
    default:
        send_garbage (client);
        return;
    }
    client_send (client, request, what, false);
}
