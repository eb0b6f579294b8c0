/* SPDX-License-Identifier: MPL-2.0
 *
 * A backup, a few pages at a time.
 *
 *   Backup --> begin --> step … step --> whole: store the answer --> found stored: forget
 *                |         |  '-- after a second: done = false to those who wait
 *                '---------+-- failed: a refusal, which is not stored
 *
 * The answer is looked for before it is stored: a batch that stored it may have been lost
 * to a full disk.
 */
#include "persist/ledger/copy.h"

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

#define COPY_TEXT_BYTES 65
_Static_assert(COPY_TEXT_BYTES > BF_CLIENT_BYTES && COPY_TEXT_BYTES > BF_REQUEST_ID_BYTES,
               "a request must fit");

struct bf_copy {
    bf_backup *backup;
    char client[COPY_TEXT_BYTES];
    char request_id[COPY_TEXT_BYTES];
    uint64_t fingerprint;
    bool whole;            /* the file is there; only the answer is missing */
    uint64_t calls[CALLS]; /* which wait */
    size_t n_calls;
    bf_boot answer_at; /* when the oldest of them is told how far it is */
    bf_boot next;      /* no slice before */
};

void
bf_copy_free (bf_ledger *self)
{
    if (self->copy) {
        bf_backup_destroy (&self->copy->backup);
        free (self->copy);
        self->copy = NULL;
    }
}

/* --- answers ------------------------------------------------------------------------ */

static bf_caller
caller_of (const bf_copy *copy, uint64_t call)
{
    return (bf_caller){call, copy->client, copy->request_id};
}

static bf_err
describe (bf_ledger *self, const bf_copy *copy, bf_answer *answer, bf_error *error)
{
    bf_backup_state state = bf_backup_state_of (copy->backup);
    Belfry__V1__BackupReply *reply = bf_arena_alloc (self->arena, sizeof *reply);
    char *path = bf_arena_string (self->arena, bf_backup_path (copy->backup));
    if (!reply || !path) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__v1__backup_reply__init (reply);
    reply->done = copy->whole;
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

static bf_err
send_all (bf_ledger *self, const bf_copy *copy, const bf_answer *answer, bf_error *error)
{
    bf_err rc = BF_OK;
    for (size_t i = 0; rc == BF_OK && i < copy->n_calls; i++) {
        rc = bf_answer_send (self, caller_of (copy, copy->calls[i]), answer, false, error);
    }
    return rc;
}

static bf_err
tell_how_far (bf_ledger *self, bf_copy *copy, bf_error *error)
{
    bf_answer answer;
    bf_err rc = describe (self, copy, &answer, error);
    if (rc == BF_OK) {
        rc = send_all (self, copy, &answer, error);
    }
    copy->n_calls = 0;
    return rc;
}

/* The backup has failed: nothing of it stays. */
static bf_err
give_up (bf_ledger *self, bf_copy *copy, const bf_error *cause, bf_error *error)
{
    bf_error refusal = *cause;
    if (cause->code != BF_EDISKFULL && cause->code != BF_ESTATE) {
        refusal.code = BF_EINTERNAL;
    }
    bf_err rc = BF_OK;
    for (size_t i = 0; rc == BF_OK && i < copy->n_calls; i++) {
        rc = bf_refusal_send (self, caller_of (copy, copy->calls[i]), &refusal, error);
    }
    bf_copy_free (self);
    return rc;
}

/* Whether the answer is in the table: then there is nothing left to do. */
static bf_err
is_answered (bf_ledger *self, const bf_copy *copy, bool *found, bf_error *error)
{
    bf_answer before = {0};
    uint64_t fingerprint;
    bf_err rc =
        bf_answer_find (self, caller_of (copy, 0), found, &fingerprint, &before, error);
    bf_answer_clear (&before);
    return rc;
}

/* Stores the answer of a backup that is whole, or finds it stored and forgets it. */
static bf_err
settle (bf_ledger *self, bf_copy *copy, bf_error *error)
{
    bool found = false;
    bf_err rc = is_answered (self, copy, &found, error);
    if (rc != BF_OK) {
        return rc;
    }
    if (found) {
        bf_copy_free (self);
        return BF_OK;
    }
    if (self->scarce) {
        copy->next.us = bf_us_add (self->now.boot.us, BF_SECOND_US);
    }
    if (bf_ledger_is_exhausted (self)) {
        return BF_OK;
    }
    bf_answer answer;
    rc = describe (self, copy, &answer, error);
    if (rc == BF_OK) {
        rc = bf_ledger_write_begin (self, error);
    }
    if (rc == BF_OK) {
        rc = bf_answer_store (self, caller_of (copy, 0), copy->fingerprint, &answer, error);
    }
    return rc == BF_OK ? send_all (self, copy, &answer, error) : rc;
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
is_same (const bf_copy *copy, bf_caller caller)
{
    return strcmp (copy->client, caller.client) == 0 &&
           strcmp (copy->request_id, caller.request_id) == 0;
}

static bf_err
refuse_busy (bf_ledger *self, bf_caller caller, bf_error *error)
{
    bf_backup_state state = bf_backup_state_of (self->copy->backup);
    bf_error refusal = {0};
    bf_fail (&refusal, BF_EBUSY,
             "a backup is being made already (%s, %llu of %llu pages): try again when it "
             "is done",
             bf_backup_path (self->copy->backup), (unsigned long long)state.pages_done,
             (unsigned long long)state.pages);
    return bf_refusal_send (self, caller, &refusal, error);
}

/* Another call of the same request waits with those before. */
static bf_err
attach (bf_ledger *self, bf_caller caller, uint64_t fingerprint, bf_error *error)
{
    bf_copy *copy = self->copy;
    if (copy->fingerprint != fingerprint) {
        return bf_answer_repeat (self, caller, NULL, false, error);
    }
    for (size_t i = 0; i < copy->n_calls; i++) {
        if (copy->calls[i] == caller.call) {
            return BF_OK; /* its batch is applied once more */
        }
    }
    if (copy->n_calls == CALLS) {
        return refuse_busy (self, caller, error);
    }
    if (copy->n_calls == 0) {
        copy->answer_at.us = bf_us_add (self->now.boot.us, PATIENCE_US);
    }
    copy->calls[copy->n_calls++] = caller.call;
    return BF_OK;
}

static bf_err
begin (bf_ledger *self, bf_caller caller, const Belfry__V1__Backup *command,
       uint64_t fingerprint, bf_error *error)
{
    bf_copy *copy = calloc (1, sizeof *copy);
    if (!copy) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bf_error cause = {0};
    snprintf (copy->client, sizeof copy->client, "%s", caller.client);
    snprintf (copy->request_id, sizeof copy->request_id, "%s", caller.request_id);
    copy->fingerprint = fingerprint;
    self->copy = copy;
    bf_err rc = attach (self, caller, fingerprint, error);
    if (rc != BF_OK) {
        return rc;
    }
    rc = backup_begin (self, command, &copy->backup, &cause);
    return rc == BF_OK ? BF_OK : give_up (self, copy, &cause, error);
}

bf_err
bf_copy_call (bf_ledger *self, bf_caller caller, const Belfry__V1__Request *request,
              uint64_t fingerprint, bf_error *error)
{
    bool answered = false;
    if (self->copy && is_same (self->copy, caller)) {
        return attach (self, caller, fingerprint, error);
    }
    if (self->copy && self->copy->whole) {
        bf_err rc = is_answered (self, self->copy, &answered, error);
        if (rc != BF_OK) {
            return rc;
        }
    }
    if (answered) {
        bf_copy_free (self);
    }
    if (self->copy) {
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
    bf_copy *copy = self->copy;
    bf_error cause = {0};
    if (!copy->whole && bf_backup_step (copy->backup, SLICE_PAGES, &copy->whole, &cause)) {
        return give_up (self, copy, &cause, error);
    }
    if (copy->whole) {
        return settle (self, copy, error);
    }
    if (copy->n_calls > 0 && self->now.boot.us >= copy->answer_at.us) {
        return tell_how_far (self, copy, error);
    }
    return BF_OK;
}

static bf_boot
next (const bf_ledger *self)
{
    return self->copy ? self->copy->next : (bf_boot){INT64_MAX};
}

const bf_chore bf_backup_chore = {tend, next};
