/* SPDX-License-Identifier: MPL-2.0
 *
 * A ledger on a temporary directory with a clock that the test holds in its hand. Requests
 * are lines of text (tests/support/request.h), decoded and normalised as the gateway does.
 * Behind every commit the fixture checks what must always hold (ledger_check.c): counters,
 * the log and its chains, its fold against the tables, and that clock, dispatcher and retry
 * have heard what they must know. Whatever goes wrong fails the test.
 *
 *   ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5");
 *   ledger_pass (self, 5);
 *   ledger_fire (self, NULL);
 *   assert_string_equal (ledger_kinds (self), "run.fired");
 */
#ifndef BF_TESTS_LEDGER_H
#define BF_TESTS_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/time.h"
#include "core/timers.h"
#include "persist/ledger.h"

#include "belfry.pb-c.h"
#include "internal.pb-c.h"

#define LEDGER_EPOCH UINT64_C (0x1122334455667788)
/* 2026-01-01T00:00:00Z, and 1,000 s after the boot. */
#define LEDGER_WALL_US INT64_C (1767225600000000)
#define LEDGER_BOOT_US INT64_C (1000000000)

typedef struct ledger_model ledger_model;

typedef struct {
    char *directory;
    bf_ledger *ledger;
    bf_arena *arena;     /* what tests build and read: lives as long as the fixture */
    ledger_model *model; /* what the other actors have heard; ledger_check.c */
    bf_now now;
    const char *boot_id;
    const char *vfs;
    uint64_t answer_bytes;  /* bf_ledger_options; for the next ledger_reopen */
    bf_retention retention; /* the same */
    const char *zoneinfo;   /* the same; NULL: that of the machine */
    uint64_t calls;         /* the number of the last call */
    bool unchecked;         /* no check behind a commit: for bulk; ledger_check by hand */
    unsigned check_every;   /* commits from one check to the next; 0 for behind each */
    unsigned commits;       /* since the last check */
    bf_now back;            /* when the clock was back from its last absence */
    bool stepped_back;      /* the wall clock was, so that its times come again */
    sqlite3_stmt *reading;  /* ledger_query's, until ledger_query_end */
} ledger;

/* For cmocka: *state is a ledger that has recovered. */
int ledger_setup (void **state);
int ledger_teardown (void **state);

/* Closes and opens again, as a restart or, with `crash`, after a kill; then recovers. */
void ledger_reopen (ledger *self, bool crash);
/* Opens and recovers what is closed; on an error it stays closed. The others have not heard
 * of it yet. */
bf_err ledger_try_open (ledger *self, bf_error *error);

/* Both clocks go on; or so they do while the clock is away (asleep, or stopped); or the
 * wall clock alone is set, and forward that is an absence, too. As is a restart. */
void ledger_pass (ledger *self, int64_t us);
void ledger_away (ledger *self, int64_t us);
void ledger_set_wall (ledger *self, int64_t by_us);

/* --- batches ------------------------------------------------------------------------ */

/* A batch by hand; commit checks. What was said is valid until the next begin. */
void ledger_begin (ledger *self);
void ledger_commit (ledger *self);

/* Adds a call to the batch that was begun; returns its number. request_id is new for each
 * call unless the text sets one. */
uint64_t ledger_put (ledger *self, const char *text);
/* Adds any item of the batch; must be judged without an error. */
void ledger_give (ledger *self, const Belfry__Internal__StoreItem *item);
/* An item of which the text says the fields, as in "stepped.delta_us=5". */
Belfry__Internal__StoreItem *ledger_item (ledger *self, const char *text);
/* The item of a call, without judging it. */
Belfry__Internal__StoreItem *ledger_call_item (ledger *self, const char *text);

/* One item, or one call, in a batch of its own. */
void ledger_do_item (ledger *self, const char *text);
Belfry__V1__Reply *ledger_do (ledger *self, const char *text);
Belfry__V1__Reply *ledger_ok (ledger *self, const char *text);
Belfry__V1__Reply *ledger_refused (ledger *self, Belfry__V1__Code code, const char *text);
/* printf for request texts; in the arena. */
__attribute__ ((format (printf, 2, 3))) const char *ledger_text (ledger *self,
                                                                 const char *format, ...);
/* Fails unless the reply says this, as in request_expect. */
void ledger_expect (ledger *self, Belfry__V1__Reply *reply, const char *text);

/* --- what the other actors do ------------------------------------------------------- */

/* Every timer that is due by its row. Slots that came to be due before the clock was back
 * say when they were reached. */
size_t ledger_due (ledger *self, bf_timer **timers);
/* Proposes them all in one batch, each to the claim where there is one; returns how many.
 * With a claim, *claim's reply is ledger_reply of its call. */
size_t ledger_fire (ledger *self, Belfry__Internal__ClaimCall *claim);
/* The same, again and again with the time that late slots are paced by, until nothing is
 * due; then the clock has caught up. Returns how many. */
size_t ledger_catch_up (ledger *self);
/* Proposes these timers, due or not. */
void ledger_propose (ledger *self, const bf_timer *timers, size_t count,
                     Belfry__Internal__ClaimCall *claim);
/* That proposal, still to be given. */
Belfry__Internal__StoreItem *ledger_proposal (ledger *self, const bf_timer *timers,
                                              size_t count,
                                              Belfry__Internal__ClaimCall *claim);

/* "claim.types=mail": a claim as the dispatcher has it. */
Belfry__Internal__ClaimCall *ledger_claim (ledger *self, const char *text);
/* Proposes what is ready of the claim's queues, up to its max; NULL where nothing held. */
Belfry__V1__Reply *ledger_grant (ledger *self, Belfry__Internal__ClaimCall *claim);
Belfry__Internal__StoreItem *ledger_assignment (ledger *self,
                                                Belfry__Internal__ClaimCall *claim);
/* A claim of one run of this type in namespace default, which must be there: its token. */
const char *ledger_lease (ledger *self, const char *type);
/* Recall in a batch of its own: NULL where the claim is to be parked. */
Belfry__V1__Reply *ledger_recall (ledger *self, Belfry__Internal__ClaimCall *claim);
/* "256.1.1" ran out; or could not be delivered. */
void ledger_overdue (ledger *self, const char *token, bool run_timeout);
void ledger_returned (ledger *self, const char *token,
                      const Belfry__Internal__ClaimCall *claim);

/* Chores (commands by filter, pruning) until there are none to do now; how many slices. Or
 * one slice; false where there is none to do now. */
size_t ledger_tend (ledger *self);
bool ledger_slice (ledger *self);

/* --- ledger_said.c: what the last batch said
 * ------------------------------------------------------- */

/* The reply to a call; NULL where there was none. In the arena. */
Belfry__V1__Reply *ledger_reply (ledger *self, uint64_t call);
/* Whether the dispatcher was told of this claim that it is done. Not told: fails. */
bool ledger_resolved (ledger *self, uint64_t call);
/* Event kinds, in order, one space between. */
const char *ledger_kinds (ledger *self);
/* The last event of this kind; it must be there. */
Belfry__V1__Event *ledger_event (ledger *self, const char *kind);
/* Its fields for the feed alone. */
Belfry__V1__Event *ledger_extra (ledger *self, const char *kind);
/* One line per receiver: "arm:1:256.0@123 disarm:2:256.1 settled:5 reset", due times raw;
 * "queue:1:default/mail ready:1:256.1 resolved:3:1"; "opened:256.1.1 closed:256.1.1
 * flagged:256.1.1 settled:5". */
const char *ledger_to_clock (ledger *self);
const char *ledger_to_dispatcher (ledger *self);
const char *ledger_to_retry (ledger *self);

/* Texts and replies so far die; for long tests. */
void ledger_forget_texts (ledger *self);

/* A query of the tables, one at a time. A failed test leaves it to the teardown. */
sqlite3_stmt *ledger_query (ledger *self, const char *sql);
void ledger_query_end (ledger *self);
/* One number, one text of the tables; the text in the arena. */
int64_t ledger_number (ledger *self, const char *sql);
const char *ledger_string (ledger *self, const char *sql);

/* --- ledger_check.c ----------------------------------------------------------------- */

ledger_model *ledger_model_new (void);
void ledger_model_destroy (ledger_model **model_p);
/* Nobody remembers anything: a restart. */
void ledger_model_forget (ledger *self);
/* The other actors hear the outcome. */
void ledger_model_hear (ledger *self);
/* The clock gave these out; the dispatcher gave these away. */
void ledger_model_gave_timer (ledger *self, bf_timer timer);
void ledger_model_gave_ready (ledger *self, const Belfry__Internal__ReadyRun *ready);
/* What is new in the log is read, before it may be gone. */
void ledger_model_read (ledger *self);
/* Everything that must hold between two batches. */
void ledger_check (ledger *self);

#endif
