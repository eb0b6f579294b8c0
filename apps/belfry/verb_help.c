/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry help: what there is and how it is used.
 */
#include "apps/belfry/verbs.h"

#include "apps/belfry/words.h"

static const bf_cli_option options[] = {{0}};

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    (void)cli;
    (void)given;
    if (operands->count == 0) {
        bf_cli_help_print (stdout);
        return BF_CLI_DONE;
    }
    const char *name = operands->items[0];
    const bf_cli_verb *verb = bf_cli_verb_find (name);
    if (verb) {
        bf_cli_verb_help_print (stdout, verb);
        return BF_CLI_DONE;
    }
    if (bf_cli_topic_print (stdout, name)) {
        return BF_CLI_DONE;
    }
    bf_cli_nearest nearest = {.word = name};
    for (size_t index = 0; bf_cli_verbs[index]; index++) {
        bf_cli_nearest_offer (&nearest, bf_cli_verbs[index]->name);
    }
    for (size_t index = 0; bf_cli_topic_name (index); index++) {
        bf_cli_nearest_offer (&nearest, bf_cli_topic_name (index));
    }
    if (nearest.best) {
        return bf_cli_complain (BF_CLI_USAGE,
                                "there is no help on \"%s\"; did you mean %s?", name,
                                nearest.best);
    }
    return bf_cli_complain (BF_CLI_USAGE,
                            "there is no help on \"%s\"; `belfry help` lists "
                            "what there is",
                            name);
}

const bf_cli_verb bf_cli_help = {
    .name = "help",
    .group = "Program",
    .operands = "[VERB | TOPIC]",
    .summary = "explains a verb or a topic",
    .about = "Without an operand it lists the verbs and the topics.",
    .example = "belfry help schedule",
    .options = options,
    .most_operands = 1,
    .exits = BF_CLI_EXITS_LOCAL,
    .act = act,
};
