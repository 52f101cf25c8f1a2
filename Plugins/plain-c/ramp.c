// A connector in plain C: the source 'ramp' gives the numbers 0, 1, 2, …, as many as its option says, in one int64 column.
// Its subtasks take turns: of n, subtask i gives i, i + n, i + 2n, … After a restart it goes on, with as many subtasks.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"

struct ramp {
  int64_t next, step, end;
  uint32_t subtask;
  /// What `positions` gave last.
  char positions[96];
};

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
  if (make_batch(array, (int64_t)rows, 1) != 0) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "no memory for a batch");
  int64_t *values = values_of(array, 0);
  for (uint64_t row = 0; row < rows; row++, ramp->next += ramp->step) values[row] = ramp->next;
  *outcome = VOLLEY_READ_BATCH;
  return VOLLEY_OK;
}

/// A read never waits, so there is nothing to wake.
static void stop(void *self) { (void)self; }

/// A subtask's numbers are a split, "i/n", and the next of them says how far it is.
static int32_t positions(void *self, const char **json, uint64_t *length, volley_error *error) {
  (void)error;
  struct ramp *ramp = self;
  int size = snprintf(ramp->positions, sizeof ramp->positions,
                      "[{\"split\":\"%" PRIu32 "/%" PRId64 "\",\"position\":%" PRId64 "}]", ramp->subtask, ramp->step, ramp->next);
  *json = ramp->positions;
  *length = (uint64_t)size;
  return VOLLEY_OK;
}

/// Finds the own split among those of all subtasks.
static int32_t resume(void *self, const char *json, uint64_t length, volley_error *error) {
  struct ramp *ramp = self;
  char *text = malloc(length + 1);
  if (text == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "no memory for positions");
  memcpy(text, json, length);
  text[length] = 0;
  char own[64];
  snprintf(own, sizeof own, "{\"split\":\"%" PRIu32 "/%" PRId64 "\",\"position\":", ramp->subtask, ramp->step);
  const char *found = strstr(text, own);
  if (found != NULL) ramp->next = strtoll(found + strlen(own), NULL, 10);
  // No split at all is a beginning.
  int32_t status = found != NULL || strstr(text, "split") == NULL
                       ? VOLLEY_OK
                       : fail(error, VOLLEY_DOMAIN_USER,
                              "connector 'ramp' goes on with as many subtasks as it had: give it its former parallelism");
  free(text);
  return status;
}

static const volley_source ramp_table =
    VOLLEY_TABLE(volley_source, .open = nothing, .close = nothing, .destroy = free, .read = ramp_read, .stop = stop,
                 .positions = positions, .resume = resume);

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
  *ramp = (struct ramp){place->subtask, place->parallelism, rows, place->subtask, {0}};
  instance->self = ramp;
  instance->table = &ramp_table;
  return VOLLEY_OK;
}

static const volley_parameter rows_option =
    VOLLEY_TABLE(volley_parameter, .name = "rows", .type = "int", .default_value = "1000",
                 .description = "How many numbers in all");

static const volley_parameter *option(const volley_connector *connector, uint32_t index) {
  (void)connector;
  return index == 0 ? &rows_option : NULL;
}

const volley_connector ramp_connector =
    VOLLEY_TABLE(volley_connector, .name = "ramp", .version = "0.1.0", .description = "the numbers from 0, in plain C",
                 .kinds = VOLLEY_CONNECTOR_SOURCE, .option = option, .create = create);
