// A keyed process function: counts the jumps of each meter (at, watts; key meter) by the minute, and its readings by the hour, told at
// the end of the day.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"

// States, by their places in the plan: watts of the last reading; when the watts have jumped, by minutes that are not over; readings by
// hour since 1970, of days that are not over; when the meter counts as silent.
enum { LAST, JUMPS, HOURS, SILENCE };
// Outputs: (meter, end, jumps) and (meter, hour, readings).
enum { MINUTES_OUT, HOURS_OUT };

static const int64_t minute = 60000000, hour = 60 * minute, day = 24 * hour;
// How many items or entries are asked for at a time.
enum { PAGE = 1024 };

struct jumps {
  const volley_host *host;
  const volley_emit *emit;
  const volley_keyed_state *state;
  const volley_timers *timers;
  // These may be absent.
  const volley_log *log;
  const volley_metrics *metrics;
  int64_t threshold;
};

static void say(const struct jumps *self, uint32_t level, const char *text) {
  if (self->log != NULL && VOLLEY_HAS(self->log, log)) self->log->log(self->host, level, text, strlen(text));
}

static int32_t open_jumps(void *state, volley_error *error) {
  struct jumps *self = state;
  const volley_parameters *parameters = self->host->interface(self->host, VOLLEY_INTERFACE_PARAMETERS);
  const char *jump = parameters != NULL && VOLLEY_HAS(parameters, value) ? parameters->value(self->host, "jump") : NULL;
  if (jump == NULL) return fail(error, VOLLEY_DOMAIN_USER, "the pipeline has no parameter 'jump'");
  self->threshold = strtoll(jump, NULL, 10);
  char text[64];
  snprintf(text, sizeof text, "a jump is %lld watts", (long long)self->threshold);
  say(self, VOLLEY_LOG_INFO, text);
  return VOLLEY_OK;
}

/// One value of a key.
static int32_t read_value(const struct jumps *self, uint32_t number, uint32_t key, int *is_there, int64_t *value,
                          volley_error *error) {
  const struct ArrowArray *values;
  if (self->state->read(self->host, number, &key, 1, &values, error) != VOLLEY_OK) return VOLLEY_FAILED;
  *is_there = is_present(values, 0);
  if (*is_there) *value = *(const int64_t *)values_of(values, 0);
  return VOLLEY_OK;
}

static int32_t write_value(const struct jumps *self, uint32_t number, uint32_t key, int64_t value, volley_error *error) {
  struct lent lent;
  return self->state->write(self->host, number, &key, 1, lend(&lent, &value, 1), error);
}

static int32_t set_timer(const struct jumps *self, uint32_t clock, uint32_t key, int64_t time, volley_error *error) {
  return self->timers->set(self->host, clock, &key, &time, 1, error);
}

/// A reading has jumped.
static int32_t note_jump(const struct jumps *self, uint32_t key, int64_t at, volley_error *error) {
  struct lent lent;
  if (self->state->list_append(self->host, JUMPS, &key, 1, lend(&lent, &at, 1), error) != VOLLEY_OK ||
      set_timer(self, VOLLEY_CLOCK_EVENT, key, (at / minute + 1) * minute, error) != VOLLEY_OK) {
    return VOLLEY_FAILED;
  }
  if (self->metrics == NULL || !VOLLEY_HAS(self->metrics, add)) return VOLLEY_OK;
  return self->metrics->add(self->host, "jumps", 1, error);
}

/// Counts a reading in its hour.
static int32_t count_hour(const struct jumps *self, uint32_t key, int64_t at, volley_error *error) {
  struct lent hours, counts;
  const struct ArrowArray *values;
  const int64_t number = at / hour;
  lend(&hours, &number, 1);
  if (self->state->map_get_many(self->host, HOURS, &key, 1, &hours.array, &values, error) != VOLLEY_OK) return VOLLEY_FAILED;
  const int64_t count = 1 + (is_present(values, 0) ? *(const int64_t *)values_of(values, 0) : 0);
  return self->state->map_put(self->host, HOURS, &key, 1, &hours.array, lend(&counts, &count, 1), error);
}

/// A meter from which nothing comes for an hour is told of in the log.
static int32_t restart_alarm(const struct jumps *self, uint32_t key, int64_t now, volley_error *error) {
  int is_set;
  int64_t former;
  if (read_value(self, SILENCE, key, &is_set, &former, error) != VOLLEY_OK) return VOLLEY_FAILED;
  if (is_set && self->timers->remove(self->host, VOLLEY_CLOCK_PROCESSING, &key, &former, 1, error) != VOLLEY_OK) {
    return VOLLEY_FAILED;
  }
  if (write_value(self, SILENCE, key, now + hour, error) != VOLLEY_OK) return VOLLEY_FAILED;
  return set_timer(self, VOLLEY_CLOCK_PROCESSING, key, now + hour, error);
}

static int32_t process(void *state, const volley_keyed_call *call, volley_error *error) {
  struct jumps *self = state;
  if (refuse_nulls(call->rows, error) != VOLLEY_OK) return VOLLEY_FAILED;
  const int64_t *times = values_of(call->rows, 0), *watts = values_of(call->rows, 1);
  for (uint64_t row = 0; row < call->row_count; row++) {
    const uint32_t key = call->row_keys[row];
    int has_last;
    int64_t last;
    if (read_value(self, LAST, key, &has_last, &last, error) != VOLLEY_OK) return VOLLEY_FAILED;
    if (has_last && llabs(watts[row] - last) >= self->threshold && note_jump(self, key, times[row], error) != VOLLEY_OK) {
      return VOLLEY_FAILED;
    }
    if (write_value(self, LAST, key, watts[row], error) != VOLLEY_OK ||
        count_hour(self, key, times[row], error) != VOLLEY_OK ||
        set_timer(self, VOLLEY_CLOCK_EVENT, key, (times[row] / day + 1) * day, error) != VOLLEY_OK ||
        restart_alarm(self, key, call->processing_time, error) != VOLLEY_OK) {
      return VOLLEY_FAILED;
    }
  }
  return VOLLEY_OK;
}

/// Emits rows of three columns, the first of which is the meter.
static int32_t emit_rows(const struct jumps *self, uint32_t output, int64_t meter, const int64_t *second,
                         const int64_t *third, int64_t rows, volley_error *error) {
  struct ArrowArray batch;
  if (rows == 0) return VOLLEY_OK;
  if (make_batch(&batch, rows, 3) != 0) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for rows");
  int64_t *meters = values_of(&batch, 0);
  for (int64_t row = 0; row < rows; row++) meters[row] = meter;
  memcpy(values_of(&batch, 1), second, (size_t)rows * sizeof *second);
  memcpy(values_of(&batch, 2), third, (size_t)rows * sizeof *third);
  return self->emit->emit(self->host, output, &batch, error);
}

/// Tells how many jumps there were in the minute that ends, and keeps those of later ones, which may have come already.
static int32_t end_minute(const struct jumps *self, uint32_t key, int64_t meter, int64_t end, volley_error *error) {
  int64_t *later = NULL;
  uint64_t kept = 0, all = 0;
  const struct ArrowArray *items;
  int32_t status;
  do {
    status = self->state->list_read(self->host, JUMPS, key, all, PAGE, &items, error);
    int64_t *more = status == VOLLEY_OK ? realloc(later, (kept + PAGE) * sizeof *later) : NULL;
    if (more == NULL) break;
    later = more;
    const int64_t *times = values_of(items, 0);
    for (int64_t item = 0; item < items->length; item++) {
      if (times[item] >= end) later[kept++] = times[item];
    }
    all += (uint64_t)items->length;
  } while (items->length == PAGE);
  if (status == VOLLEY_OK && later == NULL) status = fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for jumps");
  if (status == VOLLEY_OK && kept < all) {
    const int64_t jumps = (int64_t)(all - kept);
    status = emit_rows(self, MINUTES_OUT, meter, &end, &jumps, 1, error);
    if (status == VOLLEY_OK) status = self->state->clear(self->host, JUMPS, &key, 1, error);
    // One call for all, each with its key.
    struct lent lent;
    uint32_t *keys = status == VOLLEY_OK ? malloc(kept * sizeof *keys + 1) : NULL;
    if (status == VOLLEY_OK && keys == NULL) status = fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for jumps");
    for (uint64_t item = 0; status == VOLLEY_OK && item < kept; item++) keys[item] = key;
    if (status == VOLLEY_OK && kept > 0) {
      status = self->state->list_append(self->host, JUMPS, keys, kept, lend(&lent, later, kept), error);
    }
    free(keys);
  }
  free(later);
  return status;
}

/// Tells the readings of the hours of the day that ends, and removes them.
static int32_t end_day(const struct jumps *self, uint32_t key, int64_t meter, int64_t end, volley_error *error) {
  uint64_t cursor = 0;
  do {
    const struct ArrowArray *hours, *counts;
    if (self->state->map_page(self->host, HOURS, key, PAGE, &cursor, &hours, &counts, error) != VOLLEY_OK) return VOLLEY_FAILED;
    const int64_t *numbers = values_of(hours, 0), *values = values_of(counts, 0);
    int64_t starts[PAGE], gone[PAGE], readings[PAGE];
    uint32_t keys[PAGE];
    uint64_t rows = 0;
    for (int64_t entry = 0; entry < hours->length; entry++) {
      if (numbers[entry] * hour >= end) continue;
      starts[rows] = numbers[entry] * hour;
      gone[rows] = numbers[entry];
      keys[rows] = key;
      readings[rows++] = values[entry];
    }
    struct lent lent;
    if (emit_rows(self, HOURS_OUT, meter, starts, readings, (int64_t)rows, error) != VOLLEY_OK) return VOLLEY_FAILED;
    if (self->state->map_remove(self->host, HOURS, keys, rows, lend(&lent, gone, rows), error) != VOLLEY_OK) return VOLLEY_FAILED;
  } while (cursor != 0);
  return VOLLEY_OK;
}

static int32_t timers(void *state, uint32_t clock, const volley_keyed_call *call, volley_error *error) {
  struct jumps *self = state;
  const int64_t *meters = values_of(call->keys, 0);
  for (uint64_t row = 0; row < call->row_count; row++) {
    const uint32_t key = call->row_keys[row];
    const int64_t meter = meters[key], end = call->times[row];
    if (clock == VOLLEY_CLOCK_PROCESSING) {
      char text[80];
      snprintf(text, sizeof text, "nothing has come from meter %lld for an hour", (long long)meter);
      say(self, VOLLEY_LOG_WARNING, text);
      if (self->state->clear(self->host, SILENCE, &key, 1, error) != VOLLEY_OK) return VOLLEY_FAILED;
    } else if (end_minute(self, key, meter, end, error) != VOLLEY_OK ||
               (end % day == 0 && end_day(self, key, meter, end, error) != VOLLEY_OK)) {
      return VOLLEY_FAILED;
    }
  }
  return VOLLEY_OK;
}

static const volley_keyed_process table = VOLLEY_TABLE(
    volley_keyed_process, .open = open_jumps, .close = nothing, .destroy = free, .process = process, .timers = timers,
    .flush = nothing);

int32_t make_jumps(const volley_host *host, volley_instance *instance, volley_error *error) {
  const volley_emit *emit = host->interface(host, VOLLEY_INTERFACE_EMIT);
  const volley_keyed_state *state = host->interface(host, VOLLEY_INTERFACE_KEYED_STATE);
  const volley_timers *timers = host->interface(host, VOLLEY_INTERFACE_TIMERS);
  if (emit == NULL || !VOLLEY_HAS(emit, emit) || state == NULL || !VOLLEY_HAS(state, map_page) || timers == NULL ||
      !VOLLEY_HAS(timers, remove)) {
    return fail(error, VOLLEY_DOMAIN_USER, "this host lacks emit/1, state.keyed/1 or timers/1: use a newer host");
  }
  struct jumps *self = malloc(sizeof *self);
  if (self == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for a function");
  *self = (struct jumps){
      .host = host,
      .emit = emit,
      .state = state,
      .timers = timers,
      .log = host->interface(host, VOLLEY_INTERFACE_LOG),
      .metrics = host->interface(host, VOLLEY_INTERFACE_METRICS),
  };
  instance->self = self;
  instance->table = &table;
  return VOLLEY_OK;
}
