/* SPDX-License-Identifier: MPL-2.0
 *
 * What `belfry` prints of a Reply or an Event that others wrote: one line of JSON that
 * parses, and text, in which no byte can reach a terminal that it would obey. The first
 * byte says what the others are.
 */
#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <string.h>

#include "apps/belfry/command.h"
#include "apps/belfry/json.h"
#include "apps/belfry/show.h"
#include "apps/belfry/utf8.h"
#include "messages/text.h"
#include "tests/fuzz/mutate.h"

#define NOW_US INT64_C (1767225600000000)

static const ProtobufCMessageDescriptor *
descriptor_of (uint8_t kind)
{
    return (kind & 1) != 0 ? &belfry__v1__event__descriptor
                           : &belfry__v1__reply__descriptor;
}

size_t
LLVMFuzzerCustomMutator (uint8_t *bytes, size_t size, size_t room, unsigned seed)
{
    if (size < 2 || room < 2) {
        return LLVMFuzzerMutate (bytes, size, room);
    }
    return 1 + fuzz_mutate (descriptor_of (bytes[0]), bytes + 1, size - 1, room - 1, seed);
}

/* --- a reader of JSON, RFC 8259 ------------------------------------------------------ */

static bool read_value (const char **at);

static void
skip_one (const char **at)
{
    *at += 1;
}

static bool
read_string (const char **at)
{
    if (**at != '"') {
        return false;
    }
    skip_one (at);
    while (**at != '"') {
        if ((unsigned char)**at < 0x20) {
            return false;
        }
        if (**at == '\\') {
            skip_one (at);
            if (**at == 'u') {
                for (int i = 0; i < 4; i++) {
                    skip_one (at);
                    if (!isxdigit ((unsigned char)**at)) {
                        return false;
                    }
                }
            } else if (**at == '\0' || strchr ("\"\\/bfnrt", **at) == NULL) {
                return false;
            }
        }
        skip_one (at);
    }
    skip_one (at);
    return true;
}

/* The inside of an object or of an array, and its end. */
static bool
read_items (const char **at, bool object)
{
    char end = object ? '}' : ']';
    skip_one (at);
    if (**at == end) {
        skip_one (at);
        return true;
    }
    for (;;) {
        if (object) {
            if (!read_string (at) || **at != ':') {
                return false;
            }
            skip_one (at);
        }
        if (!read_value (at)) {
            return false;
        }
        bool last = **at == end;
        if (!last && **at != ',') {
            return false;
        }
        skip_one (at);
        if (last) {
            return true;
        }
    }
}

static bool
read_word (const char **at, const char *word)
{
    size_t size = strlen (word);
    if (strncmp (*at, word, size) != 0) {
        return false;
    }
    *at += size;
    return true;
}

static bool
read_value (const char **at)
{
    if (**at == '{' || **at == '[') {
        return read_items (at, **at == '{');
    }
    if (**at == '"') {
        return read_string (at);
    }
    if (read_word (at, "null") || read_word (at, "true") || read_word (at, "false")) {
        return true;
    }
    size_t sign = **at == '-';
    size_t digits = strspn (*at + sign, "0123456789");
    bool number = digits > 0 && (digits == 1 || (*at)[sign] != '0');
    *at += sign + digits;
    return number;
}

/* --- what is printed ----------------------------------------------------------------- */

static void
check_safe (const char *what, const char *text, size_t size)
{
    FUZZ_CHECK (strlen (text) == size, "%s: a NUL", what);
    FUZZ_CHECK (bf_text_flaw (text, size, BF_CONTROL_ALLOWED) == size, "%s: no UTF-8: %s",
                what, text);
    for (size_t at = 0; at < size;) {
        uint32_t character = 0;
        size_t used = bf_cli_utf8_next ((const uint8_t *)text + at, size - at, &character);
        FUZZ_CHECK (used > 0, "%s: two readers of UTF-8 disagree", what);
        FUZZ_CHECK (character == '\n' || !bf_cli_utf8_is_control (character), "%s: U+%04X",
                    what, (unsigned)character);
        at += used;
    }
}

static void
check_json (const ProtobufCMessage *message)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    FUZZ_CHECK (out != NULL, "no memory");
    bf_cli_json_print (out, message);
    fclose (out);
    check_safe ("json", text, size);
    const char *at = text;
    FUZZ_CHECK (read_value (&at) && strcmp (at, "\n") == 0, "no JSON at %.40s\nof %s", at,
                text);
    FUZZ_CHECK (strchr (text, '\n') == text + size - 1, "more than one line");
    free (text);
}

static void
show_jobs (FILE *out, const Belfry__V1__JobsReply *jobs)
{
    for (size_t i = 0; i < jobs->n_items; i++) {
        bf_cli_show_item (out, jobs->items[i], NOW_US);
    }
}

static void
show_list (FILE *out, const Belfry__V1__ListReply *list)
{
    bf_cli_table table = bf_cli_jobs_table ();
    for (size_t i = 0; i < list->n_jobs; i++) {
        bf_cli_jobs_row (&table, list->jobs[i], NOW_US);
    }
    FUZZ_CHECK (bf_cli_table_print (&table, out), "no memory");
}

static void
show_runs (FILE *out, Belfry__V1__Run *const *runs, size_t count)
{
    bf_cli_table table = bf_cli_runs_table ();
    for (size_t i = 0; i < count; i++) {
        bf_cli_show_run (out, runs[i], NOW_US);
        bf_cli_runs_row (&table, runs[i]);
    }
    FUZZ_CHECK (bf_cli_table_print (&table, out), "no memory");
}

static void
show_reply (FILE *out, const Belfry__V1__Reply *reply)
{
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    switch (reply->result_case) {
    case BELFRY__V1__REPLY__RESULT_JOBS:
        show_jobs (out, reply->jobs);
        break;
    case BELFRY__V1__REPLY__RESULT_RUNS:
        show_runs (out, reply->runs->runs, reply->runs->n_runs);
        break;
    case BELFRY__V1__REPLY__RESULT_GET:
        if (reply->get->job != NULL) {
            bf_cli_show_job (out, reply->get->job, NOW_US);
        }
        show_runs (out, reply->get->runs, reply->get->n_runs);
        break;
    case BELFRY__V1__REPLY__RESULT_LIST:
        show_list (out, reply->list);
        break;
    case BELFRY__V1__REPLY__RESULT_EVENTS:
        for (size_t i = 0; i < reply->events->n_events; i++) {
            bf_cli_show_event (out, reply->events->events[i]);
        }
        break;
    case BELFRY__V1__REPLY__RESULT_BULK:
        request.command_case = BELFRY__V1__REQUEST__COMMAND_CANCEL;
        bf_cli_show_bulk (out, out, &request, reply->bulk);
        break;
    default:
        break;
    }
}

static void
check_text (const ProtobufCMessage *message)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    FUZZ_CHECK (out != NULL, "no memory");
    if (message->descriptor == &belfry__v1__event__descriptor) {
        bf_cli_show_event (out, (const Belfry__V1__Event *)message);
    } else {
        show_reply (out, (const Belfry__V1__Reply *)message);
    }
    fclose (out);
    check_safe ("text", text, size);
    free (text);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    fuzz_input input = {bytes, size};
    const ProtobufCMessageDescriptor *descriptor = descriptor_of (fuzz_byte (&input));
    ProtobufCMessage *message =
        protobuf_c_message_unpack (descriptor, NULL, input.size, input.at);
    if (message != NULL) {
        check_json (message);
        check_text (message);
        protobuf_c_message_free_unpacked (message, NULL);
    }
    return 0;
}
