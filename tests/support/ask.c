/* SPDX-License-Identifier: MPL-2.0
 *
 * Calls of a peer as lines of text; see ask.h.
 */
#include "tests/support/ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"
#include "tests/support/cmocka.h"
#include "tests/support/request.h"

/* One request, its strings and its text. */
#define ARENA_BYTES (4 * 1024 * 1024)

static Belfry__V1__Request *
make (bf_arena *arena, const char *text)
{
    Belfry__V1__Request *request = bf_arena_alloc (arena, sizeof *request);
    assert_non_null (request);
    belfry__v1__request__init (request);
    request_fill (&request->base, arena, text);
    return request;
}

static bf_arena *
new_arena (void)
{
    bf_arena *arena = bf_arena_new (ARENA_BYTES);
    assert_non_null (arena);
    return arena;
}

uint8_t *
ask_pack (const char *client, const char *request_id, const char *text, size_t *size)
{
    bf_arena *arena = new_arena ();
    Belfry__V1__Request *request = make (arena, text);
    request->version = 1;
    if (client && !*request->client) {
        request->client = (char *)(uintptr_t)client;
    }
    if (request_id && !*request->request_id) {
        request->request_id = (char *)(uintptr_t)request_id;
    }
    *size = belfry__v1__request__get_packed_size (request);
    uint8_t *bytes = malloc (*size + 1);
    assert_non_null (bytes);
    belfry__v1__request__pack (request, bytes);
    bf_arena_destroy (&arena);
    return bytes;
}

__attribute__ ((format (printf, 1, 0))) static char *
print (const char *format, va_list arguments)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream (&text, &size);
    assert_non_null (stream);
    assert_true (vfprintf (stream, format, arguments) >= 0);
    assert_int_equal (fclose (stream), 0);
    return text;
}

/* Prints the format's arguments into `text`. */
#define PRINT(text, format)                        \
    va_list arguments_##text;                      \
    va_start (arguments_##text, format);           \
    char *text = print (format, arguments_##text); \
    va_end (arguments_##text)

void
ask_send (peer *self, const char *format, ...)
{
    PRINT (text, format);
    bf_arena *arena = new_arena ();
    peer_send (self, make (arena, text));
    bf_arena_destroy (&arena);
    free (text);
}

static Belfry__V1__Reply *
call (peer *self, const char *text)
{
    bf_arena *arena = new_arena ();
    Belfry__V1__Reply *reply = peer_call (self, make (arena, text));
    bf_arena_destroy (&arena);
    return reply;
}

Belfry__V1__Reply *
ask (peer *self, const char *format, ...)
{
    PRINT (text, format);
    Belfry__V1__Reply *reply = call (self, text);
    free (text);
    return reply;
}

static Belfry__V1__Reply *
call_for (peer *self, Belfry__V1__Code code, const char *text)
{
    Belfry__V1__Reply *reply = call (self, text);
    if (reply->code != code) {
        print_error ("%.300s\n-> code %d instead of %d: %s\n", text, (int)reply->code,
                     (int)code, reply->text);
        rig_fail (self->owner, "a call was answered with another code");
    }
    return reply;
}

Belfry__V1__Reply *
ask_for (peer *self, Belfry__V1__Code code, const char *format, ...)
{
    PRINT (text, format);
    Belfry__V1__Reply *reply = call_for (self, code, text);
    free (text);
    return reply;
}

void
ask_ok (peer *self, const char *format, ...)
{
    PRINT (text, format);
    reply_free (call_for (self, BELFRY__V1__CODE__CODE_OK, text));
    free (text);
}

uint64_t
ask_job (peer *self, const char *format, ...)
{
    PRINT (text, format);
    Belfry__V1__Reply *reply = call_for (self, BELFRY__V1__CODE__CODE_OK, text);
    free (text);
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT_JOBS);
    uint64_t id = reply->jobs->items[0]->job->id;
    reply_free (reply);
    return id;
}

char *
ask_lease (peer *self, const char *type)
{
    Belfry__V1__Reply *reply =
        ask_for (self, BELFRY__V1__CODE__CODE_OK, "claim.types=%s claim.wait_us=%" PRId64,
                 type, RIG_DEADLINE_MS * BF_MS_US);
    if (reply->claim->n_leases != 1) {
        rig_fail (self->owner, "there was nothing to claim");
    }
    char *token = strdup (reply->claim->leases[0]->token);
    assert_non_null (token);
    reply_free (reply);
    return token;
}

Belfry__V1__Reply *
ask_status (peer *self)
{
    return ask_for (self, BELFRY__V1__CODE__CODE_OK, "status");
}

void
reply_free (Belfry__V1__Reply *reply)
{
    if (reply) {
        belfry__v1__reply__free_unpacked (reply, NULL);
    }
}
