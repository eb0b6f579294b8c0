/* SPDX-License-Identifier: MPL-2.0
 *
 * The loops over the tables.
 */
#include "tests/support/codec_rows.h"

#include <string.h>

#include "messages/codec.h"
#include "tests/support/cmocka.h"
#include "tests/support/request.h"

void
codec_complete_jobs (bf_arena *arena, Belfry__V1__Request *request)
{
    if (request->command_case != BELFRY__V1__REQUEST__COMMAND_SCHEDULE) {
        return;
    }
    for (size_t i = 0; i < request->schedule->n_jobs; i++) {
        Belfry__V1__JobSpec *spec = request->schedule->jobs[i];
        if (spec->type[0] == '\0' && spec->trigger_case == 0) {
            request_fill (&spec->base, arena, "type=t after_us=1");
        }
    }
}

static bf_err
decode (bf_arena *arena, Belfry__V1__Request *sent, Belfry__V1__Request **request,
        bf_error *error)
{
    size_t size;
    uint8_t *bytes = bf_pack (&sent->base, arena, &size);
    assert_non_null (bytes);
    return bf_request_decode (bytes, size, arena, request, error);
}

bf_err
codec_decode (bf_arena *arena, const char *text, Belfry__V1__Request **request,
              bf_error *error)
{
    return decode (arena, request_make (arena, text), request, error);
}

void
codec_expect_refused (bf_arena *arena, const codec_refused *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bf_arena_reset (arena);
        Belfry__V1__Request *request = NULL;
        bf_error error = {0};
        bf_err rc = codec_decode (arena, rows[i].request, &request, &error);
        if (rc != rows[i].code || error.code != rc ||
            strstr (error.text, rows[i].sentence) == NULL) {
            fail_msg ("'%s' gave %s '%s', expected %s '%s'", rows[i].request,
                      bf_err_name (rc), error.text, bf_err_name (rows[i].code),
                      rows[i].sentence);
        }
        assert_non_null (request);
        assert_int_equal (request->command_case, BELFRY__V1__REQUEST__COMMAND__NOT_SET);
    }
}

void
codec_expect_accepted (bf_arena *arena, const codec_accepted *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bf_arena_reset (arena);
        Belfry__V1__Request *sent = request_make (arena, rows[i].request);
        codec_complete_jobs (arena, sent);
        Belfry__V1__Request *request = NULL;
        bf_error error = {0};
        if (decode (arena, sent, &request, &error) != BF_OK) {
            fail_msg ("'%s' was refused: %s", rows[i].request, error.text);
        }
        request_expect (&request->base, arena, rows[i].inside);

        /* Once more changes nothing. */
        uint64_t before = bf_request_fingerprint (request, arena);
        assert_int_equal (bf_request_normalise (request, arena, &error), BF_OK);
        assert_true (bf_request_fingerprint (request, arena) == before);
    }
}
