/* SPDX-License-Identifier: MPL-2.0
 *
 * The ranges and defaults of belfry.proto as data: one row per field of everything that a
 * Request can hold, read by scan.c on the wire's bytes and by normalise.c on the structs.
 * For messages/ only.
 */
#ifndef BF_MESSAGES_RULES_H
#define BF_MESSAGES_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "core/base/arena.h"
#include "core/base/errors.h"

/* Where in the request something stands, for the sentence of an error: `jobs[3].retry`.
 * Begins below the command, and lives on the stack of whoever walks. */
typedef struct bf_place {
    const struct bf_place *above;
    const char *name; /* NULL: adds nothing to the path */
    size_t index;     /* in a list; else BF_NO_INDEX */
} bf_place;

#define BF_NO_INDEX SIZE_MAX

typedef enum {
    BF_RULE_ANY,    /* every value is good */
    BF_RULE_NUMBER, /* min..max */
    BF_RULE_ENUM,   /* a number that the .proto knows; never 0 */
    BF_RULE_NAME,   /* bf_name_is_valid */
    BF_RULE_TEXT,   /* up to max bytes, no control characters */
    BF_RULE_REASON, /* up to max bytes, control characters allowed */
    BF_RULE_BYTES,  /* up to max bytes */
    BF_RULE_TOKEN,  /* bf_token_parse */
    BF_RULE_RUN_ID, /* bf_run_id_parse */
    BF_RULE_KIND,   /* bf_event_find */
    BF_RULE_MESSAGE
} bf_rule_kind;

/* What a list does with a value that it has already. */
typedef enum { BF_TWICE_KEPT, BF_TWICE_REFUSED, BF_TWICE_COLLAPSED } bf_twice;

typedef struct bf_rules bf_rules;

/* One field. In a list the rule is that of each item. */
typedef struct {
    size_t offset; /* of the member in its struct: ties the row to the field */
    bf_rule_kind kind;
    bool optional; /* may be 0, empty or absent: takes the fallback */
    bool cut;      /* REASON: shortened where too long, not refused */
    bool lines;    /* TEXT: tabs and line ends stand for blanks, and become such */
    int64_t min;
    int64_t max;
    int64_t fallback;          /* NUMBER, ENUM */
    const char *fallback_text; /* NAME */
    const char *words;         /* for people: the range, or what to do */
    uint32_t least;            /* lists: items */
    uint32_t most;
    uint32_t in_all; /* over every such list of a request; 0 where there is one alone */
    bf_twice twice;
    const bf_rules *rules; /* MESSAGE */
    bool made;             /* MESSAGE: made where it is absent */
} bf_rule;

/* One message. */
struct bf_rules {
    const ProtobufCMessageDescriptor *descriptor;
    const bf_rule *rows; /* in the order of descriptor->fields */
    size_t n_rows;
    /* What fields say of each other, after each was found good; NULL for nothing. Completes
     * defaults that depend on other fields. */
    bf_err (*relate) (void *message, const bf_place *here, bf_arena *arena,
                      bf_error *error);
};

/* The fields of one message, checked once against the generated code. */
extern const bf_rules bf_request_rules;

/* The row of a field. */
const bf_rule *bf_rule_of (const bf_rules *rules, size_t field_index);

/* As bf_fail, with the place in front: "jobs[3].lease_us is 5, …". */
__attribute__ ((format (printf, 4, 5))) bf_err bf_refuse (bf_error *error, bf_err code,
                                                          const bf_place *place,
                                                          const char *format, ...);

#endif
