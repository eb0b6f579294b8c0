/* SPDX-License-Identifier: MPL-2.0
 *
 * The one list of errors. A function that can fail returns bf_err, BF_OK or negative, and
 * leaves its out-parameters alone; where a person will read it, it also fills a bf_error
 * with a sentence that says what to do. Codes that a client may see carry their number on
 * the wire (belfry.v1.Code); the others reach it as INTERNAL.
 */
#ifndef BF_BASE_ERRORS_H
#define BF_BASE_ERRORS_H

#include <stdarg.h>
#include <stdbool.h>

/* X (name, value, wire code, may the same call succeed later?, text) */
#define BF_ERROR_MAP(X)                                                             \
    X (OK, 0, 1, false, "done")                                                     \
    X (EMALFORMED, -2, 2, false, "the message could not be read")                   \
    X (EVERSION, -3, 3, false, "this protocol version is not supported")            \
    X (EINVALID, -4, 4, false, "a field is not valid")                              \
    X (ETOOLARGE, -5, 5, false, "too large")                                        \
    X (ELIMIT, -6, 6, false, "a limit is used up")                                  \
    X (EBUSY, -7, 7, true, "too many calls in flight, try again")                   \
    X (ENOTFOUND, -8, 8, false, "no such job or run")                               \
    X (EKEYTAKEN, -9, 9, false, "an open job has this key")                         \
    X (EPASTDUE, -10, 10, false, "the due time is in the past")                     \
    X (ETOOLATE, -11, 11, false, "the slot is already committed")                   \
    X (ESTATE, -12, 12, false, "the state does not allow this")                     \
    X (ESTALE, -13, 13, false, "the token no longer holds the run")                 \
    X (EREUSED, -14, 14, false, "this request_id was used for a different command") \
    X (EDISKFULL, -15, 15, true, "the disk is full, new work is refused")           \
    X (ESTOPPING, -16, 16, true, "the daemon is stopping")                          \
    X (ETOOOLD, -17, 17, false, "older than the events that are kept")              \
    X (EINTERNAL, -18, 18, false, "internal error")                                 \
    X (EVERSIONED, -19, 19, false, "the job has another version")                   \
    X (ENOMEM, -30, 18, true, "out of memory")                                      \
    X (EIO, -31, 18, false, "the disk failed")                                      \
    X (ELOCKED, -32, 18, false, "another daemon has this data directory")           \
    X (ECORRUPT, -33, 18, false, "the database is damaged")                         \
    X (EFOREIGN, -34, 18, false, "the database belongs to another program")         \
    X (ENEWER, -35, 18, false, "the database was written by a newer version")       \
    X (EBIND, -36, 18, false, "an endpoint could not be bound")                     \
    X (ECONFIG, -37, 18, false, "the configuration is not valid")

typedef enum {
#define X(name, value, wire, retryable, text) BF_##name = (value),
    BF_ERROR_MAP (X)
#undef X
} bf_err;

/* "ENOTFOUND"; "unknown" for a number that is not in the list. Static. */
const char *bf_err_name (bf_err err);

/* The list's sentence. Static. */
const char *bf_err_text (bf_err err);

/* The belfry.v1.Code that a client sees. */
int bf_err_wire (bf_err err);

bool bf_err_retryable (bf_err err);

#define BF_ERROR_TEXT_BYTES 512

/* An error with a sentence for people. Zero-initialise; text is always terminated and one
 * line: control characters in what it quotes become spaces. Cut if too long, between two
 * characters. */
typedef struct {
    bf_err code;
    char text[BF_ERROR_TEXT_BYTES];
} bf_error;

/* Fills *error (which may be NULL) and returns code, so that `return bf_fail (error,
 * BF_EINVALID, …)` reads well.
 */
__attribute__ ((format (printf, 3, 4))) bf_err bf_fail (bf_error *error, bf_err code,
                                                        const char *format, ...);

/* The same with the list's own sentence. */
bf_err bf_fail_plain (bf_error *error, bf_err code);

/* For what only a programmer can get wrong: always on, prints file, line and condition to
 * stderr, aborts. Never for input, peers, disk or memory. */
#define BF_INVARIANT(condition)                                   \
    do {                                                          \
        if (!(condition)) {                                       \
            bf_invariant_failed (#condition, __FILE__, __LINE__); \
        }                                                         \
    } while (0)

_Noreturn void bf_invariant_failed (const char *condition, const char *file, int line);

#endif
