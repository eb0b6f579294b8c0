/* SPDX-License-Identifier: MPL-2.0
 *
 * The log: what a line looks like on stderr, read back through a pipe.
 */
#include "core/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include <wchar.h>

#include "core/base/time.h"
#include "tests/support/cmocka.h"

typedef struct {
    int stderr_copy;
    int reader;
} capture_t;

static void
capture_start (capture_t *capture)
{
    int ends[2];
    assert_int_equal (pipe (ends), 0);
    capture->stderr_copy = dup (STDERR_FILENO);
    capture->reader = ends[0];
    dup2 (ends[1], STDERR_FILENO);
    close (ends[1]);
}

static void
capture_stop (capture_t *capture, char *text, size_t size)
{
    dup2 (capture->stderr_copy, STDERR_FILENO);
    close (capture->stderr_copy);
    ssize_t length;
    size_t used = 0;
    while ((length = read (capture->reader, text + used, size - 1 - used)) > 0) {
        used += (size_t)length;
    }
    text[used] = '\0';
    close (capture->reader);
}

static void
test_line (void **state)
{
    (void)state;
    capture_t capture;
    char text[8192];
    capture_start (&capture);
    bf_log (BF_LOG_WARNING, "store", "disk is getting full", "free_bytes=%d path=%s", 17,
            "./data");
    bf_log (BF_LOG_INFO, "gateway", "serving", "%s", "");
    bf_log (BF_LOG_ERROR, "clock", "stopped", "");
    capture_stop (&capture, text, sizeof text);

    assert_memory_equal (text, "ts=20", 5);
    char *end = strchr (text, ' ');
    assert_non_null (end);
    *end = '\0';
    bf_wall wall;
    assert_int_equal (bf_wall_parse (text + 3, &wall, NULL), BF_OK);
    char *line = strtok (end + 1, "\n");
    assert_string_equal (line, "level=warning actor=store msg=\"disk is getting full\" "
                               "free_bytes=17 path=./data");
    line = strtok (NULL, "\n");
    assert_non_null (strstr (line, " level=info actor=gateway msg=\"serving\" "));
    line = strtok (NULL, "\n");
    assert_non_null (strstr (line, " level=error actor=clock msg=\"stopped\""));
    assert_int_equal (line[strlen (line) - 1], '"');
    assert_null (strtok (NULL, "\n"));
}

static void
test_levels (void **state)
{
    (void)state;
    static const struct {
        bf_log_level threshold;
        size_t lines;
    } rows[] = {
        {BF_LOG_ERROR, 1}, {BF_LOG_WARNING, 2}, {BF_LOG_INFO, 3}, {BF_LOG_DEBUG, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        capture_t capture;
        char text[4096];
        size_t lines = 0;
        bf_log_set_level (rows[i].threshold);
        capture_start (&capture);
        for (int level = BF_LOG_ERROR; level <= BF_LOG_DEBUG; level++) {
            bf_log ((bf_log_level)level, "test", "line", "n=%d", level);
            assert_int_equal (bf_log_enabled ((bf_log_level)level),
                              level <= (int)rows[i].threshold);
        }
        capture_stop (&capture, text, sizeof text);
        for (const char *at = text; (at = strchr (at, '\n')) != NULL; at++) {
            lines++;
        }
        assert_int_equal (lines, rows[i].lines);
    }
    bf_log_set_level (BF_LOG_INFO);
}

static void
test_hostile_text (void **state)
{
    (void)state;
    capture_t capture;
    char text[16384];
    capture_start (&capture);
    bf_log (BF_LOG_INFO, "gateway", "refused", "client=%s", "a\nlevel=error\r\x1b[31m\x7f");
    capture_stop (&capture, text, sizeof text);
    assert_non_null (strstr (text, "client=a?level=error??[31m?\n"));
    assert_ptr_equal (strchr (text, '\n'), text + strlen (text) - 1);
}

static void
test_long_line_is_cut (void **state)
{
    (void)state;
    capture_t capture;
    char text[16384], value[8000];
    memset (value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    capture_start (&capture);
    bf_log (BF_LOG_INFO, "gateway", "long", "value=%s", value);
    bf_log (BF_LOG_INFO, "gateway", value, "value=%s", value);
    capture_stop (&capture, text, sizeof text);
    char *first = strchr (text, '\n');
    assert_non_null (first);
    assert_int_equal (first - text, 4095);
    assert_int_equal (strlen (first + 1), 4096);
    assert_int_equal (first[4096], '\n');
}

/* What cannot be printed is left out of the line, and the line is written. */
static void
test_no_text (void **state)
{
    (void)state;
    capture_t capture;
    char text[1024];
    capture_start (&capture);
    bf_log (BF_LOG_INFO, "test", "no such character", "%lc", (wint_t)0x20ac);
    capture_stop (&capture, text, sizeof text);
    assert_non_null (strstr (text, " msg=\"no such character\" \n"));
}

/* The reading end of stderr, and how many signals came while nobody read. */
static int full_pipe;
static volatile sig_atomic_t signals;

/* Until the writer surely sleeps in its write; then there is room again. */
static void
on_alarm (int number)
{
    char bytes[4096];
    (void)number;
    if (++signals > 20) {
        (void)!read (full_pipe, bytes, sizeof bytes);
    }
}

/* A signal that interrupts the write does not cost a line. */
static void
test_interrupted (void **state)
{
    (void)state;
    capture_t capture;
    static char text[1 << 20];
    capture_start (&capture);
    full_pipe = capture.reader;
    int flags = fcntl (STDERR_FILENO, F_GETFL);
    fcntl (STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
    while (write (STDERR_FILENO, "-", 1) == 1) {
    }
    fcntl (STDERR_FILENO, F_SETFL, flags);
    const struct sigaction action = {.sa_handler = on_alarm};
    struct sigaction before;
    sigaction (SIGALRM, &action, &before);
    const struct itimerval every = {{0, 1000}, {0, 1000}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    setitimer (ITIMER_REAL, &every, NULL);
    bf_log (BF_LOG_INFO, "test", "patient", "n=%d", 1);
    setitimer (ITIMER_REAL, &never, NULL);
    sigaction (SIGALRM, &before, NULL);
    capture_stop (&capture, text, sizeof text);
    assert_true (signals > 20);
    assert_non_null (strstr (text, " msg=\"patient\" n=1\n"));
}

static void
test_errno_is_kept (void **state)
{
    (void)state;
    capture_t capture;
    char text[1024];
    capture_start (&capture);
    int copy = dup (STDERR_FILENO);
    close (STDERR_FILENO);
    errno = EDOM;
    bf_log (BF_LOG_INFO, "test", "nobody listens", "n=%d", 1);
    int kept = errno;
    dup2 (copy, STDERR_FILENO);
    close (copy);
    capture_stop (&capture, text, sizeof text);
    assert_int_equal (kept, EDOM);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_line),          cmocka_unit_test (test_levels),
        cmocka_unit_test (test_hostile_text),  cmocka_unit_test (test_long_line_is_cut),
        cmocka_unit_test (test_errno_is_kept), cmocka_unit_test (test_no_text),
        cmocka_unit_test (test_interrupted),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
