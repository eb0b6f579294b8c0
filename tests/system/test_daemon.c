/* SPDX-License-Identifier: MPL-2.0
 *
 * belfryd as a program: what it prints, what it refuses and with which exit code, and what
 * signals do.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

#include "core/base/time.h"
#include "tests/support/cmocka.h"
#include "tests/support/peer.h"
#include "tests/support/process.h"
#include "tests/support/rig.h"
#include "tests/support/temp.h"

/* What belfryd exits with. */
enum {
    STOPPED = 0,
    USAGE = 2,
    LOCKED = 10,
    CORRUPT = 11,
    FOREIGN = 12,
    NEWER = 13,
    DISK = 14,
    BIND = 15,
    CONFIG = 16,
};

static int
setup (void **state)
{
    *state = rig_new ();
    return 0;
}

static int
teardown (void **state)
{
    rig *self = *state;
    rig_destroy (&self);
    return 0;
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The whole file, with a NUL behind it; NULL where there is none. */
static char *
slurp (const char *path, size_t *size)
{
    FILE *file = fopen (path, "r");
    if (!file) {
        return NULL;
    }
    char *bytes = calloc (1, 1 << 20);
    assert_non_null (bytes);
    size_t got = fread (bytes, 1, (1 << 20) - 1, file);
    fclose (file);
    if (size) {
        *size = got;
    }
    return bytes;
}

static void
spill (const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen (path, "w");
    assert_non_null (file);
    assert_int_equal (fwrite (bytes, 1, size, file), size);
    assert_int_equal (fclose (file), 0);
}

static void
assert_logged (const rig *self, const char *text)
{
    char *log = rig_log_text (self);
    if (!strstr (log, text)) {
        free (log);
        rig_fail (self, text);
    }
    free (log);
}

/* Waits until the daemon says so. */
static void
await_logged (const rig *self, const char *text)
{
    int64_t until_us = bf_now_read ().boot.us + RIG_DEADLINE_MS * BF_MS_US;
    for (;;) {
        char *log = rig_log_text (self);
        bool found = strstr (log, text) != NULL;
        free (log);
        if (found) {
            return;
        }
        if (bf_now_read ().boot.us > until_us) {
            rig_fail (self, text);
        }
        nanosleep (&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/* It answers. */
static void
assert_serves (rig *self)
{
    peer *client = peer_client (self, self->commands.tcp, ZMQ_REQ, "test");
    Belfry__V1__Status status = BELFRY__V1__STATUS__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_STATUS;
    request.status = &status;
    Belfry__V1__Reply *reply = peer_call (client, &request);
    assert_int_equal (reply->code, BELFRY__V1__CODE__CODE_OK);
    belfry__v1__reply__free_unpacked (reply, NULL);
    peer_free (client);
}

/* --- life -------------------------------------------------------------------------- */

static void
test_ready_and_stop (void **state)
{
    rig *self = *state;
    const int signals[] = {SIGTERM, SIGINT};
    char *path = temp_path (self->data, "endpoints");
    for (size_t i = 0; i < 2; i++) {
        rig_start (self, NULL);
        char *line = slurp (path, NULL);
        assert_non_null (line);
        assert_int_equal (strncmp (line, "ready commands=tcp://127.0.0.1:", 31), 0);
        assert_non_null (strstr (line, self->commands.tcp));
        assert_non_null (strstr (line, self->feed.ipc));
        assert_non_null (strstr (line, self->monitor.tcp));
        assert_int_equal (line[strlen (line) - 1], '\n');
        free (line);
        assert_serves (self);
        process_signal (&self->daemon, signals[i]);
        assert_int_equal (rig_wait (self), STOPPED);
        assert_int_not_equal (access (path, F_OK), 0);
    }
    free (path);
}

/* A kill leaves the sockets' files behind; they are no obstacle. */
static void
test_start_after_kill (void **state)
{
    rig *self = *state;
    rig_start (self, NULL);
    rig_kill (self);
    rig_start (self, NULL);
    assert_serves (self);
    rig_stop (self);
}

/* Runs belfryd without an endpoint, and returns its ready line. */
static char *
ready_line (rig *self, const char *data)
{
    process_start (&self->daemon, getenv ("BELFRYD"), ARGS ("--data", data), self->log);
    char *line = process_line (&self->daemon, RIG_DEADLINE_MS);
    if (!line) {
        rig_fail (self, "no ready line");
    }
    return line;
}

static void
test_default_endpoints (void **state)
{
    rig *self = *state;
    char expected[1024];
    char *line = ready_line (self, self->data);
    static const char *const doors[] = {"commands", "feed", "monitor"};
    for (size_t i = 0; i < 3; i++) {
        snprintf (expected, sizeof expected,
                  " %s=ipc://%s/%s.sock,tcp://127.0.0.1:", doors[i], self->data, doors[i]);
        assert_non_null (strstr (line, expected));
    }
    free (line);
    char *socket = temp_path (self->data, "commands.sock");
    struct stat file;
    assert_int_equal (stat (socket, &file), 0);
    assert_int_equal (file.st_mode & 0777, 0600);
    free (socket);
    rig_stop (self);
}

/* A directory whose sockets' paths would be too long has no ipc. */
static void
test_deep_directory (void **state)
{
    rig *self = *state;
    char name[101];
    memset (name, 'x', 100);
    name[100] = '\0';
    char *deep = temp_path (self->directory, name);
    char *line = ready_line (self, deep);
    assert_null (strstr (line, "ipc://"));
    assert_non_null (strstr (line, " commands=tcp://127.0.0.1:"));
    free (line);
    assert_logged (self, "no ipc endpoint");
    rig_stop (self);
    free (deep);
}

/* A claim that waits is answered, and does not hold up the stop. */
static void
test_stop_with_parked_claim (void **state)
{
    rig *self = *state;
    rig_start (self, NULL);
    peer *client = peer_client (self, self->commands.tcp, ZMQ_DEALER, "test");
    char *types[] = {(char *)"turn"};
    Belfry__V1__Claim claim = BELFRY__V1__CLAIM__INIT;
    claim.n_types = 1;
    claim.types = types;
    claim.wait_us = 60 * BF_SECOND_US;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CLAIM;
    request.claim = &claim;
    peer_send (client, &request);
    assert_serves (self);
    int64_t from_us = bf_now_read ().boot.us;
    rig_stop (self);
    assert_true (bf_now_read ().boot.us - from_us < 10 * BF_SECOND_US);
    Belfry__V1__Reply *reply = peer_receive (client, RIG_DEADLINE_MS);
    assert_non_null (reply);
    belfry__v1__reply__free_unpacked (reply, NULL);
    peer_free (client);
}

/* --- refusals ---------------------------------------------------------------------- */

static void
test_locked (void **state)
{
    rig *self = *state;
    rig_start (self, NULL);
    rig second = {.data = self->data, .directory = self->directory, .log = self->log};
    /* Not 15: the lock is asked for before any socket is touched. */
    assert_int_equal (rig_refused (&second, NULL), LOCKED);
    assert_serves (self);
    rig_stop (self);
}

/* Makes a database, lets `damage` at it, and expects that it is refused untouched. */
static void
refuse_damaged (rig *self, void (*damage) (char *bytes, size_t *size), int status)
{
    rig_start (self, NULL);
    rig_stop (self);
    char *path = temp_path (self->data, "belfry.db");
    size_t size;
    char *bytes = slurp (path, &size);
    assert_non_null (bytes);
    damage (bytes, &size);
    spill (path, bytes, size);
    assert_int_equal (rig_refused (self, NULL), status);
    size_t size_after;
    char *after = slurp (path, &size_after);
    assert_int_equal (size_after, size);
    assert_memory_equal (after, bytes, size);
    assert_logged (self, "belfryd: ");
    assert_logged (self, path);
    free (after);
    free (bytes);
    free (path);
}

static void
cut (char *bytes, size_t *size)
{
    (void)bytes;
    *size = 50;
}

static void
scramble (char *bytes, size_t *size)
{
    memset (bytes + 100, 0xa5, *size - 100);
}

static void
make_text (char *bytes, size_t *size)
{
    *size = (size_t)sprintf (bytes, "%0200d\n", 7);
}

static void
change_owner (char *bytes, size_t *size)
{
    (void)size;
    memcpy (bytes + 68, "Moo!", 4);
}

static void
make_newer (char *bytes, size_t *size)
{
    (void)size;
    bytes[60] = 0x7f;
}

static void
test_cut_off (void **state)
{
    refuse_damaged (*state, cut, CORRUPT);
}

static void
test_scrambled (void **state)
{
    refuse_damaged (*state, scramble, CORRUPT);
}

static void
test_not_a_database (void **state)
{
    refuse_damaged (*state, make_text, FOREIGN);
}

static void
test_foreign (void **state)
{
    refuse_damaged (*state, change_owner, FOREIGN);
}

static void
test_newer (void **state)
{
    refuse_damaged (*state, make_newer, NEWER);
}

static void
test_no_directory (void **state)
{
    rig *self = *state;
    spill (self->data, "a file", 6);
    assert_int_equal (rig_refused (self, NULL), DISK);
    assert_logged (self, self->data);
}

static void
test_taken_port (void **state)
{
    rig *self = *state;
    rig_start (self, NULL);
    rig *other = rig_new ();
    assert_int_equal (rig_refused (other, ARGS ("--feed", self->commands.tcp)), BIND);
    assert_logged (other, self->commands.tcp);
    assert_int_equal (rig_refused (other, ARGS ("--commands", self->commands.ipc)), BIND);
    assert_logged (other, self->commands.ipc);
    assert_serves (self);
    /* Nothing of the refused start is in the way of the next. */
    rig_start (other, NULL);
    assert_serves (other);
    rig_stop (other);
    rig_destroy (&other);
    rig_stop (self);
}

static void
test_open_bind (void **state)
{
    rig *self = *state;
    assert_int_equal (rig_refused (self, ARGS ("--commands", "tcp://*:*")), CONFIG);
    assert_logged (self, "--insecure");
    assert_int_equal (rig_refused (self, ARGS ("--monitor", "tcp://0.0.0.0:*")), CONFIG);
    rig_start (self, ARGS ("--insecure", "--monitor", "tcp://0.0.0.0:*"));
    assert_non_null (strstr (self->monitor.tcp, "tcp://0.0.0.0:"));
    rig_stop (self);
}

static void
test_bad_endpoint (void **state)
{
    rig *self = *state;
    assert_int_equal (rig_refused (self, ARGS ("--commands", "127.0.0.1:80")), CONFIG);
    assert_logged (self, "127.0.0.1:80");
}

static void
test_usage (void **state)
{
    rig *self = *state;
    assert_int_equal (rig_refused (self, ARGS ("--nonsense")), USAGE);
    assert_logged (self, "--nonsense");
    assert_int_equal (rig_refused (self, ARGS ("stray")), USAGE);
    assert_int_equal (rig_refused (self, ARGS ("--log-level", "loud")), USAGE);
    assert_int_equal (rig_refused (self, ARGS ("--log-level")), USAGE);
    assert_int_equal (rig_refused (self, ARGS ("--insecure=yes")), USAGE);
}

static void
test_help_and_version (void **state)
{
    rig *self = *state;
    static const struct {
        const char *option;
        const char *says;
    } rows[] = {{"--help", "--insecure"}, {"--version", "belfryd 0."}};
    for (size_t i = 0; i < 2; i++) {
        process_start (&self->daemon, getenv ("BELFRYD"), ARGS (rows[i].option), self->log);
        char *text = process_output (&self->daemon, RIG_DEADLINE_MS);
        assert_non_null (text);
        assert_non_null (strstr (text, rows[i].says));
        free (text);
        assert_int_equal (rig_wait (self), 0);
    }
    assert_int_not_equal (access (self->data, F_OK), 0);
}

/* --- the config file --------------------------------------------------------------- */

static char *
write_config (const rig *self, const char *text)
{
    char *path = temp_path (self->directory, "belfryd.conf");
    spill (path, text, strlen (text));
    return path;
}

static void
test_config_refused (void **state)
{
    rig *self = *state;
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {"# fine\n\ncolour = red\n", "belfryd.conf:3: there is no setting colour"},
        {"config = other\n", "belfryd.conf:1: there is no setting config"},
        {"log_level = info\nlog_level = debug\n",
         "belfryd.conf:2: log_level is said twice"},
        {"log_level loud\n", "belfryd.conf:1: "},
        {"log_level = loud\n", "belfryd.conf:1: the log level"},
        {"insecure = perhaps\n", "belfryd.conf:1: it must be yes or no"},
        {"data =\n", "belfryd.conf:1: data needs a value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *path = write_config (self, rows[i].text);
        assert_int_equal (rig_refused (self, ARGS ("--config", path)), CONFIG);
        assert_logged (self, rows[i].says);
        free (path);
    }
    assert_int_equal (rig_refused (self, ARGS ("--config", "/no/such/file")), CONFIG);
    assert_logged (self, "/no/such/file");
}

/* The sample in the source tree is a config file that works; the command line wins. */
static void
test_config_sample (void **state)
{
    rig *self = *state;
    const char *source = getenv ("BELFRY_SOURCE_DIR");
    assert_non_null (source);
    char *path = temp_path (source, "apps/belfryd/belfryd.conf");
    rig_start (self, ARGS ("--config", path));
    assert_serves (self);
    rig_stop (self);
    free (path);
}

static void
test_config_doors (void **state)
{
    rig *self = *state;
    char *path = write_config (self, "  feed=tcp://localhost:*\n"
                                     "monitor = tcp://127.0.0.1:*\n"
                                     "monitor = tcp://127.0.0.2:*\n"
                                     "log_level = error\n");
    process_start (
        &self->daemon, getenv ("BELFRYD"),
        ARGS ("--config", path, "--data", self->data, "--commands", "tcp://127.0.0.1:*"),
        self->log);
    char *line = process_line (&self->daemon, RIG_DEADLINE_MS);
    assert_non_null (line);
    assert_null (strstr (line, "ipc://"));
    assert_non_null (strstr (line, " feed=tcp://127.0.0.1:"));
    assert_non_null (strstr (line, ",tcp://127.0.0.2:"));
    free (line);
    free (path);
    rig_stop (self);
}

static void
test_reload (void **state)
{
    rig *self = *state;
    char *path = write_config (self, "log_level = error\n");
    rig_start (self, ARGS ("--config", path));
    free (write_config (self, "log_level = info\ninsecure = yes\n"));
    process_signal (&self->daemon, SIGHUP);
    await_logged (self, "log level read again");
    await_logged (self, "need a restart");
    free (write_config (self, "log_level = deafening\n"));
    process_signal (&self->daemon, SIGHUP);
    await_logged (self, "belfryd.conf:1: the log level");
    assert_serves (self);
    rig_stop (self);
    free (path);
}

/* --- the service manager ----------------------------------------------------------- */

static void
expect_state (int manager, const char *expected)
{
    char said[64];
    ssize_t size = recv (manager, said, sizeof said - 1, 0);
    assert_true (size > 0);
    said[size] = '\0';
    assert_string_equal (said, expected);
}

static void
test_notify (void **state)
{
    rig *self = *state;
    char *path = temp_path (self->directory, "notify");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy (address.sun_path, path);
    int manager = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal (bind (manager, (struct sockaddr *)&address, sizeof address), 0);
    struct timeval wait = {.tv_sec = RIG_DEADLINE_MS / 1000};
    setsockopt (manager, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setenv ("NOTIFY_SOCKET", path, 1);
    rig_start (self, NULL);
    unsetenv ("NOTIFY_SOCKET");
    expect_state (manager, "READY=1");
    rig_stop (self);
    expect_state (manager, "STOPPING=1");
    close (manager);
    free (path);
}

/* What czmq would take from the environment does not reach it. */
static void
test_environment (void **state)
{
    rig *self = *state;
    setenv ("ZSYS_MAX_SOCKETS", "5", 1);
    setenv ("ZSYS_IO_THREADS", "0", 1);
    setenv ("ZSYS_SNDHWM", "1", 1);
    rig_start (self, NULL);
    unsetenv ("ZSYS_MAX_SOCKETS");
    unsetenv ("ZSYS_IO_THREADS");
    unsetenv ("ZSYS_SNDHWM");
    assert_serves (self);
    rig_stop (self);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, setup, teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_ready_and_stop),
        TEST (test_start_after_kill),
        TEST (test_default_endpoints),
        TEST (test_deep_directory),
        TEST (test_stop_with_parked_claim),
        TEST (test_locked),
        TEST (test_cut_off),
        TEST (test_scrambled),
        TEST (test_not_a_database),
        TEST (test_foreign),
        TEST (test_newer),
        TEST (test_no_directory),
        TEST (test_taken_port),
        TEST (test_open_bind),
        TEST (test_bad_endpoint),
        TEST (test_usage),
        TEST (test_help_and_version),
        TEST (test_config_refused),
        TEST (test_config_sample),
        TEST (test_config_doors),
        TEST (test_reload),
        TEST (test_notify),
        TEST (test_environment),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
