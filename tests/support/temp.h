/* SPDX-License-Identifier: MPL-2.0
 *
 * Directories for tests: made under $TMPDIR or /tmp, removed with all that is in them. A
 * failure here fails the test that asked.
 */
#ifndef BF_TESTS_TEMP_H
#define BF_TESTS_TEMP_H

/* A new, empty directory; its path is the caller's to give to temp_remove. */
char *temp_make (void);

/* "DIRECTORY/NAME", the caller's to free. */
char *temp_path (const char *directory, const char *name);

/* Removes what temp_make made, and everything in it, then frees the path. Symbolic links
 * are removed, not followed. Accepts NULL. */
void temp_remove (char *directory);

#endif
