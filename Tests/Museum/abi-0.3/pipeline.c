// What came with the boundary's version 0.3, a keyed process function, beside all of 0.2 against the header of 0.3.
//
// "tally" (column op; key user): op 0 to 99 counts a value, appends an item, puts an entry and sets an event timer for it; the others
// are said below. It emits (key, number) rows: after each row its count, after a timer the time.
#include "volley.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define WITHOUT_ROOT
#include "../abi-0.2/pipeline.c"

// MARK: Arrays that are lent

// A struct array of one column of 8-byte values, in the caller's memory.
typedef struct lent {
  struct ArrowArray array, child;
  struct ArrowArray *children[1];
  const void *buffers[1], *child_buffers[2];
} lent;

static const struct ArrowArray *lend(lent *memory, const int64_t *values, int64_t count) {
  memset(memory, 0, sizeof *memory);
  memory->child.length = memory->array.length = count;
  memory->child.n_buffers = 2;
  memory->child_buffers[1] = values;
  memory->child.buffers = memory->child_buffers;
  memory->array.n_buffers = 1;
  memory->array.buffers = memory->buffers;
  memory->array.n_children = 1;
  memory->children[0] = &memory->child;
  memory->array.children = memory->children;
  return &memory->array;
}

static int is_present(const struct ArrowArray *array, int64_t row) {
  const uint8_t *bits = array->buffers[0];
  return !bits || bits[(row + array->offset) / 8] >> ((row + array->offset) % 8) & 1;
}

// MARK: Keyed process function: tally

enum { COUNT, ITEMS, ENTRIES };

// What a row counts: tells two builds of this file apart.
#ifndef STEP
#define STEP 1
#endif

typedef struct tally {
  const volley_host *host;
  const volley_emit *emit;
  const volley_keyed_state *state;
  const volley_timers *timers;
} tally;

static int32_t emit_rows(tally *self, const int64_t *keys, const int64_t *numbers, int64_t count, volley_error *error) {
  struct ArrowArray batch;
  make_array(&batch, count, 1, 2);
  memcpy(make_column(batch.children[0], count), keys, (size_t)count * 8);
  memcpy(make_column(batch.children[1], count), numbers, (size_t)count * 8);
  return self->emit->emit(self->host, 0, &batch, error);
}

// One row of an op of its own.
static int32_t tally_op(tally *self, uint32_t key, int64_t op, int64_t *number, volley_error *error) {
  const volley_host *host = self->host;
  const volley_keyed_state *state = self->state;
  const struct ArrowArray *values = 0, *map_keys = 0;
  const uint32_t keys[2] = {key, 99};
  int64_t one[1] = {op}, time[1] = {op}, count[1] = {STEP};
  lent first, second;
  int32_t status = VOLLEY_OK;
  if (op >= 0 && op < 100) {
    if ((status = state->read(host, COUNT, keys, 1, &values, error))) return status;
    if (is_present(values, 0)) count[0] += integers(values->children[0])[0];
    if ((status = state->write(host, COUNT, keys, 1, lend(&first, count, 1), error))) return status;
    if ((status = state->list_append(host, ITEMS, keys, 1, lend(&first, one, 1), error))) return status;
    if ((status = state->map_put(host, ENTRIES, keys, 1, lend(&first, one, 1), lend(&second, count, 1), error)))
      return status;
    *number = count[0];
    return self->timers->set(host, VOLLEY_CLOCK_EVENT, keys, time, 1, error);
  }
  switch (op) {
    case 100:  // The sum of the items, two at a time.
      for (uint64_t start = 0;; start += 2) {
        if ((status = state->list_read(host, ITEMS, key, start, 2, &values, error))) return status;
        for (int64_t i = 0; i < values->length; i++) *number += integers(values->children[0])[i];
        if (values->length < 2) return status;
      }
    case 101:  // The sum of all entries' keys times their values, three at a time.
      for (uint64_t cursor = 0;;) {
        if ((status = state->map_page(host, ENTRIES, key, 3, &cursor, &map_keys, &values, error))) return status;
        for (int64_t i = 0; i < values->length; i++)
          *number += integers(map_keys->children[0])[i] * integers(values->children[0])[i];
        if (cursor == 0) return status;
      }
    case 102:  // Entry 5, and that it goes.
      one[0] = 5;
      if ((status = state->map_get_many(host, ENTRIES, keys, 1, lend(&first, one, 1), &values, error))) return status;
      *number = is_present(values, 0) ? integers(values->children[0])[0] : -1;
      return state->map_remove(host, ENTRIES, keys, 1, lend(&first, one, 1), error);
    case 103:  // All of the key goes.
      for (uint32_t i = 0; i < 3 && !status; i++) status = state->clear(host, i, keys, 1, error);
      time[0] = 50;
      return status ? status : self->timers->remove(host, VOLLEY_CLOCK_EVENT, keys, time, 1, error);
    case 104:  // Written, and failed behind it.
      for (uint32_t i = 0; i < 3 && !status; i++) status = state->clear(host, i, keys, 1, error);
      time[0] = 1;
      self->timers->set(host, VOLLEY_CLOCK_EVENT, keys, time, 1, error);
      return fail(error, VOLLEY_DOMAIN_USER, "the moon is full");
    // Rules that are broken; that the status is dropped does not help.
    case 901: state->read(host, 3, keys, 1, &values, error); break;
    case 902: state->read(host, COUNT, keys, 2, &values, error); break;
    case 903: state->read(host, ITEMS, keys, 1, &values, error); break;
    case 904: state->write(host, COUNT, keys, 1, 0, error); break;
    case 905: state->write(host, COUNT, keys, 1, lend(&first, count, 0), error); break;
    case 906: lend(&first, count, 1), first.array.n_children = 2, state->write(host, COUNT, keys, 1, &first.array, error); break;
    case 907:
      lend(&first, one, 1), first.child.null_count = 1, first.child_buffers[0] = "\0";
      state->map_get_many(host, ENTRIES, keys, 1, &first.array, &values, error);
      break;
    case 908: {
      uint64_t cursor = 4711;
      state->map_page(host, ENTRIES, key, 3, &cursor, &map_keys, &values, error);
      break;
    }
    case 909: self->timers->set(host, 7, keys, time, 1, error); break;
    case 910: self->timers->set(host, VOLLEY_CLOCK_EVENT, keys, 0, 1, error); break;
    case 911: self->timers->set(host, VOLLEY_CLOCK_EVENT, keys + 1, time, 1, error); break;
    case 912: lend(&first, one, 1), first.child.n_buffers = 1, state->list_append(host, ITEMS, keys, 1, &first.array, error); break;
    case 913: lend(&first, one, 1), first.child_buffers[1] = 0, state->list_append(host, ITEMS, keys, 1, &first.array, error); break;
    case 914: state->write(host, COUNT, 0, 1, lend(&first, count, 1), error); break;
    case 915:
      lend(&first, one, 1), first.child.null_count = 1, first.child_buffers[0] = "\0";
      state->write(host, COUNT, keys, 1, &first.array, error);
      break;
    case 916: state->clear(host, COUNT, keys + 1, 1, error); break;
  }
  return VOLLEY_OK;
}

static int32_t process_tally(void *state, const volley_keyed_call *call, volley_error *error) {
  tally *self = state;
  const struct ArrowArray *rows = call->rows;
  const int64_t *ops = integers(rows->children[0]) + rows->offset;
  const int64_t *keys = integers(call->keys->children[0]) + call->keys->offset;
  for (uint64_t i = 0; i < call->row_count; i++) {
    int64_t number = 0;
    int32_t status = tally_op(self, call->row_keys[i], ops[i], &number, error);
    if (status == VOLLEY_OK) status = emit_rows(self, keys + call->row_keys[i], &number, 1, error);
    if (status != VOLLEY_OK) return status;
  }
  // The rows are taken, the keys are not: they stay the host's.
  call->rows->release(call->rows);
  return VOLLEY_OK;
}

static int32_t timers_tally(void *state, uint32_t clock, const volley_keyed_call *call, volley_error *error) {
  const int64_t *keys = integers(call->keys->children[0]) + call->keys->offset;
  for (uint64_t i = 0; i < call->row_count; i++) {
    int64_t number = clock == VOLLEY_CLOCK_EVENT ? call->times[i] : -call->times[i];
    int32_t status = emit_rows(state, keys + call->row_keys[i], &number, 1, error);
    if (status != VOLLEY_OK) return status;
  }
  return VOLLEY_OK;
}

static int32_t flush_tally(void *state, volley_error *error) {
  const int64_t key = -1, number = -1;
  return emit_rows(state, &key, &number, 1, error);
}

static const volley_keyed_process tally_table = {
    VOLLEY_HEADER(volley_keyed_process), open_nothing, close_nothing, destroy, process_tally, timers_tally, flush_tally};
static const volley_keyed_process short_table = {
    {(uint32_t)offsetof(volley_keyed_process, timers), VOLLEY_ABI_MAJOR, VOLLEY_ABI_MINOR},
    open_nothing, close_nothing, destroy, process_tally};
static const volley_keyed_process null_table = {
    VOLLEY_HEADER(volley_keyed_process), open_nothing, close_nothing, destroy, process_tally, 0, flush_tally};

// Asks for state where there is none.
static int32_t open_early(void *state, volley_error *error) {
  tally *self = state;
  const struct ArrowArray *values;
  self->state->read(self->host, COUNT, 0, 0, &values, error);
  return VOLLEY_OK;
}
static const volley_keyed_process early_table = {
    VOLLEY_HEADER(volley_keyed_process), open_early, close_nothing, destroy, process_tally, timers_tally, flush_tally};

// MARK: The pipeline

static int32_t create_function_of_0_3(const volley_plan *plan, const volley_host *host, uint32_t kind,
                                      const volley_context *place, volley_instance *made, volley_error *error) {
  if (kind != VOLLEY_KIND_KEYED_PROCESS) return create_function(plan, host, kind, place, made, error);
  tally *self = calloc(1, sizeof *self);
  if (!self) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "out of memory");
  self->host = host;
  self->emit = host->interface(host, VOLLEY_INTERFACE_EMIT);
  self->state = host->interface(host, VOLLEY_INTERFACE_KEYED_STATE);
  self->timers = host->interface(host, VOLLEY_INTERFACE_TIMERS);
  if (!self->state || !VOLLEY_HAS(self->state, map_page) || !self->timers || !VOLLEY_HAS(self->timers, remove)) {
    free(self);
    return fail(error, VOLLEY_DOMAIN_INTERNAL, "the host lacks state.keyed/1 or timers/1");
  }
  made->self = self;
  made->table = strcmp(place->function, "short") == 0  ? (const void *)&short_table
                : strcmp(place->function, "null") == 0 ? (const void *)&null_table
                : strcmp(place->function, "early") == 0 ? (const void *)&early_table
                                                        : (const void *)&tally_table;
  return VOLLEY_OK;
}

// A later version takes all of this and brings its own pipeline and root.
#ifndef WITHOUT_ROOT_OF_0_3

static int32_t make_plan_of_0_3(const volley_pipeline *pipeline, const char *values, uint64_t values_length,
                                volley_plan *plan, volley_error *error) {
  int32_t status = make_plan(pipeline, values, values_length, plan, error);
  plan->create = create_function_of_0_3;
  return status;
}

static const volley_pipeline pipeline_of_0_3 = {
    VOLLEY_HEADER(volley_pipeline), "museum", "1.0.0", "Taxes orders and splits them by their total.", parameter,
    make_plan_of_0_3};

static const volley_pipeline *pipeline_at(uint32_t index) { return index == 0 ? &pipeline_of_0_3 : 0; }

// MARK: The root

static const volley_plugin root_of_0_3 = {VOLLEY_HEADER(volley_plugin), "museum-0.3", "1.0.0",
                                          "Every kind of user code in plain C.", pipeline_at, connector, codec};

__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void);

__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void) { return &root_of_0_3; }
#endif
