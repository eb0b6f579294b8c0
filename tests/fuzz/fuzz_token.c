/* SPDX-License-Identifier: MPL-2.0
 *
 * bf_token_parse, bf_run_id_parse and bf_cli_number_parse: of tokens and run ids there is
 * exactly one spelling, so what is accepted is what is written; what is refused changes
 * nothing.
 */
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>
#include <string.h>

#include "apps/belfry/options.h"
#include "core/token.h"

static const bf_token untouched = {7, 8, 9};

static bool
is_untouched (bf_token token)
{
    return token.job == untouched.job && token.ordinal == untouched.ordinal &&
           token.attempt == untouched.attempt;
}

static void
check_token (const char *text)
{
    bf_token token = untouched;
    char buffer[BF_TOKEN_BYTES];
    if (bf_token_parse (text, &token) != BF_OK) {
        FUZZ_CHECK (is_untouched (token), "refused: \"%s\"", text);
        return;
    }
    FUZZ_CHECK (token.job > 0 && token.ordinal > 0 && token.attempt > 0, "\"%s\"", text);
    FUZZ_CHECK (strcmp (bf_token_format (token, buffer), text) == 0, "\"%s\" is \"%s\"",
                text, buffer);
}

static void
check_run_id (const char *text)
{
    bf_token run = untouched;
    char buffer[BF_TOKEN_BYTES];
    if (bf_run_id_parse (text, &run) != BF_OK) {
        FUZZ_CHECK (is_untouched (run), "refused: \"%s\"", text);
        return;
    }
    FUZZ_CHECK (run.job > 0 && run.attempt == 0, "\"%s\"", text);
    if (run.ordinal == 0) {
        snprintf (buffer, sizeof buffer, "%" PRIu64, run.job);
    } else {
        bf_token_format (run, buffer);
    }
    FUZZ_CHECK (strcmp (buffer, text) == 0, "\"%s\" is \"%s\"", text, buffer);
}

static void
check_number (const char *text)
{
    uint64_t number = 42;
    char buffer[32];
    if (!bf_cli_number_parse (text, &number)) {
        FUZZ_CHECK (number == 42, "refused: \"%s\"", text);
        return;
    }
    snprintf (buffer, sizeof buffer, "%" PRIu64, number);
    size_t zeros = strspn (text, "0");
    const char *digits = text[zeros] == '\0' ? text + zeros - 1 : text + zeros;
    FUZZ_CHECK (strcmp (buffer, digits) == 0, "\"%s\" is \"%s\"", text, buffer);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    char *text = fuzz_text (bytes, size);
    check_token (text);
    check_run_id (text);
    check_number (text);
    free (text);
    return 0;
}
