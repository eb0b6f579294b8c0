/* SPDX-License-Identifier: MPL-2.0
 *
 * Tokens as text. There is exactly one spelling of each, so that programs may compare them
 * as strings.
 */
#include "core/token.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

/* In decimal; returns the end. By hand: a run's id is in each of its events. */
static char *
put_number (char *at, uint64_t number)
{
    char digits[BF_TOKEN_BYTES];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        *at++ = digits[--count];
    }
    return at;
}

char *
bf_token_format (bf_token token, char buffer[BF_TOKEN_BYTES])
{
    char *end = put_number (buffer, token.job);
    *end++ = '.';
    end = put_number (end, token.ordinal);
    if (token.attempt != 0) {
        *end++ = '.';
        end = put_number (end, token.attempt);
    }
    *end = '\0';
    return buffer;
}

/* A number from 1 to `most`, without sign or leading zero. */
static bool
read_number (const char **text, uint64_t most, uint64_t *number)
{
    uint64_t result = 0;
    if (**text < '1' || **text > '9') {
        return false;
    }
    while (**text >= '0' && **text <= '9') {
        uint64_t digit = (uint64_t)(**text - '0');
        if (result > (most - digit) / 10) {
            return false;
        }
        result = result * 10 + digit;
        (*text)++;
    }
    *number = result;
    return true;
}

static bool
read_after_dot (const char **text, uint32_t *number)
{
    uint64_t result;
    if (**text != '.') {
        return false;
    }
    (*text)++;
    if (!read_number (text, UINT32_MAX, &result)) {
        return false;
    }
    *number = (uint32_t)result;
    return true;
}

bf_err
bf_token_parse (const char *text, bf_token *token)
{
    bf_token result = {0};
    if (!read_number (&text, UINT64_MAX, &result.job) ||
        !read_after_dot (&text, &result.ordinal) ||
        !read_after_dot (&text, &result.attempt) || *text != '\0') {
        return BF_EINVALID;
    }
    *token = result;
    return BF_OK;
}

bf_err
bf_run_id_parse (const char *text, bf_token *token)
{
    bf_token result = {0};
    if (!read_number (&text, UINT64_MAX, &result.job)) {
        return BF_EINVALID;
    }
    if (*text != '\0' && (!read_after_dot (&text, &result.ordinal) || *text != '\0')) {
        return BF_EINVALID;
    }
    *token = result;
    return BF_OK;
}
