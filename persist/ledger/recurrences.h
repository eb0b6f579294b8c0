/* SPDX-License-Identifier: MPL-2.0
 *
 * What a calendar trigger needs beside its text: the rules of its zone and its exclusion
 * calendars, made ready once and kept in memory as far as there is room. The rules are
 * those of the table `zone`, so that a job goes on by what it was planned with, whatever
 * becomes of the files; only a zone that no job has used yet is read from its file, and
 * comes into the table with the first job that does.
 *
 *   a job's trigger --> recurrence (cache) --> zone (memory) --> table zone --> file
 *                                     '------> exclusion (memory) --> table exclusion
 *
 * What is in memory is only a copy: it is dropped whole when it is full, when a zone or a
 * calendar changes, and when something that was written is undone.
 */
#ifndef BF_LEDGER_RECURRENCES_H
#define BF_LEDGER_RECURRENCES_H

#include "persist/ledger/private.h"

/* directory: of the zones' files, NULL for the usual one. */
bf_err bf_recurrences_open (bf_ledger *self, const char *directory, uint64_t seed,
                            bf_error *error);
void bf_recurrences_free (bf_ledger *self);
/* NULL: the usual one. */
const char *bf_recurrences_directory (const bf_ledger *self);

/* The zone of a name. Borrowed until the next change. BF_EINVALID with a sentence: there is
 * none. */
bf_err bf_zone_of (bf_ledger *self, const char *name, const bf_zone **zone,
                   bf_error *error);

/* The recurrence of a job's trigger; NULL where it needs none. Of the job only namespace,
 * trigger and anchor are looked at. Borrowed until the next change. BF_EINVALID with a
 * sentence: no such zone, no such calendar, or nothing that it could mean. */
bf_err bf_recurrence_of (bf_ledger *self, const bf_job_row *job,
                         const bf_recurrence **recurrence, bf_error *error);

/* BF_EINVALID unless the zone and all calendars that the job names can be had. */
bf_err bf_recurrence_check_parts (bf_ledger *self, const bf_job_row *job, bf_error *error);

/* Writes the zone into the table, where it is not there. */
bf_err bf_zone_keep (bf_ledger *self, const char *name, bf_error *error);

/* zoned.c: brings `zoned` and `excluded` in line with the row that is being written, and
 * the zone into `zone`. Before bf_tags_follow, which forgets how the row was. */
bf_err bf_zoned_follow (bf_ledger *self, bf_job_row *job, bf_error *error);

/* The calendar of a name in a namespace: its number, 0 for none. */
bf_err bf_calendar_find (bf_ledger *self, uint32_t ns, const char *name, uint64_t *id,
                         bf_error *error);

/* A zone or a calendar was written: forgets what was made of it, now and where the batch or
 * the step is undone. */
void bf_recurrences_changed (bf_ledger *self);
/* Files have changed: what was read from them and is not in the table is forgotten. */
void bf_recurrences_forget (bf_ledger *self);

/* The batch is in; a step, or all of the batch, is undone. */
void bf_recurrences_keep (bf_ledger *self);
void bf_recurrences_undo (bf_ledger *self);

#endif
