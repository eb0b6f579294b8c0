/* SPDX-License-Identifier: MPL-2.0
 *
 * Any message of the wire as JSON, by walking its descriptor: there is no code per message,
 * so that a field added to the protocol appears here by itself. `belfry help json` tells
 * users the rules.
 */
#ifndef BF_CLI_JSON_H
#define BF_CLI_JSON_H

#include <stdio.h>

#include <protobuf-c/protobuf-c.h>

/* One object on one line:
 * - fields under their proto names; unset sub-messages and unset members of a oneof are
 *   left out, everything else is there, also where it is 0, "" or [];
 * - 64-bit numbers are strings, smaller ones numbers;
 * - instants are ISO 8601 strings and null where they are not set; durations are numbers of
 *   microseconds, and so are an event's instants on the boot clock;
 * - enum values are lower-case words without prefix, null where unspecified;
 * - bytes are a string where they are UTF-8 without NUL, else {"base64": "…"}; left out
 *   where empty. */
void bf_cli_json_print (FILE *out, const ProtobufCMessage *message);

#endif
