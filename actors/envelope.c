/* SPDX-License-Identifier: MPL-2.0
 *
 * Reading a message of unknown shape from a stranger. libzmq hands over a message when all
 * its frames are there, so that nothing here waits; how many there are is the peer's
 * choice, so that nothing here grows.
 */
#include "actors/envelope.h"

#include <errno.h>
#include <string.h>

/* Takes the frame that was read as one of the way back. */
static void
push (bf_envelope *self)
{
    size_t size = zmq_msg_size (&self->body);
    if (self->path.count == BF_PATH_FRAMES || size > BF_PATH_FRAME_BYTES) {
        self->broken = true;
    }
    if (!self->broken) {
        memcpy (self->storage + self->path_bytes, zmq_msg_data (&self->body), size);
        self->path_bytes += size;
        self->path.sizes[self->path.count] = (uint8_t)size;
        self->path.count++;
    }
}

/* What of a broken envelope reaches its sender: a REQ wants its frames back up to the
 * delimiter; where there is none only the routing id is sure. */
static void
mend (bf_envelope *self)
{
    size_t count = 1;
    while (count < self->path.count && self->path.sizes[count] > 0) {
        count++;
    }
    if (self->path.count > 0) {
        self->path.count = count < self->path.count ? count + 1 : 1;
    }
}

bool
bf_envelope_read (bf_envelope *self, zsock_t *router)
{
    self->path = (bf_path){.bytes = self->storage};
    self->path_bytes = 0;
    self->broken = false;
    zmq_msg_init (&self->body);
    bool first = true;
    do {
        if (!first) {
            push (self);
        }
        int rc;
        do {
            rc = zmq_msg_recv (&self->body, zsock_resolve (router), ZMQ_DONTWAIT);
        } while (rc < 0 && errno == EINTR);
        if (rc < 0) {
            zmq_msg_close (&self->body);
            return false;
        }
        first = false;
    } while (zmq_msg_more (&self->body));
    if (self->broken) {
        mend (self);
    }
    return true;
}

void
bf_envelope_clear (bf_envelope *self)
{
    zmq_msg_close (&self->body);
}
