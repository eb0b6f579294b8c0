/* SPDX-License-Identifier: MPL-2.0
 *
 * The cells that the seeds together must meet: every state with every command, every kind
 * of event, every code that a client can bring about. But Backup, which copies the file
 * under another name, and has the fault loops of persist/ for itself.
 */
#include "tests/simulation/checker/private.h"

#define JOB(name) BELFRY__V1__JOB_STATE__JOB_STATE_##name
#define RUN(name) BELFRY__V1__RUN_STATE__RUN_STATE_##name
#define CODE(name) BELFRY__V1__CODE__CODE_##name
#define BIT(name) (1u << CODE (name))
#define AT(name) (1u << RUN (name))

/* No job waits for another yet, so none is ever `waiting`. */
static void
expect_jobs (void)
{
    static const char *const commands[] = {"Reschedule", "Cancel",  "Confirm", "Pause",
                                           "Resume",     "Trigger", "Redrive"};
    for (int state = JOB (SCHEDULED); state <= JOB (CONFIRMED); state++) {
        for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
            cover_expect (COVER_JOB_COMMAND, states_job_name ((Belfry__V1__JobState)state),
                          commands[i]);
        }
    }
}

/* Tokens are had of attempts only: none of a run that is blocked still, or was delivered.
 */
static void
expect_runs (void)
{
    static const unsigned claimed = AT (READY) | AT (LEASED) | AT (RETRY_WAIT) |
                                    AT (SUCCEEDED) | AT (DEAD) | AT (CANCELLED);
    static const struct {
        const char *name;
        unsigned states;
    } commands[] = {
        {"Complete", claimed},
        {"Fail", claimed},
        {"Snooze", claimed},
        {"Heartbeat", AT (LEASED)},
        {"Redrive", claimed | AT (BLOCKED) | AT (EXPIRED) | AT (DELIVERED)},
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        for (int state = RUN (BLOCKED); state <= RUN (DELIVERED); state++) {
            if ((commands[i].states & 1u << state) != 0) {
                cover_expect (COVER_RUN_COMMAND,
                              states_run_name ((Belfry__V1__RunState)state),
                              commands[i].name);
            }
        }
    }
}

static void
expect_codes (void)
{
    static const unsigned to_one =
        BIT (OK) | BIT (NOT_FOUND) | BIT (WRONG_STATE) | BIT (VERSION_CONFLICT);
    static const unsigned to_token = BIT (OK) | BIT (NOT_FOUND) | BIT (STALE_TOKEN);
    static const struct {
        const char *name;
        unsigned codes;
    } commands[] = {
        {"Schedule", BIT (OK) | BIT (INVALID) | BIT (KEY_TAKEN) | BIT (PAST_DUE) |
                         BIT (VERSION_CONFLICT) | BIT (DISK_FULL) | BIT (TOO_LARGE) |
                         BIT (LIMIT) | BIT (REQUEST_ID_REUSED)},
        {"Reschedule", to_one | BIT (PAST_DUE) | BIT (INVALID)},
        {"Cancel", to_one | BIT (INVALID)},
        {"Confirm", to_one | BIT (TOO_LATE)},
        {"Pause", to_one},
        {"Resume", to_one},
        {"Trigger", to_one},
        {"Batch", BIT (OK) | BIT (KEY_TAKEN) | BIT (VERSION_CONFLICT)},
        {"Claim", BIT (OK)},
        {"Heartbeat", BIT (OK)},
        {"Complete", to_token},
        {"Fail", to_token},
        {"Snooze", to_token},
        {"Redrive", BIT (OK) | BIT (NOT_FOUND) | BIT (WRONG_STATE) | BIT (KEY_TAKEN)},
        {"Get", BIT (OK) | BIT (NOT_FOUND)},
        {"List", BIT (OK)},
        {"History", BIT (OK) | BIT (NOT_FOUND)},
        {"Replay", BIT (OK) | BIT (TOO_OLD)},
        {"Status", BIT (OK) | BIT (UNSUPPORTED_VERSION)},
        {"Stats", BIT (OK)},
        {"Snapshot", BIT (OK)},
        {"Prune", BIT (OK)},
        {"Preview", BIT (OK) | BIT (NOT_FOUND) | BIT (WRONG_STATE) | BIT (INVALID)},
        {"SetCalendar", BIT (OK) | BIT (VERSION_CONFLICT)},
        {"DeleteCalendar",
         BIT (OK) | BIT (NOT_FOUND) | BIT (WRONG_STATE) | BIT (VERSION_CONFLICT)},
        {"ListCalendars", BIT (OK)},
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        for (int code = CODE (OK); code <= CODE (VERSION_CONFLICT); code++) {
            if ((commands[i].codes & 1u << code) != 0) {
                cover_expect (COVER_CODE, commands[i].name,
                              calls_code_name ((Belfry__V1__Code)code));
            }
        }
    }
}

static void
expect_slots (void)
{
    static const char *const triggers[] = {"cron", "daily", "rrule"};
    static const char *const changes[] = {"zone", "calendar"};
    static const char *const fates[] = {"moved", "stays", "no slot left"};
    for (size_t i = 0; i < sizeof triggers / sizeof triggers[0]; i++) {
        cover_expect (COVER_SLOT, triggers[i], "plain");
        cover_expect (COVER_SLOT, triggers[i], "touched");
    }
    cover_expect (COVER_SLOT, "every, with exclusions", "plain");
    for (size_t i = 0; i < sizeof fates / sizeof fates[0]; i++) {
        cover_expect (COVER_REPLAN, changes[0], fates[i]);
        cover_expect (COVER_REPLAN, changes[1], fates[i]);
    }
}

void
cover_expectations (void)
{
    expect_slots ();
    expect_jobs ();
    expect_runs ();
    expect_codes ();
    for (int kind = KIND_NONE + 1; kind < KINDS; kind++) {
        cover_expect (COVER_EVENT, kind_names[kind], "seen");
    }
}
