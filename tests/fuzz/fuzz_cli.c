/* SPDX-License-Identifier: MPL-2.0
 *
 * A line of `belfry batch`, which is a command line: words and quotes, verb, options, the
 * command that they make. What the command line accepts the daemon can read: it says OK, or
 * what is wrong in its own words, but never that the bytes make no sense.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "apps/belfry/command.h"
#include "apps/belfry/lines.h"
#include "apps/belfry/verbs.h"
#include "core/base/time.h"
#include "messages/codec.h"

static bf_arena *arena;

/* Words in quotes, as somebody careful would write them, are the same words. */
static void
check_quoted (const bf_cli_texts *words)
{
    size_t room = 1;
    for (size_t i = 0; i < words->count; i++) {
        room += 2 * strlen (words->items[i]) + 3;
    }
    char *line = malloc (room);
    FUZZ_CHECK (line != NULL, "no memory");
    char *to = line;
    for (size_t i = 0; i < words->count; i++) {
        *to++ = '"';
        for (const char *from = words->items[i]; *from != '\0'; from++) {
            if (*from == '"' || *from == '\\') {
                *to++ = '\\';
            }
            *to++ = *from;
        }
        *to++ = '"';
        *to++ = ' ';
    }
    *to = '\0';
    bf_cli_texts again = {0};
    bf_error error = {0};
    FUZZ_CHECK (bf_cli_line_split (line, &again, &error) == BF_OK, "%s", error.text);
    FUZZ_CHECK (again.count == words->count, "%zu words became %zu", words->count,
                again.count);
    for (size_t i = 0; i < words->count; i++) {
        FUZZ_CHECK (strcmp (again.items[i], words->items[i]) == 0, "\"%s\" became \"%s\"",
                    words->items[i], again.items[i]);
    }
    bf_cli_texts_clear (&again);
    free (line);
}

static void
check_command (bf_cli_command *command)
{
    Belfry__V1__Request *request = &command->request;
    request->version = 1;
    request->client = (char *)"c";
    request->request_id = (char *)"r";
    bf_arena_reset (arena);
    size_t size = 0;
    uint8_t *bytes = bf_pack (&request->base, arena, &size);
    FUZZ_CHECK (bytes != NULL, "no memory");
    Belfry__V1__Request *decoded = NULL;
    bf_error error = {0};
    bf_err rc = bf_request_decode (bytes, size, arena, &decoded, &error);
    FUZZ_CHECK (rc == BF_OK || rc == BF_EINVALID || rc == BF_ELIMIT || rc == BF_ETOOLARGE,
                "%s: %s", bf_err_name (rc), error.text);
    FUZZ_CHECK (rc != BF_OK || decoded->command_case == request->command_case,
                "another command came out");
}

/* --delays 1s,2s: as many as there are parts, each what it says. */
static void
check_spans (const char *text)
{
    bf_cli_spans spans = {0};
    const bf_cli_option options[] = {
        {.name = "delays", .value = "D", .help = "", .kind = BF_CLI_SPANS}, {0}};
    bf_cli_option_set set = {options, &spans};
    char *copy = fuzz_text (text, strlen (text));
    char name[] = "--delays";
    char *arguments[] = {name, copy};
    bf_cli_texts operands = {0};
    bf_error error = {0};
    int used = 0;
    bf_err rc =
        bf_cli_options_parse (&set, 1, 2, arguments, false, &operands, &used, &error);
    bool good = true;
    size_t count = 0;
    for (const char *at = text;; at++) {
        size_t size = strcspn (at, ",");
        char *part = fuzz_text (at, size);
        bf_span span = {0};
        good &= bf_span_parse (part, &span, &error) == BF_OK;
        FUZZ_CHECK (rc != BF_OK ||
                        (good && count < spans.count && spans.items[count] == span.us),
                    "\"%s\" is not what was taken of it", part);
        free (part);
        count++;
        at += size;
        if (*at == '\0') {
            break;
        }
    }
    FUZZ_CHECK ((rc == BF_OK) == good && (!good || spans.count == count), "\"%s\": %s",
                text, error.text);
    bf_cli_options_clear (&set);
    bf_cli_texts_clear (&operands);
    free (copy);
}

static void
read_command (const bf_cli_verb *verb, const bf_cli_texts *words)
{
    void *values = calloc (1, verb->values_bytes + 1);
    FUZZ_CHECK (values != NULL, "no memory");
    bf_cli shared = {0};
    bf_cli_option_set sets[] = {{verb->options, values}, {bf_cli_shared_options, &shared}};
    bf_cli_texts operands = {0};
    bf_cli_command command = {0};
    bf_error error = {0};
    int used = 0;
    int count = (int)words->count - 1;
    bf_err rc = bf_cli_options_parse (sets, 2, count, words->items + 1, false, &operands,
                                      &used, &error);
    FUZZ_CHECK (used >= 0 && used <= count && (rc != BF_OK || used == count), "%d of %d",
                used, count);
    if (rc == BF_OK) {
        rc = bf_cli_options_missing (&sets[0], &error);
    }
    if (rc == BF_OK) {
        rc = bf_cli_operands_check (verb, &operands, &error);
    }
    if (rc == BF_OK && verb->fill != NULL) {
        rc = verb->fill (&command, values, &operands, &error);
        if (rc == BF_OK) {
            check_command (&command);
        }
    }
    FUZZ_CHECK (rc == BF_OK || error.text[0] != '\0', "%s without a sentence",
                bf_err_name (rc));
    bf_cli_command_clear (&command);
    bf_cli_texts_clear (&operands);
    bf_cli_options_clear (&sets[0]);
    free (values);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    if (arena == NULL) {
        arena = bf_arena_new (2 * BF_DECODE_BYTES);
        FUZZ_CHECK (arena != NULL && freopen ("/dev/null", "r", stdin) != NULL,
                    "no memory, or no /dev/null");
    }
    char *line = fuzz_text (bytes, size);
    check_spans (line);
    for (char *at = line; *at != '\0'; at++) {
        if (*at == '@') {
            *at = 'a'; /* @FILE could be any file of this machine */
        }
    }
    bf_cli_texts words = {0};
    bf_error error = {0};
    if (bf_cli_line_split (line, &words, &error) == BF_OK) {
        check_quoted (&words);
        const bf_cli_verb *verb =
            words.count > 0 ? bf_cli_verb_find (words.items[0]) : NULL;
        if (verb != NULL) {
            read_command (verb, &words);
        } else if (words.count > 0) {
            bf_cli_verb_unknown (words.items[0], &error);
            FUZZ_CHECK (error.text[0] != '\0', "no sentence");
        }
    } else {
        FUZZ_CHECK (error.text[0] != '\0', "no sentence");
    }
    bf_cli_texts_clear (&words);
    free (line);
    return 0;
}
