/* SPDX-License-Identifier: MPL-2.0
 *
 * For the files of seeds: one input, put together bit by bit, and written as one of the
 * inputs of a target.
 */
#ifndef BF_FUZZ_SEEDS_H
#define BF_FUZZ_SEEDS_H

#include <stddef.h>
#include <stdint.h>

#define COUNT(list) (sizeof (list) / sizeof (list)[0])
#define INPUT_BYTES 16384

typedef struct {
    uint8_t bytes[INPUT_BYTES];
    size_t size;
} input_t;

void put (input_t *self, const void *bytes, size_t size);
void put_byte (input_t *self, unsigned byte);
/* As FOLDER/TARGET/INDEX. */
void write_input (const char *target, size_t index, const input_t *input);

/* seeds_calendar.c: cron, daily, exclusion, rrule, zone. */
void write_calendar (void);

#endif
