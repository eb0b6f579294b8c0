/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry restore: puts a backup back.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#include "apps/belfry/offline.h"
#include "apps/belfry/text.h"
#include "apps/belfry/verbs.h"
#include "core/base/time.h"
#include "persist/restore.h"

typedef struct {
    bool force;
    bool progress;
} values_t;

static const bf_cli_option options[] = {
    {.name = "force",
     .kind = BF_CLI_FLAG,
     .offset = offsetof (values_t, force),
     .help = "move a database that is there aside, to belfry.db.replaced-TIME"},
    {.name = "progress",
     .kind = BF_CLI_FLAG,
     .offset = offsetof (values_t, progress),
     .help = "say how far it is, also where stderr is no terminal"},
    {0},
};

/* Any number that no other history has. */
static uint64_t
new_epoch (void)
{
    uint64_t epoch = 0;
    if (getrandom (&epoch, sizeof epoch, 0) != sizeof epoch) {
        epoch = (uint64_t)bf_now_read ().wall.us;
    }
    return epoch | 1;
}

static void
show (const bf_cli *cli, const char *directory, const char *aside, uint64_t epoch,
      const bf_check_summary *backup)
{
    if (cli->json) {
        fputs ("{\"directory\":", stdout);
        bf_cli_json_text (stdout, directory);
        fputs (",\"replaced\":", stdout);
        if (aside) {
            bf_cli_json_text (stdout, aside);
        } else {
            fputs ("null", stdout);
        }
        printf (",\"stream_epoch\":\"%" PRIu64 "\",\"head_seq\":\"%" PRIu64
                "\",\"jobs\":\"%" PRIu64 "\"}\n",
                epoch, backup->head_seq, backup->jobs);
        return;
    }
    printf ("restored %" PRIu64 " jobs and the history up to event %" PRIu64 " into ",
            backup->jobs, backup->head_seq);
    bf_cli_text_put (stdout, directory);
    printf (", as epoch %" PRIu64 "\n", epoch);
    if (aside) {
        fputs ("the old database is ", stdout);
        bf_cli_text_put (stdout, aside);
        fputc ('\n', stdout);
    }
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    const char *directory = cli->data ? cli->data : "./data";
    bf_cli_examiner examiner = {
        .out = stderr, .json = cli->json, .progress = values->progress};
    bf_restore_options wanted = {
        .stream_epoch = new_epoch (),
        .force = values->force,
        .watch = bf_cli_examiner_watch (&examiner),
    };
    bf_check_summary backup;
    char *aside = NULL;
    bf_error error = {0};
    bf_err err =
        bf_restore (operands->items[0], directory, &wanted, &backup, &aside, &error);
    bf_cli_examiner_end (&examiner);
    bf_cli_exit code = BF_CLI_DONE;
    if (err == BF_OK) {
        show (cli, directory, aside, wanted.stream_epoch, &backup);
    } else {
        /* What was found in a backup that can be read is not the data directory's fault. */
        code = backup.findings > 0 ? BF_CLI_REFUSED : bf_cli_exit_of_database (err);
        bf_cli_complain (code, "%s", error.text);
    }
    if (err != BF_OK && aside) {
        bf_cli_complain (code, "the old database is %s", aside);
    }
    free (aside);
    return code;
}

const bf_cli_verb bf_cli_restore = {
    .name = "restore",
    .group = "Daemon",
    .operands = "FILE [OPTION]...",
    .summary = "puts a backup into a data directory",
    .about = "FILE is examined first, as by `belfry check`, and is not changed. The data "
             "directory is that of --data (default ./data); no daemon may be using it. "
             "Where it holds a database already, it is left alone, or with --force moved "
             "aside.\n"
             "\n"
             "The restored history gets a stream_epoch of its own, by which subscribers "
             "notice that it went back. Jobs that were due since the backup are late, and "
             "their late policies decide; commands by filter that were under way go on. "
             "With -o json an "
             "object with directory, replaced, stream_epoch, head_seq and jobs.\n"
             "\n"
             "Exit code 1: the backup is damaged, or a database is there. 10 to 14: as "
             "with belfryd.",
    .example = "belfry restore belfry-2026-11-23T160000Z.db --data /var/lib/belfry --force",
    .options = options,
    .values_bytes = sizeof (values_t),
    .least_operands = 1,
    .most_operands = 1,
    .exits = BF_CLI_EXITS_DATABASE,
    .act = act,
};
