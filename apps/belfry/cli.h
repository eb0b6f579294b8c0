/* SPDX-License-Identifier: MPL-2.0
 *
 * What every verb of `belfry` is and has: its row in the table of verbs, the options that
 * all verbs share, and the one way to call the daemon. A verb lives in verb_NAME.c and
 * exports nothing but its row.
 */
#ifndef BF_CLI_CLI_H
#define BF_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apps/belfry/exit.h"
#include "apps/belfry/options.h"
#include "clients/c/belfry_wire.h"

/* The options of every verb, and the connection that they describe. */
typedef struct {
    char *connect;
    char *feed;
    char *data;
    char *client;
    char *request_id;
    char *output;
    bf_cli_us timeout;
    bool help;
    bool version;

    bool json;      /* of output */
    belfry *belfry; /* NULL until the first call */
} bf_cli;

extern const bf_cli_option bf_cli_shared_options[];

/* A command that a verb's arguments make; apps/belfry/command.h. */
typedef struct bf_cli_command bf_cli_command;

/* Makes the command, which borrows from both; the caller clears it, whatever comes of it.
 * BF_EINVALID where the arguments make no sense, else what a file could not give. */
typedef bf_err bf_cli_fill (bf_cli_command *command, const void *values,
                            const bf_cli_texts *operands, bf_error *error);

/* A verb. Its `act` gets what its options say in a struct of values_bytes, zeroed before,
 * and returns how the program ends; it prints its own errors by bf_cli_complain. */
typedef struct {
    const char *name;
    const char *group;    /* a heading of `belfry help` */
    const char *operands; /* what follows the verb in help; "" for nothing */
    const char *summary;  /* in one line, no full stop */
    const char *about;    /* in paragraphs */
    const char *example;  /* commands, one a line */
    const bf_cli_option *options;
    size_t values_bytes;
    size_t least_operands;
    size_t most_operands;
    uint32_t exits; /* BF_CLI_EXIT_BIT of each code that it may end with */
    bf_cli_exit (*act) (bf_cli *cli, const void *values, const bf_cli_texts *operands);
    bf_cli_fill *fill; /* NULL where it is not one command that changes something */
} bf_cli_verb;

/* All verbs in the order of `belfry help`; ends with NULL. */
extern const bf_cli_verb *const bf_cli_verbs[];

/* NULL where there is none. */
const bf_cli_verb *bf_cli_verb_find (const char *name);

/* BF_EINVALID where a verb gets too few operands, or too many. */
bf_err bf_cli_operands_check (const bf_cli_verb *verb, const bf_cli_texts *operands,
                              bf_error *error);

/* What is wrong with a name that no verb has, and which was meant perhaps. */
bf_err bf_cli_verb_unknown (const char *name, bf_error *error);

/* The whole program. */
bf_cli_exit bf_cli_main (int count, char **arguments);

/* Help of the program; of a verb; of a topic of `belfry help TOPIC` (false where there is
 * no such topic). */
void bf_cli_help_print (FILE *out);
void bf_cli_verb_help_print (FILE *out, const bf_cli_verb *verb);
bool bf_cli_topic_print (FILE *out, const char *topic);
/* The topics' names, for suggestions; NULL behind the last. */
const char *bf_cli_topic_name (size_t index);

/* `belfry: sentence` on stderr; returns code, so that `return bf_cli_complain (…)` reads
 * well. */
__attribute__ ((format (printf, 2, 3))) bf_cli_exit bf_cli_complain (bf_cli_exit code,
                                                                     const char *format,
                                                                     ...);

/* The same for an error of the last call on cli->belfry. */
bf_cli_exit bf_cli_complain_of (const bf_cli *cli, int error);

/* Makes cli->belfry; talks to nobody yet. Complains on error. */
bf_cli_exit bf_cli_open (bf_cli *cli);

/* Sends the request and gets its reply; complains of every error, also of the daemon's. The
 * caller frees *reply with belfry_reply_free: it is there whenever the daemon answered, and
 * NULL otherwise. */
bf_cli_exit bf_cli_call (bf_cli *cli, Belfry__V1__Request *request,
                         Belfry__V1__Reply **reply);

/* How a job is named: the operand JOB, or --key and --ns. */
typedef struct {
    char *key;
    char *ns;
} bf_cli_name;

/* `where`: the offset of the bf_cli_name in the struct of the verb. */
#define BF_CLI_KEY_OPTION(where)                                                        \
    {                                                                                   \
        .name = "key", .value = "K",                                                    \
        .help = "name the job by its key instead of its id: the open job that has it, " \
                "else the newest that had it",                                          \
        .kind = BF_CLI_TEXT, .form = &bf_cli_form_key,                                  \
        .offset = (where) + offsetof (bf_cli_name, key)                                 \
    }

#define BF_CLI_NS_OPTION(where, text)                                             \
    {                                                                             \
        .name = "ns", .value = "N", .help = (text), .kind = BF_CLI_TEXT,          \
        .form = &bf_cli_form_name, .offset = (where) + offsetof (bf_cli_name, ns) \
    }

#define BF_CLI_NAME_OPTIONS(where) \
    BF_CLI_KEY_OPTION (where),     \
        BF_CLI_NS_OPTION (where, "the namespace of the key; default \"default\"")

/* Fills a JobRef from the first operand or the options, which are borrowed. BF_EINVALID
 * where it is not exactly one of them. */
bf_err bf_cli_name_fill (const bf_cli_texts *operands, const bf_cli_name *name,
                         Belfry__V1__JobRef *ref, bf_error *error);

/* The same; complains. */
bf_cli_exit bf_cli_name_read (const bf_cli_texts *operands, const bf_cli_name *name,
                              Belfry__V1__JobRef *ref);

/* Prints events as lines or JSON, whatever was asked for. */
void bf_cli_print_event (const bf_cli *cli, const Belfry__V1__Event *event);
void bf_cli_print_events (const bf_cli *cli, const Belfry__V1__EventsReply *page);

#endif
