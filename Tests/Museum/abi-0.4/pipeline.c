// What came with the boundary's version 0.4, an aggregate, a window function, a watermark assigner and an asynchronous function, beside
// all of 0.3 against the header of 0.4.
#include "volley.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define WITHOUT_ROOT_OF_0_3
#include "../abi-0.3/pipeline.c"

// MARK: Aggregate: squares (column value), whose accumulators are (sum, rows)

enum { STORES = 256 };

typedef struct squares_store {
  int64_t *sums, *rows;
  uint64_t count;
} squares_store;

typedef struct squares {
  squares_store stores[STORES];
  // Slots that break a rule.
  int is_mute, is_wide;
} squares;

static int32_t grow_squares(void *state, uint32_t number, uint64_t count, volley_error *error) {
  squares *self = state;
  if (number >= STORES) return fail(error, VOLLEY_DOMAIN_USER, "there are too many stores");
  squares_store *store = self->stores + number;
  store->sums = realloc(store->sums, (count + 1) * 8);
  store->rows = realloc(store->rows, (count + 1) * 8);
  for (; store->count < count; store->count++) store->sums[store->count] = store->rows[store->count] = 0;
  return VOLLEY_OK;
}

static int32_t add_squares(void *state, uint32_t number, const uint32_t *slots, uint64_t count, struct ArrowArray *rows,
                           struct ArrowArray *results, volley_error *error) {
  squares_store *store = ((squares *)state)->stores + number;
  const int64_t *values = integers(rows->children[0]) + rows->offset;
  int64_t *running = results ? make_column(results, (int64_t)count) : 0;
  for (uint64_t i = 0; i < count; i++) {
    if (values[i] == 901) return fail(error, VOLLEY_DOMAIN_USER, "the moon is full");
    store->sums[slots[i]] += values[i] * values[i];
    store->rows[slots[i]]++;
    if (running) running[i] = store->sums[slots[i]];
  }
  return VOLLEY_OK;
}

static int32_t accumulate_squares(void *state, uint32_t number, const uint32_t *slots, uint64_t count,
                                  struct ArrowArray *rows, volley_error *error) {
  return add_squares(state, number, slots, count, rows, 0, error);
}

static int32_t merge_squares(void *state, uint32_t number, const uint32_t *slots, uint64_t count,
                             struct ArrowArray *accumulators, volley_error *error) {
  (void)error;
  squares_store *store = ((squares *)state)->stores + number;
  const int64_t *sums = integers(accumulators->children[0]) + accumulators->offset;
  const int64_t *rows = integers(accumulators->children[1]) + accumulators->offset;
  for (uint64_t i = 0; i < count; i++) store->sums[slots[i]] += sums[i], store->rows[slots[i]] += rows[i];
  return VOLLEY_OK;
}

static int32_t finish_squares(void *state, uint32_t number, const uint32_t *slots, uint64_t count,
                              struct ArrowArray *results, volley_error *error) {
  (void)error;
  squares *self = state;
  if (self->is_mute) return VOLLEY_OK;
  if (self->is_wide) count++;
  int64_t *column = make_column(results, (int64_t)count);
  for (uint64_t i = 0; i < count; i++) column[i] = self->is_wide ? 0 : self->stores[number].sums[slots[i]];
  return VOLLEY_OK;
}

static int32_t encode_squares(void *state, uint32_t number, const uint32_t *slots, uint64_t count,
                              struct ArrowArray *accumulators, volley_error *error) {
  (void)error;
  squares_store *store = ((squares *)state)->stores + number;
  make_array(accumulators, (int64_t)count, 1, 2);
  int64_t *sums = make_column(accumulators->children[0], (int64_t)count);
  int64_t *rows = make_column(accumulators->children[1], (int64_t)count);
  for (uint64_t i = 0; i < count; i++) sums[i] = store->sums[slots[i]], rows[i] = store->rows[slots[i]];
  return VOLLEY_OK;
}

static int32_t reset_squares(void *state, uint32_t number, const uint32_t *slots, uint64_t count, volley_error *error) {
  squares_store *store = ((squares *)state)->stores + number;
  for (uint64_t i = 0; i < count; i++) {
    if (store->rows[slots[i]] == 13) return fail(error, VOLLEY_DOMAIN_USER, "13 rows stay");
    store->sums[slots[i]] = store->rows[slots[i]] = 0;
  }
  return VOLLEY_OK;
}

static void drop_squares(void *state, uint32_t number) {
  squares_store *store = ((squares *)state)->stores + number;
  free(store->sums);
  free(store->rows);
  memset(store, 0, sizeof *store);
}

static uint64_t memory_squares(void *state, uint32_t number) { return ((squares *)state)->stores[number].count * 16; }

static void destroy_squares(void *state) {
  for (uint32_t number = 0; number < STORES; number++) drop_squares(state, number);
  free(state);
}

static const volley_aggregate squares_table = {
    VOLLEY_HEADER(volley_aggregate), open_nothing, close_nothing, destroy_squares, grow_squares, accumulate_squares,
    add_squares, merge_squares, finish_squares, encode_squares, reset_squares, drop_squares, memory_squares};
static const volley_aggregate null_squares_table = {
    VOLLEY_HEADER(volley_aggregate), open_nothing, close_nothing, destroy_squares, grow_squares, accumulate_squares,
    add_squares, merge_squares, finish_squares, 0, reset_squares, drop_squares, memory_squares};

// MARK: Window function: sums (column value; key user), which emits (user, number)

static int32_t process_sums(void *state, const volley_window_call *call, volley_error *error) {
  const int64_t *values = integers(call->rows->children[0]) + call->rows->offset;
  const int64_t *keys = integers(call->keys->children[0]) + call->keys->offset;
  uint64_t row = 0;
  for (uint64_t window = 0; window < call->window_count; window++) {
    int64_t number = call->ends ? call->ends[window] - call->starts[window] : 0;
    for (; row < call->row_ends[window]; row++) {
      if (values[row] == 901) return fail(error, VOLLEY_DOMAIN_USER, "the moon is full");
      number += values[row];
    }
    int32_t status = emit_rows(state, keys + window, &number, 1, error);
    if (status != VOLLEY_OK) return status;
  }
  // The rows are taken, the keys are not: they stay the host's.
  call->rows->release(call->rows);
  return row == call->row_count ? VOLLEY_OK : fail(error, VOLLEY_DOMAIN_INTERNAL, "rows are left");
}

static const volley_window_function sums_table = {
    VOLLEY_HEADER(volley_window_function), open_nothing, close_nothing, destroy, process_sums, flush_tally};
static const volley_window_function short_sums_table = {
    {(uint32_t)offsetof(volley_window_function, flush), VOLLEY_ABI_MAJOR, VOLLEY_ABI_MINOR},
    open_nothing, close_nothing, destroy, process_sums};

// MARK: Watermark assigner: tens (column value), ten times the value; values below 0 have none

typedef struct tens {
  int64_t ended;
} tens;

static int32_t assign_tens(void *state, volley_watermark_call *call, volley_error *error) {
  (void)state;
  const int64_t *values = integers(call->rows->children[0]) + call->rows->offset;
  for (uint64_t i = 0; i < call->row_count; i++) {
    if (values[i] == 901) return fail(error, VOLLEY_DOMAIN_USER, "the moon is full");
    // The host has set all to VOLLEY_NO_TIME.
    if (values[i] < 0) continue;
    call->times[i] = 10 * values[i];
    if (call->times[i] - 5 > call->watermark) call->watermark = call->times[i] - 5;
  }
  return VOLLEY_OK;
}

static int32_t advance_tens(void *state, uint64_t split, int64_t processing_time, int64_t *watermark,
                            volley_error *error) {
  (void)split, (void)error;
  *watermark = processing_time + ((tens *)state)->ended;
  return VOLLEY_OK;
}

static void end_tens(void *state, uint64_t split) { ((tens *)state)->ended += (int64_t)split; }

static const volley_watermark_assigner tens_table = {
    VOLLEY_HEADER(volley_watermark_assigner), open_nothing, close_nothing, destroy, assign_tens, advance_tens, end_tens};
static const volley_watermark_assigner null_tens_table = {
    VOLLEY_HEADER(volley_watermark_assigner), open_nothing, close_nothing, destroy, 0, advance_tens, end_tens};

// MARK: Asynchronous function: doubles (column value), twice the value

typedef struct doubles {
  const volley_host *host;
  const volley_async *async;
  // What is answered with the next call; 0 for none.
  uint64_t held_token;
  int64_t held_value;
  int64_t cancelled;
} doubles_function;

static int32_t answer_double(doubles_function *self, uint64_t token, int64_t value, volley_error *error) {
  struct ArrowArray batch;
  make_array(&batch, 1, 1, 1);
  *(int64_t *)make_column(batch.children[0], 1) = 2 * value;
  return self->async->complete(self->host, token, &batch, 0, error);
}

static int32_t start_doubles(void *state, uint64_t token, struct ArrowArray *rows, volley_error *error) {
  doubles_function *self = state;
  if (self->held_token) {
    uint64_t held = self->held_token;
    self->held_token = 0;
    int32_t status = answer_double(self, held, self->held_value, error);
    if (status != VOLLEY_OK) return status;
  }
  const int64_t value = integers(rows->children[0])[rows->offset];
  char text[] = "the moon is full";
  volley_error failure = {VOLLEY_HEADER(volley_error), 42, VOLLEY_DOMAIN_EXTERNAL, VOLLEY_RETRY_LATER, sizeof text - 1,
                          sizeof text, 0, text};
  struct ArrowArray batch;
  switch (value) {
    case 13: self->held_token = token, self->held_value = value; return VOLLEY_OK;
    case 0: return self->async->complete(self->host, token, 0, 0, error);
    case 901: return self->async->complete(self->host, token, 0, &failure, error);
    case 902: return fail(error, VOLLEY_DOMAIN_USER, "the moon is new");
    case 903:  // Two columns where there is one.
      make_array(&batch, 1, 1, 2);
      make_column(batch.children[0], 1), make_column(batch.children[1], 1);
      self->async->complete(self->host, token, &batch, 0, error);
      return VOLLEY_OK;
    case 904: return answer_double(self, token, self->cancelled, error);
    default: return answer_double(self, token, value, error);
  }
}

static void cancel_doubles(void *state, uint64_t token) { ((doubles_function *)state)->cancelled += (int64_t)token; }

static int32_t open_early_doubles(void *state, volley_error *error) { return answer_double(state, 1, 1, error); }

static const volley_async_function doubles_table = {
    VOLLEY_HEADER(volley_async_function), open_nothing, close_nothing, destroy, start_doubles, cancel_doubles};
static const volley_async_function early_doubles_table = {
    VOLLEY_HEADER(volley_async_function), open_early_doubles, close_nothing, destroy, start_doubles, cancel_doubles};
static const volley_async_function null_doubles_table = {
    VOLLEY_HEADER(volley_async_function), open_nothing, close_nothing, destroy, start_doubles, 0};

// MARK: The pipeline

static int32_t create_function_of_0_4(const volley_plan *plan, const volley_host *host, uint32_t kind,
                                      const volley_context *place, volley_instance *made, volley_error *error) {
  const char *name = place->function;
  switch (kind) {
    case VOLLEY_KIND_AGGREGATE: {
      squares *self = calloc(1, sizeof *self);
      if (!self) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "out of memory");
      self->is_mute = strcmp(name, "mute") == 0;
      self->is_wide = strcmp(name, "wide") == 0;
      made->self = self;
      made->table = strcmp(name, "null") == 0 ? &null_squares_table : &squares_table;
      return VOLLEY_OK;
    }
    case VOLLEY_KIND_WINDOW_FUNCTION: {
      tally *self = calloc(1, sizeof *self);
      if (!self) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "out of memory");
      self->host = host;
      self->emit = host->interface(host, VOLLEY_INTERFACE_EMIT);
      made->self = self;
      made->table = strcmp(name, "short") == 0 ? &short_sums_table : &sums_table;
      return VOLLEY_OK;
    }
    case VOLLEY_KIND_WATERMARK_ASSIGNER:
      made->self = calloc(1, sizeof(tens));
      if (!made->self) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "out of memory");
      made->table = strcmp(name, "null") == 0 ? &null_tens_table : &tens_table;
      return VOLLEY_OK;
    case VOLLEY_KIND_ASYNC_FUNCTION: {
      doubles_function *self = calloc(1, sizeof *self);
      if (!self) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "out of memory");
      self->host = host;
      self->async = host->interface(host, VOLLEY_INTERFACE_ASYNC);
      if (!self->async || !VOLLEY_HAS(self->async, complete)) {
        free(self);
        return fail(error, VOLLEY_DOMAIN_INTERNAL, "the host lacks async/1");
      }
      made->self = self;
      made->table = strcmp(name, "null") == 0    ? &null_doubles_table
                    : strcmp(name, "early") == 0 ? &early_doubles_table
                                                 : &doubles_table;
      return VOLLEY_OK;
    }
    default: return create_function_of_0_3(plan, host, kind, place, made, error);
  }
}

// A later version takes all of this and brings its own pipeline and root.
#ifndef WITHOUT_ROOT_OF_0_4

static int32_t make_plan_of_0_4(const volley_pipeline *pipeline, const char *values, uint64_t values_length,
                                volley_plan *plan, volley_error *error) {
  int32_t status = make_plan(pipeline, values, values_length, plan, error);
  plan->create = create_function_of_0_4;
  return status;
}

static const volley_pipeline pipeline_of_0_4 = {
    VOLLEY_HEADER(volley_pipeline), "museum", "1.0.0", "Taxes orders and splits them by their total.", parameter,
    make_plan_of_0_4};

static const volley_pipeline *pipeline_of_0_4_at(uint32_t index) { return index == 0 ? &pipeline_of_0_4 : 0; }

// MARK: The root

static const volley_plugin root_of_0_4 = {VOLLEY_HEADER(volley_plugin), "museum-0.4", "1.0.0",
                                          "Every kind of user code in plain C.", pipeline_of_0_4_at, connector, codec};

__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void);

__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void) { return &root_of_0_4; }
#endif
