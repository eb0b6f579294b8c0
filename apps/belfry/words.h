/* SPDX-License-Identifier: MPL-2.0
 *
 * Words for people and scripts: the wire's enum values as lower-case words without their
 * prefix ("scheduled" for JOB_STATE_SCHEDULED), taken from the descriptors so that they can
 * not fall behind the protocol; and the nearest word to one that was mistyped.
 */
#ifndef BF_CLI_WORDS_H
#define BF_CLI_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#define BF_CLI_WORD_BYTES 64

/* The word of a value; its number in decimal where this program does not know it. Returns
 * buffer. */
char *bf_cli_word (const ProtobufCEnumDescriptor *words, int value,
                   char buffer[BF_CLI_WORD_BYTES]);

/* The value of a word, which may have - in place of _. The zero value "unspecified" is no
 * word. */
bool bf_cli_word_find (const ProtobufCEnumDescriptor *words, const char *word, int *value);

/* The best of the candidates offered so far. Start with the word set, the rest zero. */
typedef struct {
    const char *word;
    const char *best; /* borrowed; NULL while nothing is near enough to suggest */
    size_t distance;
} bf_cli_nearest;

void bf_cli_nearest_offer (bf_cli_nearest *self, const char *candidate);

#endif
