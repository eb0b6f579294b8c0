/* SPDX-License-Identifier: MPL-2.0
 *
 * The clock actor while files of time zones change: the store hears of it once, when they
 * have come to rest; and a directory that cannot be watched is no reason to stop.
 */
#include "actors/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/wiring.h"
#include "actors/zonewatch.h"
#include "core/timers.h"
#include "tests/support/cmocka.h"
#include "tests/support/neighbour.h"
#include "tests/support/temp.h"

typedef struct {
    bf_clock_args args;
    bf_actor *actor;
    neighbour *store;
    neighbour *dispatcher;
    zsock_t *clock;
    char *directory;
} fixture;

static void
tell (fixture *self, Belfry__Internal__ClockItem *item)
{
    Belfry__Internal__ToClock message = BELFRY__INTERNAL__TO_CLOCK__INIT;
    message.n_items = 1;
    message.items = &item;
    assert_int_equal (bf_inbox_send (self->clock, &message.base), BF_OK);
}

/* Asks for its first rows, so that it is seen to be alive. */
static void
reset (fixture *self)
{
    Belfry__Internal__ClockItem item = BELFRY__INTERNAL__CLOCK_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_RESET;
    item.reset = true;
    tell (self, &item);
    for (int source = 0; source < BF_SOURCES; source++) {
        const Belfry__Internal__StoreItem *asked = neighbour_item (self->store);
        assert_int_equal (asked->item_case,
                          BELFRY__INTERNAL__STORE_ITEM__ITEM_REFILL_TIMERS);
    }
}

static void
write_file (const char *directory, const char *name)
{
    char *path = temp_path (directory, name);
    FILE *file = fopen (path, "w");
    assert_non_null (file);
    fputs ("x", file);
    assert_int_equal (fclose (file), 0);
    free (path);
}

static void
make_directory (const char *directory, const char *name)
{
    char *path = temp_path (directory, name);
    assert_int_equal (mkdir (path, 0700), 0);
    free (path);
}

static int
set_up (void **state)
{
    static fixture self;
    memset (&self, 0, sizeof self);
    self.directory = temp_make ();
    make_directory (self.directory, "Area");
    make_directory (self.directory, "right");
    self.args.birth.name = "clock";
    self.args.scheduler = neighbour_scheduler ();
    self.args.zoneinfo = self.directory;
    self.store = neighbour_new (self.args.scheduler, BF_INBOX_STORE);
    self.dispatcher = neighbour_new (self.args.scheduler, BF_INBOX_DISPATCHER);
    *state = &self;
    return 0;
}

static void
start (fixture *self)
{
    self->actor = neighbour_start (bf_clock_actor, &self->args.birth);
    self->clock = bf_inbox_connect (self->args.scheduler, BF_INBOX_CLOCK);
    assert_non_null (self->clock);
    reset (self);
}

static int
tear_down (void **state)
{
    fixture *self = *state;
    bf_actor_stop (&self->actor);
    zsock_destroy (&self->clock);
    neighbour_free (self->dispatcher);
    neighbour_free (self->store);
    temp_remove (self->directory);
    return 0;
}

static void
expect_zones_changed (fixture *self)
{
    const Belfry__Internal__StoreItem *item = neighbour_item (self->store);
    while (item->item_case == BELFRY__INTERNAL__STORE_ITEM__ITEM_CAUGHT_UP) {
        item = neighbour_item (self->store);
    }
    assert_int_equal (item->item_case, BELFRY__INTERNAL__STORE_ITEM__ITEM_ZONES_CHANGED);
}

/* Many files, one word; then another one for a directory that is new. */
static void
test_changes_are_told (void **state)
{
    fixture *self = *state;
    start (self);
    write_file (self->directory, "Area/One");
    write_file (self->directory, "Area/Two");
    write_file (self->directory, "Three");
    expect_zones_changed (self);
    make_directory (self->directory, "Area/New");
    expect_zones_changed (self);
    write_file (self->directory, "Area/New/Four");
    expect_zones_changed (self);
    assert_true (neighbour_is_silent (self->store));
}

static void
test_no_directory (void **state)
{
    fixture *self = *state;
    self->args.zoneinfo = "/nowhere/zoneinfo";
    start (self);
}

/* Without the actor: what is a change, and what is not. */
static void
test_watch (void **state)
{
    fixture *self = *state;
    bf_zonewatch *watch = NULL;
    bf_error error = {0};
    assert_int_equal (bf_zonewatch_open (&watch, "/nowhere/zoneinfo", &error), BF_EINVALID);
    assert_non_null (strstr (error.text, "/nowhere/zoneinfo cannot be watched: "));
    assert_int_equal (bf_zonewatch_open (&watch, self->directory, &error), BF_OK);
    assert_true (bf_zonewatch_fd (watch) >= 0);
    assert_false (bf_zonewatch_take (watch));
    write_file (self->directory, "right/One");
    assert_false (bf_zonewatch_take (watch));
    write_file (self->directory, "Area/One");
    assert_true (bf_zonewatch_take (watch));
    assert_false (bf_zonewatch_take (watch));
    char *from = temp_path (self->directory, "Area/One");
    char *to = temp_path (self->directory, "Area/Two");
    assert_int_equal (rename (from, to), 0);
    assert_true (bf_zonewatch_take (watch));
    assert_int_equal (unlink (to), 0);
    assert_true (bf_zonewatch_take (watch));
    free (from);
    free (to);
    bf_zonewatch_destroy (&watch);
    bf_zonewatch_destroy (&watch);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_changes_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_no_directory, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_watch, set_up, tear_down),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
