/* SPDX-License-Identifier: MPL-2.0
 *
 * actors/endpoint: what may be bound, and what happens to what lies there already.
 */
#include "actors/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "actors/actor.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp.h"

static void
test_parse (void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *became; /* NULL: refused */
        bf_transport transport;
        bool local;
    } rows[] = {
        {"tcp://127.0.0.1:*", "tcp://127.0.0.1:*", BF_TRANSPORT_TCP, true},
        {"tcp://127.255.0.9:65535", "tcp://127.255.0.9:65535", BF_TRANSPORT_TCP, true},
        {"tcp://localhost:7411", "tcp://127.0.0.1:7411", BF_TRANSPORT_TCP, true},
        {"tcp://[::1]:1", "tcp://[::1]:1", BF_TRANSPORT_TCP, true},
        {"tcp://[::]:1", "tcp://[::]:1", BF_TRANSPORT_TCP, false},
        {"tcp://[::ffff:127.0.0.1]:1", "tcp://[::ffff:127.0.0.1]:1", BF_TRANSPORT_TCP,
         false},
        {"tcp://0.0.0.0:*", "tcp://0.0.0.0:*", BF_TRANSPORT_TCP, false},
        {"tcp://*:7411", "tcp://*:7411", BF_TRANSPORT_TCP, false},
        {"tcp://10.0.0.7:7411", "tcp://10.0.0.7:7411", BF_TRANSPORT_TCP, false},
        {"tcp://128.0.0.1:1", "tcp://128.0.0.1:1", BF_TRANSPORT_TCP, false},
        /* Interfaces and look-alikes of loopback are not taken for it. */
        {"tcp://lo:7411", "tcp://lo:7411", BF_TRANSPORT_TCP, false},
        {"tcp://127.1:7411", "tcp://127.1:7411", BF_TRANSPORT_TCP, false},
        {"tcp://127.0.0.1.example:1", "tcp://127.0.0.1.example:1", BF_TRANSPORT_TCP, false},
        {"tcp://localhost.example:1", "tcp://localhost.example:1", BF_TRANSPORT_TCP, false},
        {"ipc:///run/b.sock", "ipc:///run/b.sock", BF_TRANSPORT_IPC, true},
        {"ipc://b.sock", "ipc://b.sock", BF_TRANSPORT_IPC, true},
        {"inproc://bot", "inproc://bot", BF_TRANSPORT_INPROC, true},
        {"", NULL, 0, false},
        {"127.0.0.1:7411", NULL, 0, false},
        {"udp://127.0.0.1:7411", NULL, 0, false},
        {"tcp://", NULL, 0, false},
        {"tcp://127.0.0.1", NULL, 0, false},
        {"tcp://:7411", NULL, 0, false},
        {"tcp://127.0.0.1:", NULL, 0, false},
        {"tcp://127.0.0.1:0", NULL, 0, false},
        {"tcp://127.0.0.1:65536", NULL, 0, false},
        {"tcp://127.0.0.1:99999999999999999999", NULL, 0, false},
        {"tcp://127.0.0.1:7411x", NULL, 0, false},
        {"tcp://127.0.0.1:-1", NULL, 0, false},
        {"tcp://::1:7411", NULL, 0, false},
        {"tcp://[::1:7411", NULL, 0, false},
        {"tcp://[]:7411", NULL, 0, false},
        {"tcp://[:7411", NULL, 0, false},
        {"tcp://[lo]:7411", NULL, 0, false},
        {"ipc://", NULL, 0, false},
        {"ipc://*", NULL, 0, false},
        {"ipc://@abstract", NULL, 0, false},
        {"ipc:///tmp/a b", NULL, 0, false},
        {"ipc:///tmp/a,b", NULL, 0, false},
        {"inproc://", NULL, 0, false},
        {"inproc://belfry-1-store", NULL, 0, false},
    };
    /* Not in the table, because errors do not show control characters. */
    assert_int_equal (bf_endpoint_parse ("ipc:///tmp/a\nb", &(bf_endpoint){0}, NULL),
                      BF_ECONFIG);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bf_endpoint endpoint = {0};
        bf_error error = {0};
        bf_err rc = bf_endpoint_parse (rows[i].text, &endpoint, &error);
        if (!rows[i].became) {
            assert_int_equal (rc, BF_ECONFIG);
            assert_non_null (strstr (error.text, rows[i].text));
            continue;
        }
        assert_int_equal (rc, BF_OK);
        assert_string_equal (endpoint.text, rows[i].became);
        assert_int_equal (endpoint.transport, rows[i].transport);
        assert_int_equal (endpoint.local, rows[i].local);
    }
}

static void
test_long (void **state)
{
    (void)state;
    char text[1024];
    bf_endpoint endpoint;
    snprintf (text, sizeof text, "ipc://%0*d", BF_IPC_PATH_BYTES, 0);
    assert_int_equal (bf_endpoint_parse (text, &endpoint, NULL), BF_OK);
    snprintf (text, sizeof text, "ipc://%0*d", BF_IPC_PATH_BYTES + 1, 0);
    assert_int_equal (bf_endpoint_parse (text, &endpoint, NULL), BF_ECONFIG);
    snprintf (text, sizeof text, "inproc://%0*d", BF_ENDPOINT_BYTES, 0);
    assert_int_equal (bf_endpoint_parse (text, &endpoint, NULL), BF_ECONFIG);
    snprintf (text, sizeof text, "tcp://%0*d:1", 900, 0);
    assert_int_equal (bf_endpoint_parse (text, &endpoint, NULL), BF_ECONFIG);
    snprintf (text, sizeof text, "tcp://[%0*d]:1", 900, 0);
    assert_int_equal (bf_endpoint_parse (text, &endpoint, NULL), BF_ECONFIG);
}

static void
test_insecure (void **state)
{
    (void)state;
    const char *const local[] = {"tcp://127.0.0.1:*", "ipc://x", "inproc://x", NULL};
    const char *const open[] = {"tcp://127.0.0.1:*", "tcp://*:*", NULL};
    bf_error error = {0};
    assert_int_equal (bf_endpoint_check (NULL, false, &error), BF_OK);
    assert_int_equal (bf_endpoint_check (local, false, &error), BF_OK);
    assert_int_equal (bf_endpoint_check (open, true, &error), BF_OK);
    assert_int_equal (bf_endpoint_check (open, false, &error), BF_ECONFIG);
    assert_non_null (strstr (error.text, "tcp://*:*"));
    assert_non_null (strstr (error.text, "--insecure"));
}

/* Binds one endpoint to a new PUB. *door is the caller's. */
static bf_err
bind_pub (zsock_t **door, const char *endpoint, char became[BF_ENDPOINT_BYTES],
          bf_error *error)
{
    const char *const endpoints[] = {endpoint, NULL};
    zlist_t *bound = NULL;
    *door = bf_door_new (ZMQ_PUB);
    assert_non_null (*door);
    bf_err rc = bf_door_bind (*door, endpoints, &bound, error);
    if (rc == BF_OK && became) {
        assert_int_equal (zlist_size (bound), 1);
        snprintf (became, BF_ENDPOINT_BYTES, "%s", (char *)zlist_first (bound));
    }
    zlist_destroy (&bound);
    return rc;
}

static void
test_bind_tcp (void **state)
{
    (void)state;
    zsock_t *door;
    zsock_t *second;
    char became[BF_ENDPOINT_BYTES];
    bf_error error = {0};
    assert_int_equal (bind_pub (&door, "tcp://localhost:*", became, &error), BF_OK);
    int port = 0;
    assert_int_equal (sscanf (became, "tcp://127.0.0.1:%d", &port), 1);
    assert_in_range (port, 1, 65535);
    assert_int_equal (bind_pub (&second, became, NULL, &error), BF_EBIND);
    assert_non_null (strstr (error.text, became));
    assert_non_null (strstr (error.text, "taken"));
    zsock_destroy (&second);
    zsock_destroy (&door);
    assert_int_equal (bind_pub (&door, "tcp://no-such-interface:*", NULL, &error),
                      BF_EBIND);
    zsock_destroy (&door);
}

static char *
ipc_endpoint (const char *directory, const char *name)
{
    char *path = temp_path (directory, name);
    char *endpoint = malloc (strlen (path) + sizeof "ipc://");
    assert_non_null (endpoint);
    sprintf (endpoint, "ipc://%s", path);
    free (path);
    return endpoint;
}

/* Only we may connect; a live socket is not taken over, a dead one is. */
static void
test_bind_ipc (void **state)
{
    (void)state;
    char *directory = temp_make ();
    char *endpoint = ipc_endpoint (directory, "a.sock");
    const char *path = endpoint + strlen ("ipc://");
    zsock_t *door;
    zsock_t *second;
    char became[BF_ENDPOINT_BYTES];
    bf_error error = {0};
    assert_int_equal (bind_pub (&door, endpoint, became, &error), BF_OK);
    assert_string_equal (became, endpoint);
    struct stat file;
    assert_int_equal (stat (path, &file), 0);
    assert_int_equal (file.st_mode & 0777, 0600);
    assert_int_equal (bind_pub (&second, endpoint, NULL, &error), BF_EBIND);
    assert_non_null (strstr (error.text, "taken"));
    zsock_destroy (&second);
    /* The file stays, as after a kill, and the listener goes a little later. */
    zsock_destroy (&door);
    assert_int_equal (stat (path, &file), 0);
    assert_int_equal (bind_pub (&door, endpoint, NULL, &error), BF_OK);
    zsock_destroy (&door);
    free (endpoint);
    temp_remove (directory);
}

static void
test_bind_ipc_refused (void **state)
{
    (void)state;
    char *directory = temp_make ();
    char *file = temp_path (directory, "precious");
    FILE *stream = fopen (file, "w");
    assert_non_null (stream);
    fputs ("data", stream);
    fclose (stream);
    char *precious = ipc_endpoint (directory, "precious");
    char *nowhere = ipc_endpoint (directory, "missing/a.sock");
    zsock_t *door;
    bf_error error = {0};
    assert_int_equal (bind_pub (&door, precious, NULL, &error), BF_EBIND);
    assert_non_null (strstr (error.text, "left alone"));
    zsock_destroy (&door);
    assert_int_equal (access (file, F_OK), 0);
    assert_int_equal (bind_pub (&door, nowhere, NULL, &error), BF_EBIND);
    assert_non_null (strstr (error.text, "directory"));
    zsock_destroy (&door);
    free (precious);
    free (nowhere);
    free (file);
    temp_remove (directory);
}

/* A door can have several endpoints, and one whose list is empty has none. */
static void
test_bind_many (void **state)
{
    (void)state;
    const char *const endpoints[] = {"tcp://127.0.0.1:*", "inproc://test-many",
                                     "tcp://127.0.0.1:*", NULL};
    zsock_t *door = bf_door_new (ZMQ_ROUTER);
    zlist_t *bound = NULL;
    bf_error error = {0};
    assert_int_equal (bf_door_bind (door, endpoints, &bound, &error), BF_OK);
    assert_int_equal (zlist_size (bound), 3);
    zlist_destroy (&bound);
    zsock_destroy (&door);
    door = bf_door_new (ZMQ_PUB);
    assert_int_equal (bf_door_bind (door, NULL, &bound, &error), BF_OK);
    assert_int_equal (zlist_size (bound), 0);
    zlist_destroy (&bound);
    zsock_destroy (&door);
}

static int64_t
option (zsock_t *socket, int number, size_t size)
{
    int64_t wide = 0;
    int narrow = 0;
    void *value = size == sizeof wide ? (void *)&wide : (void *)&narrow;
    assert_int_equal (zmq_getsockopt (zsock_resolve (socket), number, value, &size), 0);
    return size == sizeof wide ? wide : narrow;
}

/* Asked back from libzmq: a setter may exist and do nothing. */
static void
test_options (void **state)
{
    (void)state;
    static const struct {
        int type;
        int64_t frame_bytes;
        int64_t send_frames;
        int64_t receive_frames;
    } rows[] = {
        {ZMQ_ROUTER, 2 * 1024 * 1024, 1280, 256},
        {ZMQ_PUB, 1024, 10000, 10000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        zsock_t *door = bf_door_new (rows[i].type);
        assert_int_equal (option (door, ZMQ_MAXMSGSIZE, 8), rows[i].frame_bytes);
        assert_int_equal (option (door, ZMQ_SNDHWM, 4), rows[i].send_frames);
        assert_int_equal (option (door, ZMQ_RCVHWM, 4), rows[i].receive_frames);
        assert_int_equal (option (door, ZMQ_SNDTIMEO, 4), 0);
        assert_int_equal (option (door, ZMQ_LINGER, 4), 1000);
        assert_int_equal (option (door, ZMQ_HANDSHAKE_IVL, 4), 5000);
        assert_int_equal (option (door, ZMQ_HEARTBEAT_IVL, 4), 2000);
        assert_int_equal (option (door, ZMQ_HEARTBEAT_TIMEOUT, 4), 8000);
        assert_int_equal (option (door, ZMQ_HEARTBEAT_TTL, 4), 10000);
        assert_int_equal (option (door, ZMQ_TCP_KEEPALIVE, 4), 1);
        assert_int_equal (option (door, ZMQ_BACKLOG, 4), 512);
        zsock_destroy (&door);
    }
}

/* ROUTER_MANDATORY cannot be asked back; its effect can be seen. */
static void
test_router_mandatory (void **state)
{
    (void)state;
    zsock_t *router = bf_door_new (ZMQ_ROUTER);
    assert_int_equal (zmq_send (zsock_resolve (router), "nobody", 6, ZMQ_SNDMORE), -1);
    assert_int_equal (zmq_errno (), EHOSTUNREACH);
    zsock_destroy (&router);
}

int
main (void)
{
    bf_actor_prepare (NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_parse),
        cmocka_unit_test (test_long),
        cmocka_unit_test (test_insecure),
        cmocka_unit_test (test_bind_tcp),
        cmocka_unit_test (test_bind_ipc),
        cmocka_unit_test (test_bind_ipc_refused),
        cmocka_unit_test (test_bind_many),
        cmocka_unit_test (test_options),
        cmocka_unit_test (test_router_mandatory),
    };
    int failed = cmocka_run_group_tests (tests, NULL, NULL);
    zsys_shutdown ();
    return failed;
}
