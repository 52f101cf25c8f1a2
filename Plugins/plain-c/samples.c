// A batch function: takes about one reading in eight (meter, at), by the host's random numbers, and notes when, by the host's clock.
// Beside it the scalar function charge(watts, price).
#include <stdlib.h>

#include "plain.h"

struct samples {
  const volley_host *host;
  const volley_emit *emit;
  const volley_clock *clock;
  const volley_random *random;
};

static int32_t process(void *state, uint32_t input, struct ArrowArray *batch, volley_error *error) {
  (void)input;
  struct samples *self = state;
  struct ArrowArray taken;
  if (refuse_nulls(batch, error) != VOLLEY_OK) return VOLLEY_FAILED;
  if (make_batch(&taken, batch->length, 3) != 0) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for rows");
  const int64_t *meters = values_of(batch, 0), *at = values_of(batch, 1);
  int64_t *taken_meters = values_of(&taken, 0), *taken_at = values_of(&taken, 1), *times = values_of(&taken, 2);
  const int64_t now = self->clock->now(self->host);
  int64_t count = 0;
  for (int64_t row = 0; row < batch->length; row++) {
    if (self->random->next(self->host) % 8 != 0) continue;
    taken_meters[count] = meters[row];
    taken_at[count] = at[row];
    times[count++] = now;
  }
  cut(&taken, count);
  return self->emit->emit(self->host, 0, &taken, error);
}

static const volley_batch_function table = VOLLEY_TABLE(
    volley_batch_function, .open = nothing, .close = nothing, .destroy = free, .process = process, .flush = nothing);

int32_t make_samples(const volley_host *host, volley_instance *instance, volley_error *error) {
  const volley_emit *emit = host->interface(host, VOLLEY_INTERFACE_EMIT);
  const volley_clock *clock = host->interface(host, VOLLEY_INTERFACE_CLOCK);
  const volley_random *random = host->interface(host, VOLLEY_INTERFACE_RANDOM);
  if (emit == NULL || !VOLLEY_HAS(emit, emit) || clock == NULL || !VOLLEY_HAS(clock, now) || random == NULL ||
      !VOLLEY_HAS(random, next)) {
    return fail(error, VOLLEY_DOMAIN_USER, "this host lacks emit/1, clock/1 or random/1: use a newer host");
  }
  struct samples *self = malloc(sizeof *self);
  if (self == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for a function");
  *self = (struct samples){host, emit, clock, random};
  instance->self = self;
  instance->table = &table;
  return VOLLEY_OK;
}

static int32_t charge(void *self, struct ArrowArray *arguments, struct ArrowArray *result, volley_error *error) {
  (void)self;
  // The plan says that the host leaves out rows with nulls.
  const int64_t *watts = values_of(arguments, 0), *prices = values_of(arguments, 1);
  double *costs = make_column(result, arguments->length);
  if (costs == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for a column");
  for (int64_t row = 0; row < arguments->length; row++) costs[row] = (double)(watts[row] * prices[row]) / 1000;
  return VOLLEY_OK;
}

static void destroy_nothing(void *self) { (void)self; }

static const volley_scalar_function charge_table = VOLLEY_TABLE(
    volley_scalar_function, .open = nothing, .close = nothing, .destroy = destroy_nothing, .call = charge);

int32_t make_charge(const volley_host *host, volley_instance *instance, volley_error *error) {
  (void)host, (void)error;
  instance->self = NULL;
  instance->table = &charge_table;
  return VOLLEY_OK;
}
