/* SPDX-License-Identifier: MPL-2.0
 *
 * bf_wall_parse and bf_span_parse: what is read and written is the same instant, the same
 * length, and is written the same once more; what is refused changes nothing.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "core/base/time.h"

/* Years 1 to 9999. */
#define FIRST_US (INT64_C (-62135596800) * BF_SECOND_US)
#define LAST_US (INT64_C (253402300800) * BF_SECOND_US - 1)

static void
check_wall (const char *text)
{
    bf_wall wall = {42};
    bf_error error = {0};
    if (bf_wall_parse (text, &wall, &error) != BF_OK) {
        FUZZ_CHECK (wall.us == 42 && error.code == BF_EINVALID && error.text[0] != '\0',
                    "refused: \"%s\"", text);
        return;
    }
    FUZZ_CHECK (wall.us >= FIRST_US && wall.us <= LAST_US, "%lld", (long long)wall.us);
    char first[BF_ISO_BYTES], second[BF_ISO_BYTES];
    bf_wall again = {0};
    bf_wall_format (wall, first);
    FUZZ_CHECK (bf_wall_parse (first, &again, &error) == BF_OK, "%s is refused", first);
    FUZZ_CHECK (again.us == wall.us, "%s became %s", text, first);
    FUZZ_CHECK (strcmp (bf_wall_format (again, second), first) == 0, "%s, %s", first,
                second);
}

static void
check_span (const char *text)
{
    bf_span span = {42};
    bf_error error = {0};
    if (bf_span_parse (text, &span, &error) != BF_OK) {
        FUZZ_CHECK (span.us == 42 && error.code == BF_EINVALID && error.text[0] != '\0',
                    "refused: \"%s\"", text);
        return;
    }
    FUZZ_CHECK (span.us >= 0, "\"%s\" is negative", text);
    char first[BF_SPAN_BYTES], second[BF_SPAN_BYTES];
    bf_span again = {0};
    bf_span_format (span, first);
    FUZZ_CHECK (bf_span_parse (first, &again, &error) == BF_OK, "%s is refused", first);
    FUZZ_CHECK (again.us == span.us, "%s became %s", text, first);
    FUZZ_CHECK (strcmp (bf_span_format (again, second), first) == 0, "%s, %s", first,
                second);
}

/* The first eight bytes as a number, too: what is written of any instant is read back. */
static void
check_number (const uint8_t *bytes)
{
    int64_t number;
    memcpy (&number, bytes, sizeof number);
    char text[BF_ISO_BYTES], span_text[BF_SPAN_BYTES];
    bf_wall wall = {0};
    bf_error error = {0};
    bf_wall_format ((bf_wall){number}, text);
    FUZZ_CHECK (bf_wall_parse (text, &wall, &error) == BF_OK, "%s", text);
    int64_t held = number < FIRST_US ? FIRST_US : number > LAST_US ? LAST_US : number;
    FUZZ_CHECK (wall.us == held, "%lld became %s", (long long)number, text);
    bf_span span = {0};
    bf_span_format ((bf_span){number}, span_text);
    if (number >= 0) {
        FUZZ_CHECK (bf_span_parse (span_text, &span, &error) == BF_OK && span.us == number,
                    "%lld became %s", (long long)number, span_text);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    char *text = fuzz_text (bytes, size);
    check_wall (text);
    check_span (text);
    if (size >= sizeof (int64_t)) {
        check_number (bytes);
    }
    free (text);
    return 0;
}
