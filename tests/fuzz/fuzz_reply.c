/* SPDX-License-Identifier: MPL-2.0
 *
 * Replies in the C client: every function of belfry.h that reads one, behind a peer that
 * answers what the input says. What comes out is a code that belfry.h has, with a text
 * where it is an error. The heartbeat thread is left out (its replies come through the same
 * bf_link_receive): there is one thread here.
 */
#include <string.h>

#include "clients/c/belfry_wire.h"
#include "clients/c/client.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/wire.h"

/* --- instead of beat.c -------------------------------------------------------------- */

struct bf_beat {
    char token[BF_CLIENT_TOKEN_BYTES];
};

int
bf_beat_start (bf_beat **beat_p, const belfry *self, bf_link *link)
{
    (void)self;
    (void)link;
    *beat_p = calloc (1, sizeof **beat_p);
    return *beat_p != NULL ? BELFRY_OK : BELFRY_NO_MEMORY;
}

void
bf_beat_hold (bf_beat *beat, const char *token, int64_t lease_us)
{
    (void)lease_us;
    snprintf (beat->token, sizeof beat->token, "%s", token);
}

void
bf_beat_release (bf_beat *beat)
{
    beat->token[0] = '\0';
}

bool
bf_beat_cancelled (const bf_beat *beat)
{
    (void)beat;
    return false;
}

void
bf_beat_stop (bf_beat **beat_p)
{
    free (*beat_p);
    *beat_p = NULL;
}

/* --- what reads a reply ------------------------------------------------------------- */

/* Reads every byte of it, so that what is not there is found out. */
static void
read_text (const char *text)
{
    volatile size_t length = text != NULL ? strlen (text) : 0;
    (void)length;
}

static void
read_bytes (const void *bytes, size_t size)
{
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
    }
}

static int
handle_run (belfry_run *run, void *context)
{
    int *runs = context;
    FUZZ_CHECK (run->token != NULL && run->id != NULL && run->type != NULL &&
                    run->ns != NULL && run->key != NULL && run->content_type != NULL,
                "a run without its texts");
    read_text (run->token);
    read_text (run->id);
    read_text (run->type);
    read_text (run->key);
    read_bytes (run->payload, run->payload_size);
    FUZZ_CHECK (belfry_run_message (run) != NULL, "a run without its message");
    switch (++*runs % 4) {
    case 0:
        return belfry_run_fail (run, "no", true);
    case 1:
        belfry_run_result (run, "done", 4);
        return 0;
    case 2:
        return belfry_run_snooze (run, 1000, "later");
    default:
        return 7;
    }
}

static int
work (belfry *self)
{
    static const char *const types[] = {"mail", NULL};
    int runs = 0;
    belfry_work_options options = {.types = types, .limit = 3};
    return belfry_work (self, &options, handle_run, &runs);
}

static int
get (belfry *self)
{
    belfry_job_info *info = NULL;
    int rc = belfry_get (self, (belfry_ref){.id = 256}, &info);
    FUZZ_CHECK ((rc == BELFRY_OK) == (info != NULL), "%d", rc);
    if (info == NULL) {
        return rc;
    }
    read_text (info->ns);
    read_text (info->key);
    read_text (info->type);
    read_text (info->content_type);
    read_bytes (info->payload, info->payload_size);
    for (size_t i = 0; i < info->runs_size; i++) {
        read_text (info->runs[i].id);
        read_text (info->runs[i].worker);
        read_text (info->runs[i].reason);
        read_bytes (info->runs[i].result, info->runs[i].result_size);
    }
    belfry_job_info_free (&info);
    return rc;
}

static void
hear_progress (const belfry_bulk_result *so_far, void *context)
{
    (void)context;
    FUZZ_CHECK (!so_far->done, "what is done goes on");
}

static int
bulk (belfry *self)
{
    belfry_bulk_result result;
    belfry_bulk_command command = {
        .verb = BELFRY_BULK_CANCEL, .filter = {.all = true}, .progress = hear_progress};
    int rc = belfry_bulk (self, &command, &result);
    for (size_t i = 0; i < result.refusals_count; i++) {
        read_text (result.refusals[i].text);
    }
    return rc;
}

static int
batch (belfry *self)
{
    belfry_batch *commands = NULL;
    belfry_batch_answer answers[3];
    size_t failed = 0;
    const belfry_job job = {.type = "mail", .after_us = 1};
    FUZZ_CHECK (belfry_batch_begin (self, &commands) == BELFRY_OK, "no memory");
    belfry_batch_schedule (commands, &job);
    belfry_batch_complete (commands, "256.1.1", "x", 1);
    belfry_batch_cancel (commands, (belfry_ref){.id = 256}, "because");
    int rc = belfry_batch_commit (&commands, answers, &failed);
    if (rc == BELFRY_OK) {
        for (size_t i = 0; i < 3; i++) {
            read_text (answers[i].run.id);
        }
    }
    return rc;
}

static int
schedule (belfry *self)
{
    const belfry_job jobs[2] = {{.type = "mail", .after_us = 1}, {.type = "x", .at_us = 5}};
    belfry_answer answers[2];
    return belfry_schedule_many (self, jobs, 2, answers);
}

static int
confirm (belfry *self)
{
    belfry_answer answer;
    return belfry_confirm (self, (belfry_ref){.key = "k"}, true, &answer);
}

static int
trigger (belfry *self)
{
    belfry_run_answer answer = {0};
    int rc = belfry_trigger (self, (belfry_ref){.id = 256}, &answer);
    FUZZ_CHECK (memchr (answer.id, '\0', sizeof answer.id) != NULL, "an id without end");
    return rc;
}

static int
redrive (belfry *self)
{
    belfry_run_answer answer;
    return belfry_redrive (self, "256.1", &answer);
}

static int
claim (belfry *self)
{
    char *types[] = {(char *)"mail"};
    Belfry__V1__Claim message = BELFRY__V1__CLAIM__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    Belfry__V1__Reply *reply = NULL;
    message.types = types;
    message.n_types = 1;
    message.wait_us = 1000000;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CLAIM;
    request.claim = &message;
    int rc = belfry_call (self, &request, &reply);
    FUZZ_CHECK ((rc == BELFRY_OK) == (reply != NULL), "%d", rc);
    if (reply != NULL) {
        rc = belfry_reply_error (self, reply);
        belfry_reply_free (&reply);
    }
    return rc;
}

static int (*const readers[]) (belfry *self) = {
    work, get, bulk, batch, schedule, confirm, trigger, redrive, claim,
};

/* One byte says who reads; the rest is the wire's. Structure is changed in the first reply:
 * its message stands behind that byte, its control byte and its length. */
enum { HEAD = 4 };

size_t
LLVMFuzzerCustomMutator (uint8_t *bytes, size_t size, size_t room, unsigned seed)
{
    size_t first = size > HEAD ? bytes[2] | (size_t)bytes[3] << 8 : 0;
    if (size <= HEAD || room <= HEAD || first > size - HEAD || seed % 4 == 0) {
        return LLVMFuzzerMutate (bytes, size, room);
    }
    size_t rest = size - HEAD - first;
    uint8_t *copy = (uint8_t *)fuzz_text (bytes + HEAD + first, rest);
    size_t most = room - HEAD - rest;
    first = fuzz_mutate (&belfry__v1__reply__descriptor, bytes + HEAD, first,
                         most < 65535 ? most : 65535, seed / 4);
    bytes[2] = (uint8_t)first;
    bytes[3] = (uint8_t)(first >> 8);
    memcpy (bytes + HEAD + first, copy, rest);
    free (copy);
    return HEAD + first + rest;
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    fuzz_input input = {bytes, size};
    size_t reader = fuzz_byte (&input) % (sizeof readers / sizeof readers[0]);
    belfry *self = wire_open (input.at, input.size);
    int rc = readers[reader](self);
    FUZZ_CHECK (rc <= 0 && strcmp (belfry_error_name (rc), "UNKNOWN") != 0, "%d", rc);
    FUZZ_CHECK (rc == BELFRY_OK || belfry_error_text (self)[0] != '\0', "%d has no text",
                rc);
    wire_close (&self);
    return 0;
}
