/* SPDX-License-Identifier: MPL-2.0
 *
 * Command lines, described by tables. A verb lists its options once; from that list its
 * arguments are read into a struct of the verb's own, and its help is printed.
 *
 *   --name VALUE   --name=VALUE   -n VALUE   --flag   --   (everything after is no option)
 *
 * Options and operands may come in any order. Pure but for the printing.
 */
#ifndef BF_CLI_OPTIONS_H
#define BF_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <protobuf-c/protobuf-c.h>

#include "core/base/errors.h"

/* What an option takes, and what it is in the struct of the verb. */
typedef enum {
    BF_CLI_FLAG,    /* nothing; bool */
    BF_CLI_TEXT,    /* anything; char * (of argv), NULL where not given */
    BF_CLI_TEXTS,   /* anything, again and again; bf_cli_texts */
    BF_CLI_NUMBER,  /* least..most; bf_cli_number */
    BF_CLI_SPAN,    /* a duration of least..most microseconds; bf_cli_us */
    BF_CLI_SPANS,   /* such durations with commas between; bf_cli_spans */
    BF_CLI_INSTANT, /* an instant; bf_cli_us */
    BF_CLI_WORD,    /* a value of the enum `words`; int, 0 where not given */
    BF_CLI_WORDS,   /* the same again and again; bf_cli_values */
} bf_cli_option_kind;

typedef struct {
    char **items; /* of argv, a NULL behind them; NULL while there are none. The array is
                     freed by bf_cli_options_clear */
    size_t count;
} bf_cli_texts;

typedef struct {
    bool set;
    uint64_t value;
} bf_cli_number;

typedef struct {
    bool set;
    int64_t us;
} bf_cli_us;

typedef struct {
    int *items;
    size_t count;
} bf_cli_values;

typedef struct {
    int64_t *items;
    size_t count;
} bf_cli_spans;

/* What a text must look like. */
typedef struct {
    bool (*fits) (const char *text);
    const char *rule; /* for people: "--type must be RULE" */
} bf_cli_form;

/* A namespace or a type. */
extern const bf_cli_form bf_cli_form_name;
extern const bf_cli_form bf_cli_form_key;
extern const bf_cli_form bf_cli_form_tag;
/* The name of a time zone. */
extern const bf_cli_form bf_cli_form_zone;
/* The kind of an event. */
extern const bf_cli_form bf_cli_form_kind;
/* Where a daemon may be: one or more, with commas between. */
extern const bf_cli_form bf_cli_form_endpoints;

/* Tables end with an option without a name. */
typedef struct {
    const char *name;  /* without the dashes */
    char letter;       /* its short form, or 0 */
    bool required;     /* see bf_cli_options_missing */
    const char *value; /* what help calls the value: "ID", "D"; NULL where it takes none, or
                          words */
    const char *help;  /* unit, range and default included */
    bf_cli_option_kind kind;
    size_t offset;  /* where the value lies in the struct */
    uint64_t least; /* NUMBER, SPAN, SPANS; both 0 for no bounds */
    uint64_t most;
    const ProtobufCEnumDescriptor *words; /* WORD, WORDS */
    const bf_cli_form *form;              /* TEXT, TEXTS; NULL for anything */
} bf_cli_option;

/* A table and the struct that its offsets mean. */
typedef struct {
    const bf_cli_option *options;
    void *values;
} bf_cli_option_set;

/* Reads argv[0..count) by all the sets. What is no option goes to operands; with
 * first_operand_only the reading stops behind the first. *used: arguments read. On
 * BF_EINVALID the text says what is wrong and suggests the nearest name. Values may be
 * partly filled on error; clear them either way. */
bf_err bf_cli_options_parse (const bf_cli_option_set *sets, size_t set_count, int count,
                             char **arguments, bool first_operand_only,
                             bf_cli_texts *operands, int *used, bf_error *error);

/* BF_EINVALID names the first required option that was not given. */
bf_err bf_cli_options_missing (const bf_cli_option_set *set, bf_error *error);

/* Frees the arrays that parsing made. */
void bf_cli_options_clear (const bf_cli_option_set *set);
void bf_cli_texts_clear (bf_cli_texts *texts);

/* What help calls the value: the option's own name for it, or its words as "a|b|c"; "" for
 * a flag. Returns buffer. */
#define BF_CLI_VALUE_BYTES 256
const char *bf_cli_option_value (const bf_cli_option *option,
                                 char buffer[BF_CLI_VALUE_BYTES]);

/* One paragraph for each option. */
void bf_cli_options_print (FILE *out, const bf_cli_option *options);

/* Decimal, no sign, no space. */
bool bf_cli_number_parse (const char *text, uint64_t *number);

/* Prints text in lines of at most 80 columns, each indented; the first stands at `column`
 * already. Keeps its line breaks. */
void bf_cli_wrap (FILE *out, const char *text, size_t indent, size_t column);

#endif
