/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry backup: a copy of the daemon's database while it runs.
 *
 *   ask -> progress … -> the copy is in DATA/backups -> check it -> move it to FILE
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/belfry/offline.h"
#include "apps/belfry/text.h"
#include "apps/belfry/verbs.h"

#define BLOCK_BYTES ((size_t)1024 * 1024)

typedef struct {
    char *name;
    bool no_check;
    bool progress;
} values_t;

static const bf_cli_option options[] = {
    {.name = "name",
     .value = "NAME",
     .kind = BF_CLI_TEXT,
     .form = &bf_cli_form_name,
     .offset = offsetof (values_t, name),
     .help = "how the daemon is to call it in its directory backups, not beginning with a "
             "dot; default belfry-TIME.db"},
    {.name = "no-check",
     .kind = BF_CLI_FLAG,
     .offset = offsetof (values_t, no_check),
     .help = "do not examine the copy"},
    {.name = "progress",
     .kind = BF_CLI_FLAG,
     .offset = offsetof (values_t, progress),
     .help = "say how far it is, also where stderr is no terminal"},
    {0},
};

static void
show_progress (const Belfry__V1__Reply *reply, void *context)
{
    bf_check_watch *watch = context;
    if (reply->result_case == BELFRY__V1__REPLY__RESULT_BACKUP) {
        watch->progress ("copied pages", reply->backup->pages_done, reply->backup->pages,
                         watch->context);
    }
}

/* Asks for it, and waits until it is there. */
static bf_cli_exit
ask (bf_cli *cli, const values_t *values, bf_check_watch *watch, Belfry__V1__Reply **reply)
{
    Belfry__V1__Backup backup = BELFRY__V1__BACKUP__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    bf_cli_exit code = bf_cli_open (cli);
    if (code != BF_CLI_DONE) {
        return code;
    }
    backup.name = values->name ? values->name : "";
    request.command_case = BELFRY__V1__REQUEST__COMMAND_BACKUP;
    request.backup = &backup;
    if (cli->request_id) {
        request.request_id = cli->request_id;
    }
    int error = belfry_call_long (cli->belfry, &request, show_progress, watch, reply);
    if (error == BELFRY_OK) {
        error = belfry_reply_error (cli->belfry, *reply);
    }
    if (error == BELFRY_OK && (*reply)->result_case != BELFRY__V1__REPLY__RESULT_BACKUP) {
        return bf_cli_complain (BF_CLI_REFUSED, "the daemon's answer says nothing of it");
    }
    return error == BELFRY_OK ? BF_CLI_DONE : bf_cli_complain_of (cli, error);
}

/* Whether this is the daemon's file, seen from here. */
static bool
is_within_reach (const Belfry__V1__BackupReply *backup)
{
    struct stat facts;
    return backup->path[0] == '/' && stat (backup->path, &facts) == 0 &&
           S_ISREG (facts.st_mode) && access (backup->path, R_OK) == 0;
}

/* Examines the copy. *verified: it was there, is the one meant, and is whole. */
static bf_cli_exit
verify (const Belfry__V1__BackupReply *backup, const bf_check_watch *watch, bool *verified)
{
    bf_check_summary summary;
    bf_error error = {0};
    bf_err err = bf_check (backup->path, watch, &summary, &error);
    if (err != BF_OK) {
        return bf_cli_complain (bf_cli_exit_of_database (err), "%s", error.text);
    }
    if (summary.stream_epoch != backup->stream_epoch ||
        summary.head_seq != backup->head_seq) {
        return bf_cli_complain (
            BF_CLI_REFUSED,
            "%s: another database is there on this machine; is the daemon on another one?",
            backup->path);
    }
    if (summary.findings > 0) {
        return bf_cli_complain (BF_CLI_REFUSED,
                                "%s: the copy is damaged (%" PRIu64
                                " findings), and so is the database, or its disk",
                                backup->path, summary.findings);
    }
    *verified = true;
    return BF_CLI_DONE;
}

/* --- the move to FILE --------------------------------------------------------------- */

static bf_cli_exit
complain_errno (const char *path, const char *fate)
{
    int number = errno;
    return bf_cli_complain (number == ENOSPC ? BF_CLI_DISK : BF_CLI_REFUSED,
                            "%s: cannot %s: %s", path, fate, strerror (number));
}

/* The rest of `from` behind what `to` has. False: errno says why. */
static bool
copy_bytes (int from, int to)
{
    char *block = malloc (BLOCK_BYTES);
    ssize_t got = block ? 1 : -1;
    while (got > 0) {
        got = read (from, block, BLOCK_BYTES);
        for (ssize_t done = 0; done < got;) {
            ssize_t written = write (to, block + done, (size_t)(got - done));
            if (written < 0) {
                free (block);
                return false;
            }
            done += written;
        }
    }
    free (block);
    return got == 0;
}

/* The directory of a file; caller owns. NULL without memory. */
static char *
parent_of (const char *path)
{
    const char *slash = strrchr (path, '/');
    return slash ? strndup (path, slash == path ? 1 : (size_t)(slash - path))
                 : strdup (".");
}

/* Syncs the directory of a file. */
static bool
sync_parent (const char *path)
{
    char *parent = parent_of (path);
    int fd = parent ? open (parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool synced = fd >= 0 && fsync (fd) == 0;
    if (fd >= 0) {
        close (fd);
    }
    free (parent);
    return synced;
}

/* To another file system: whole under its name, or not there. */
static bf_cli_exit
copy_over (const char *from, const char *to)
{
    int in = open (from, O_RDONLY | O_CLOEXEC);
    if (in < 0) {
        return complain_errno (from, "be read");
    }
    int out = open (to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0) {
        close (in);
        return complain_errno (to, "be made");
    }
    bf_cli_exit code = BF_CLI_DONE;
    if (!copy_bytes (in, out) || fsync (out) != 0) {
        code = complain_errno (to, "be written");
        unlink (to);
    }
    close (out);
    close (in);
    return code;
}

/* A link never takes the place of another file, as a rename would. */
static bf_cli_exit
move (const char *from, const char *to)
{
    if (link (from, to) != 0) {
        if (errno == EEXIST) {
            return bf_cli_complain (
                BF_CLI_CONFLICT,
                "%s: is there already and was left alone; the backup is "
                "%s",
                to, from);
        }
        if (errno != EXDEV && errno != EPERM) {
            bf_cli_exit code = complain_errno (to, "be made");
            return bf_cli_complain (code, "the backup is %s", from);
        }
        bf_cli_exit code = copy_over (from, to);
        if (code != BF_CLI_DONE) {
            return bf_cli_complain (code, "the backup is %s", from);
        }
    }
    if (!sync_parent (to)) {
        return complain_errno (to, "be synced");
    }
    return unlink (from) == 0 ? BF_CLI_DONE : complain_errno (from, "be taken away");
}

/* --- the verb ----------------------------------------------------------------------- */

static void
show (const bf_cli *cli, const Belfry__V1__BackupReply *backup, const char *path,
      bool verified)
{
    if (!cli->json) {
        bf_cli_text_put (stdout, path);
        fputc ('\n', stdout);
        return;
    }
    fputs ("{\"path\":", stdout);
    bf_cli_json_text (stdout, path);
    printf (",\"bytes\":\"%" PRIu64 "\",\"head_seq\":\"%" PRIu64
            "\",\"stream_epoch\":\"%" PRIu64 "\",\"verified\":%s}\n",
            backup->bytes, backup->head_seq, backup->stream_epoch,
            verified ? "true" : "false");
}

static bf_cli_exit
finish (const bf_cli *cli, const values_t *values, const Belfry__V1__BackupReply *backup,
        const char *to, const bf_check_watch *watch)
{
    bool verified = false;
    bool near = is_within_reach (backup);
    bf_cli_exit code = BF_CLI_DONE;
    if (near && !values->no_check) {
        code = verify (backup, watch, &verified);
    }
    if (code == BF_CLI_DONE && to && !near) {
        show (cli, backup, backup->path, false);
        return bf_cli_complain (
            BF_CLI_REFUSED,
            "the backup is there on the daemon's machine, but cannot be "
            "read from here: it was not moved to %s, nor examined",
            to);
    }
    if (code == BF_CLI_DONE && to) {
        code = move (backup->path, to);
    }
    if (code == BF_CLI_DONE) {
        show (cli, backup, to ? to : backup->path, verified);
    }
    if (code == BF_CLI_DONE && !near) {
        bf_cli_complain (code,
                         "the file is on the daemon's machine and cannot be read from "
                         "here: it was not examined; run `belfry check` there");
    }
    return code;
}

/* Whether FILE can be made at all, so that nobody learns it after the copy. */
static bf_cli_exit
check_target (const char *to)
{
    struct stat facts;
    if (lstat (to, &facts) == 0) {
        return bf_cli_complain (BF_CLI_USAGE, "%s: is there already; choose another name",
                                to);
    }
    char *parent = parent_of (to);
    if (!parent) {
        return bf_cli_complain (BF_CLI_REFUSED, "out of memory");
    }
    bf_cli_exit code = BF_CLI_DONE;
    if (stat (parent, &facts) != 0 || access (parent, W_OK | X_OK) != 0) {
        code = bf_cli_complain (BF_CLI_USAGE, "%s: cannot be made in %s: %s", to, parent,
                                strerror (errno));
    } else if (!S_ISDIR (facts.st_mode)) {
        code = bf_cli_complain (BF_CLI_USAGE, "%s: %s is no directory", to, parent);
    }
    free (parent);
    return code;
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    const char *to = operands->count > 0 ? operands->items[0] : NULL;
    if (to) {
        bf_cli_exit refused = check_target (to);
        if (refused != BF_CLI_DONE) {
            return refused;
        }
    }
    bf_cli_examiner examiner = {
        .out = stderr, .json = cli->json, .progress = values->progress};
    bf_check_watch watch = bf_cli_examiner_watch (&examiner);
    Belfry__V1__Reply *reply = NULL;
    bf_cli_exit code = ask (cli, values, &watch, &reply);
    if (code == BF_CLI_DONE) {
        code = finish (cli, values, reply->backup, to, &watch);
    }
    bf_cli_examiner_end (&examiner);
    belfry_reply_free (&reply);
    return code;
}

const bf_cli_verb bf_cli_backup = {
    .name = "backup",
    .group = "Daemon",
    .operands = "[FILE] [OPTION]...",
    .summary = "copies the database while the daemon runs, and prints where",
    .about =
        "The daemon makes the copy in its data directory, in backups, a few pages at a "
        "time between the commands of others. Where the file can be read from here it "
        "is examined, as by `belfry check`, and moved to FILE, if one is named; nothing "
        "is ever written over. Where the copy could not be examined, a line on stderr says "
        "so. With -o json an object with path, bytes, head_seq, stream_epoch and "
        "verified.\n"
        "\n"
        "A restart of the daemon ends a backup that is under way, and another call "
        "begins anew. `belfry restore` puts one back.",
    .example = "belfry backup\n"
               "belfry backup /mnt/backup/belfry-monday.db -o json",
    .options = options,
    .values_bytes = sizeof (values_t),
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE | BF_CLI_EXITS_DATABASE,
    .act = act,
};
