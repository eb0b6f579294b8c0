/* SPDX-License-Identifier: MPL-2.0
 *
 * The tables, as numbered steps from an empty file. A step is never changed after a
 * release; the next one is added behind it, and old data is carried along in it.
 */
#ifndef BF_PERSIST_SCHEMA_H
#define BF_PERSIST_SCHEMA_H

/* Step n (from 0) leads from user_version n to n + 1; each is one or more SQL statements.
 */
extern const char *const bf_schema_steps[];
extern const int bf_schema_version;

#endif
