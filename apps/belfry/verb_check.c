/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry check: is a database whole?
 */
#include "apps/belfry/offline.h"
#include "apps/belfry/verbs.h"

typedef struct {
    bool progress;
} values_t;

static const bf_cli_option options[] = {
    {.name = "progress",
     .kind = BF_CLI_FLAG,
     .offset = offsetof (values_t, progress),
     .help = "say how far it is, also where stderr is no terminal"},
    {0},
};

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    if (operands->count > 0 && cli->data) {
        return bf_cli_complain (BF_CLI_USAGE, "name a FILE or --data DIR, not both");
    }
    const char *path = operands->count > 0 ? operands->items[0]
                       : cli->data         ? cli->data
                                           : "./data";
    bf_cli_examiner examiner = {
        .out = stdout, .json = cli->json, .progress = values->progress};
    bf_check_watch watch = bf_cli_examiner_watch (&examiner);
    bf_check_summary summary;
    bf_error error = {0};
    bf_err err = bf_check (path, &watch, &summary, &error);
    bf_cli_examiner_end (&examiner);
    if (err != BF_OK) {
        return bf_cli_complain (bf_cli_exit_of_database (err), "%s", error.text);
    }
    bf_cli_show_summary (stdout, cli->json, path, &summary);
    return summary.findings > 0 ? BF_CLI_REFUSED : BF_CLI_DONE;
}

const bf_cli_verb bf_cli_check = {
    .name = "check",
    .group = "Daemon",
    .operands = "[FILE]",
    .summary = "examines a database and says what is wrong",
    .about = "FILE is a backup; without it, the data directory of --data is examined "
             "(default ./data), which no daemon may be using: stop it, or make a backup "
             "with `belfry backup` and check that. Nothing is changed.\n"
             "\n"
             "It reads every page, holds every job, run and stretch against its newest "
             "event, and every event against its row, its topic and the history of its "
             "job. Findings are printed on a line each, the first 100 of them, then what "
             "to do, and last a line with counts. With -o json a finding is an object with "
             "kind, row, what and advice.\n"
             "\n"
             "Exit code 0: all is well. 1: something was found. 2: there is nothing to "
             "examine. 10 to 14: it could not even be opened, as with belfryd.",
    .example = "belfry check --data /var/lib/belfry\n"
               "belfry check belfry-2026-11-23T160000Z.db -o json",
    .options = options,
    .values_bytes = sizeof (values_t),
    .most_operands = 1,
    .exits = BF_CLI_EXITS_DATABASE,
    .act = act,
};
