/* SPDX-License-Identifier: MPL-2.0
 *
 * The test as the neighbours of one actor.
 */
#include "tests/support/neighbour.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"

/* Long enough for a sanitizer on a busy machine; nothing that goes well waits for it. */
#define PATIENCE_MS 30000

struct neighbour {
    zsock_t *socket;
    const ProtobufCMessageDescriptor *descriptor;
    ProtobufCMessage *message;
    size_t next;
    size_t messages;
};

uint64_t
neighbour_scheduler (void)
{
    static atomic_ullong last;
    return atomic_fetch_add (&last, 1) + 1000000;
}

neighbour *
neighbour_new (uint64_t scheduler, bf_inbox inbox)
{
    static const ProtobufCMessageDescriptor *const descriptors[BF_INBOXES] = {
        [BF_INBOX_STORE] = &belfry__internal__to_store__descriptor,
        [BF_INBOX_CLOCK] = &belfry__internal__to_clock__descriptor,
        [BF_INBOX_DISPATCHER] = &belfry__internal__to_dispatcher__descriptor,
        [BF_INBOX_RETRY] = &belfry__internal__to_retry__descriptor,
        [BF_INBOX_GATEWAY] = &belfry__internal__to_gateway__descriptor,
        [BF_INBOX_FEED] = &belfry__internal__to_feed__descriptor,
    };
    assert_int_equal (bf_actor_prepare (NULL), BF_OK);
    neighbour *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->descriptor = descriptors[inbox];
    self->socket = bf_inbox_bind (scheduler, inbox);
    assert_non_null (self->socket);
    return self;
}

void
neighbour_free (neighbour *self)
{
    if (self->message) {
        protobuf_c_message_free_unpacked (self->message, NULL);
    }
    zsock_destroy (&self->socket);
    free (self);
}

/* Every message of internal.proto is a list of items and nothing else. */
static size_t
item_count (const neighbour *self)
{
    const ProtobufCFieldDescriptor *items = &self->descriptor->fields[0];
    const char *message = (const char *)self->message;
    return message ? *(const size_t *)(const void *)(message + items->quantifier_offset)
                   : 0;
}

static void *
item_at (const neighbour *self, size_t index)
{
    const ProtobufCFieldDescriptor *items = &self->descriptor->fields[0];
    const char *message = (const char *)self->message;
    return (*(void *const *const *)(const void *)(message + items->offset))[index];
}

void *
neighbour_item (neighbour *self)
{
    while (self->next >= item_count (self)) {
        zmq_pollitem_t item = {.socket = zsock_resolve (self->socket),
                               .events = ZMQ_POLLIN};
        if (zmq_poll (&item, 1, PATIENCE_MS) != 1) {
            fail_msg ("%s did not come", self->descriptor->short_name);
        }
        zframe_t *frame = bf_inbox_receive (self->socket);
        assert_non_null (frame);
        if (self->message) {
            protobuf_c_message_free_unpacked (self->message, NULL);
        }
        self->message = protobuf_c_message_unpack (
            self->descriptor, NULL, zframe_size (frame), zframe_data (frame));
        assert_non_null (self->message);
        zframe_destroy (&frame);
        self->next = 0;
        self->messages++;
    }
    return item_at (self, self->next++);
}

bool
neighbour_is_silent (neighbour *self)
{
    return self->next >= item_count (self) && !(zsock_events (self->socket) & ZMQ_POLLIN);
}

zsock_t *
neighbour_socket (neighbour *self)
{
    return self->socket;
}

size_t
neighbour_messages (const neighbour *self)
{
    return self->messages;
}

bf_actor *
neighbour_start (zactor_fn *function, bf_actor_birth *birth)
{
    bf_actor *actor = NULL;
    bf_error error = {0};
    if (bf_actor_start (&actor, function, birth, &error) != BF_OK) {
        fail_msg ("%s did not start: %s", birth->name, error.text);
    }
    return actor;
}

int
neighbour_thread (const char *name)
{
    DIR *tasks = opendir ("/proc/self/task");
    assert_non_null (tasks);
    int thread = 0;
    struct dirent *task;
    while (thread == 0 && (task = readdir (tasks))) {
        char path[300];
        char comm[32] = "";
        snprintf (path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen (path, "r");
        if (!file) {
            continue;
        }
        if (fgets (comm, sizeof comm, file)) {
            comm[strcspn (comm, "\n")] = '\0';
        }
        fclose (file);
        if (strcmp (comm, name) == 0) {
            thread = atoi (task->d_name);
        }
    }
    closedir (tasks);
    assert_int_not_equal (thread, 0);
    return thread;
}

/* The number behind the label, in the line of this file of /proc that begins with it. */
static long
read_number (int thread, const char *file_name, const char *label)
{
    char path[64];
    snprintf (path, sizeof path, "/proc/self/task/%d/%s", thread, file_name);
    FILE *file = fopen (path, "r");
    assert_non_null (file);
    char line[512];
    long number = -1;
    while (number < 0 && fgets (line, sizeof line, file)) {
        if (strncmp (line, label, strlen (label)) == 0) {
            number = atol (line + strlen (label));
        }
    }
    fclose (file);
    assert_true (number >= 0);
    return number;
}

neighbour_effort
neighbour_effort_of (int thread)
{
    /* schedstat begins with nanoseconds on a processor. */
    return (neighbour_effort){
        .sleeps = read_number (thread, "status", "voluntary_ctxt_switches:"),
        .busy_ms = read_number (thread, "schedstat", "") / 1000000,
    };
}

void
neighbour_check_idle (int thread, neighbour_effort since)
{
    neighbour_effort now = neighbour_effort_of (thread);
    /* Each message and each deadline may put it to sleep once or twice: libzmq's mailboxes
     * are descriptors, too. */
    assert_in_range (now.sleeps - since.sleeps, 1, 8);
    assert_in_range (now.busy_ms - since.busy_ms, 0, 50);
}

void
neighbour_hears (bf_actor *actor, const char *said)
{
    zmq_pollitem_t item = {.socket = zsock_resolve (bf_actor_pipe (actor)),
                           .events = ZMQ_POLLIN};
    if (zmq_poll (&item, 1, PATIENCE_MS) != 1) {
        fail_msg ("the actor did not say %s", said);
    }
    char *command = bf_actor_command (bf_actor_pipe (actor));
    assert_string_equal (command, said);
    zstr_free (&command);
}
