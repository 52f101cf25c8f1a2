// A window function: needs all watts of five minutes at once, for their median. Emits (meter, end, spread, median) for each window.
#include <stdlib.h>
#include <string.h>

#include "plain.h"

struct spread {
  const volley_host *host;
  const volley_emit *emit;
};

static int ascending(const void *a, const void *b) {
  const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
  return (left > right) - (left < right);
}

static int32_t process(void *state, const volley_window_call *call, volley_error *error) {
  struct spread *self = state;
  if (refuse_nulls(call->rows, error) != VOLLEY_OK) return VOLLEY_FAILED;
  int64_t *watts = malloc((size_t)call->row_count * sizeof *watts);
  struct ArrowArray batch;
  if (watts == NULL || make_batch(&batch, (int64_t)call->window_count, 4) != 0) {
    free(watts);
    return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for a window");
  }
  memcpy(watts, values_of(call->rows, 0), (size_t)call->row_count * sizeof *watts);
  memcpy(values_of(&batch, 0), values_of(call->keys, 0), (size_t)call->window_count * sizeof *watts);
  memcpy(values_of(&batch, 1), call->ends, (size_t)call->window_count * sizeof *watts);
  int64_t *spreads = values_of(&batch, 2), *medians = values_of(&batch, 3);
  uint64_t start = 0;
  for (uint64_t window = 0; window < call->window_count; window++) {
    // At least one.
    const uint64_t end = call->row_ends[window];
    qsort(watts + start, end - start, sizeof *watts, ascending);
    spreads[window] = watts[end - 1] - watts[start];
    // Of an even number of readings the lower one of the two in the middle.
    medians[window] = watts[start + (end - start - 1) / 2];
    start = end;
  }
  free(watts);
  return self->emit->emit(self->host, 0, &batch, error);
}

static const volley_window_function table = VOLLEY_TABLE(
    volley_window_function, .open = nothing, .close = nothing, .destroy = free, .process = process, .flush = nothing);

int32_t make_spread(const volley_host *host, volley_instance *instance, volley_error *error) {
  const volley_emit *emit = host->interface(host, VOLLEY_INTERFACE_EMIT);
  if (emit == NULL || !VOLLEY_HAS(emit, emit)) {
    return fail(error, VOLLEY_DOMAIN_USER, "this host lacks emit/1: use a newer host");
  }
  struct spread *self = malloc(sizeof *self);
  if (self == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for a function");
  *self = (struct spread){host, emit};
  instance->self = self;
  instance->table = &table;
  return VOLLEY_OK;
}
