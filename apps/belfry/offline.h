/* SPDX-License-Identifier: MPL-2.0
 *
 * What the verbs share that look at a database by themselves: how they end, how they show
 * findings, and how far they are.
 */
#ifndef BF_CLI_OFFLINE_H
#define BF_CLI_OFFLINE_H

#include "apps/belfry/cli.h"
#include "persist/check/check.h"

/* Where a database could not even be opened, they end as belfryd would. */
bf_cli_exit bf_cli_exit_of_database (bf_err err);

#define BF_CLI_EXITS_DATABASE                                              \
    (BF_CLI_EXITS_LOCAL | BF_CLI_EXIT_BIT (BF_CLI_LOCKED) |                \
     BF_CLI_EXIT_BIT (BF_CLI_CORRUPT) | BF_CLI_EXIT_BIT (BF_CLI_FOREIGN) | \
     BF_CLI_EXIT_BIT (BF_CLI_NEWER) | BF_CLI_EXIT_BIT (BF_CLI_DISK))

/* Shows what a check finds as it finds it, on `out`, and how far it is on stderr. Zero-
 * initialise but for the first three. */
typedef struct {
    FILE *out;
    bool json;
    bool progress; /* also where stderr is no terminal */
    bool terminal;
    bool shown;
    int64_t next_us; /* on the boot clock: no progress before */
    const char *phase;
    int64_t begun_us; /* likewise: since when it is that phase */
    uint32_t kinds;   /* found; one bit each */
    const char *advice[BF_CHECK_KINDS];
} bf_cli_examiner;

bf_check_watch bf_cli_examiner_watch (bf_cli_examiner *self);

/* Takes the progress off the terminal, and says what to do about what was found. */
void bf_cli_examiner_end (bf_cli_examiner *self);

/* The last line of a check. */
void bf_cli_show_summary (FILE *out, bool json, const char *path,
                          const bf_check_summary *summary);

/* A JSON string: what is no UTF-8 becomes '?'. */
void bf_cli_json_text (FILE *out, const char *text);

#endif
