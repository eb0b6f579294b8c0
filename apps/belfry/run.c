/* SPDX-License-Identifier: MPL-2.0
 *
 * From arguments to a verb and its exit code: finds the verb, reads the options by its
 * table and the shared one, and sees to it that nothing printed is lost in silence.
 */
#include "apps/belfry/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "apps/belfry/words.h"
#include "core/base/time.h"

const bf_cli_option bf_cli_shared_options[] = {
    {.name = "connect",
     .value = "EP",
     .kind = BF_CLI_TEXT,
     .form = &bf_cli_form_endpoints,
     .offset = offsetof (bf_cli, connect),
     .help = "where the daemon takes commands; see `belfry help endpoints`"},
    {.name = "feed",
     .value = "EP",
     .kind = BF_CLI_TEXT,
     .form = &bf_cli_form_endpoints,
     .offset = offsetof (bf_cli, feed),
     .help = "where it publishes events, for watch"},
    {.name = "data",
     .value = "DIR",
     .kind = BF_CLI_TEXT,
     .offset = offsetof (bf_cli, data),
     .help = "the daemon's data directory, whose file endpoints says where it is; default "
             "./data"},
    {.name = "output",
     .letter = 'o',
     .value = "json|text",
     .kind = BF_CLI_TEXT,
     .offset = offsetof (bf_cli, output),
     .help = "how to print; default text. See `belfry help json`"},
    {.name = "timeout",
     .value = "D",
     .kind = BF_CLI_SPAN,
     .offset = offsetof (bf_cli, timeout),
     .least = BF_MS_US,
     .most = BF_DAY_US,
     .help = "how long to try to get an answer, 1ms..1d; default 10s. A claim's --wait is "
             "added"},
    {.name = "client",
     .value = "NAME",
     .kind = BF_CLI_TEXT,
     .offset = offsetof (bf_cli, client),
     .help = "who calls, up to 64 bytes; default a random name. See `belfry help repeat`"},
    {.name = "request-id",
     .value = "ID",
     .kind = BF_CLI_TEXT,
     .offset = offsetof (bf_cli, request_id),
     .help = "which call this is, up to 64 bytes; default a new one"},
    {.name = "help",
     .letter = 'h',
     .kind = BF_CLI_FLAG,
     .offset = offsetof (bf_cli, help),
     .help = "the same as `belfry help VERB`"},
    {.name = "version",
     .kind = BF_CLI_FLAG,
     .offset = offsetof (bf_cli, version),
     .help = "the same as `belfry version`"},
    {0},
};

bf_err
bf_cli_verb_unknown (const char *name, bf_error *error)
{
    bf_cli_nearest nearest = {.word = name};
    for (size_t index = 0; bf_cli_verbs[index]; index++) {
        bf_cli_nearest_offer (&nearest, bf_cli_verbs[index]->name);
    }
    if (nearest.best) {
        return bf_fail (error, BF_EINVALID, "there is no verb %s; did you mean %s?", name,
                        nearest.best);
    }
    return bf_fail (error, BF_EINVALID, "there is no verb %s; `belfry help` lists them",
                    name);
}

static bf_cli_exit
check_output (bf_cli *cli)
{
    cli->json = cli->output && !strcmp (cli->output, "json");
    if (cli->output && !cli->json && strcmp (cli->output, "text") != 0) {
        return bf_cli_complain (BF_CLI_USAGE, "--output: \"%s\" is neither json nor text",
                                cli->output);
    }
    return BF_CLI_DONE;
}

bf_err
bf_cli_operands_check (const bf_cli_verb *verb, const bf_cli_texts *operands,
                       bf_error *error)
{
    if (operands->count < verb->least_operands) {
        return bf_fail (error, BF_EINVALID, "say more: belfry %s %s", verb->name,
                        verb->operands);
    }
    if (operands->count > verb->most_operands) {
        return bf_fail (error, BF_EINVALID,
                        "\"%s\" is one word too many for %s; see `belfry help %s`",
                        operands->items[verb->most_operands], verb->name, verb->name);
    }
    return BF_OK;
}

static bf_cli_exit
run_verb (bf_cli *cli, const bf_cli_verb *verb, int count, char **arguments)
{
    void *values = calloc (1, verb->values_bytes + 1);
    if (!values) {
        return bf_cli_complain (BF_CLI_REFUSED, "out of memory");
    }
    bf_cli_option_set sets[] = {{verb->options, values}, {bf_cli_shared_options, cli}};
    bf_cli_texts operands = {0};
    bf_error error = {0};
    int used;
    bf_cli_exit code;
    bf_err err = bf_cli_options_parse (sets, sizeof sets / sizeof sets[0], count, arguments,
                                       false, &operands, &used, &error);
    if (err == BF_OK && cli->help) {
        bf_cli_verb_help_print (stdout, verb);
        code = BF_CLI_DONE;
    } else if (err == BF_OK && cli->version) {
        code = bf_cli_verb_find ("version")->act (cli, NULL, &operands);
    } else if (err != BF_OK || bf_cli_options_missing (&sets[0], &error) != BF_OK) {
        code = bf_cli_complain (BF_CLI_USAGE, "%s; see `belfry help %s`", error.text,
                                verb->name);
    } else {
        code = check_output (cli);
        if (code == BF_CLI_DONE &&
            bf_cli_operands_check (verb, &operands, &error) != BF_OK) {
            code = bf_cli_complain (BF_CLI_USAGE, "%s", error.text);
        }
        code = code == BF_CLI_DONE ? verb->act (cli, values, &operands) : code;
    }
    bf_cli_texts_clear (&operands);
    bf_cli_options_clear (&sets[0]);
    free (values);
    return code;
}

/* The options before the verb, and the verb. */
static bf_cli_exit
run (bf_cli *cli, int count, char **arguments)
{
    bf_cli_option_set shared = {bf_cli_shared_options, cli};
    bf_cli_texts operands = {0};
    bf_error error = {0};
    int used = 0;
    if (bf_cli_options_parse (&shared, 1, count, arguments, true, &operands, &used,
                              &error) != BF_OK) {
        return bf_cli_complain (BF_CLI_USAGE, "%s; see `belfry help`", error.text);
    }
    const char *name = operands.count > 0 ? operands.items[0] : NULL;
    bf_cli_texts_clear (&operands);
    if (!name && cli->version) {
        name = "version";
    } else if (!name && cli->help) {
        name = "help";
        cli->help = false;
    }
    if (!name) {
        bf_cli_help_print (stderr);
        return BF_CLI_USAGE;
    }
    const bf_cli_verb *verb = bf_cli_verb_find (name);
    if (!verb) {
        bf_cli_verb_unknown (name, &error);
        return bf_cli_complain (BF_CLI_USAGE, "%s", error.text);
    }
    return run_verb (cli, verb, count - used, arguments + used);
}

bf_cli_exit
bf_cli_main (int count, char **arguments)
{
    /* `belfry list | head` ends like any other program, whatever the parent ignores. */
    signal (SIGPIPE, SIG_DFL);
    bf_cli cli = {0};
    bf_cli_exit code = run (&cli, count - 1, arguments + 1);
    belfry_close (&cli.belfry);
    if (fflush (stdout) != 0 || ferror (stdout)) {
        return bf_cli_complain (BF_CLI_REFUSED, "the output could not be written: %s",
                                strerror (errno));
    }
    return code;
}
