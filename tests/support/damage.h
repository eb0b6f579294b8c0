/* SPDX-License-Identifier: MPL-2.0
 *
 * For tests of bf_check: a good database as a plain file, copies of it that are damaged in
 * SQL, and what is found in them.
 */
#ifndef BF_TESTS_DAMAGE_H
#define BF_TESTS_DAMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "persist/check/check.h"
#include "tests/support/ledger.h"

/* Everything that was found, a line each: "kind: row: what". */
typedef struct {
    char text[64 * 1024];
    size_t told;
    uint64_t progress;
} damage_report;

/* For cmocka: *state is a ledger fixture whose ledger is closed, with a copy of its
 * database in good.db. Ids of jobs are 256, 512, … in the order of damage.c. */
int damage_setup (void **state);

void damage_copy_file (const char *from, const char *to);

/* Runs this SQL on a database, without checks and with the schema open. The function
 * with (body, 'a.b=5') is an event with other fields. */
void damage_make (const char *path, const char *sql);

/* bf_check, which must get to its end. */
bf_check_summary damage_examine (const char *path, damage_report *found);

#endif
