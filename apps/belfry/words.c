/* SPDX-License-Identifier: MPL-2.0
 *
 * Enum words and edit distance.
 */
#include "apps/belfry/words.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the prefix that every value of an enum has: "JOB_STATE_" for JobState. */
static size_t
prefix_bytes (const ProtobufCEnumDescriptor *words)
{
    size_t bytes = 1;
    for (const char *letter = words->short_name; *letter; letter++) {
        bytes += 1;
        if (letter != words->short_name && isupper ((unsigned char)*letter)) {
            bytes += 1;
        }
    }
    return bytes;
}

char *
bf_cli_word (const ProtobufCEnumDescriptor *words, int value,
             char buffer[BF_CLI_WORD_BYTES])
{
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value (words, value);
    if (!found) {
        snprintf (buffer, BF_CLI_WORD_BYTES, "%d", value);
        return buffer;
    }
    const char *name = found->name;
    size_t prefix = prefix_bytes (words);
    if (strlen (name) > prefix) {
        name += prefix;
    }
    size_t size = 0;
    for (; name[size] && size < BF_CLI_WORD_BYTES - 1; size++) {
        buffer[size] = (char)tolower ((unsigned char)name[size]);
    }
    buffer[size] = '\0';
    return buffer;
}

static bool
is_same (const char *word, const char *typed)
{
    for (; *word && *typed; word++, typed++) {
        if (*word != (*typed == '-' ? '_' : *typed)) {
            return false;
        }
    }
    return *word == *typed;
}

bool
bf_cli_word_find (const ProtobufCEnumDescriptor *words, const char *word, int *value)
{
    for (unsigned index = 0; index < words->n_values; index++) {
        char buffer[BF_CLI_WORD_BYTES];
        int candidate = words->values[index].value;
        if (candidate != 0 && is_same (bf_cli_word (words, candidate, buffer), word)) {
            *value = candidate;
            return true;
        }
    }
    return false;
}

#define MEASURED_BYTES 32

/* Edits (add, drop, change a letter, swap two neighbours) between two words; both are read
 * up to MEASURED_BYTES. */
static size_t
edits (const char *one, const char *other)
{
    size_t rows = strnlen (one, MEASURED_BYTES);
    size_t columns = strnlen (other, MEASURED_BYTES);
    size_t cost[MEASURED_BYTES + 1][MEASURED_BYTES + 1];
    for (size_t row = 0; row <= rows; row++) {
        for (size_t column = 0; column <= columns; column++) {
            if (row == 0 || column == 0) {
                cost[row][column] = row + column;
                continue;
            }
            bool same = one[row - 1] == other[column - 1];
            size_t best = cost[row - 1][column - 1] + (same ? 0 : 1);
            if (cost[row - 1][column] + 1 < best) {
                best = cost[row - 1][column] + 1;
            }
            if (cost[row][column - 1] + 1 < best) {
                best = cost[row][column - 1] + 1;
            }
            if (row > 1 && column > 1 && one[row - 1] == other[column - 2] &&
                one[row - 2] == other[column - 1] && cost[row - 2][column - 2] + 1 < best) {
                best = cost[row - 2][column - 2] + 1;
            }
            cost[row][column] = best;
        }
    }
    return cost[rows][columns];
}

void
bf_cli_nearest_offer (bf_cli_nearest *self, const char *candidate)
{
    size_t distance = edits (self->word, candidate);
    size_t length = strlen (self->word);
    /* The beginning of a longer word is what a person types who hoped for completion. */
    bool begins = length >= 3 && !strncmp (self->word, candidate, length);
    size_t allowed = length <= 3 ? 1 : length <= 6 ? 2 : 3;
    if (begins) {
        distance = 1;
    }
    if (distance <= allowed && (!self->best || distance < self->distance)) {
        self->best = candidate;
        self->distance = distance;
    }
}
