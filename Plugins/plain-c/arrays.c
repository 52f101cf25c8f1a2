// Arrow arrays as they cross the boundary, made and read.
#include <stdlib.h>
#include <string.h>

#include "plain.h"

// A column is a block of memory of its own, for the host may move children out of a batch.

struct column {
  const void *buffers[2];
  void *values;
};

static void release_column(struct ArrowArray *array) {
  struct column *column = array->private_data;
  free(column->values);
  free(column);
  array->release = NULL;
}

void *make_column(struct ArrowArray *array, int64_t rows) {
  struct column *column = malloc(sizeof *column);
  // Arrow wants 64 bytes of alignment and of padding, also where there are no rows.
  void *values = aligned_alloc(64, ((size_t)rows * 8 + 64) / 64 * 64);
  if (column == NULL || values == NULL) {
    free(column);
    free(values);
    return NULL;
  }
  *column = (struct column){{NULL, values}, values};
  *array = (struct ArrowArray){
      .length = rows,
      .n_buffers = 2,
      .buffers = column->buffers,
      .release = release_column,
      .private_data = column,
  };
  return values;
}

struct batch {
  const void *buffers[1];
  struct ArrowArray *children[8];
  struct ArrowArray columns[8];
};

static void release_batch(struct ArrowArray *array) {
  struct batch *batch = array->private_data;
  for (int64_t column = 0; column < array->n_children; column++) {
    if (batch->columns[column].release != NULL) batch->columns[column].release(&batch->columns[column]);
  }
  free(batch);
  array->release = NULL;
}

int make_batch(struct ArrowArray *array, int64_t rows, uint32_t columns) {
  struct batch *batch = calloc(1, sizeof *batch);
  if (batch == NULL || columns > 8) return free(batch), -1;
  *array = (struct ArrowArray){
      .length = rows,
      .n_buffers = 1,
      .n_children = columns,
      .buffers = batch->buffers,
      .children = batch->children,
      .release = release_batch,
      .private_data = batch,
  };
  for (uint32_t column = 0; column < columns; column++) {
    batch->children[column] = &batch->columns[column];
    if (make_column(&batch->columns[column], rows) == NULL) return release_batch(array), -1;
  }
  return 0;
}

void *values_of(const struct ArrowArray *batch, uint32_t column) {
  const struct ArrowArray *child = batch->children[column];
  return (char *)child->buffers[1] + (batch->offset + child->offset) * 8;
}

void cut(struct ArrowArray *batch, int64_t rows) {
  batch->length = rows;
  for (int64_t column = 0; column < batch->n_children; column++) batch->children[column]->length = rows;
}

int is_present(const struct ArrowArray *array, int64_t row) {
  const uint8_t *bits = array->buffers[0];
  return bits == NULL || (bits[(array->offset + row) / 8] >> ((array->offset + row) % 8) & 1);
}

int32_t refuse_nulls(const struct ArrowArray *batch, volley_error *error) {
  for (int64_t column = 0; column < batch->n_children; column++) {
    // A count of -1 says that nobody has counted.
    const struct ArrowArray *child = batch->children[column];
    if (child->null_count == 0 || child->buffers[0] == NULL) continue;
    for (int64_t row = 0; row < batch->length; row++) {
      if (!is_present(child, batch->offset + row)) return fail(error, VOLLEY_DOMAIN_USER, "a column has nulls");
    }
  }
  return VOLLEY_OK;
}

const struct ArrowArray *lend(struct lent *memory, const int64_t *values, uint64_t count) {
  *memory = (struct lent){
      .array = {.length = (int64_t)count, .n_buffers = 1, .n_children = 1},
      .child = {.length = (int64_t)count, .n_buffers = 2},
      .child_buffers = {NULL, values},
  };
  memory->children[0] = &memory->child;
  memory->array.buffers = memory->buffers;
  memory->array.children = memory->children;
  memory->child.buffers = memory->child_buffers;
  return &memory->array;
}
