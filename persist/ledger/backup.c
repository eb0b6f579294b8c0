/* SPDX-License-Identifier: MPL-2.0
 *
 * A backup, a few pages at a time.
 *
 *   Backup --> begin --> step … step --> whole: store the answer, tell it, forget
 *                |         |  '-- after a second: done = false to those who wait
 *                |         '-- failed, or the disk is full: a refusal, which is not stored
 *                '-- likewise
 *
 * The copying goes its way whatever becomes of a batch. Who waits, and that there is
 * nothing left to do, is changed in `now` and kept or taken back with the batch, so that a
 * batch which is lost to a full disk loses no answer.
 */
#include "persist/ledger/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages/limits.h"
#include "persist/backup.h"
#include "persist/ledger/tend.h"

/* 800 KiB: some milliseconds, during which nobody else is served. */
#define SLICE_PAGES 200

/* How long a caller waits for the end before it hears how far it is. */
#define PATIENCE_US BF_SECOND_US

/* The same call made again and again while the first ones still wait. */
#define CALLS 8

#define NAME_BYTES 65
/* Backups without a name in one second. */
#define SAME_SECOND 10

#define TEXT_BYTES 65
_Static_assert(TEXT_BYTES > BF_CLIENT_BYTES && TEXT_BYTES > BF_REQUEST_ID_BYTES,
               "a request must fit");

/* What goes with the batch. */
typedef struct {
    uint64_t calls[CALLS]; /* which wait */
    size_t n_calls;
    bf_boot answer_at; /* when the oldest of them is told how far it is */
    bool gone;         /* nothing is left to do */
} waiting;

struct bf_backup_command {
    bf_backup *backup;
    char client[TEXT_BYTES];
    char request_id[TEXT_BYTES];
    uint64_t fingerprint;
    bool begun;       /* in this batch: undone, it never was */
    bool whole;       /* the file is there; only the answer is missing */
    bf_error failure; /* no BF_OK: there is no file, and will be none */
    bf_boot next;     /* no slice before */
    waiting now;
    waiting kept;
};

void
bf_backup_command_free (bf_ledger *self)
{
    if (self->backup) {
        bf_backup_destroy (&self->backup->backup);
        free (self->backup);
        self->backup = NULL;
    }
}

void
bf_backup_command_keep (bf_ledger *self)
{
    bf_backup_command *command = self->backup;
    if (command && command->now.gone) {
        bf_backup_command_free (self);
    } else if (command) {
        command->begun = false;
        command->kept = command->now;
    }
}

void
bf_backup_command_undo (bf_ledger *self)
{
    bf_backup_command *command = self->backup;
    if (command && command->begun) {
        bf_backup_command_free (self);
    } else if (command) {
        command->now = command->kept;
    }
}

/* What callers hear of a failure: what they can do nothing about is internal. */
static bf_error
refusal_of (const bf_error *cause)
{
    bf_error refusal = *cause;
    if (cause->code != BF_EDISKFULL && cause->code != BF_ESTATE) {
        refusal.code = BF_EINTERNAL;
    }
    return refusal;
}

/* Nothing of it stays, but for those who are to hear of it. */
static void
give_up (bf_backup_command *command, const bf_error *cause)
{
    bf_backup_abandon (command->backup);
    command->failure = refusal_of (cause);
}

void
bf_backup_command_yield (bf_ledger *self)
{
    bf_backup_command *command = self->backup;
    if (command && !command->whole && command->failure.code == BF_OK) {
        bf_error cause = {0};
        bf_fail (&cause, BF_EDISKFULL,
                 "the disk became full, and the backup was given up to make room: free "
                 "some space, and begin it again");
        give_up (command, &cause);
    }
}

/* --- answers ------------------------------------------------------------------------ */

static bf_caller
caller_of (const bf_backup_command *command, uint64_t call)
{
    return (bf_caller){call, command->client, command->request_id};
}

static bf_err
describe (bf_ledger *self, const bf_backup_command *command, bf_answer *answer,
          bf_error *error)
{
    bf_backup_state state = bf_backup_state_of (command->backup);
    Belfry__V1__BackupReply *reply = bf_arena_alloc (self->arena, sizeof *reply);
    char *path = bf_arena_string (self->arena, bf_backup_path (command->backup));
    if (!reply || !path) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__v1__backup_reply__init (reply);
    reply->done = command->whole;
    reply->path = path;
    reply->pages_done = state.pages_done;
    reply->pages = state.pages;
    reply->bytes = state.bytes;
    reply->head_seq = state.head_seq;
    reply->stream_epoch = state.stream_epoch;
    *answer = (bf_answer){
        .result = BELFRY__V1__REPLY__RESULT_BACKUP,
        .seq = self->counters.head_seq,
        .backup = reply,
    };
    return BF_OK;
}

/* Whoever waits hears this, and waits no more. */
static bf_err
send_all (bf_ledger *self, bf_backup_command *command, const bf_answer *answer,
          bf_error *error)
{
    bf_err rc = BF_OK;
    for (size_t i = 0; rc == BF_OK && i < command->now.n_calls; i++) {
        bf_caller caller = caller_of (command, command->now.calls[i]);
        rc = bf_answer_send (self, caller, answer, false, error);
    }
    command->now.n_calls = 0;
    return rc;
}

static bf_err
tell_how_far (bf_ledger *self, bf_backup_command *command, bf_error *error)
{
    bf_answer answer;
    bf_err rc = describe (self, command, &answer, error);
    return rc == BF_OK ? send_all (self, command, &answer, error) : rc;
}

static bf_err
tell_failure (bf_ledger *self, bf_backup_command *command, bf_error *error)
{
    bf_err rc = BF_OK;
    for (size_t i = 0; rc == BF_OK && i < command->now.n_calls; i++) {
        bf_caller caller = caller_of (command, command->now.calls[i]);
        rc = bf_refusal_send (self, caller, &command->failure, error);
    }
    command->now.gone = true;
    return rc;
}

/* Stores the answer, unless a claim, which is not asked about backups, has used the
 * request_id meanwhile. */
static bf_err
remember (bf_ledger *self, const bf_backup_command *command, const bf_answer *answer,
          bf_error *error)
{
    bf_caller caller = caller_of (command, 0);
    bf_answer before = {0};
    uint64_t other;
    bool found = false;
    bf_err rc = bf_answer_find (self, caller, &found, &other, &before, error);
    bf_answer_clear (&before);
    if (rc != BF_OK || found) {
        return rc;
    }
    rc = bf_ledger_write_begin (self, error);
    return rc == BF_OK ? bf_answer_store (self, caller, command->fingerprint, answer, error)
                       : rc;
}

/* The backup is whole: stores the answer, and tells it to those who wait. */
static bf_err
settle (bf_ledger *self, bf_backup_command *command, bf_error *error)
{
    if (self->scarce) {
        command->next.us = bf_us_add (self->now.boot.us, BF_SECOND_US);
    }
    if (bf_ledger_is_exhausted (self)) {
        return BF_OK;
    }
    bf_answer answer;
    bf_err rc = describe (self, command, &answer, error);
    if (rc == BF_OK) {
        rc = remember (self, command, &answer, error);
    }
    command->now.gone = rc == BF_OK;
    return rc == BF_OK ? send_all (self, command, &answer, error) : rc;
}

/* --- the call ----------------------------------------------------------------------- */

/* "belfry-2026-11-23T160000Z.db", and with a number before the dot from the second on:
 * a time without what file systems and shells do not like. */
static void
default_name (const bf_ledger *self, int number, char name[NAME_BYTES])
{
    char iso[BF_ISO_BYTES];
    char again[NAME_BYTES / 4] = "";
    bf_wall second = {self->now.wall.us - self->now.wall.us % BF_SECOND_US};
    bf_wall_format (second, iso);
    if (number > 1) {
        snprintf (again, sizeof again, ".%d", number);
    }
    snprintf (name, NAME_BYTES, "belfry-%.13s%.2s%.2sZ%s.db", iso, iso + 14, iso + 17,
              again);
}

static bf_err
backup_begin (bf_ledger *self, const Belfry__V1__Backup *command, bf_backup **backup,
              bf_error *error)
{
    if (command->name[0] != '\0') {
        return bf_backup_begin (backup, self->database, command->name, error);
    }
    bf_err rc = BF_ESTATE;
    for (int number = 1; rc == BF_ESTATE && number <= SAME_SECOND; number++) {
        char name[NAME_BYTES];
        default_name (self, number, name);
        rc = bf_backup_begin (backup, self->database, name, error);
    }
    return rc;
}

static bool
is_same (const bf_backup_command *command, bf_caller caller)
{
    return strcmp (command->client, caller.client) == 0 &&
           strcmp (command->request_id, caller.request_id) == 0;
}

static bf_err
refuse_busy (bf_ledger *self, bf_caller caller, bf_error *error)
{
    const bf_backup *backup = self->backup->backup;
    bf_backup_state state = bf_backup_state_of (backup);
    bf_error refusal = {0};
    bf_fail (&refusal, BF_EBUSY,
             "a backup is being made already (%s, %llu of %llu pages): try again when it "
             "is done",
             bf_backup_path (backup), (unsigned long long)state.pages_done,
             (unsigned long long)state.pages);
    return bf_refusal_send (self, caller, &refusal, error);
}

static void
wait (const bf_ledger *self, bf_backup_command *command, uint64_t call)
{
    if (command->now.n_calls == 0) {
        command->now.answer_at.us = bf_us_add (self->now.boot.us, PATIENCE_US);
    }
    command->now.calls[command->now.n_calls++] = call;
}

/* Another call of the same request waits with those before. */
static bf_err
join (bf_ledger *self, bf_caller caller, uint64_t fingerprint, bf_error *error)
{
    if (self->backup->fingerprint != fingerprint) {
        return bf_answer_repeat (self, caller, NULL, false, error);
    }
    if (self->backup->now.n_calls == CALLS) {
        return refuse_busy (self, caller, error);
    }
    wait (self, self->backup, caller.call);
    return BF_OK;
}

static bf_err
begin (bf_ledger *self, bf_caller caller, const Belfry__V1__Backup *request,
       uint64_t fingerprint, bf_error *error)
{
    bf_backup_command *command = calloc (1, sizeof *command);
    if (!command) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bf_error cause = {0};
    if (backup_begin (self, request, &command->backup, &cause) != BF_OK) {
        bf_error refusal = refusal_of (&cause);
        free (command);
        return bf_refusal_send (self, caller, &refusal, error);
    }
    snprintf (command->client, sizeof command->client, "%s", caller.client);
    snprintf (command->request_id, sizeof command->request_id, "%s", caller.request_id);
    command->fingerprint = fingerprint;
    command->begun = true;
    wait (self, command, caller.call);
    self->backup = command;
    return BF_OK;
}

bf_err
bf_backup_command_judge (bf_ledger *self, bf_caller caller,
                         const Belfry__V1__Request *request, uint64_t fingerprint,
                         bf_error *error)
{
    if (self->backup && is_same (self->backup, caller)) {
        return join (self, caller, fingerprint, error);
    }
    if (self->backup) {
        return refuse_busy (self, caller, error);
    }
    if (self->scarce) {
        bf_error refusal = {0};
        bf_fail (&refusal, BF_EDISKFULL,
                 "the disk is full: there is no room for a backup; free some space first");
        return bf_refusal_send (self, caller, &refusal, error);
    }
    return begin (self, caller, request->backup, fingerprint, error);
}

/* --- the chore ---------------------------------------------------------------------- */

static bf_err
tend (bf_ledger *self, bf_error *error)
{
    bf_backup_command *command = self->backup;
    bf_error cause = {0};
    if (command->failure.code == BF_OK && !command->whole &&
        bf_backup_step (command->backup, SLICE_PAGES, &command->whole, &cause) != BF_OK) {
        give_up (command, &cause);
    }
    if (command->failure.code != BF_OK) {
        return tell_failure (self, command, error);
    }
    if (command->whole) {
        return settle (self, command, error);
    }
    bool waited =
        command->now.n_calls > 0 && self->now.boot.us >= command->now.answer_at.us;
    return waited ? tell_how_far (self, command, error) : BF_OK;
}

static bf_boot
next (const bf_ledger *self)
{
    return self->backup ? self->backup->next : (bf_boot){INT64_MAX};
}

const bf_chore bf_backup_chore = {tend, next};
