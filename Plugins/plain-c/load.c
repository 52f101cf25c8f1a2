// An aggregate: how even the load is (watts), its mean as a part of its peak. An accumulator is (sum, readings, peak).
#include <stdlib.h>
#include <string.h>

#include "plain.h"

struct sums {
  int64_t sum, readings, peak;
};

/// The accumulators that come and go together, in slots from 0.
struct store {
  struct store *next;
  struct sums *slots;
  uint64_t count, capacity;
  uint32_t number;
};

struct load {
  struct store *stores;
};

/// One that `grow` has made: the host asks for no other. Those that were used last are in front.
static struct store *find(struct load *self, uint32_t number) {
  struct store **link = &self->stores;
  while (*link != NULL && (*link)->number != number) link = &(*link)->next;
  struct store *found = *link;
  if (found != NULL) {
    *link = found->next;
    found->next = self->stores;
    self->stores = found;
  }
  return found;
}

static int32_t grow(void *state, uint32_t number, uint64_t slot_count, volley_error *error) {
  struct load *self = state;
  struct store *store = find(self, number);
  if (store == NULL) {
    store = calloc(1, sizeof *store);
    if (store == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for a store");
    store->number = number;
    store->next = self->stores;
    self->stores = store;
  }
  if (slot_count > store->capacity) {
    uint64_t capacity = slot_count > 2 * store->capacity ? slot_count : 2 * store->capacity;
    struct sums *slots = realloc(store->slots, capacity * sizeof *slots);
    if (slots == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for accumulators");
    store->slots = slots;
    store->capacity = capacity;
  }
  if (slot_count > store->count) {
    memset(store->slots + store->count, 0, (slot_count - store->count) * sizeof *store->slots);
    store->count = slot_count;
  }
  return VOLLEY_OK;
}

static void add(struct sums *sums, int64_t sum, int64_t readings, int64_t peak) {
  sums->sum += sum;
  sums->readings += readings;
  if (peak > sums->peak) sums->peak = peak;
}

static double result_of(const struct sums *sums) {
  return sums->peak == 0 ? 0 : (double)sums->sum / (double)sums->readings / (double)sums->peak;
}

static int32_t accumulate(void *state, uint32_t number, const uint32_t *slots, uint64_t count, struct ArrowArray *rows,
                          volley_error *error) {
  if (refuse_nulls(rows, error) != VOLLEY_OK) return VOLLEY_FAILED;
  struct store *store = find(state, number);
  const int64_t *watts = values_of(rows, 0);
  for (uint64_t row = 0; row < count; row++) add(store->slots + slots[row], watts[row], 1, watts[row]);
  return VOLLEY_OK;
}

static int32_t no_memory(volley_error *error) { return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for results"); }

static int32_t accumulate_running(void *state, uint32_t number, const uint32_t *slots, uint64_t count,
                                  struct ArrowArray *rows, struct ArrowArray *results, volley_error *error) {
  if (refuse_nulls(rows, error) != VOLLEY_OK) return VOLLEY_FAILED;
  struct store *store = find(state, number);
  const int64_t *watts = values_of(rows, 0);
  double *loads = make_column(results, (int64_t)count);
  if (loads == NULL) return no_memory(error);
  for (uint64_t row = 0; row < count; row++) {
    add(store->slots + slots[row], watts[row], 1, watts[row]);
    loads[row] = result_of(store->slots + slots[row]);
  }
  return VOLLEY_OK;
}

static int32_t merge(void *state, uint32_t number, const uint32_t *slots, uint64_t count,
                     struct ArrowArray *accumulators, volley_error *error) {
  (void)error;
  struct store *store = find(state, number);
  const int64_t *sums = values_of(accumulators, 0), *readings = values_of(accumulators, 1), *peaks = values_of(accumulators, 2);
  for (uint64_t row = 0; row < count; row++) add(store->slots + slots[row], sums[row], readings[row], peaks[row]);
  return VOLLEY_OK;
}

static int32_t finish(void *state, uint32_t number, const uint32_t *slots, uint64_t count, struct ArrowArray *results,
                      volley_error *error) {
  struct store *store = find(state, number);
  double *loads = make_column(results, (int64_t)count);
  if (loads == NULL) return no_memory(error);
  for (uint64_t row = 0; row < count; row++) loads[row] = result_of(store->slots + slots[row]);
  return VOLLEY_OK;
}

static int32_t encode(void *state, uint32_t number, const uint32_t *slots, uint64_t count,
                      struct ArrowArray *accumulators, volley_error *error) {
  struct store *store = find(state, number);
  if (make_batch(accumulators, (int64_t)count, 3) != 0) return no_memory(error);
  int64_t *sums = values_of(accumulators, 0), *readings = values_of(accumulators, 1), *peaks = values_of(accumulators, 2);
  for (uint64_t row = 0; row < count; row++) {
    const struct sums *slot = store->slots + slots[row];
    sums[row] = slot->sum;
    readings[row] = slot->readings;
    peaks[row] = slot->peak;
  }
  return VOLLEY_OK;
}

static int32_t reset(void *state, uint32_t number, const uint32_t *slots, uint64_t count, volley_error *error) {
  (void)error;
  struct store *store = find(state, number);
  for (uint64_t slot = 0; slot < count; slot++) store->slots[slots[slot]] = (struct sums){0, 0, 0};
  return VOLLEY_OK;
}

static void drop(void *state, uint32_t number) {
  struct load *self = state;
  struct store *store = find(self, number);
  if (store == NULL) return;
  self->stores = store->next;
  free(store->slots);
  free(store);
}

static uint64_t memory(void *state, uint32_t number) {
  const struct store *store = find(state, number);
  return store == NULL ? 0 : store->capacity * sizeof *store->slots;
}

static void destroy(void *state) {
  struct load *self = state;
  while (self->stores != NULL) drop(self, self->stores->number);
  free(self);
}

static const volley_aggregate table = VOLLEY_TABLE(
    volley_aggregate, .open = nothing, .close = nothing, .destroy = destroy, .grow = grow, .accumulate = accumulate,
    .accumulate_running = accumulate_running, .merge = merge, .finish = finish, .encode = encode, .reset = reset,
    .drop = drop, .memory = memory);

int32_t make_load(const volley_host *host, volley_instance *instance, volley_error *error) {
  (void)host;
  instance->self = calloc(1, sizeof(struct load));
  instance->table = &table;
  return instance->self != NULL ? VOLLEY_OK : fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for an aggregate");
}
