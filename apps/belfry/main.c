/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry: the command line of the scheduler.
 */
#include "apps/belfry/cli.h"

int
main (int count, char **arguments)
{
    return (int)bf_cli_main (count, arguments);
}
