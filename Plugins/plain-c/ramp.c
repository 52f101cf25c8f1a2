// A connector in plain C: the source 'ramp' gives the numbers 0, 1, 2, …, as many as its option says, in one int64 column.
// Its subtasks take turns: of n, subtask i gives i, i + n, i + 2n, …
#include <stdlib.h>
#include <string.h>

#include "plain.h"

struct ramp {
  int64_t next, step, end;
};

// A batch: a struct array of one column, whose release frees the column too, unless that was moved out.

struct column {
  const void *buffers[2];
  int64_t *values;
};

struct batch {
  const void *buffers[1];
  struct ArrowArray *children[1];
  struct ArrowArray child;
};

static void release_column(struct ArrowArray *array) {
  struct column *column = array->private_data;
  free(column->values);
  free(column);
  array->release = NULL;
}

static void release_batch(struct ArrowArray *array) {
  struct batch *batch = array->private_data;
  if (batch->child.release != NULL) batch->child.release(&batch->child);
  free(batch);
  array->release = NULL;
}

static int32_t ramp_read(void *self, uint64_t max_rows, uint64_t timeout_ns, struct ArrowArray *array, uint32_t *outcome,
                         volley_error *error) {
  (void)timeout_ns;
  struct ramp *ramp = self;
  if (ramp->next >= ramp->end) {
    *outcome = VOLLEY_READ_END;
    return VOLLEY_OK;
  }
  // The number of values from `next` below `end`, `step` apart.
  uint64_t rows = (uint64_t)((ramp->end - ramp->next - 1) / ramp->step + 1);
  if (rows > max_rows) rows = max_rows;
  struct batch *batch = malloc(sizeof *batch);
  struct column *column = malloc(sizeof *column);
  int64_t *values = aligned_alloc(64, ((size_t)rows * sizeof *values + 63) / 64 * 64);
  if (batch == NULL || column == NULL || values == NULL) {
    free(batch);
    free(column);
    free(values);
    return fail(error, VOLLEY_DOMAIN_EXTERNAL, "no memory for a batch");
  }
  for (uint64_t row = 0; row < rows; row++, ramp->next += ramp->step) values[row] = ramp->next;
  *column = (struct column){{NULL, values}, values};
  *batch = (struct batch){
      .buffers = {NULL},
      .children = {&batch->child},
      .child = {.length = (int64_t)rows, .n_buffers = 2, .buffers = column->buffers, .release = release_column,
                .private_data = column},
  };
  *array = (struct ArrowArray){
      .length = (int64_t)rows,
      .n_buffers = 1,
      .n_children = 1,
      .buffers = batch->buffers,
      .children = batch->children,
      .release = release_batch,
      .private_data = batch,
  };
  *outcome = VOLLEY_READ_BATCH;
  return VOLLEY_OK;
}

static int32_t nothing(void *self, volley_error *error) {
  (void)self, (void)error;
  return VOLLEY_OK;
}

/// A read never waits, so there is nothing to wake.
static void stop(void *self) { (void)self; }

static const volley_source ramp_table = {VOLLEY_HEADER(volley_source), nothing, nothing, free, ramp_read, stop};

/// The value of `{"rows":N}`; -1 when it is anything else. The host has checked the type and filled in the default.
static int64_t find_rows(const char *options, uint64_t length) {
  static const char name[] = "{\"rows\":";
  size_t start = sizeof name - 1;
  if (length <= start || memcmp(options, name, start) != 0) return -1;
  int64_t rows = 0;
  for (uint64_t at = start; at < length && options[at] >= '0' && options[at] <= '9'; at++) {
    if (__builtin_mul_overflow(rows, 10, &rows) || __builtin_add_overflow(rows, options[at] - '0', &rows)) return -1;
    if (at + 1 < length && options[at + 1] == '}') return rows;
  }
  return -1;
}

static int32_t create(const volley_connector *connector, const volley_host *host, uint32_t kind,
                      const volley_context *place, volley_instance *instance, volley_error *error) {
  (void)connector, (void)host;
  if (kind != VOLLEY_KIND_SOURCE) return fail(error, VOLLEY_DOMAIN_USER, "connector 'ramp' is no sink");
  const struct ArrowSchema *schema = place->outputs[0];
  if (schema->n_children != 1 || strcmp(schema->children[0]->format, "l") != 0) {
    return fail(error, VOLLEY_DOMAIN_USER, "connector 'ramp' fills one int64 column: give it a schema of one");
  }
  int64_t rows = find_rows(place->options, place->options_length);
  if (rows < 0 || rows > INT64_MAX - place->parallelism) {
    return fail(error, VOLLEY_DOMAIN_USER, "option 'rows' of connector 'ramp' is no count of rows: give it 0 or more");
  }
  struct ramp *ramp = malloc(sizeof *ramp);
  if (ramp == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "no memory for a source");
  *ramp = (struct ramp){place->subtask, place->parallelism, rows};
  instance->self = ramp;
  instance->table = &ramp_table;
  return VOLLEY_OK;
}

static const volley_parameter rows_option = {VOLLEY_HEADER(volley_parameter), "rows", "int", "1000",
                                             "How many numbers in all"};

static const volley_parameter *option(const volley_connector *connector, uint32_t index) {
  (void)connector;
  return index == 0 ? &rows_option : NULL;
}

const volley_connector ramp_connector = {VOLLEY_HEADER(volley_connector),
                                         "ramp",
                                         "0.1.0",
                                         "the numbers from 0, in plain C",
                                         VOLLEY_CONNECTOR_SOURCE,
                                         0,
                                         option,
                                         create};
