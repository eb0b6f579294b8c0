/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry batch: several commands in one commit.
 */
#include "apps/belfry/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/belfry/lines.h"
#include "apps/belfry/verbs.h"

static const bf_cli_option options[] = {{0}};

/* One line of the file, and the command that it says. */
typedef struct {
    size_t number; /* from 1 */
    char *text;    /* owned; everything else points into it */
    bf_cli_texts words;
    const bf_cli_verb *verb;
    void *values;
    bf_cli_texts operands;
    bf_cli_command command;
} entry_t;

typedef struct {
    const char *name; /* of the file, for people */
    entry_t *entries[BF_ITEMS_PER_BATCH];
    size_t count;
} batch_t;

static void
entry_destroy (entry_t **self_p)
{
    entry_t *self = *self_p;
    *self_p = NULL;
    if (!self) {
        return;
    }
    bf_cli_command_clear (&self->command);
    if (self->verb) {
        bf_cli_options_clear (&(bf_cli_option_set){self->verb->options, self->values});
    }
    bf_cli_texts_clear (&self->operands);
    bf_cli_texts_clear (&self->words);
    free (self->values);
    free (self->text);
    free (self);
}

/* Standard input is the batch's, or would be read by several: for neither is there a
 * second one. */
static bool
reads_stdin (const bf_cli_verb *verb, const void *values)
{
    for (const bf_cli_option *option = verb->options; option->name; option++) {
        bool content =
            !strcmp (option->name, "payload") || !strcmp (option->name, "result");
        const char *text =
            content ? *(char *const *)((const char *)values + option->offset) : NULL;
        if (text && !strcmp (text, "-")) {
            return true;
        }
    }
    return false;
}

static bf_err
find_verb (entry_t *self, bf_error *error)
{
    const char *name = self->words.items[0];
    const bf_cli_verb *verb = bf_cli_verb_find (name);
    if (!verb) {
        return bf_cli_verb_unknown (name, error);
    }
    if (!verb->fill) {
        return bf_fail (error, BF_EINVALID,
                        "%s cannot be part of a batch; `belfry help batch` says what can",
                        name);
    }
    self->values = calloc (1, verb->values_bytes + 1);
    if (!self->values) {
        return bf_fail (error, BF_ENOMEM, "out of memory");
    }
    self->verb = verb;
    return BF_OK;
}

static bf_err
read_command (entry_t *self, bf_error *error)
{
    bf_err err = find_verb (self, error);
    if (err != BF_OK) {
        return err;
    }
    bf_cli_option_set set = {self->verb->options, self->values};
    int used;
    err = bf_cli_options_parse (&set, 1, (int)self->words.count - 1, self->words.items + 1,
                                false, &self->operands, &used, error);
    if (err == BF_OK) {
        err = bf_cli_options_missing (&set, error);
    }
    if (err == BF_OK) {
        err = bf_cli_operands_check (self->verb, &self->operands, error);
    }
    if (err == BF_OK && reads_stdin (self->verb, self->values)) {
        err = bf_fail (error, BF_EINVALID,
                       "a batch cannot take - for standard input; name a @FILE");
    }
    if (err == BF_OK) {
        err = self->verb->fill (&self->command, self->values, &self->operands, error);
    }
    if (err == BF_OK && (self->command.many || self->command.dry_run)) {
        err = bf_fail (error, BF_EINVALID,
                       "a batch is for single jobs: send a command for many by itself");
    }
    return err;
}

/* Takes the text. A blank line adds nothing. */
static bf_err
add_line (batch_t *self, size_t number, char *text, bf_error *error)
{
    entry_t *entry = calloc (1, sizeof *entry);
    if (!entry) {
        free (text);
        return bf_fail (error, BF_ENOMEM, "out of memory");
    }
    entry->number = number;
    entry->text = text;
    bf_err err = bf_cli_line_split (text, &entry->words, error);
    bool blank = err == BF_OK && entry->words.count == 0;
    if (err == BF_OK && !blank) {
        err = self->count < BF_ITEMS_PER_BATCH
                  ? read_command (entry, error)
                  : bf_fail (error, BF_EINVALID, "a batch has at most %d commands",
                             BF_ITEMS_PER_BATCH);
    }
    if (err == BF_OK && !blank) {
        self->entries[self->count++] = entry;
    } else {
        entry_destroy (&entry);
    }
    return err;
}

static bf_cli_exit
read_lines (batch_t *self, FILE *file)
{
    for (size_t number = 1;; number++) {
        char *text = NULL;
        size_t room = 0;
        errno = 0;
        ssize_t size = getline (&text, &room, file);
        if (size < 0) {
            bool failed = ferror (file) || errno == ENOMEM;
            free (text);
            return failed ? bf_cli_complain (BF_CLI_REFUSED, "%s could not be read: %s",
                                             self->name, strerror (errno))
                          : BF_CLI_DONE;
        }
        bf_error error = {0};
        bf_err err;
        if (strlen (text) != (size_t)size) {
            free (text);
            err = bf_fail (&error, BF_EINVALID, "there is a NUL in it");
        } else {
            err = add_line (self, number, text, &error);
        }
        if (err != BF_OK) {
            return bf_cli_complain (bf_cli_exit_of_fill (err), "%s, line %zu: %s",
                                    self->name, number, error.text);
        }
    }
}

static bf_cli_exit
read_file (batch_t *self, const char *path)
{
    if (!strcmp (path, "-")) {
        self->name = "standard input";
        return read_lines (self, stdin);
    }
    self->name = path;
    FILE *file = fopen (path, "r");
    if (!file) {
        return bf_cli_complain (BF_CLI_REFUSED, "%s could not be opened: %s", path,
                                strerror (errno));
    }
    bf_cli_exit code = read_lines (self, file);
    fclose (file);
    return code;
}

#define SAME(KIND)                                                \
    _Static_assert((int)BELFRY__V1__BATCH_ITEM__COMMAND_##KIND == \
                       (int)BELFRY__V1__REQUEST__COMMAND_##KIND,  \
                   "the numbers in BatchItem are those in Request")
SAME (SCHEDULE);
SAME (RESCHEDULE);
SAME (CANCEL);
SAME (CONFIRM);
SAME (PAUSE);
SAME (RESUME);
SAME (TRIGGER);
SAME (COMPLETE);
SAME (FAIL);
SAME (SNOOZE);
SAME (REDRIVE);
#undef SAME

static void
show_items (const bf_cli *cli, const Belfry__V1__BatchReply *reply)
{
    for (size_t index = 0; index < reply->n_items; index++) {
        const Belfry__V1__BatchReply__Item *item = reply->items[index];
        if (item->result_case == BELFRY__V1__BATCH_REPLY__ITEM__RESULT_JOBS) {
            bf_cli_show_jobs (cli, item->jobs, false, BF_CLI_DONE);
        } else if (item->result_case == BELFRY__V1__BATCH_REPLY__ITEM__RESULT_RUNS) {
            bf_cli_show_runs (cli, item->runs, false, BF_CLI_DONE);
        }
    }
}

static bf_cli_exit
send_all (bf_cli *cli, const batch_t *self)
{
    Belfry__V1__BatchItem items[BF_ITEMS_PER_BATCH];
    Belfry__V1__BatchItem *pointers[BF_ITEMS_PER_BATCH];
    for (size_t index = 0; index < self->count; index++) {
        const Belfry__V1__Request *request = &self->entries[index]->command.request;
        belfry__v1__batch_item__init (&items[index]);
        items[index].command_case =
            (Belfry__V1__BatchItem__CommandCase)request->command_case;
        /* Both oneofs hold one pointer, whichever member it is. */
        items[index].schedule = request->schedule;
        pointers[index] = &items[index];
    }
    Belfry__V1__Batch batch = BELFRY__V1__BATCH__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    batch.items = pointers;
    batch.n_items = self->count;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_BATCH;
    request.batch = &batch;
    Belfry__V1__Reply *reply;
    bf_cli_exit code = bf_cli_call (cli, &request, &reply);
    if (reply && reply->result_case == BELFRY__V1__REPLY__RESULT_BATCH) {
        size_t failed = reply->batch->failed;
        if (code == BF_CLI_DONE) {
            show_items (cli, reply->batch);
        } else if (failed > 0 && failed <= self->count) {
            bf_cli_complain (code, "that was %s, line %zu; nothing of the batch was done",
                             self->name, self->entries[failed - 1]->number);
        }
    }
    belfry_reply_free (&reply);
    return code;
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    (void)given;
    batch_t self = {0};
    bf_cli_exit code = read_file (&self, operands->items[0]);
    if (code == BF_CLI_DONE && self.count == 0) {
        bf_cli_complain (code, "there is no command in %s: nothing to do", self.name);
    } else if (code == BF_CLI_DONE) {
        code = send_all (cli, &self);
    }
    for (size_t index = 0; index < self.count; index++) {
        entry_destroy (&self.entries[index]);
    }
    return code;
}

const bf_cli_verb bf_cli_batch = {
    .name = "batch",
    .group = "Jobs",
    .operands = "(FILE | -)",
    .summary = "does several commands in one commit: all of them or none",
    .about =
        "A line is a command as it would follow `belfry`: schedule, reschedule, cancel, "
        "confirm, pause, resume, trigger, complete, fail, snooze or redrive, each for one "
        "job or run, with its options; up to 1000. Words are separated and quoted as in a "
        "shell ('...', \"...\", \\), without variables; blank lines and those that begin "
        "with # are skipped. Each command sees what those before it did.\n"
        "\n"
        "Where one is refused, nothing of all of them has happened; the error says which "
        "line it was, and the exit code is that command's. With --if-version the batch "
        "holds only if the jobs are still what they were when you looked.\n"
        "\n"
        "Prints what became of each job or run, a line for each command, in their order.",
    .example = "belfry batch turn.txt\n"
               "belfry batch -",
    .options = options,
    .least_operands = 1,
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .act = act,
};
