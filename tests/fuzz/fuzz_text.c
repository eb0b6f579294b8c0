/* SPDX-License-Identifier: MPL-2.0
 *
 * UTF-8, read by the daemon (messages/text.c) and by `belfry` (apps/belfry/utf8.c), which
 * must agree; and the small texts that both compare: names, kinds of events, words of
 * enums.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "apps/belfry/text.h"
#include "apps/belfry/utf8.h"
#include "apps/belfry/words.h"
#include "core/event.h"
#include "messages/codec.h"
#include "messages/text.h"

#include "belfry.pb-c.h"

/* Bytes before what is no character. */
static size_t
readable (const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    uint32_t character = 0;
    for (size_t used; (used = bf_cli_utf8_next (bytes + at, size - at, &character)) > 0;) {
        at += used;
    }
    return at;
}

static void
check_utf8 (const uint8_t *bytes, size_t size)
{
    const char *text = (const char *)bytes;
    size_t flaw = bf_text_flaw (text, size, BF_CONTROL_ALLOWED);
    FUZZ_CHECK (flaw == readable (bytes, size), "flaws at %zu and at %zu", flaw,
                readable (bytes, size));
    size_t strict = bf_text_flaw (text, size, BF_CONTROL_REFUSED);
    FUZZ_CHECK (strict <= flaw, "a flaw is forgiven");
    bool printable = bf_cli_utf8_is_printable (bytes, size);
    FUZZ_CHECK (!printable || strict == size, "what is refused is printed");
    FUZZ_CHECK (!printable || bf_cli_utf8_is_text (bytes, size), "printable, but no text");
    for (size_t most = 0; flaw == size && most < size && most < 12; most++) {
        size_t cut = bf_text_cut (text, size, most);
        FUZZ_CHECK (cut <= most && most - cut < 4, "cut at %zu of %zu", cut, most);
        FUZZ_CHECK (bf_text_flaw (text, cut, BF_CONTROL_ALLOWED) == cut,
                    "cut in the middle of a character");
    }
}

static void
check_names (const char *text)
{
    size_t size = strlen (text);
    bool name = bf_name_is_valid (text);
    FUZZ_CHECK (!name || (size >= 1 && size <= 64), "%s", text);
    FUZZ_CHECK (!name || bf_text_is_valid (text, 64), "a name that is no text: %s", text);
    bf_event_kind kind = bf_event_find (text);
    FUZZ_CHECK (kind == 0 || strcmp (bf_event_name (kind), text) == 0, "%s", text);
    int state = 0;
    char word[BF_CLI_WORD_BYTES];
    if (bf_cli_word_find (&belfry__v1__run_state__descriptor, text, &state)) {
        FUZZ_CHECK (state > 0, "%s is %d", text, state);
        bf_cli_word (&belfry__v1__run_state__descriptor, state, word);
        FUZZ_CHECK (strlen (word) == size, "%s is %s", text, word);
    }
    bf_cli_nearest nearest = {.word = text};
    bf_cli_nearest_offer (&nearest, "schedule");
    bf_cli_nearest_offer (&nearest, "claim");
    FUZZ_CHECK (nearest.best == NULL || nearest.distance <= 3, "%s", text);
}

/* No byte of it reaches the terminal as it is, unless it may. */
static void
check_printed (const char *text, const uint8_t *bytes, size_t size)
{
    char *printed = NULL;
    size_t length = 0;
    FILE *out = open_memstream (&printed, &length);
    FUZZ_CHECK (out != NULL, "no memory");
    size_t width = bf_cli_text_put (out, text);
    bf_cli_payload_put (out, bytes, size);
    fclose (out);
    FUZZ_CHECK (bf_cli_utf8_is_printable ((uint8_t *)printed, length), "%s", printed);
    FUZZ_CHECK (width <= strlen (text), "%zu wide", width);
    free (printed);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    char *text = fuzz_text (bytes, size);
    check_utf8 (bytes, size);
    check_names (text);
    check_printed (text, bytes, size);
    free (text);
    return 0;
}
