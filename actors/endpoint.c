/* SPDX-License-Identifier: MPL-2.0
 *
 * Endpoints are checked here and not left to libzmq because its errors are numbers, because
 * it removes whatever file lies at an ipc path before it binds there, and because a bind in
 * reach of other machines has to be a decision.
 */
#include "actors/endpoint.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "actors/actor.h"
#include "messages/limits.h"

/* A frame over its limit gets an answer that says so up to twice that size; beyond it
 * libzmq cuts the connection. */
#define ROUTER_FRAME_BYTES (2 * BF_FRAME_BYTES)
/* A PUB reads subscriptions only. (CURVE's handshake needs 320.) */
#define PUB_FRAME_BYTES 1024

/* Frames waiting per peer. A ROUTER may owe one peer every call that the gateway lets it
 * have in flight (512 commands, 128 claims), so that one who reads never loses an answer;
 * twice that, because libzmq learns what was read in halves of the mark; and not more,
 * because a frame may be large and libzmq counts no bytes. What it reads ahead is little
 * for the same reason. A PUB gives a subscriber some seconds of a busy feed; one who falls
 * further behind replays. */
#define ROUTER_SEND_FRAMES 1280
#define ROUTER_RECEIVE_FRAMES 256
#define PUB_SEND_FRAMES 10000

#define HANDSHAKE_MS 5000 /* half-open peers */
/* A tcp peer that takes nothing for so long is cut off. */
#define TCP_STALL_MS 10000
#define HEARTBEAT_MS 2000 /* dead peers, seen from this side … */
#define HEARTBEAT_TIMEOUT_MS 8000
#define HEARTBEAT_TTL_MS 10000 /* … and from theirs */
#define LINGER_MS 1000         /* the last answers of a daemon that stops */
#define BACKLOG 512            /* a fleet of bots that reconnects at once */

/* libzmq closes a listener some time after its socket: a scheduler that is started again in
 * the same process may find its own old one. Somebody else's is reported this much later.
 */
#define TAKEN_TRIES 50
#define TAKEN_WAIT_NS 10000000 /* 10 ms, so half a second in all */

/* The longest name of an interface, or an IPv6 address, in brackets, with room. */
#define TCP_ADDRESS_BYTES 64

static bf_err
parse_port (const char *text, const char *port, bf_error *error)
{
    if (!strcmp (port, "*")) {
        return BF_OK;
    }
    size_t digits = strspn (port, "0123456789");
    long number = digits > 0 && digits <= 5 && !port[digits] ? strtol (port, NULL, 10) : 0;
    if (number < 1 || number > 65535) {
        return bf_fail (error, BF_ECONFIG,
                        "endpoint %s: the port must be 1 to 65535, or * to let the kernel "
                        "choose",
                        text);
    }
    return BF_OK;
}

/* True for 127.0.0.0/8. */
static bool
is_loopback (const char *address)
{
    struct in_addr four;
    return inet_pton (AF_INET, address, &four) == 1 && ntohl (four.s_addr) >> 24 == 127;
}

static bf_err
parse_tcp (const char *text, bf_endpoint *endpoint, bf_error *error)
{
    const char *rest = text + strlen ("tcp://");
    const char *colon = strrchr (rest, ':');
    char address[TCP_ADDRESS_BYTES];
    if (!colon || colon == rest || colon - rest >= TCP_ADDRESS_BYTES) {
        return bf_fail (error, BF_ECONFIG, "endpoint %s: tcp needs ADDRESS:PORT", text);
    }
    snprintf (address, sizeof address, "%.*s", (int)(colon - rest), rest);
    if (address[0] == '[') {
        size_t size = strlen (address);
        struct in6_addr six;
        char inner[TCP_ADDRESS_BYTES];
        snprintf (inner, sizeof inner, "%.*s", (int)(size > 2 ? size - 2 : 0), address + 1);
        if (address[size - 1] != ']' || inet_pton (AF_INET6, inner, &six) != 1) {
            return bf_fail (error, BF_ECONFIG, "endpoint %s: %s is not an IPv6 address",
                            text, address);
        }
        endpoint->ipv6 = true;
        endpoint->local = IN6_IS_ADDR_LOOPBACK (&six);
    } else if (strchr (address, ':')) {
        return bf_fail (error, BF_ECONFIG,
                        "endpoint %s: an IPv6 address is written in brackets, as in "
                        "tcp://[::1]:*",
                        text);
    } else if (!strcmp (address, "localhost")) {
        /* libzmq binds to numbers and interfaces only. */
        snprintf (address, sizeof address, "127.0.0.1");
        endpoint->local = true;
    } else {
        endpoint->local = is_loopback (address);
    }
    bf_err rc = parse_port (text, colon + 1, error);
    if (rc == BF_OK) {
        snprintf (endpoint->text, sizeof endpoint->text, "tcp://%s:%s", address, colon + 1);
    }
    return rc;
}

static bf_err
parse_ipc (const char *text, bf_endpoint *endpoint, bf_error *error)
{
    const char *path = text + strlen ("ipc://");
    size_t size = strlen (path);
    /* A leading @ or * would mean an abstract name or a temporary one to libzmq, which no
     * file mode protects or nobody finds. */
    if (size == 0 || path[0] == '@' || path[0] == '*') {
        return bf_fail (error, BF_ECONFIG, "endpoint %s: ipc needs the path of a socket",
                        text);
    }
    if (size > BF_IPC_PATH_BYTES) {
        return bf_fail (error, BF_ECONFIG,
                        "endpoint %s: the path has %zu bytes, a socket's can have %d", text,
                        size, BF_IPC_PATH_BYTES);
    }
    endpoint->local = true;
    snprintf (endpoint->text, sizeof endpoint->text, "%s", text);
    return BF_OK;
}

static bf_err
parse_inproc (const char *text, bf_endpoint *endpoint, bf_error *error)
{
    const char *name = text + strlen ("inproc://");
    if (!*name || strlen (text) >= sizeof endpoint->text) {
        return bf_fail (error, BF_ECONFIG,
                        "endpoint %s: inproc needs a name of 1 to %zu "
                        "bytes",
                        text, sizeof endpoint->text - strlen ("inproc://") - 1);
    }
    if (!strncmp (name, "belfry-", strlen ("belfry-"))) {
        return bf_fail (
            error, BF_ECONFIG,
            "endpoint %s: inproc names that begin with belfry- are Belfry's own", text);
    }
    endpoint->local = true;
    snprintf (endpoint->text, sizeof endpoint->text, "%s", text);
    return BF_OK;
}

/* Endpoints stand in lists that commas and spaces separate. */
static bool
is_listable (const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == ',' || isspace ((unsigned char)*c) || iscntrl ((unsigned char)*c)) {
            return false;
        }
    }
    return true;
}

bf_err
bf_endpoint_parse (const char *text, bf_endpoint *endpoint, bf_error *error)
{
    static const struct {
        const char *prefix;
        bf_transport transport;
        bf_err (*parse) (const char *text, bf_endpoint *endpoint, bf_error *error);
    } transports[] = {
        {"tcp://", BF_TRANSPORT_TCP, parse_tcp},
        {"ipc://", BF_TRANSPORT_IPC, parse_ipc},
        {"inproc://", BF_TRANSPORT_INPROC, parse_inproc},
    };
    if (!is_listable (text)) {
        return bf_fail (error, BF_ECONFIG,
                        "endpoint %s: commas, spaces and control characters cannot stand "
                        "in an endpoint",
                        text);
    }
    for (size_t i = 0; i < sizeof transports / sizeof *transports; i++) {
        if (!strncmp (text, transports[i].prefix, strlen (transports[i].prefix))) {
            bf_endpoint parsed = {.transport = transports[i].transport};
            bf_err rc = transports[i].parse (text, &parsed, error);
            if (rc == BF_OK) {
                *endpoint = parsed;
            }
            return rc;
        }
    }
    return bf_fail (error, BF_ECONFIG,
                    "endpoint %s: write tcp://ADDRESS:PORT, ipc://PATH or inproc://NAME",
                    text);
}

bf_err
bf_endpoint_check (const char *const *endpoints, bool insecure, bf_error *error)
{
    for (size_t i = 0; endpoints && endpoints[i]; i++) {
        bf_endpoint endpoint;
        bf_err rc = bf_endpoint_parse (endpoints[i], &endpoint, error);
        if (rc != BF_OK) {
            return rc;
        }
        if (!endpoint.local && !insecure) {
            return bf_fail (error, BF_ECONFIG,
                            "endpoint %s is in reach of other machines and this version "
                            "has no encryption: bind to loopback or ipc, or say --insecure",
                            endpoints[i]);
        }
    }
    return BF_OK;
}

typedef struct {
    int option;
    int value;
} option_value;

static bf_err
options_set (zsock_t *door, const option_value *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bf_err rc = bf_actor_option (door, options[i].option, options[i].value);
        if (rc != BF_OK) {
            return rc;
        }
    }
    return BF_OK;
}

static bf_err
frame_limit (zsock_t *door, int64_t bytes)
{
    int rc = zmq_setsockopt (zsock_resolve (door), ZMQ_MAXMSGSIZE, &bytes, sizeof bytes);
    return rc == 0 ? BF_OK : BF_EINTERNAL;
}

zsock_t *
bf_door_new (int type)
{
    static const option_value common[] = {
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS},
        {ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS},
        {ZMQ_HEARTBEAT_TTL, HEARTBEAT_TTL_MS},
        {ZMQ_LINGER, LINGER_MS},
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_MAXRT, TCP_STALL_MS},
        {ZMQ_BACKLOG, BACKLOG},
    };
    /* Without ROUTER_MANDATORY an answer to a peer that is gone, or does not read, vanishes
     * without an error. */
    static const option_value router[] = {
        {ZMQ_ROUTER_MANDATORY, 1},
        {ZMQ_SNDHWM, ROUTER_SEND_FRAMES},
        {ZMQ_RCVHWM, ROUTER_RECEIVE_FRAMES},
        {ZMQ_SNDTIMEO, 0},
    };
    static const option_value pub[] = {
        {ZMQ_SNDHWM, PUB_SEND_FRAMES},
        {ZMQ_RCVHWM, PUB_SEND_FRAMES},
        {ZMQ_SNDTIMEO, 0},
    };
    BF_INVARIANT (type == ZMQ_ROUTER || type == ZMQ_PUB);
    zsock_t *door = bf_actor_socket (type);
    if (!door) {
        return NULL;
    }
    bool is_router = type == ZMQ_ROUTER;
    bf_err rc = options_set (door, common, sizeof common / sizeof *common);
    if (rc == BF_OK && is_router) {
        rc = options_set (door, router, sizeof router / sizeof *router);
    } else if (rc == BF_OK) {
        rc = options_set (door, pub, sizeof pub / sizeof *pub);
    }
    if (rc == BF_OK) {
        rc = frame_limit (door, is_router ? ROUTER_FRAME_BYTES : PUB_FRAME_BYTES);
    }
    if (rc != BF_OK) {
        zsock_destroy (&door);
    }
    return door;
}

/* libzmq removes the file at the path before it binds. So refuse a path where a process
 * listens, which would lose its clients, and one that is no socket, which would be
 * somebody's file; a socket that nobody listens to was left by a kill and may go. Returns 0
 * or an errno. */
static int
ipc_probe (const char *path)
{
    struct stat file;
    if (lstat (path, &file) != 0) {
        return errno == ENOENT ? 0 : errno;
    }
    if (!S_ISSOCK (file.st_mode)) {
        return ENOTSOCK;
    }
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy (address.sun_path, path, strlen (path) + 1);
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1) {
        return errno;
    }
    /* EAGAIN: somebody listens who is slow to accept. */
    bool taken = connect (fd, (struct sockaddr *)&address, sizeof address) == 0 ||
                 (errno != ECONNREFUSED && errno != ENOENT);
    close (fd);
    return taken ? EADDRINUSE : 0;
}

/* 0 or an errno. */
static int
bind_try (zsock_t *door, const bf_endpoint *endpoint)
{
    const char *path = endpoint->text + strlen ("ipc://");
    bool is_ipc = endpoint->transport == BF_TRANSPORT_IPC;
    int reason = is_ipc ? ipc_probe (path) : 0;
    if (reason == 0 && bf_actor_option (door, ZMQ_IPV6, endpoint->ipv6) != BF_OK) {
        reason = zmq_errno ();
    }
    if (reason == 0 && zmq_bind (zsock_resolve (door), endpoint->text) != 0) {
        reason = zmq_errno ();
    }
    /* The mode of a socket's file is the umask's choice, and a umask is the whole process's
     * to set, so it is put right afterwards. */
    if (reason == 0 && is_ipc && chmod (path, S_IRUSR | S_IWUSR) != 0) {
        reason = errno;
    }
    return reason;
}

static bf_err
bind_failed (const char *text, int reason, bf_error *error)
{
    switch (reason) {
    case EADDRINUSE:
        return bf_fail (error, BF_EBIND, "%s is taken: somebody listens there already",
                        text);
    case ENOTSOCK:
        return bf_fail (error, BF_EBIND,
                        "%s: the file there is not a socket; it was left alone", text);
    case ENODEV:
    case EADDRNOTAVAIL:
        return bf_fail (error, BF_EBIND, "%s: this machine has no such address", text);
    case ENOENT:
        return bf_fail (error, BF_EBIND, "%s: its directory does not exist", text);
    default:
        return bf_fail (error, BF_EBIND, "%s cannot be bound: %s", text,
                        zmq_strerror (reason));
    }
}

static bf_err
bind_one (zsock_t *door, const char *text, zlist_t *bound, bf_error *error)
{
    bf_endpoint endpoint;
    bf_err rc = bf_endpoint_parse (text, &endpoint, error);
    if (rc != BF_OK) {
        return rc;
    }
    int reason = bind_try (door, &endpoint);
    for (int tries = 1; reason == EADDRINUSE && tries < TAKEN_TRIES; tries++) {
        nanosleep (&(struct timespec){.tv_nsec = TAKEN_WAIT_NS}, NULL);
        reason = bind_try (door, &endpoint);
    }
    if (reason != 0) {
        return bind_failed (text, reason, error);
    }
    char became[BF_ENDPOINT_BYTES];
    size_t size = sizeof became;
    if (zmq_getsockopt (zsock_resolve (door), ZMQ_LAST_ENDPOINT, became, &size) != 0) {
        return bind_failed (text, zmq_errno (), error);
    }
    return zlist_append (bound, became) == 0 ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

bf_err
bf_door_bind (zsock_t *door, const char *const *endpoints, zlist_t **bound, bf_error *error)
{
    zlist_t *list = zlist_new ();
    if (!list) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    zlist_autofree (list);
    *bound = list;
    for (size_t i = 0; endpoints && endpoints[i]; i++) {
        bf_err rc = bind_one (door, endpoints[i], list, error);
        if (rc != BF_OK) {
            return rc;
        }
    }
    return BF_OK;
}
