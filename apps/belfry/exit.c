/* SPDX-License-Identifier: MPL-2.0
 *
 * The map from errors to exit codes.
 */
#include "apps/belfry/exit.h"

#include <stdbool.h>

#include "clients/c/belfry_wire.h"

bf_cli_exit
bf_cli_exit_of (int error)
{
    switch (error) {
    case BELFRY_OK:
        return BF_CLI_DONE;
    case BELFRY_BAD_ARGUMENT:
        return BF_CLI_USAGE;
    case BELFRY_UNREACHABLE:
    case BELFRY_NO_ENDPOINT:
        return BF_CLI_UNREACHABLE;
    case BELFRY_NOT_FOUND:
        return BF_CLI_NOT_FOUND;
    case BELFRY_KEY_TAKEN:
    case BELFRY_TOO_LATE:
    case BELFRY_WRONG_STATE:
    case BELFRY_STALE_TOKEN:
    case BELFRY_VERSION_CONFLICT:
    case BELFRY_REQUEST_ID_REUSED:
        return BF_CLI_CONFLICT;
    default:
        return BF_CLI_REFUSED;
    }
}

int
bf_cli_error_of (int code)
{
    if (code == BELFRY__V1__CODE__CODE_OK) {
        return BELFRY_OK;
    }
    bool known = code >= BELFRY__V1__CODE__CODE_MALFORMED &&
                 code <= BELFRY__V1__CODE__CODE_VERSION_CONFLICT;
    return known ? -code : BELFRY_BAD_ANSWER;
}

void
bf_cli_exit_print (FILE *out, uint32_t bits)
{
    static const struct {
        bf_cli_exit code;
        const char *text;
    } exits[] = {
#define X(name, value, text) {BF_CLI_##name, text},
        BF_CLI_EXIT_MAP (X)
#undef X
    };
    for (size_t index = 0; index < sizeof exits / sizeof exits[0]; index++) {
        if (bits & BF_CLI_EXIT_BIT (exits[index].code)) {
            fprintf (out, "  %d  %s\n", (int)exits[index].code, exits[index].text);
        }
    }
}
