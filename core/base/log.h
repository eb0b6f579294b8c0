/* SPDX-License-Identifier: MPL-2.0
 *
 * One line to stderr per call: `ts=… level=… actor=… msg="…" key=value…`. Only apps/ and
 * actors/ log; everything below returns errors. Never a payload, never a secret.
 * Thread-safe: a line is one write.
 */
#ifndef BF_BASE_LOG_H
#define BF_BASE_LOG_H

#include <stdbool.h>

/* Meaning as in syslog: error = somebody must act; warning = it may become one; info = life
 * cycle; debug = every move. */
typedef enum { BF_LOG_ERROR, BF_LOG_WARNING, BF_LOG_INFO, BF_LOG_DEBUG } bf_log_level;

/* Lines above this level are dropped; default BF_LOG_INFO. For the whole process; an
 * atomic. */
void bf_log_set_level (bf_log_level level);
bool bf_log_enabled (bf_log_level level);

/* text: what happened, in words, no newline; format: `key=value` pairs, may be empty.
 * Control characters of what it prints are replaced by '?'. */
__attribute__ ((format (printf, 4, 5))) void bf_log (bf_log_level level, const char *actor,
                                                     const char *text, const char *format,
                                                     ...);

#endif
