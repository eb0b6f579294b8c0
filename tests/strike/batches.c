/* SPDX-License-Identifier: MPL-2.0
 *
 * Batches of the ledger under blows. One that was hit must end in DISK_FULL or NOMEM; it is
 * rolled back and played again, up to the next new place. What the test and its fixture
 * check behind every commit then holds, or something of the lost batch has stayed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "persist/ledger/private.h"
#include "tests/strike/strike.h"
#include "tests/support/cmocka.h"

/* What one batch may be made of. */
#define STEPS 20000

/* What was done to the ledger in this batch. item NULL: another call. */
typedef struct {
    bf_err (*call) (bf_ledger *ledger, bf_error *error);
    const Belfry__Internal__StoreItem *item;
} step_t;

static step_t steps[STEPS];
static size_t n_steps;
static bf_now begun;
static bool tending;
/* When the batch began: whose turn it was, and when pruning is due. It rests behind a slice
 * that found the disk full, which is not what the test is about. */
static size_t chore;
static bf_expiry expiry;

bf_err __real_bf_ledger_begin (bf_ledger *self, bf_now now, bf_error *error);
bf_err __wrap_bf_ledger_begin (bf_ledger *self, bf_now now, bf_error *error);
bf_err __real_bf_ledger_recover (bf_ledger *self, bf_error *error);
bf_err __wrap_bf_ledger_recover (bf_ledger *self, bf_error *error);
bf_err __real_bf_ledger_retire (bf_ledger *self, bf_error *error);
bf_err __wrap_bf_ledger_retire (bf_ledger *self, bf_error *error);
bf_err __real_bf_ledger_tend (bf_ledger *self, bf_error *error);
bf_err __wrap_bf_ledger_tend (bf_ledger *self, bf_error *error);
bf_err __real_bf_ledger_apply (bf_ledger *self, const Belfry__Internal__StoreItem *item,
                               bf_error *error);
bf_err __wrap_bf_ledger_apply (bf_ledger *self, const Belfry__Internal__StoreItem *item,
                               bf_error *error);
bf_err __real_bf_ledger_commit (bf_ledger *self, bf_error *error);
bf_err __wrap_bf_ledger_commit (bf_ledger *self, bf_error *error);
void __real_bf_ledger_rollback (bf_ledger *self);
void __wrap_bf_ledger_rollback (bf_ledger *self);

static bf_err
do_step (bf_ledger *self, const step_t *step, bf_error *error)
{
    return step->item ? __real_bf_ledger_apply (self, step->item, error)
                      : step->call (self, error);
}

/* A full disk would have the ledger refuse what the test wants done, where it is scarce;
 * and a backup would be given up. It has its blows in files.c. */
static void
arm (const bf_ledger *self, const Belfry__Internal__StoreItem *item)
{
    bool copies = self->backup != NULL;
    if (item && item->item_case == BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL) {
        copies |= item->call->request->command_case == BELFRY__V1__REQUEST__COMMAND_BACKUP;
    }
    unsigned spare = STRUCK_SYSTEM;
    if (bf_ledger_is_scarce (self)) {
        spare |= STRUCK_SQLITE;
    }
    if (copies) {
        spare |= STRUCK_SQLITE | STRUCK_MEMORY;
    }
    strike_arm (spare);
}

/* A call that there was no memory for is answered, and the batch goes on: whether that is
 * the last thing that the batch has to say. A slice of a command by filter only counts it.
 */
static bool
is_refused (const bf_ledger *self)
{
    const bf_list *answers = &bf_ledger_outcome (self)->gateway;
    if (answers->count == 0) {
        return tending && strike_struck == STRUCK_MEMORY;
    }
    const Belfry__Internal__GatewayItem *last = answers->items[answers->count - 1];
    Belfry__V1__Reply *reply =
        belfry__v1__reply__unpack (NULL, last->answer->reply.len, last->answer->reply.data);
    assert_non_null (reply);
    bool refused = reply->code == BELFRY__V1__CODE__CODE_LIMIT ||
                   reply->code == BELFRY__V1__CODE__CODE_INTERNAL ||
                   (reply->bulk != NULL && reply->bulk->n_refusals > 0);
    belfry__v1__reply__free_unpacked (reply, NULL);
    return strike_struck == STRUCK_MEMORY && (refused || tending);
}

/* What the batch said to the blow. */
static void
expect_loss (const bf_ledger *self, bf_err rc, const bf_error *error)
{
    bf_err expected = strike_struck == STRUCK_SQLITE ? BF_EDISKFULL : BF_ENOMEM;
    if (rc == BF_OK && is_refused (self)) {
        return;
    }
    if (rc != expected) {
        strike_tell ();
        fail_msg ("%s: %s", bf_err_name (rc), error ? error->text : "");
    }
    if (error) {
        assert_int_equal (error->code, rc);
        assert_true (error->text[0] != '\0');
    }
}

/* The batch from its beginning, up to where it was. Without memory the store would stop;
 * here it goes on. */
static void
play_again (bf_ledger *self)
{
    bf_error error = {0};
    strike_struck = STRUCK_NOT;
    __real_bf_ledger_rollback (self);
    self->failed = false;
    self->next_chore = chore;
    self->expiry = self->expiry_saved = expiry;
    assert_int_equal (__real_bf_ledger_begin (self, begun, &error), BF_OK);
    for (size_t i = 0; i < n_steps; i++) {
        assert_int_equal (do_step (self, &steps[i], &error), BF_OK);
    }
}

bf_err
__wrap_bf_ledger_begin (bf_ledger *self, bf_now now, bf_error *error)
{
    begun = now;
    chore = self->next_chore;
    expiry = self->expiry_saved;
    n_steps = 0;
    for (;;) {
        arm (self, NULL);
        bf_err rc = __real_bf_ledger_begin (self, now, error);
        strike_disarm ();
        if (strike_struck == STRUCK_NOT) {
            return rc;
        }
        expect_loss (self, rc, error);
        __real_bf_ledger_rollback (self);
        self->failed = false;
    }
}

/* One more step of the batch. A test may expect that it fails. */
static bf_err
add_step (bf_ledger *self, step_t step, bf_error *error)
{
    for (;;) {
        arm (self, step.item);
        bf_err rc = do_step (self, &step, error);
        strike_disarm ();
        if (strike_struck == STRUCK_NOT) {
            assert_true (n_steps < STEPS);
            steps[n_steps++] = step;
            return rc;
        }
        expect_loss (self, rc, error);
        play_again (self);
    }
}

bf_err
__wrap_bf_ledger_apply (bf_ledger *self, const Belfry__Internal__StoreItem *item,
                        bf_error *error)
{
    return add_step (self, (step_t){.item = item}, error);
}

bf_err
__wrap_bf_ledger_recover (bf_ledger *self, bf_error *error)
{
    return add_step (self, (step_t){.call = __real_bf_ledger_recover}, error);
}

bf_err
__wrap_bf_ledger_retire (bf_ledger *self, bf_error *error)
{
    return add_step (self, (step_t){.call = __real_bf_ledger_retire}, error);
}

bf_err
__wrap_bf_ledger_tend (bf_ledger *self, bf_error *error)
{
    tending = true;
    bf_err rc = add_step (self, (step_t){.call = __real_bf_ledger_tend}, error);
    tending = false;
    return rc;
}

bf_err
__wrap_bf_ledger_commit (bf_ledger *self, bf_error *error)
{
    for (;;) {
        arm (self, NULL);
        bf_err rc = __real_bf_ledger_commit (self, error);
        strike_disarm ();
        if (strike_struck == STRUCK_NOT) {
            return rc;
        }
        expect_loss (self, rc, error);
        play_again (self);
    }
}

void
__wrap_bf_ledger_rollback (bf_ledger *self)
{
    n_steps = 0;
    __real_bf_ledger_rollback (self);
}
