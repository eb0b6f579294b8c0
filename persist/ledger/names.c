/* SPDX-License-Identifier: MPL-2.0
 *
 * Interning. A name that a refused command brought along is forgotten with its savepoint.
 */
#include "persist/ledger/names.h"

#include <stdlib.h>
#include <string.h>

#include "persist/ledger/outcome.h"
#include "persist/ledger/sql.h"

typedef struct {
    uint32_t ns;
    uint32_t name;
} queue_key_t;

static bf_err
name_remember (bf_ledger *self, uint32_t id, const char *text, bf_error *error)
{
    bf_name *name = calloc (1, sizeof *name);
    char *copy = strdup (text);
    if (name && copy) {
        *name = (bf_name){id, copy};
        if (bf_map_put (self->names_by_text, text, strlen (text), name) == BF_OK) {
            if (bf_list_push (&self->names, name) == BF_OK) {
                return BF_OK;
            }
            bf_map_remove (self->names_by_text, text, strlen (text));
        }
    }
    free (copy);
    free (name);
    return bf_fail_plain (error, BF_ENOMEM);
}

static bf_err
queue_remember (bf_ledger *self, uint32_t id, queue_key_t key, bf_error *error)
{
    bf_queue *queue = calloc (1, sizeof *queue);
    if (queue) {
        *queue = (bf_queue){.id = id, .ns = key.ns, .name = key.name};
        if (bf_map_put (self->queues_by_name, &key, sizeof key, queue) == BF_OK) {
            if (bf_list_push (&self->queues, queue) == BF_OK) {
                return BF_OK;
            }
            bf_map_remove (self->queues_by_name, &key, sizeof key);
        }
    }
    free (queue);
    return bf_fail_plain (error, BF_ENOMEM);
}

/* Ids are places in the lists, so the rows must come without a hole. */
static bf_err
expect_next (const bf_list *list, uint32_t id, const char *table, bf_error *error)
{
    if (id != list->count + 1) {
        return bf_fail (error, BF_ECORRUPT,
                        "table %s has a hole before row %u: restore a backup", table, id);
    }
    return BF_OK;
}

static bf_err
names_read (bf_ledger *self, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_NAMES);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        uint32_t id = (uint32_t)sqlite3_column_int64 (stmt, 0);
        rc = expect_next (&self->names, id, "name", error);
        if (rc == BF_OK) {
            rc = name_remember (self, id, (const char *)sqlite3_column_text (stmt, 1),
                                error);
        }
        if (rc == BF_OK) {
            rc = bf_step_row (self->statements, stmt, &row, error);
        }
    }
    bf_statement_reset (stmt);
    return rc;
}

bf_err
bf_names_load (bf_ledger *self, bf_error *error)
{
    bf_err rc = names_read (self, error);
    if (rc != BF_OK) {
        return rc;
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_QUEUES);
    bool row = false;
    rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        uint32_t id = (uint32_t)sqlite3_column_int64 (stmt, 0);
        queue_key_t key = {(uint32_t)sqlite3_column_int64 (stmt, 1),
                           (uint32_t)sqlite3_column_int64 (stmt, 2)};
        rc = expect_next (&self->queues, id, "queue", error);
        if (rc == BF_OK) {
            rc = queue_remember (self, id, key, error);
        }
        if (rc == BF_OK) {
            rc = bf_step_row (self->statements, stmt, &row, error);
        }
    }
    bf_statement_reset (stmt);
    return rc;
}

void
bf_names_undo (bf_ledger *self, size_t names, size_t queues)
{
    for (size_t i = self->names.count; i > names; i--) {
        bf_name *name = self->names.items[i - 1];
        bf_map_remove (self->names_by_text, name->text, strlen (name->text));
        free (name->text);
        free (name);
    }
    bf_list_truncate (&self->names, names);
    for (size_t i = self->queues.count; i > queues; i--) {
        bf_queue *queue = self->queues.items[i - 1];
        queue_key_t key = {queue->ns, queue->name};
        bf_map_remove (self->queues_by_name, &key, sizeof key);
        free (queue);
    }
    bf_list_truncate (&self->queues, queues);
}

void
bf_names_free (bf_ledger *self)
{
    if (self->names_by_text && self->queues_by_name) {
        bf_names_undo (self, 0, 0);
    }
    bf_list_clear (&self->names);
    bf_list_clear (&self->queues);
}

bf_err
bf_name_intern (bf_ledger *self, const char *text, uint32_t *id, bf_error *error)
{
    const bf_name *known = bf_map_get (self->names_by_text, text, strlen (text));
    if (known) {
        *id = known->id;
        return BF_OK;
    }
    if (self->names.count >= BF_NAMES) {
        return bf_fail (
            error, BF_ELIMIT,
            "%d namespaces and types are known already, the most that a store keeps: "
            "use the payload or a tag for what varies",
            BF_NAMES);
    }
    uint32_t fresh = (uint32_t)self->names.count + 1;
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_NAME_INSERT);
    sqlite3_bind_int64 (stmt, 1, fresh);
    sqlite3_bind_text (stmt, 2, text, -1, SQLITE_STATIC);
    bf_err rc = bf_step_done (self->statements, stmt, error);
    if (rc == BF_OK) {
        rc = name_remember (self, fresh, text, error);
    }
    if (rc == BF_OK) {
        *id = fresh;
    }
    return rc;
}

uint32_t
bf_name_find (const bf_ledger *self, const char *text)
{
    const bf_name *name = bf_map_get (self->names_by_text, text, strlen (text));
    return name ? name->id : 0;
}

const char *
bf_name_text (const bf_ledger *self, uint32_t id)
{
    BF_INVARIANT (id >= 1 && id <= self->names.count);
    return ((const bf_name *)self->names.items[id - 1])->text;
}

bool
bf_queue_is_known (const bf_ledger *self, const char *ns, const char *type)
{
    queue_key_t key = {bf_name_find (self, ns), bf_name_find (self, type)};
    return bf_map_get (self->queues_by_name, &key, sizeof key) != NULL;
}

bf_err
bf_queue_announce (bf_ledger *self, const bf_queue *queue, bool more, bf_error *error)
{
    Belfry__Internal__Queue *item = bf_arena_alloc (self->arena, sizeof *item);
    if (!item) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__internal__queue__init (item);
    item->id = queue->id;
    item->ns = (char *)bf_name_text (self, queue->ns);
    item->type = (char *)bf_name_text (self, queue->name);
    item->more = more;
    return bf_outcome_dispatcher (self, BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_QUEUE, item,
                                  error);
}

bf_err
bf_queue_intern (bf_ledger *self, uint32_t ns, uint32_t name, uint32_t *id, bf_error *error)
{
    queue_key_t key = {ns, name};
    const bf_queue *known = bf_map_get (self->queues_by_name, &key, sizeof key);
    if (known) {
        *id = known->id;
        return BF_OK;
    }
    uint32_t fresh = (uint32_t)self->queues.count + 1;
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_QUEUE_INSERT);
    sqlite3_bind_int64 (stmt, 1, fresh);
    sqlite3_bind_int64 (stmt, 2, ns);
    sqlite3_bind_int64 (stmt, 3, name);
    bf_err rc = bf_step_done (self->statements, stmt, error);
    if (rc == BF_OK) {
        rc = queue_remember (self, fresh, key, error);
    }
    if (rc == BF_OK) {
        rc = bf_queue_announce (self, self->queues.items[fresh - 1], false, error);
    }
    if (rc == BF_OK) {
        *id = fresh;
    }
    return rc;
}
