/* SPDX-License-Identifier: MPL-2.0
 *
 * The list of errors: names, wire codes, sentences that are cut and not overrun, and an
 * invariant that ends the process.
 */
#include "core/base/errors.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/cmocka.h"

static void
test_known_errors (void **state)
{
    (void)state;
    static const struct {
        bf_err err;
        const char *name;
        int wire;
        bool retryable;
    } rows[] = {
        {BF_OK, "OK", 1, false},
        {BF_EMALFORMED, "EMALFORMED", 2, false},
        {BF_EBUSY, "EBUSY", 7, true},
        {BF_ESTALE, "ESTALE", 13, false},
        {BF_EDISKFULL, "EDISKFULL", 15, true},
        {BF_EINTERNAL, "EINTERNAL", 18, false},
        {BF_ENOMEM, "ENOMEM", 18, true},
        {BF_ECONFIG, "ECONFIG", 18, false},
        {(bf_err)-999, "unknown", 18, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal (bf_err_name (rows[i].err), rows[i].name);
        assert_int_equal (bf_err_wire (rows[i].err), rows[i].wire);
        assert_int_equal (bf_err_retryable (rows[i].err), rows[i].retryable);
        assert_true (strlen (bf_err_text (rows[i].err)) > 0);
    }
}

static void
test_list_is_sound (void **state)
{
    (void)state;
    static const bf_err list[] = {
#define X(name, value, wire, retryable, text) BF_##name,
        BF_ERROR_MAP (X)
#undef X
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        assert_true (i == 0 ? list[i] == BF_OK : list[i] < 0);
        assert_in_range (bf_err_wire (list[i]), 1, 19);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal (list[i], list[j]);
            assert_string_not_equal (bf_err_name (list[i]), bf_err_name (list[j]));
        }
    }
}

static void
test_fail (void **state)
{
    (void)state;
    bf_error error = {0};
    assert_int_equal (bf_fail (&error, BF_EINVALID, "%s is %d", "max", 7), BF_EINVALID);
    assert_int_equal (error.code, BF_EINVALID);
    assert_string_equal (error.text, "max is 7");

    assert_int_equal (bf_fail_plain (&error, BF_EBUSY), BF_EBUSY);
    assert_int_equal (error.code, BF_EBUSY);
    assert_string_equal (error.text, bf_err_text (BF_EBUSY));

    assert_int_equal (bf_fail (NULL, BF_EIO, "nobody reads this"), BF_EIO);
}

static void
test_long_text_is_cut (void **state)
{
    (void)state;
    bf_error error = {0};
    char text[BF_ERROR_TEXT_BYTES * 2];
    memset (text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    bf_fail (&error, BF_EINVALID, "%s", text);
    assert_int_equal (strlen (error.text), BF_ERROR_TEXT_BYTES - 1);
}

/* A cut never leaves half a character: whatever its size, and wherever the cut falls. */
static void
test_cut_between_characters (void **state)
{
    (void)state;
    static const char *const characters[] = {"x", "\xc3\xa9", "\xe2\x82\xac",
                                             "\xf0\x9f\x94\x94"};
    for (size_t i = 0; i < sizeof characters / sizeof characters[0]; i++) {
        size_t size = strlen (characters[i]);
        for (size_t shift = 0; shift < 8; shift++) {
            char text[BF_ERROR_TEXT_BYTES * 2] = "yyyyyyyy";
            for (size_t at = shift; at + size < sizeof text; at += size) {
                memcpy (text + at, characters[i], size);
                text[at + size] = '\0';
            }
            bf_error error = {0};
            bf_fail (&error, BF_EINVALID, "%s", text);
            size_t room = (BF_ERROR_TEXT_BYTES - 1 - shift) / size;
            assert_int_equal (strlen (error.text), shift + room * size);
            assert_memory_equal (error.text, text, strlen (error.text));
        }
    }
    /* One that just fits is not touched. */
    bf_error error = {0};
    bf_fail (&error, BF_EINVALID, "%0508d\xe2\x82\xac", 1);
    assert_int_equal (strlen (error.text), BF_ERROR_TEXT_BYTES - 1);
}

/* Bytes that are no character are nobody's: only the cut must not run away. */
static void
test_cut_of_rubbish (void **state)
{
    (void)state;
    char text[BF_ERROR_TEXT_BYTES * 2];
    memset (text, 0x80, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    bf_error error = {0};
    bf_fail (&error, BF_EINVALID, "%s", text);
    assert_int_equal (strlen (error.text), BF_ERROR_TEXT_BYTES - 1);
}

static void
test_one_line (void **state)
{
    (void)state;
    bf_error error = {0};
    bf_fail (&error, BF_EINVALID, "%s",
             "a\nb\tc\x7f"
             "d\x1b[2J\r");
    assert_string_equal (error.text, "a b c d [2J ");
}

/* In a child, because it ends the process. Returns what the child wrote to stderr. */
static int
broken_invariant (char *text, size_t size)
{
    int ends[2];
    assert_int_equal (pipe (ends), 0);
    pid_t child = fork ();
    assert_true (child >= 0);
    if (child == 0) {
        signal (SIGABRT, SIG_DFL);
        dup2 (ends[1], STDERR_FILENO);
        BF_INVARIANT (1 + 1 == 2);
        BF_INVARIANT (text == NULL);
        _exit (0);
    }
    close (ends[1]);
    ssize_t length, used = 0;
    while ((length = read (ends[0], text + used, size - 1 - (size_t)used)) > 0) {
        used += length;
    }
    text[used] = '\0';
    close (ends[0]);
    int status;
    assert_int_equal (waitpid (child, &status, 0), child);
    return status;
}

static void
test_invariant (void **state)
{
    (void)state;
    char text[512];
    int status = broken_invariant (text, sizeof text);
    assert_true (WIFSIGNALED (status));
    assert_int_equal (WTERMSIG (status), SIGABRT);
    assert_non_null (strstr (text, "test_errors.c"));
    assert_non_null (strstr (text, "broken invariant: text == NULL"));
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_known_errors),
        cmocka_unit_test (test_list_is_sound),
        cmocka_unit_test (test_fail),
        cmocka_unit_test (test_long_text_is_cut),
        cmocka_unit_test (test_cut_between_characters),
        cmocka_unit_test (test_cut_of_rubbish),
        cmocka_unit_test (test_one_line),
        cmocka_unit_test (test_invariant),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
