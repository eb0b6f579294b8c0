/* SPDX-License-Identifier: MPL-2.0
 *
 * Payloads from the command line: text, files, and what is too long or not there.
 */
#define _GNU_SOURCE /* memfd_create: a file that needs no name */
#include "apps/belfry/content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "messages/limits.h"
#include "tests/support/cmocka.h"

static void
test_text (void **state)
{
    (void)state;
    ProtobufCBinaryData content;
    assert_int_equal (bf_cli_content_read (NULL, &content, NULL), BF_OK);
    assert_int_equal (content.len, 0);
    assert_null (content.data);
    assert_int_equal (bf_cli_content_read ("a b", &content, NULL), BF_OK);
    assert_int_equal (content.len, 3);
    assert_memory_equal (content.data, "a b", 3);
    free (content.data);
}

static void
test_sizes (void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        bf_err err;
    } rows[] = {
        {0, BF_OK}, {BF_PAYLOAD_BYTES, BF_OK}, {BF_PAYLOAD_BYTES + 1, BF_ETOOLARGE}};
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        size_t size = rows[index].bytes;
        char *text = calloc (1, size + 1);
        char name[64];
        ProtobufCBinaryData content = {0};
        memset (text, 'x', size);
        int fd = memfd_create ("payload", MFD_CLOEXEC);
        assert_int_equal (write (fd, text, size), (ssize_t)size);
        snprintf (name, sizeof name, "@/proc/self/fd/%d", fd);
        assert_int_equal (bf_cli_content_read (name, &content, NULL), rows[index].err);
        assert_int_equal (content.len, rows[index].err == BF_OK ? size : 0);
        free (content.data);
        content = (ProtobufCBinaryData){0};
        assert_int_equal (bf_cli_content_read (text, &content, NULL), rows[index].err);
        free (content.data);
        close (fd);
        free (text);
    }
}

static void
test_unreadable (void **state)
{
    (void)state;
    ProtobufCBinaryData content = {0};
    bf_error error = {0};
    assert_int_equal (bf_cli_content_read ("@/nowhere/at/all", &content, &error), BF_EIO);
    assert_non_null (strstr (error.text, "/nowhere/at/all could not be opened"));
    assert_int_equal (bf_cli_content_read ("@/", &content, &error), BF_EIO);
    assert_non_null (strstr (error.text, "could not be read"));
    assert_null (content.data);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_text),
        cmocka_unit_test (test_sizes),
        cmocka_unit_test (test_unreadable),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
