/* SPDX-License-Identifier: MPL-2.0
 *
 * Answers: kept as numbers under (client, request_id), and shown as Replies from the rows
 * as they are. A first answer and its repeat take the same way, so they cannot differ in
 * shape.
 */
#ifndef BF_LEDGER_ANSWERS_H
#define BF_LEDGER_ANSWERS_H

#include "persist/ledger/private.h"

/* How long an answer is kept, bytes permitting: in the boot scale, so that nobody who sets
 * the wall clock makes a request new again. */
#define BF_ANSWER_AGE_US BF_DAY_US
#define BF_ANSWER_BYTES_DEFAULT ((uint64_t)256 * 1024 * 1024)
/* What a row costs beside client, request_id and body: id, time, fingerprint, and its index
 * entry. */
#define BF_ANSWER_ROW_BYTES 48

/* Who is to be answered. */
typedef struct {
    uint64_t call;
    const char *client;
    const char *request_id;
} bf_caller;

/* *found: this request was answered before; *answer is that, and bf_answer_clear frees it.
 */
bf_err bf_answer_find (bf_ledger *self, bf_caller caller, bool *found,
                       uint64_t *fingerprint, bf_answer *answer, bf_error *error);
bf_err bf_answer_store (bf_ledger *self, bf_caller caller, uint64_t fingerprint,
                        const bf_answer *answer, bf_error *error);
/* Forgets an answer that was never received. */
bf_err bf_answer_forget (bf_ledger *self, const char *client, const char *request_id,
                         bf_error *error);
/* Drops a few of the oldest that are over age or over the bytes: more than a batch brings,
 * so that the table shrinks back; called once per commit that stored some. */
bf_err bf_answer_prune (bf_ledger *self, bf_error *error);

/* Frees what an answer collected; or only what the items of a Batch did. */
void bf_answer_clear (bf_answer *answer);
void bf_answer_forget_items (bf_answer *answer);

/* Appends to an answer: a job, with those of its runs that a worker has (*stored, which may
 * be NULL, is it); an ordinal to such a job's `out`; a run. */
bf_err bf_answer_add_job (bf_ledger *self, bf_answer *answer, const bf_job_row *job,
                          int outcome, Belfry__Internal__StoredJob **stored,
                          bf_error *error);
bf_err bf_stored_job_out (bf_ledger *self, Belfry__Internal__StoredJob *stored,
                          uint32_t ordinal, bf_error *error);
bf_err bf_answer_add_run (bf_ledger *self, bf_answer *answer, bf_token token,
                          bf_error *error);

/* Reads the objects again, packs the Reply, and hands it to the gateway. */
bf_err bf_answer_send (bf_ledger *self, bf_caller caller, const bf_answer *answer,
                       bool repeated, bf_error *error);
/* The answer once more, or, where the request is not the same, BF_EREUSED. */
bf_err bf_answer_repeat (bf_ledger *self, bf_caller caller, const bf_answer *answer,
                         bool same, bf_error *error);
/* A Reply that is ready but for request_id and, where 0, seq. */
bf_err bf_reply_send (bf_ledger *self, bf_caller caller, Belfry__V1__Reply *reply,
                      const bf_answer *leases, bf_error *error);
/* A refusal that is not stored. */
bf_err bf_refusal_send (bf_ledger *self, bf_caller caller, const bf_error *refusal,
                        bf_error *error);

#endif
