/* SPDX-License-Identifier: MPL-2.0
 *
 * Reads arguments by tables. The help text of the same tables is in usage.c.
 */
#include "apps/belfry/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/belfry/words.h"
#include "core/base/time.h"

bool
bf_cli_number_parse (const char *text, uint64_t *number)
{
    uint64_t value = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(*text - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

static bf_err
push_text (bf_cli_texts *texts, char *text, bf_error *error)
{
    char **items = realloc (texts->items, (texts->count + 2) * sizeof *items);
    if (!items) {
        return bf_fail (error, BF_ENOMEM, "out of memory");
    }
    texts->items = items;
    texts->items[texts->count++] = text;
    texts->items[texts->count] = NULL;
    return BF_OK;
}

static bf_err
push_value (bf_cli_values *values, int value, bf_error *error)
{
    int *items = realloc (values->items, (values->count + 1) * sizeof *items);
    if (!items) {
        return bf_fail (error, BF_ENOMEM, "out of memory");
    }
    values->items = items;
    values->items[values->count++] = value;
    return BF_OK;
}

static bf_err
read_word (const bf_cli_option *option, const char *text, int *value, bf_error *error)
{
    if (bf_cli_word_find (option->words, text, value)) {
        return BF_OK;
    }
    char words[BF_CLI_VALUE_BYTES];
    return bf_fail (error, BF_EINVALID, "--%s: \"%s\" is none of %s", option->name, text,
                    bf_cli_option_value (option, words));
}

static bf_err
read_number (const bf_cli_option *option, const char *text, uint64_t *value,
             bf_error *error)
{
    bool bounded = option->least || option->most;
    if (!bf_cli_number_parse (text, value)) {
        return bf_fail (error, BF_EINVALID, "--%s: \"%s\" is not a whole number",
                        option->name, text);
    }
    if (bounded && (*value < option->least || *value > option->most)) {
        return bf_fail (error, BF_EINVALID, "--%s: %s is not in %llu..%llu", option->name,
                        text, (unsigned long long)option->least,
                        (unsigned long long)option->most);
    }
    return BF_OK;
}

static bf_err
read_span (const bf_cli_option *option, const char *text, int64_t *us, bf_error *error)
{
    bf_span span;
    bf_error detail = {0};
    bf_err err = bf_span_parse (text, &span, &detail);
    if (err != BF_OK) {
        return bf_fail (error, err, "--%s: %s", option->name, detail.text);
    }
    bool bounded = option->least || option->most;
    if (bounded && (span.us < (int64_t)option->least || span.us > (int64_t)option->most)) {
        char least[BF_SPAN_BYTES], most[BF_SPAN_BYTES];
        return bf_fail (error, BF_EINVALID, "--%s: %s is not in %s..%s", option->name, text,
                        bf_span_format ((bf_span){(int64_t)option->least}, least),
                        bf_span_format ((bf_span){(int64_t)option->most}, most));
    }
    *us = span.us;
    return BF_OK;
}

static bf_err
read_spans (const bf_cli_option *option, const char *text, bf_cli_spans *spans,
            bf_error *error)
{
    for (const char *at = text;; at++) {
        size_t size = strcspn (at, ",");
        char *part = strndup (at, size);
        int64_t *items = realloc (spans->items, (spans->count + 1) * sizeof *items);
        spans->items = items ? items : spans->items;
        bf_err err = part && items ? read_span (option, part, &items[spans->count], error)
                                   : bf_fail (error, BF_ENOMEM, "out of memory");
        free (part);
        if (err != BF_OK) {
            return err;
        }
        spans->count++;
        at += size;
        if (*at == '\0') {
            return BF_OK;
        }
    }
}

static bf_err
read_instant (const bf_cli_option *option, const char *text, int64_t *us, bf_error *error)
{
    bf_wall wall;
    bf_error detail = {0};
    bf_err err = bf_wall_parse (text, &wall, &detail);
    if (err != BF_OK) {
        return bf_fail (error, err, "--%s: %s", option->name, detail.text);
    }
    *us = wall.us;
    return BF_OK;
}

/* Whether the option was given, for those that may be given only once. */
static bool
is_set (const bf_cli_option *option, const void *at)
{
    switch (option->kind) {
    case BF_CLI_FLAG:
        return *(const bool *)at;
    case BF_CLI_TEXT:
        return *(char *const *)at != NULL;
    case BF_CLI_TEXTS:
        return ((const bf_cli_texts *)at)->count > 0;
    case BF_CLI_NUMBER:
        return ((const bf_cli_number *)at)->set;
    case BF_CLI_SPAN:
    case BF_CLI_INSTANT:
        return ((const bf_cli_us *)at)->set;
    case BF_CLI_SPANS:
        return ((const bf_cli_spans *)at)->count > 0;
    case BF_CLI_WORD:
        return *(const int *)at != 0;
    case BF_CLI_WORDS:
        return ((const bf_cli_values *)at)->count > 0;
    }
    return false;
}

static bf_err
store (const bf_cli_option *option, char *text, void *at, bf_error *error)
{
    bf_err err = BF_OK;
    bool repeats = option->kind == BF_CLI_TEXTS || option->kind == BF_CLI_WORDS;
    if (!repeats && option->kind != BF_CLI_FLAG && is_set (option, at)) {
        return bf_fail (error, BF_EINVALID, "--%s is given twice", option->name);
    }
    /* A flag has no value to look at. */
    bool formed = option->form && option->kind != BF_CLI_FLAG;
    if (formed && *text == '\0') {
        return bf_fail (error, BF_EINVALID, "the %s is empty; --%s must be %s",
                        option->name, option->name, option->form->rule);
    }
    if (formed && !option->form->fits (text)) {
        return bf_fail (error, BF_EINVALID, "--%s must be %s, not \"%s\"", option->name,
                        option->form->rule, text);
    }
    switch (option->kind) {
    case BF_CLI_FLAG:
        *(bool *)at = true;
        break;
    case BF_CLI_TEXT:
        *(char **)at = text;
        break;
    case BF_CLI_TEXTS:
        err = push_text (at, text, error);
        break;
    case BF_CLI_NUMBER: {
        bf_cli_number *number = at;
        err = read_number (option, text, &number->value, error);
        number->set = err == BF_OK;
        break;
    }
    case BF_CLI_SPAN:
    case BF_CLI_INSTANT: {
        bf_cli_us *time = at;
        err = option->kind == BF_CLI_SPAN ? read_span (option, text, &time->us, error)
                                          : read_instant (option, text, &time->us, error);
        time->set = err == BF_OK;
        break;
    }
    case BF_CLI_SPANS:
        err = read_spans (option, text, at, error);
        break;
    case BF_CLI_WORD:
        err = read_word (option, text, at, error);
        break;
    case BF_CLI_WORDS: {
        int value;
        err = read_word (option, text, &value, error);
        if (err == BF_OK) {
            err = push_value (at, value, error);
        }
        break;
    }
    }
    return err;
}

/* The option that an argument names, and where its value is to go. */
typedef struct {
    const bf_cli_option *option;
    void *at;
} target;

static bool
find_long (const bf_cli_option_set *sets, size_t set_count, const char *name, size_t size,
           target *found)
{
    for (size_t index = 0; index < set_count; index++) {
        for (const bf_cli_option *option = sets[index].options; option->name; option++) {
            if (strlen (option->name) == size && !strncmp (option->name, name, size)) {
                *found = (target){option, (char *)sets[index].values + option->offset};
                return true;
            }
        }
    }
    return false;
}

static bool
find_letter (const bf_cli_option_set *sets, size_t set_count, char letter, target *found)
{
    for (size_t index = 0; index < set_count; index++) {
        for (const bf_cli_option *option = sets[index].options; option->name; option++) {
            if (option->letter && option->letter == letter) {
                *found = (target){option, (char *)sets[index].values + option->offset};
                return true;
            }
        }
    }
    return false;
}

static bf_err
unknown (const bf_cli_option_set *sets, size_t set_count, const char *argument,
         bf_error *error)
{
    char word[64];
    const char *name = argument + strspn (argument, "-");
    snprintf (word, sizeof word, "%.*s", (int)strcspn (name, "="), name);
    bf_cli_nearest nearest = {.word = word};
    for (size_t index = 0; index < set_count; index++) {
        for (const bf_cli_option *option = sets[index].options; option->name; option++) {
            bf_cli_nearest_offer (&nearest, option->name);
        }
    }
    if (nearest.best) {
        return bf_fail (error, BF_EINVALID,
                        "there is no option %s here; did you mean --%s?", argument,
                        nearest.best);
    }
    return bf_fail (error, BF_EINVALID, "there is no option %s here", argument);
}

/* Reads the option at arguments[*next] and its value, and moves *next behind them. */
static bf_err
parse_option (const bf_cli_option_set *sets, size_t set_count, int count, char **arguments,
              int *next, bf_error *error)
{
    char *argument = arguments[*next];
    char *value = NULL;
    target found;
    bool known;
    if (argument[1] == '-') {
        value = strchr (argument, '=');
        size_t size = value ? (size_t)(value - argument) - 2 : strlen (argument) - 2;
        known = find_long (sets, set_count, argument + 2, size, &found);
        value = value ? value + 1 : NULL;
    } else {
        known = find_letter (sets, set_count, argument[1], &found);
        value = argument[2] ? argument + 2 : NULL;
    }
    if (!known) {
        return unknown (sets, set_count, argument, error);
    }
    *next += 1;
    if (found.option->kind == BF_CLI_FLAG) {
        if (value) {
            return bf_fail (error, BF_EINVALID, "--%s takes no value", found.option->name);
        }
    } else if (!value) {
        if (*next == count) {
            char name[BF_CLI_VALUE_BYTES];
            return bf_fail (error, BF_EINVALID, "--%s needs a value: --%s %s",
                            found.option->name, found.option->name,
                            bf_cli_option_value (found.option, name));
        }
        value = arguments[*next];
        *next += 1;
    }
    return store (found.option, value, found.at, error);
}

bf_err
bf_cli_options_parse (const bf_cli_option_set *sets, size_t set_count, int count,
                      char **arguments, bool first_operand_only, bf_cli_texts *operands,
                      int *used, bf_error *error)
{
    bf_err err = BF_OK;
    bool only_operands = false;
    int next = 0;
    while (next < count && err == BF_OK) {
        char *argument = arguments[next];
        if (!only_operands && !strcmp (argument, "--")) {
            only_operands = true;
            next += 1;
        } else if (only_operands || argument[0] != '-' || argument[1] == '\0') {
            err = push_text (operands, argument, error);
            next += 1;
            if (first_operand_only) {
                break;
            }
        } else {
            err = parse_option (sets, set_count, count, arguments, &next, error);
        }
    }
    *used = next;
    return err;
}

bf_err
bf_cli_options_missing (const bf_cli_option_set *set, bf_error *error)
{
    for (const bf_cli_option *option = set->options; option->name; option++) {
        if (option->required &&
            !is_set (option, (const char *)set->values + option->offset)) {
            char name[BF_CLI_VALUE_BYTES];
            return bf_fail (error, BF_EINVALID, "--%s %s is missing", option->name,
                            bf_cli_option_value (option, name));
        }
    }
    return BF_OK;
}

void
bf_cli_texts_clear (bf_cli_texts *texts)
{
    free (texts->items);
    *texts = (bf_cli_texts){0};
}

void
bf_cli_options_clear (const bf_cli_option_set *set)
{
    for (const bf_cli_option *option = set->options; option->name; option++) {
        void *at = (char *)set->values + option->offset;
        if (option->kind == BF_CLI_TEXTS) {
            bf_cli_texts_clear (at);
        } else if (option->kind == BF_CLI_WORDS) {
            free (((bf_cli_values *)at)->items);
            *(bf_cli_values *)at = (bf_cli_values){0};
        } else if (option->kind == BF_CLI_SPANS) {
            free (((bf_cli_spans *)at)->items);
            *(bf_cli_spans *)at = (bf_cli_spans){0};
        }
    }
}
