/* SPDX-License-Identifier: MPL-2.0
 *
 * The one way to the daemon, and what several verbs do with an answer.
 */
#include "apps/belfry/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "apps/belfry/json.h"
#include "apps/belfry/show.h"
#include "core/base/time.h"

/* --timeout is shared by the first try and its repeats. */
#define RETRIES 2
#define DEFAULT_TIMEOUT_US (10 * BF_SECOND_US)

bf_cli_exit
bf_cli_complain (bf_cli_exit code, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    /* Results that are printed already come first where both go to one terminal. */
    fflush (stdout);
    fputs ("belfry: ", stderr);
    bf_cli_text_put (stderr, text);
    fputc ('\n', stderr);
    return code;
}

bf_cli_exit
bf_cli_open (bf_cli *cli)
{
    if (cli->belfry) {
        return BF_CLI_DONE;
    }
    int64_t timeout_us = cli->timeout.set ? cli->timeout.us : DEFAULT_TIMEOUT_US;
    int64_t try_ms = timeout_us / BF_MS_US / (RETRIES + 1);
    belfry_options options = {
        .commands = cli->connect,
        .feed = cli->feed,
        .directory = cli->data,
        .client = cli->client,
        .timeout_ms = try_ms > 1 ? (int)try_ms : 1,
        .retries = RETRIES,
    };
    int error = belfry_open (&cli->belfry, &options);
    if (error != BELFRY_OK) {
        return bf_cli_complain (bf_cli_exit_of (error), "%s",
                                belfry_error_sentence (error));
    }
    return BF_CLI_DONE;
}

static const char unreachable_hint[] = "; `belfry help endpoints` says how it is found";

/* "KEY_TAKEN" is what scripts and searches find; the sentence is what people read. */
bf_cli_exit
bf_cli_complain_of (const bf_cli *cli, int error)
{
    const char *text = belfry_error_text (cli->belfry);
    bf_cli_exit code = bf_cli_exit_of (error);
    return bf_cli_complain (code, "%s (%s)%s", *text ? text : belfry_error_sentence (error),
                            belfry_error_name (error),
                            code == BF_CLI_UNREACHABLE ? unreachable_hint : "");
}

bf_cli_exit
bf_cli_call (bf_cli *cli, Belfry__V1__Request *request, Belfry__V1__Reply **reply)
{
    *reply = NULL;
    bf_cli_exit code = bf_cli_open (cli);
    if (code != BF_CLI_DONE) {
        return code;
    }
    if (cli->request_id) {
        request->request_id = cli->request_id;
    }
    int error = belfry_call (cli->belfry, request, reply);
    if (error == BELFRY_OK) {
        error = belfry_reply_error (cli->belfry, *reply);
    }
    return error == BELFRY_OK ? BF_CLI_DONE : bf_cli_complain_of (cli, error);
}

bf_err
bf_cli_name_fill (const bf_cli_texts *operands, const bf_cli_name *name,
                  Belfry__V1__JobRef *ref, bf_error *error)
{
    char *operand = operands->count > 0 ? operands->items[0] : NULL;
    if (operand && name->key) {
        return bf_fail (error, BF_EINVALID, "name the job by its id or by --key, not both");
    }
    if (!operand && !name->key) {
        return bf_fail (error, BF_EINVALID, "which job? Give its id, or --key K");
    }
    if (name->ns && !name->key) {
        return bf_fail (error, BF_EINVALID, "--ns goes with --key; an id needs none");
    }
    if (operand && (!bf_cli_number_parse (operand, &ref->id) || ref->id == 0)) {
        size_t digits = strspn (operand, "0123456789");
        if (digits > 0 && operand[digits] == '.') {
            return bf_fail (error, BF_EINVALID, "%s is a run; its job is %.*s", operand,
                            (int)digits, operand);
        }
        return bf_fail (error, BF_EINVALID,
                        "\"%s\" is no job id; to name a job by its key say --key %s",
                        operand, operand);
    }
    if (name->key) {
        ref->key = name->key;
        if (name->ns) {
            ref->ns = name->ns;
        }
    }
    return BF_OK;
}

bf_cli_exit
bf_cli_name_read (const bf_cli_texts *operands, const bf_cli_name *name,
                  Belfry__V1__JobRef *ref)
{
    bf_error error = {0};
    return bf_cli_name_fill (operands, name, ref, &error) == BF_OK
               ? BF_CLI_DONE
               : bf_cli_complain (BF_CLI_USAGE, "%s", error.text);
}

void
bf_cli_print_event (const bf_cli *cli, const Belfry__V1__Event *event)
{
    if (cli->json) {
        bf_cli_json_print (stdout, &event->base);
    } else {
        bf_cli_show_event (stdout, event);
    }
}

void
bf_cli_print_events (const bf_cli *cli, const Belfry__V1__EventsReply *page)
{
    for (size_t index = 0; index < page->n_events; index++) {
        bf_cli_print_event (cli, page->events[index]);
    }
}
