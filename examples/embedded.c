/* SPDX-License-Identifier: MPL-2.0
 *
 * The whole scheduler inside a program: `scheduler` runs in its own threads, a bot in
 * another one talks to it over inproc, and nothing is open to the outside. The bot arms a
 * claim_timeout 200 ms ahead, works on it, and says what happened.
 *
 *     embedded [DIRECTORY]       where the jobs live; default "embedded-data"
 *
 * Needs libbelfry-scheduler and libbelfry.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry.h>
#include <belfry_scheduler.h>

static const char *const commands[] = {"inproc://embedded-commands", NULL};
static const char *const feed[] = {"inproc://embedded-feed", NULL};

/* What the bot was asked to do, and how that went. */
typedef struct {
    bool done;
} bot;

static int
fail (const char *what, belfry *client, int error)
{
    const char *text = client != NULL ? belfry_error_text (client) : "";
    fprintf (stderr, "%s: %s (%s)\n", what, text[0] != '\0' ? text : "no more is known",
             belfry_error_name (error));
    return -1;
}

/* The work itself. Whatever it writes elsewhere is written under run->id, so that doing it
 * twice has the effect of once. */
static int
skip_turn (belfry_run *run, void *context)
{
    bot *self = context;
    printf ("claimed  %s of %s: run %s, attempt %u, %.1f ms late, payload %.*s\n",
            run->type, run->key, run->id, (unsigned)run->attempt,
            (double)run->lateness_us / 1000.0, (int)run->payload_size,
            (const char *)run->payload);
    self->done = true;
    return belfry_run_result (run, "skipped", strlen ("skipped"));
}

static void
say_settled (const belfry_run *run, int error, void *context)
{
    (void)context;
    printf ("settled  run %s: %s\n", run->id, belfry_error_sentence (error));
}

static int
play (belfry *client, bot *self)
{
    static const char *const types[] = {"claim_timeout", NULL};
    static const char payload[] = "{\"player\":\"Ada\"}";
    belfry_job job = {
        .type = "claim_timeout",
        .key = "turn-7",
        .payload = payload,
        .payload_size = sizeof payload - 1,
        .content_type = "application/json",
        .after_us = 200000,
        .on_key = BELFRY_REPLACE,
    };
    belfry_answer answer;
    int rc = belfry_schedule (client, &job, &answer);
    if (rc != BELFRY_OK) {
        return fail ("the turn could not be armed", client, rc);
    }
    printf ("armed    claim_timeout of turn-7: job %llu\n", (unsigned long long)answer.id);
    belfry_work_options options = {.types = types, .limit = 1, .settled = say_settled};
    rc = belfry_work (client, &options, skip_turn, self);
    if (rc != BELFRY_OK) {
        return fail ("the work loop ended", client, rc);
    }
    belfry_job_info *info = NULL;
    rc = belfry_get (client, (belfry_ref){.id = answer.id}, &info);
    if (rc != BELFRY_OK) {
        return fail ("the job could not be read", client, rc);
    }
    bool completed = info->state == BELFRY_JOB_COMPLETED;
    printf ("job %llu is %s\n", (unsigned long long)info->id,
            completed ? "completed" : "not completed");
    belfry_job_info_free (&info);
    return completed ? 0 : -1;
}

/* The bot's thread: its own handle, in the scheduler's zeromq context. Returns NULL where
 * all went well. */
static void *
run_bot (void *argument)
{
    bot *self = argument;
    belfry *client = NULL;
    belfry_options options = {
        .commands = commands[0], .feed = feed[0], .client = "embedded-bot"};
    int rc = belfry_open_in (&client, belfry_scheduler_context (), &options);
    if (rc != BELFRY_OK) {
        fail ("no client", NULL, rc);
        return self;
    }
    rc = play (client, self);
    belfry_close (&client);
    return rc == 0 ? NULL : self;
}

int
main (int count, char **arguments)
{
    char text[512] = "";
    belfry_scheduler *scheduler = NULL;
    belfry_scheduler_options options = {
        .directory = count > 1 ? arguments[1] : "embedded-data",
        .commands = commands,
        .feed = feed,
    };
    belfry_scheduler_status status =
        belfry_scheduler_start (&scheduler, &options, text, sizeof text);
    if (status != BELFRY_STOPPED) {
        fprintf (stderr, "the scheduler did not start: %s\n", text);
        return (int)status;
    }
    printf ("started  %s\n", belfry_scheduler_endpoints (scheduler));
    bot self = {0};
    pthread_t thread;
    void *trouble = &self;
    if (pthread_create (&thread, NULL, run_bot, &self) == 0) {
        pthread_join (thread, &trouble);
    }
    status = belfry_scheduler_stop (&scheduler);
    printf ("stopped\n");
    return trouble == NULL && self.done && status == BELFRY_STOPPED ? EXIT_SUCCESS
                                                                    : EXIT_FAILURE;
}
