/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry version: which program this is.
 */
#include "apps/belfry/verbs.h"

static const bf_cli_option options[] = {{0}};

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    (void)cli;
    (void)given;
    (void)operands;
    printf ("belfry %s\n", BELFRY_VERSION);
    return BF_CLI_DONE;
}

const bf_cli_verb bf_cli_version = {
    .name = "version",
    .group = "Program",
    .operands = "",
    .summary = "prints the version of this program",
    .about = "`belfry status` shows that of the daemon.",
    .example = "belfry version",
    .options = options,
    .exits = BF_CLI_EXITS_LOCAL,
    .act = act,
};
