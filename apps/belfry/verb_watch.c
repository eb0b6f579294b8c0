/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry watch: events as they happen.
 */
#include "apps/belfry/verbs.h"

#include <inttypes.h>
#include <signal.h>

typedef struct {
    bf_cli_number from;
    bf_cli_texts kinds;
    bf_cli_texts types;
    bf_cli_number count;
    bool monitor;
} values_t;

#define AT(member) .offset = offsetof (values_t, member)

static const bf_cli_option options[] = {
    {.name = "from",
     .value = "SEQ",
     .kind = BF_CLI_NUMBER,
     AT (from),
     .help =
         "begin with the event of this seq, 0 for the oldest that is kept; default only "
         "what happens from now on"},
    {.name = "kind",
     .value = "K",
     .kind = BF_CLI_TEXTS,
     .form = &bf_cli_form_kind,
     AT (kinds),
     .help = "only this kind, such as run.failed (`belfry help kinds`); again for more; "
             "default all"},
    {.name = "type",
     .value = "T",
     .kind = BF_CLI_TEXTS,
     .form = &bf_cli_form_name,
     AT (types),
     .help = "only events of jobs of this type; again for more; default all"},
    {.name = "count",
     .value = "N",
     .kind = BF_CLI_NUMBER,
     AT (count),
     .least = 1,
     .most = UINT64_MAX,
     .help = "end after so many; default never"},
    {.name = "monitor",
     .kind = BF_CLI_FLAG,
     AT (monitor),
     .help = "listen at the monitor door, which never carries payloads, instead of the "
             "feed"},
    {0},
};

typedef struct {
    const bf_cli *cli;
    uint64_t left;     /* events to print yet */
    bool begun;        /* the start is over: a replay from here on closes a gap */
    uint64_t replayed; /* events of the replay that is going on */
} watch;

/* For the handler of SIGINT and SIGTERM, which belfry_stop was made for. */
static belfry *watched;

static void
on_signal (int number)
{
    (void)number;
    belfry_stop (watched);
}

static void
tell (watch *self, const belfry_event *event)
{
    switch (event->notice) {
    case BELFRY_EVENT:
        self->begun = self->begun || !event->replayed;
        self->replayed += event->replayed;
        break;
    case BELFRY_CAUGHT_UP:
        if (self->begun && self->replayed > 0) {
            bf_cli_complain (BF_CLI_DONE,
                             "closed a gap: %" PRIu64
                             " events replayed, nothing is missing "
                             "up to seq %" PRIu64,
                             self->replayed, event->seq);
        }
        self->begun = true;
        self->replayed = 0;
        break;
    case BELFRY_HISTORY_RESTARTED:
        bf_cli_complain (BF_CLI_DONE, "this is another history (a restored backup); it is "
                                      "told from its oldest event on");
        break;
    case BELFRY_EVENTS_LOST:
        bf_cli_complain (BF_CLI_DONE,
                         "events before seq %" PRIu64 " are no longer kept; `belfry list` "
                         "shows the state",
                         event->oldest_seq);
        break;
    }
}

static int
on_event (const belfry_event *event, void *context)
{
    watch *self = context;
    tell (self, event);
    const Belfry__V1__Event *message = belfry_event_message (event);
    if (!message) {
        return 0;
    }
    bf_cli_print_event (self->cli, message);
    self->left--;
    /* Whoever reads wants each line now; and one who went away is noticed here. */
    return fflush (stdout) != 0 || self->left == 0;
}

static void
catch_signals (void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset (&action.sa_mask);
    sigaction (SIGINT, &action, NULL);
    sigaction (SIGTERM, &action, NULL);
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    (void)operands;
    bf_cli_exit code = bf_cli_open (cli);
    if (code != BF_CLI_DONE) {
        return code;
    }
    watch self = {
        .cli = cli,
        .left = values->count.set ? values->count.value : UINT64_MAX,
        .begun = !values->from.set,
    };
    belfry_watch_options choice = {
        .after_seq = values->from.value > 0 ? values->from.value - 1 : 0,
        .from_now = !values->from.set,
        .monitor = values->monitor,
        .kinds = (const char *const *)values->kinds.items,
        .types = (const char *const *)values->types.items,
    };
    watched = cli->belfry;
    catch_signals ();
    int error = belfry_watch (cli->belfry, &choice, on_event, &self);
    return error == BELFRY_OK || error == BELFRY_HANDLER ? BF_CLI_DONE
                                                         : bf_cli_complain_of (cli, error);
}

const bf_cli_verb bf_cli_watch = {
    .name = "watch",
    .group = "Reading",
    .operands = "[OPTION]...",
    .summary = "prints events as they happen, each once, none missing",
    .about = "The lines are those of `belfry history`. It goes on over a restart of the "
             "daemon: what it missed is replayed, and a line on stderr says so. It ends "
             "with exit code 0 at Ctrl-C, SIGTERM, or after --count events.",
    .example = "belfry watch --from 0 --type claim_timeout",
    .options = options,
    .values_bytes = sizeof (values_t),
    .exits = BF_CLI_EXITS_CALL,
    .act = act,
};
