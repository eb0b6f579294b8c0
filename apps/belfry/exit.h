/* SPDX-License-Identifier: MPL-2.0
 *
 * How `belfry` ends: the exit codes that scripts rely on, and which answer leads to which.
 */
#ifndef BF_CLI_EXIT_H
#define BF_CLI_EXIT_H

#include <stdint.h>
#include <stdio.h>

/* X (name, value, text for help) */
#define BF_CLI_EXIT_MAP(X)                                                                 \
    X (DONE, 0, "done")                                                                    \
    X (REFUSED, 1,                                                                         \
       "refused: the daemon said no (of many: to any), or reading or writing failed here") \
    X (USAGE, 2, "the command line was wrong; nothing was sent")                           \
    X (UNREACHABLE, 3, "no daemon found, or no answer in time")                            \
    X (NOT_FOUND, 4, "no such job, run or key")                                            \
    X (CONFLICT, 5,                                                                        \
       "conflict or stale: key taken, too late, wrong state or version, stale token")      \
    X (NO_WORK, 6, "there was no work")                                                    \
    X (LOCKED, 10, "offline: a daemon has the data directory")                             \
    X (CORRUPT, 11, "offline: the database is damaged beyond reading")                     \
    X (FOREIGN, 12, "offline: the database belongs to another program")                    \
    X (NEWER, 13, "offline: the database is of another version")                           \
    X (DISK, 14, "offline: the disk failed, or is full")

typedef enum {
#define X(name, value, text) BF_CLI_##name = (value),
    BF_CLI_EXIT_MAP (X)
#undef X
} bf_cli_exit;

/* One bit per exit code, for the table of a verb. */
#define BF_CLI_EXIT_BIT(code) (1U << (unsigned)(code))

/* What every verb may end with; what one that calls the daemon may; one that names a job or
 * a run; one that changes it. */
#define BF_CLI_EXITS_LOCAL                                              \
    (BF_CLI_EXIT_BIT (BF_CLI_DONE) | BF_CLI_EXIT_BIT (BF_CLI_REFUSED) | \
     BF_CLI_EXIT_BIT (BF_CLI_USAGE))
#define BF_CLI_EXITS_CALL (BF_CLI_EXITS_LOCAL | BF_CLI_EXIT_BIT (BF_CLI_UNREACHABLE))
#define BF_CLI_EXITS_NAMED (BF_CLI_EXITS_CALL | BF_CLI_EXIT_BIT (BF_CLI_NOT_FOUND))
#define BF_CLI_EXITS_CHANGE (BF_CLI_EXITS_NAMED | BF_CLI_EXIT_BIT (BF_CLI_CONFLICT))

/* The exit code for a belfry_error (clients/c/belfry.h); the daemon's codes are the same
 * numbers, negative. BF_CLI_REFUSED for one that is not known here. */
bf_cli_exit bf_cli_exit_of (int error);

/* The belfry_error of a Code of the wire; BELFRY_BAD_ANSWER for one that is not known here.
 */
int bf_cli_error_of (int code);

/* One line for each exit code whose bit is set. */
void bf_cli_exit_print (FILE *out, uint32_t bits);

#endif
