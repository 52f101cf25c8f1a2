// What came with the boundary's version 0.5, the time and random numbers, a source that goes on and a sink with transactions, beside all
// of 0.4 against the header of 0.5.
#include "volley.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define WITHOUT_ROOT_OF_0_4
#include "../abi-0.4/pipeline.c"

// MARK: Batch function: services (column value), which emits (now, random) for each row; -1 makes the call fail when it has taken its
// number.

typedef struct services {
  const volley_host *host;
  const volley_emit *emit;
  const volley_clock *clock;
  const volley_random *random;
} services;

static int32_t process_services(void *state, uint32_t input, struct ArrowArray *batch, volley_error *error) {
  (void)input;
  services *self = state;
  const int64_t *values = integers(batch->children[0]) + batch->offset;
  const int64_t count = batch->length;
  struct ArrowArray result;
  make_array(&result, count, 1, 2);
  int64_t *times = make_column(result.children[0], count), *numbers = make_column(result.children[1], count);
  int32_t is_refused = 0;
  for (int64_t i = 0; i < count; i++) {
    times[i] = self->clock->now(self->host);
    numbers[i] = (int64_t)(self->random->next(self->host) >> 1);
    is_refused |= values[i] == -1;
  }
  int32_t status = self->emit->emit(self->host, 0, &result, error);
  return is_refused ? fail(error, VOLLEY_DOMAIN_USER, "a row is -1") : status;
}

static int32_t flush_services(void *state, volley_error *error) {
  (void)state, (void)error;
  return VOLLEY_OK;
}

static const volley_batch_function services_table = {
    VOLLEY_HEADER(volley_batch_function), open_nothing, close_nothing, destroy, process_services, flush_services};

static int32_t create_services(const volley_plan *plan, const volley_host *host, uint32_t kind, const volley_context *place,
                               volley_instance *made, volley_error *error) {
  (void)plan, (void)kind, (void)place;
  services *self = calloc(1, sizeof *self);
  if (!self) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "out of memory");
  self->host = host;
  self->emit = host->interface(host, VOLLEY_INTERFACE_EMIT);
  self->clock = host->interface(host, VOLLEY_INTERFACE_CLOCK);
  self->random = host->interface(host, VOLLEY_INTERFACE_RANDOM);
  if (!self->clock || !VOLLEY_HAS(self->clock, now) || !self->random || !VOLLEY_HAS(self->random, next)) {
    free(self);
    return fail(error, VOLLEY_DOMAIN_INTERNAL, "the host lacks clock/1 or random/1");
  }
  made->self = self;
  made->table = &services_table;
  return VOLLEY_OK;
}

// MARK: Source: numbers, from 0, one split

typedef struct numbers {
  int64_t next;
  char json[64];
} numbers;

static int32_t read_numbers(void *state, uint64_t max_rows, uint64_t timeout_ns, struct ArrowArray *batch, uint32_t *outcome,
                            volley_error *error) {
  (void)timeout_ns, (void)error;
  numbers *self = state;
  int64_t count = 12 - self->next < 4 ? 12 - self->next : 4;
  if (count > (int64_t)max_rows) count = (int64_t)max_rows;
  *outcome = count == 0 ? VOLLEY_READ_END : VOLLEY_READ_BATCH;
  if (count == 0) return VOLLEY_OK;
  make_array(batch, count, 1, 1);
  int64_t *values = make_column(batch->children[0], count);
  for (int64_t row = 0; row < count; row++) values[row] = self->next++;
  return VOLLEY_OK;
}

static void stop_numbers(void *state) { (void)state; }

static int32_t positions_of_numbers(void *state, const char **json, uint64_t *length, volley_error *error) {
  (void)error;
  numbers *self = state;
  *length = (uint64_t)snprintf(self->json, sizeof self->json, "[{\"split\":\"all\",\"position\":%lld}]", (long long)self->next);
  *json = self->json;
  return VOLLEY_OK;
}

static int32_t resume_numbers(void *state, const char *json, uint64_t length, volley_error *error) {
  numbers *self = state;
  char text[256] = {0};
  if (length >= sizeof text) return fail(error, VOLLEY_DOMAIN_USER, "there are too many splits");
  memcpy(text, json, length);
  const char *found = strstr(text, "\"position\":");
  if (found) self->next = strtoll(found + 11, 0, 10);
  return VOLLEY_OK;
}

static const volley_source numbers_table = {
    VOLLEY_HEADER(volley_source), open_nothing, close_nothing, destroy, read_numbers, stop_numbers, positions_of_numbers,
    resume_numbers};

// MARK: Sink: kept, which writes the sum of an epoch's numbers to a file beside "out", "out.1", that is hidden before as "out.1.part"

typedef struct kept {
  const char *out;
  int64_t sum;
  char json[64];
} kept;

static int32_t write_kept(void *state, struct ArrowArray *batch, volley_error *error) {
  (void)error;
  kept *self = state;
  const int64_t *values = integers(batch->children[0]) + batch->offset;
  for (int64_t row = 0; row < batch->length; row++) self->sum += values[row];
  batch->release(batch);
  return VOLLEY_OK;
}

static void name_of_kept(const kept *self, char *name, size_t size, long long epoch, const char *end) {
  // The parameter's value is JSON text.
  snprintf(name, size, "%.*s.%lld%s", (int)strlen(self->out) - 2, self->out + 1, epoch, end);
}

static int32_t prepare_kept(void *state, uint64_t epoch, const char **json, uint64_t *length, volley_error *error) {
  kept *self = state;
  char name[1024];
  name_of_kept(self, name, sizeof name, (long long)epoch, ".part");
  FILE *file = fopen(name, "w");
  if (!file || fprintf(file, "%lld", (long long)self->sum) < 0 || fclose(file) != 0)
    return fail(error, VOLLEY_DOMAIN_EXTERNAL, "the file cannot be written");
  self->sum = 0;
  *length = (uint64_t)snprintf(self->json, sizeof self->json, "[%lld]", (long long)epoch);
  *json = self->json;
  return VOLLEY_OK;
}

static int32_t commit_kept(void *state, const char *json, uint64_t length, volley_error *error) {
  (void)error;
  const char *end = json + length;
  for (json++; json < end - 1; json++) {
    char *next, hidden[1024], name[1024];
    const long long epoch = strtoll(json, &next, 10);
    name_of_kept(state, hidden, sizeof hidden, epoch, ".part");
    name_of_kept(state, name, sizeof name, epoch, "");
    rename(hidden, name);
    json = next;
  }
  return VOLLEY_OK;
}

static int32_t recover_kept(void *state, const char *own, uint64_t own_length, const char *all, uint64_t all_length,
                            volley_error *error) {
  (void)all, (void)all_length;
  return commit_kept(state, own, own_length, error);
}

static const volley_sink kept_table = {
    VOLLEY_HEADER(volley_sink), open_nothing, close_nothing, destroy, write_kept, flush_nothing, flush_nothing, prepare_kept,
    commit_kept, recover_kept};

// MARK: The pipeline

static int32_t create_function_of_0_5(const volley_plan *plan, const volley_host *host, uint32_t kind,
                                      const volley_context *place, volley_instance *made, volley_error *error) {
  const char *name = place->function;
  if (strcmp(name, "services") == 0) return create_services(plan, host, kind, place, made, error);
  if (kind == VOLLEY_KIND_SOURCE && strcmp(name, "numbers") == 0) {
    made->self = calloc(1, sizeof(numbers));
    made->table = &numbers_table;
    return made->self ? VOLLEY_OK : fail(error, VOLLEY_DOMAIN_EXTERNAL, "out of memory");
  }
  if (kind == VOLLEY_KIND_SINK && strcmp(name, "kept") == 0) {
    const volley_parameters *parameters = host->interface(host, VOLLEY_INTERFACE_PARAMETERS);
    kept *self = calloc(1, sizeof *self);
    if (!self) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "out of memory");
    self->out = parameters->value(host, "out");
    made->self = self;
    made->table = &kept_table;
    return VOLLEY_OK;
  }
  return create_function_of_0_4(plan, host, kind, place, made, error);
}

static int32_t make_plan_of_0_5(const volley_pipeline *pipeline, const char *values, uint64_t values_length,
                                volley_plan *plan, volley_error *error) {
  int32_t status = make_plan(pipeline, values, values_length, plan, error);
  plan->create = create_function_of_0_5;
  return status;
}

// A later version takes all of this and brings its own pipeline and root.
#ifndef WITHOUT_ROOT_OF_0_5

static const volley_pipeline pipeline_of_0_5 = {
    VOLLEY_HEADER(volley_pipeline), "museum", "1.0.0", "Taxes orders and splits them by their total.", parameter,
    make_plan_of_0_5};

static const volley_pipeline *pipeline_of_0_5_at(uint32_t index) { return index == 0 ? &pipeline_of_0_5 : 0; }

// MARK: The root

static const volley_plugin root_of_0_5 = {VOLLEY_HEADER(volley_plugin), "museum-0.5", "1.0.0",
                                          "Every kind of user code in plain C.", pipeline_of_0_5_at, connector, codec};

__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void);

__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void) { return &root_of_0_5; }
#endif
