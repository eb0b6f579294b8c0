/* SPDX-License-Identifier: MPL-2.0
 *
 * Tests of persist/ are linked a second time, with this: every place from which the product
 * calls SQLite, malloc, the arena or the system fails once, when a test first comes by on
 * that way. A place is told by its stack, so that one verb fails below each command that
 * uses it. Around the product's own functions (batches.c, files.c) what was hit is checked,
 * undone and done again, up to the next new place, and the test goes on as if nothing had
 * been: what it checks anyway is what this proves.
 */
#ifndef BF_TESTS_STRIKE_H
#define BF_TESTS_STRIKE_H

/* What failed; as bits: what is to be spared. */
typedef enum {
    STRUCK_NOT = 0,
    STRUCK_SQLITE = 1, /* SQLITE_FULL */
    STRUCK_MEMORY = 2,
    STRUCK_SYSTEM = 4, /* EIO */
} struck_t;

/* Since it was armed. */
extern struck_t strike_struck;

/* From here on the first new place fails. */
void strike_arm (unsigned spare);
void strike_disarm (void);

/* Says on stderr where it was. */
void strike_tell (void);

#endif
