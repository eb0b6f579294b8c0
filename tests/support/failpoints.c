/* SPDX-License-Identifier: MPL-2.0
 *
 * Orders to failpoints; see failpoints.h.
 */
#include "tests/support/failpoints.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/order.h"
#include "tests/support/temp.h"

failpoints *
failpoints_new (const char *directory)
{
    failpoints *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->path = temp_path (directory, "failpoints");
    self->order = order_new (self->path, sizeof *self->order);
    size_t size = sizeof FAILPOINT_VARIABLE + 1 + strlen (self->path);
    self->setting = calloc (1, size);
    assert_non_null (self->setting);
    (void)snprintf (self->setting, size, FAILPOINT_VARIABLE "=%s", self->path);
    return self;
}

void
failpoints_destroy (failpoints **self_p)
{
    failpoints *self = *self_p;
    if (self) {
        *self_p = NULL;
        order_destroy (self->order, sizeof *self->order);
        free (self->setting);
        free (self->path);
        free (self);
    }
}

void
failpoints_arm (failpoints *self, const char *point, long skip, failpoint_action action)
{
    failpoint_order *order = self->order;
    assert_int_equal (atomic_load (&order->armed), 0);
    assert_true (strlen (point) < sizeof order->name);
    order->action = (int)action;
    (void)snprintf (order->name, sizeof order->name, "%s", point);
    atomic_store (&order->left, skip);
    atomic_store (&order->armed, 1);
}

bool
failpoints_armed (const failpoints *self)
{
    return atomic_load (&self->order->armed) != 0;
}
