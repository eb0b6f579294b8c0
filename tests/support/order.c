/* SPDX-License-Identifier: MPL-2.0
 *
 * A file that two processes have mapped; see order.h.
 */
#include "tests/support/order.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/cmocka.h"

void *
order_new (const char *path, size_t size)
{
    int fd = open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true (fd >= 0);
    assert_int_equal (ftruncate (fd, (off_t)size), 0);
    void *order = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true (order != MAP_FAILED);
    assert_int_equal (close (fd), 0);
    return order;
}

void
order_destroy (void *order, size_t size)
{
    if (order) {
        assert_int_equal (munmap (order, size), 0);
    }
}
