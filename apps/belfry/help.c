/* SPDX-License-Identifier: MPL-2.0
 *
 * The help pages: the list of verbs, the page of a verb (from its row), and the topics that
 * are of no one verb.
 */
#include "apps/belfry/cli.h"

#include <string.h>

#include "core/event.h"

static const struct {
    const char *name;
    const char *summary;
    const char *text;
} topics[] = {
    {"endpoints", "how the daemon is found",
     "The commands endpoint is, in this order: --connect EP, the environment's "
     "BELFRY_COMMANDS, else what the file DATA/endpoints says, which belfryd writes once "
     "it serves. DATA is --data DIR, default ./data. Of several, with commas between, an "
     "ipc one is tried first, then the others in turn. `belfry watch` needs the feed too: "
     "--feed EP, BELFRY_FEED, or the same file, where the commands endpoint is not said or "
     "is in it.\n"
     "\n"
     "An endpoint is what ZeroMQ calls so: tcp://127.0.0.1:5570 or "
     "ipc:///run/belfry/commands. Start a daemon with `belfryd --data ./data`.\n"},
    {"many", "one command for many jobs",
     "cancel, confirm, pause, resume, reschedule, trigger, redrive and prune take many "
     "jobs at once: those for which everything holds that is said of --ns, --type, --tag "
     "(again: every one of them), --state (again: one of them) and --key-prefix; --all "
     "where none of these is meant.\n"
     "\n"
     "The daemon works through the jobs that were there when it began, in slices, so that "
     "nobody else waits, and goes on with it over a restart; Ctrl-C ends the waiting, not "
     "the work. The same --client and --request-id wait for it again. Where stderr is a "
     "terminal, or with --progress, it tells how far it is.\n"
     "\n"
     "In the end it prints `cancelled 99998, 2 unchanged, 0 refused`, and of those that "
     "were refused the first ten and why, on stderr. The exit code is 0 where none was "
     "refused, else 1; with -o json the counts are an object. --dry-run changes nothing "
     "and counts what would be.\n"},
    {"calendar", "cron, zones, and days on which clocks change",
     "--cron takes 5 fields, minute hour day-of-month month day-of-week, or 6 with the "
     "second before them. Each is *, a number, a range 1-5, a step */15 or 0-30/5, or a "
     "list of these; months and weekdays also by name, JAN-DEC and SUN-SAT, 0 and 7 being "
     "Sunday. day-of-month takes L (the last day), LW (the last of Monday to Friday) and "
     "15W (the nearest of these), day-of-week 5L (the last Friday) and 5#3 (the third). "
     "Macros: @yearly @monthly @weekly @daily @hourly. Where either day field begins with "
     "*, or day-of-week with +, a day must match both, else one of them suffices.\n"
     "\n"
     "Times are those of the walls of --tz, which is UTC unless it is said; the zone of "
     "the machine means nothing.\n"
     "\n"
     "Where the clocks go forward, from 02:00 to 03:00, 02:30 does not exist: --skipped "
     "after_gap takes the end of the gap, 03:00, once (the default of --daily and of a "
     "--cron whose second, minute and hour do not begin with *), skip nothing at all (of "
     "any other --cron), shift as much later, 03:30 (of --rrule). Where they go back, "
     "02:30 comes twice: --repeated first (the default), second, or both (that of a --cron "
     "that is wild, as above).\n"
     "\n"
     "`belfry next` shows what comes of it; docs/calendar.md says more.\n"},
    {"kinds", "the kinds of events",
     "What --kind takes, and an event's kind says. docs/protocol.md says when each comes.\n"
     "\n"
#define X(name, number, text) text "\n"
     BF_EVENT_MAP (X)
#undef X
    },
    {"times", "how instants and durations are written",
     "An instant (ISO) is 2026-11-23T13:05:46Z, with up to 6 decimals, or with an offset "
     "such as +01:00 in place of Z; a date alone is its midnight, UTC. Local time is never "
     "guessed.\n"
     "\n"
     "A duration (D) is 500ms, 90s, 15m, 2h, 3d, a decimal such as 1.5s, or a sum such as "
     "1h30m.\n"},
    {"json", "what -o json prints",
     "One object on a line, in UTF-8, with the field names of messages/belfry.proto. Unset "
     "messages and unset alternatives are left out; all other fields are there, also where "
     "they are 0, \"\" or [].\n"
     "\n"
     "Numbers of 64 bits (ids, seq, hashes, counts) are strings, since many readers of "
     "JSON "
     "round them. Instants (..._us) are ISO 8601 strings, null where there is none; "
     "durations (lease_us, lateness_us, delay_us, ...) are numbers of microseconds. In "
     "events, instants on the boot clock are such numbers too: timer_us, and where clock "
     "is 1 those of the job's own clock (due_us, wake_us, armed_us, first_due_us, "
     "last_due_us).\n"
     "\n"
     "Enum values are words: the state JOB_STATE_SCHEDULED is \"scheduled\", UNSPECIFIED "
     "is "
     "null.\n"
     "\n"
     "payload and result are a string where they are UTF-8 without NUL, else an object "
     "{\"base64\": \"...\"}; left out where empty or not asked for, which payload_bytes "
     "and "
     "result_bytes tell apart.\n"
     "\n"
     "Printed are: by schedule, cancel, confirm, pause, resume, reschedule an object with "
     "job, outcome and out (the runs that a worker has), also where the daemon refused and "
     "says so; by list a Job, by next a slot, by calendars an ExclusionCalendar, by get an "
     "object with job and runs, by runs, trigger, "
     "complete, fail, snooze and redrive a Run, by batch what each of its commands prints; "
     "by a command for many jobs a BulkReply; by claim a Lease, by heartbeat an object "
     "with token, code, text and cancel, by history, events and watch an Event, by status "
     "and stats an object. What check, backup and restore print, their pages say.\n"},
    {"exit", "the exit codes", NULL},
    {"repeat", "calls that may be repeated",
     "The daemon remembers for 24 hours what it answered to a (client, request id). A "
     "script that does not know whether a call came through may make it again with the "
     "same "
     "--client NAME and --request-id ID: it has one effect, and the same answer. Without "
     "them every call is a new one; the repeats that --timeout covers are the same one.\n"},
};

#define TOPICS (sizeof topics / sizeof topics[0])

const char *
bf_cli_topic_name (size_t index)
{
    return index < TOPICS ? topics[index].name : NULL;
}

bool
bf_cli_topic_print (FILE *out, const char *topic)
{
    for (size_t index = 0; index < TOPICS; index++) {
        if (!strcmp (topics[index].name, topic)) {
            if (topics[index].text) {
                bf_cli_wrap (out, topics[index].text, 0, 0);
            } else {
                bf_cli_exit_print (out, UINT32_MAX);
            }
            return true;
        }
    }
    return false;
}

void
bf_cli_help_print (FILE *out)
{
    fputs ("belfry: commands for the scheduler belfryd\n"
           "\n"
           "  belfry [OPTION]... VERB [OPTION]...\n",
           out);
    const char *group = "";
    for (size_t index = 0; bf_cli_verbs[index]; index++) {
        const bf_cli_verb *verb = bf_cli_verbs[index];
        if (strcmp (group, verb->group) != 0) {
            fprintf (out, "\n%s\n", verb->group);
            group = verb->group;
        }
        fprintf (out, "  %-12s", verb->name);
        bf_cli_wrap (out, verb->summary, 14, 14);
    }
    fputs ("\nTopics of `belfry help`\n", out);
    for (size_t index = 0; index < TOPICS; index++) {
        fprintf (out, "  %-12s%s\n", topics[index].name, topics[index].summary);
    }
    fputs ("\nOptions of every verb\n", out);
    bf_cli_options_print (out, bf_cli_shared_options);
    fputs ("\n`belfry help VERB` says everything about one.\n", out);
}

/* Never wrapped: they are there to be copied. */
static void
print_lines (FILE *out, const char *text)
{
    while (*text) {
        size_t size = strcspn (text, "\n");
        fprintf (out, "  %.*s\n", (int)size, text);
        text += size + (text[size] == '\n');
    }
}

void
bf_cli_verb_help_print (FILE *out, const bf_cli_verb *verb)
{
    fprintf (out, "belfry %s: ", verb->name);
    bf_cli_wrap (out, verb->summary, 0, strlen (verb->name) + 9);
    fprintf (out, "\n  belfry %s %s\n\n", verb->name, verb->operands);
    bf_cli_wrap (out, verb->about, 0, 0);
    if (verb->options[0].name) {
        fputs ("\nOptions\n", out);
        bf_cli_options_print (out, verb->options);
    }
    fputs ("\nOptions of every verb: --connect EP, -o json and others; see `belfry help`.\n"
           "\nExit codes\n",
           out);
    bf_cli_exit_print (out, verb->exits);
    fputs ("\nExample\n", out);
    print_lines (out, verb->example);
}
