/* SPDX-License-Identifier: MPL-2.0
 *
 * See notify.h; the protocol is in sd_notify(3).
 */
#include "apps/belfryd/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void
notify (const char *state)
{
    const char *path = getenv ("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') ||
        strlen (path) >= sizeof address.sun_path) {
        return;
    }
    size_t size = strlen (path);
    memcpy (address.sun_path, path, size);
    if (path[0] == '@') {
        /* An abstract name begins with a NUL and ends with its length. */
        address.sun_path[0] = '\0';
    }
    int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd != -1) {
        sendto (fd, state, strlen (state), MSG_NOSIGNAL, (struct sockaddr *)&address,
                (socklen_t)(offsetof (struct sockaddr_un, sun_path) + size));
        close (fd);
    }
}
