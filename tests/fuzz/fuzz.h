/* SPDX-License-Identifier: MPL-2.0
 *
 * What every fuzz target has: the two functions of libFuzzer, a check that ends the program
 * with a sentence, and inputs cut to pieces. A target is one fuzz_NAME.c with a
 * LLVMFuzzerTestOneInput; tests/fuzz/README.md says which code each is for.
 */
#ifndef BF_FUZZ_FUZZ_H
#define BF_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer calls these by name; a mutator of its own is optional. */
int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator (uint8_t *bytes, size_t size, size_t room, unsigned seed);

/* What must hold, with what is wrong where it does not. */
#define FUZZ_CHECK(condition, ...)                                                     \
    do {                                                                               \
        if (!(condition)) {                                                            \
            fprintf (stderr, "\n%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            fprintf (stderr, __VA_ARGS__);                                             \
            fputc ('\n', stderr);                                                      \
            abort ();                                                                  \
        }                                                                              \
    } while (0)

/* A copy in exactly as many bytes, a NUL behind them, so that who reads on is seen. The
 * caller frees it. */
char *fuzz_text (const void *bytes, size_t size);

/* What is left of an input that has several parts. */
typedef struct {
    const uint8_t *at;
    size_t size;
} fuzz_input;

/* The next byte; 0 where there is none. */
uint8_t fuzz_byte (fuzz_input *input);
/* The next part: its length in two bytes, little endian, and then it; what there is of it
 * at the end. */
fuzz_input fuzz_part (fuzz_input *input);
/* The same up to `mark`, which is taken along, or the end. A NUL goes behind it; the caller
 * frees it. */
char *fuzz_text_until (fuzz_input *input, char mark);

/* A directory of this process alone, removed at its end with the files in it. */
const char *fuzz_directory (void);
/* A path in there, in the buffer. */
#define FUZZ_PATH_BYTES 256
const char *fuzz_path (const char *name, char path[FUZZ_PATH_BYTES]);
/* Writes a file anew. */
void fuzz_write (const char *path, const void *bytes, size_t size);

#endif
