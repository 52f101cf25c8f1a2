// A pipeline in plain C against the boundary's version 0.1: every kind of user code once, and two connectors.
//
//   orders (source) -> total = with_tax(price) -> split (batch function) -> cheap orders: file (sink)
//                                                                        -> dear orders: counter (connector)
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "volley.h"

VOLLEY_DEFINE_NOTE("0.1.0", "a C compiler");

// MARK: Errors

static int32_t fail(volley_error *error, uint32_t domain, const char *message) {
  uint32_t length = (uint32_t)strlen(message);
  if (length > error->message_capacity) length = error->message_capacity;
  memcpy(error->message, message, length);
  error->message_length = length;
  error->domain = domain;
  return VOLLEY_FAILED;
}

// MARK: Arrays of our own

static void release_array(struct ArrowArray *array) {
  for (int64_t i = 0; i < array->n_children; i++) {
    if (array->children[i]->release) array->children[i]->release(array->children[i]);
    free(array->children[i]);
  }
  for (int64_t i = 0; i < array->n_buffers; i++) free((void *)array->buffers[i]);
  free(array->children);
  free(array->buffers);
  array->release = 0;
}

static void make_array(struct ArrowArray *array, int64_t length, int64_t buffers, int64_t children) {
  memset(array, 0, sizeof *array);
  array->length = length;
  array->n_buffers = buffers;
  array->n_children = children;
  array->buffers = calloc((size_t)buffers, sizeof *array->buffers);
  if (children) array->children = calloc((size_t)children, sizeof *array->children);
  for (int64_t i = 0; i < children; i++) array->children[i] = calloc(1, sizeof **array->children);
  array->release = release_array;
}

// A column of 8-byte values without nulls; returns where they go.
static void *make_column(struct ArrowArray *array, int64_t length) {
  make_array(array, length, 2, 0);
  array->buffers[1] = malloc((size_t)length * 8 + 8);
  return (void *)array->buffers[1];
}

static const int64_t *integers(const struct ArrowArray *array) {
  return (const int64_t *)array->buffers[1] + array->offset;
}

static const double *doubles(const struct ArrowArray *array) {
  return (const double *)array->buffers[1] + array->offset;
}

// MARK: What every instance here has

typedef struct instance {
  const volley_host *host;
  const volley_emit *emit;
  const volley_log *log;
  const volley_metrics *metrics;
  const volley_parameters *parameters;
  char uid[64];
  int64_t limit;
  int64_t next;
  int64_t rows;
  double rate;
  int stopped;
  char path[512];
  FILE *file;
} instance;

static double number(const instance *self, const char *name, double otherwise) {
  const char *text = self->parameters ? self->parameters->value(self->host, name) : 0;
  return text ? strtod(text, 0) : otherwise;
}

static int32_t open_nothing(void *self, volley_error *error) { (void)self, (void)error; return VOLLEY_OK; }
static int32_t close_nothing(void *self, volley_error *error) { (void)self, (void)error; return VOLLEY_OK; }
static int32_t flush_nothing(void *self, volley_error *error) { (void)self, (void)error; return VOLLEY_OK; }
static void destroy(void *self) { free(self); }

// MARK: Source: orders

static int32_t open_orders(void *state, volley_error *error) {
  (void)error;
  instance *self = state;
  self->limit = (int64_t)number(self, "rows", 0);
  return VOLLEY_OK;
}

static int32_t read_orders(void *state, uint64_t max_rows, uint64_t timeout_ns, struct ArrowArray *batch,
                           uint32_t *outcome, volley_error *error) {
  (void)timeout_ns, (void)error;
  instance *self = state;
  if (__atomic_load_n(&self->stopped, __ATOMIC_ACQUIRE) || self->next >= self->limit) {
    *outcome = VOLLEY_READ_END;
    return VOLLEY_OK;
  }
  int64_t count = self->limit - self->next;
  if ((uint64_t)count > max_rows) count = (int64_t)max_rows;
  make_array(batch, count, 1, 2);
  int64_t *id = make_column(batch->children[0], count);
  double *price = make_column(batch->children[1], count);
  for (int64_t i = 0; i < count; i++) {
    id[i] = self->next + i;
    price[i] = (double)((self->next + i) % 100);
  }
  self->next += count;
  *outcome = VOLLEY_READ_BATCH;
  return VOLLEY_OK;
}

static void stop_orders(void *state) { __atomic_store_n(&((instance *)state)->stopped, 1, __ATOMIC_RELEASE); }

static const volley_source orders_table = {
    VOLLEY_HEADER(volley_source), open_orders, close_nothing, destroy, read_orders, stop_orders};

// MARK: Scalar function: with_tax

static int32_t open_tax(void *state, volley_error *error) {
  instance *self = state;
  self->rate = number(self, "rate", 0);
  if (self->rate < 0) return fail(error, VOLLEY_DOMAIN_USER, "the rate is below 0");
  return VOLLEY_OK;
}

static int32_t call_tax(void *state, struct ArrowArray *arguments, struct ArrowArray *result, volley_error *error) {
  (void)error;
  const instance *self = state;
  const double *price = doubles(arguments->children[0]) + arguments->offset;
  double *total = make_column(result, arguments->length);
  for (int64_t i = 0; i < arguments->length; i++) total[i] = price[i] * (1 + self->rate);
  return VOLLEY_OK;  // The arguments were not taken: the host releases them.
}

static const volley_scalar_function tax_table = {
    VOLLEY_HEADER(volley_scalar_function), open_tax, close_nothing, destroy, call_tax};

// MARK: Batch function: split into totals below 50 and others

static int32_t process_split(void *state, uint32_t input, struct ArrowArray *given, volley_error *error) {
  (void)input;
  instance *self = state;
  struct ArrowArray batch = *given;  // Moved: ours to release.
  given->release = 0;
  const int64_t *id = integers(batch.children[0]) + batch.offset;
  const double *total = doubles(batch.children[1]) + batch.offset;
  int32_t status = VOLLEY_OK;
  for (uint32_t output = 0; output < 2 && status == VOLLEY_OK; output++) {
    struct ArrowArray part;
    make_array(&part, 0, 1, 2);
    int64_t *part_id = make_column(part.children[0], batch.length);
    double *part_total = make_column(part.children[1], batch.length);
    int64_t count = 0;
    for (int64_t i = 0; i < batch.length; i++) {
      if ((total[i] < 50) != (output == 0)) continue;
      part_id[count] = id[i];
      part_total[count++] = total[i];
    }
    part.length = part.children[0]->length = part.children[1]->length = count;
    self->rows += count;
    status = self->emit->emit(self->host, output, &part, error);
  }
  if (status == VOLLEY_OK && self->metrics)
    status = self->metrics->add(self->host, "orders", (uint64_t)batch.length, error);
  batch.release(&batch);
  return status;
}

static int32_t flush_split(void *state, volley_error *error) {
  (void)error;
  instance *self = state;
  char text[64];
  int length = snprintf(text, sizeof text, "split %lld orders", (long long)self->rows);
  if (self->log) self->log->log(self->host, VOLLEY_LOG_INFO, text, (uint64_t)length);
  return VOLLEY_OK;
}

static const volley_batch_function split_table = {
    VOLLEY_HEADER(volley_batch_function), open_nothing, close_nothing, destroy, process_split, flush_split};

// MARK: Sink: a file that appears when it is complete

static int32_t open_file(void *state, volley_error *error) {
  instance *self = state;
  const char *value = self->parameters ? self->parameters->value(self->host, "out") : 0;
  if (!value || strlen(value) < 2) return fail(error, VOLLEY_DOMAIN_USER, "there is no parameter 'out'");
  // The value is JSON text: without its quotes it is the path, for one without escapes.
  snprintf(self->path, sizeof self->path, "%.*s", (int)strlen(value) - 2, value + 1);
  char part[600];
  snprintf(part, sizeof part, "%s.part", self->path);
  self->file = fopen(part, "w");
  return self->file ? VOLLEY_OK : fail(error, VOLLEY_DOMAIN_EXTERNAL, "the file cannot be written");
}

static int32_t write_file(void *state, struct ArrowArray *batch, volley_error *error) {
  instance *self = state;
  const int64_t *id = integers(batch->children[0]) + batch->offset;
  const double *total = doubles(batch->children[1]) + batch->offset;
  for (int64_t i = 0; i < batch->length; i++) fprintf(self->file, "%lld %.2f\n", (long long)id[i], total[i]);
  return ferror(self->file) ? fail(error, VOLLEY_DOMAIN_EXTERNAL, "writing failed") : VOLLEY_OK;
}

static int32_t flush_file(void *state, volley_error *error) {
  return fflush(((instance *)state)->file) ? fail(error, VOLLEY_DOMAIN_EXTERNAL, "writing failed") : VOLLEY_OK;
}

static int32_t finish_file(void *state, volley_error *error) {
  instance *self = state;
  char part[600];
  snprintf(part, sizeof part, "%s.part", self->path);
  return rename(part, self->path) ? fail(error, VOLLEY_DOMAIN_EXTERNAL, "renaming failed") : VOLLEY_OK;
}

static int32_t close_file(void *state, volley_error *error) {
  instance *self = state;
  int result = self->file ? fclose(self->file) : 0;
  self->file = 0;
  return result ? fail(error, VOLLEY_DOMAIN_EXTERNAL, "closing failed") : VOLLEY_OK;
}

static const volley_sink file_table = {
    VOLLEY_HEADER(volley_sink), open_file, close_file, destroy, write_file, flush_file, finish_file};

// MARK: Connectors: a sink that counts, a source that ticks

static int32_t write_counter(void *state, struct ArrowArray *batch, volley_error *error) {
  instance *self = state;
  self->rows += batch->length;
  return self->metrics ? self->metrics->add(self->host, "counted", (uint64_t)batch->length, error) : VOLLEY_OK;
}

static int32_t finish_counter(void *state, volley_error *error) {
  (void)error;
  instance *self = state;
  char text[96];
  int length = snprintf(text, sizeof text, "counted %lld rows at %s", (long long)self->rows, self->uid);
  if (self->log) self->log->log(self->host, VOLLEY_LOG_INFO, text, (uint64_t)length);
  return VOLLEY_OK;
}

static const volley_sink counter_table = {
    VOLLEY_HEADER(volley_sink), open_nothing, close_nothing, destroy, write_counter, flush_nothing, finish_counter};

static int32_t read_ticks(void *state, uint64_t max_rows, uint64_t timeout_ns, struct ArrowArray *batch,
                          uint32_t *outcome, volley_error *error) {
  (void)timeout_ns, (void)error;
  instance *self = state;
  if (__atomic_load_n(&self->stopped, __ATOMIC_ACQUIRE) || self->next >= self->limit || max_rows == 0) {
    *outcome = VOLLEY_READ_END;
    return VOLLEY_OK;
  }
  make_array(batch, 1, 1, 1);
  int64_t *tick = make_column(batch->children[0], 1);
  tick[0] = self->next++;
  *outcome = VOLLEY_READ_BATCH;
  return VOLLEY_OK;
}

static const volley_source ticks_table = {
    VOLLEY_HEADER(volley_source), open_nothing, close_nothing, destroy, read_ticks, stop_orders};

// MARK: Making instances

static int32_t make_instance(const volley_host *host, const volley_context *place, const void *table,
                             volley_instance *made, volley_error *error) {
  instance *self = calloc(1, sizeof *self);
  if (!self) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "out of memory");
  self->host = host;
  self->emit = host->interface(host, VOLLEY_INTERFACE_EMIT);
  self->log = host->interface(host, VOLLEY_INTERFACE_LOG);
  self->metrics = host->interface(host, VOLLEY_INTERFACE_METRICS);
  self->parameters = host->interface(host, VOLLEY_INTERFACE_PARAMETERS);
  snprintf(self->uid, sizeof self->uid, "%s", place->uid);
  made->self = self;
  made->table = table;
  return VOLLEY_OK;
}

static int32_t create_function(const volley_plan *plan, const volley_host *host, uint32_t kind,
                               const volley_context *place, volley_instance *made, volley_error *error) {
  (void)plan;
  const void *table = 0;
  if (kind == VOLLEY_KIND_SOURCE && strcmp(place->function, "orders") == 0) table = &orders_table;
  if (kind == VOLLEY_KIND_SCALAR_FUNCTION && strcmp(place->function, "with_tax") == 0) table = &tax_table;
  if (kind == VOLLEY_KIND_BATCH_FUNCTION && strcmp(place->function, "split") == 0) table = &split_table;
  if (kind == VOLLEY_KIND_SINK && strcmp(place->function, "file") == 0) table = &file_table;
  if (!table) return fail(error, VOLLEY_DOMAIN_INTERNAL, "there is no such function");
  return make_instance(host, place, table, made, error);
}

static int32_t create_connector(const volley_connector *connector, const volley_host *host, uint32_t kind,
                                const volley_context *place, volley_instance *made, volley_error *error) {
  (void)connector;
  const void *table = kind == VOLLEY_KIND_SOURCE ? (const void *)&ticks_table : (const void *)&counter_table;
  int32_t status = make_instance(host, place, table, made, error);
  if (status == VOLLEY_OK && kind == VOLLEY_KIND_SOURCE) {
    // The host has checked the options and filled in defaults: {"count":3}.
    const char *colon = strchr(place->options, ':');
    ((instance *)made->self)->limit = colon ? strtoll(colon + 1, 0, 10) : 0;
  }
  return status;
}

// MARK: The pipeline

static const volley_parameter parameter_table[] = {
    {VOLLEY_HEADER(volley_parameter), "rows", "int", "1000", "How many orders there are."},
    {VOLLEY_HEADER(volley_parameter), "rate", "double", "0.25", "The tax on each."},
    {VOLLEY_HEADER(volley_parameter), "out", "string", 0, "The file for cheap orders."},
};

static const volley_parameter *parameter(const volley_pipeline *pipeline, uint32_t index) {
  (void)pipeline;
  return index < sizeof parameter_table / sizeof *parameter_table ? &parameter_table[index] : 0;
}

static const char plan_text[] =
    "{\"version\":{\"major\":0,\"minor\":1},\"name\":\"museum\",\"nodes\":["
    "{\"id\":0,\"uid\":\"orders\",\"parallelism\":1,\"inputs\":[],\"operator\":{\"source\":{"
    "\"implementation\":{\"function\":\"orders\"},\"badRecords\":{\"stop\":{}},\"schema\":["
    "{\"name\":\"id\",\"type\":\"int64\",\"nullable\":false},"
    "{\"name\":\"price\",\"type\":\"float64\",\"nullable\":false}]}}},"
    "{\"id\":1,\"inputs\":[{\"node\":0,\"output\":0}],\"operator\":{\"select\":{\"columns\":["
    "{\"name\":\"id\",\"expression\":{\"column\":\"id\"}},"
    "{\"name\":\"total\",\"expression\":{\"userFunction\":{\"function\":\"with_tax\","
    "\"arguments\":[{\"column\":\"price\"}],\"parameterTypes\":[\"float64\"],\"resultType\":\"float64\","
    "\"acceptsNulls\":false}}}]}}},"
    "{\"id\":2,\"uid\":\"split\",\"inputs\":[{\"node\":1,\"output\":0}],\"operator\":{\"batchFunction\":{"
    "\"function\":\"split\",\"label\":\"split\",\"outputs\":["
    "[{\"name\":\"id\",\"type\":\"int64\",\"nullable\":false},"
    "{\"name\":\"total\",\"type\":\"float64\",\"nullable\":false}],"
    "[{\"name\":\"id\",\"type\":\"int64\",\"nullable\":false},"
    "{\"name\":\"total\",\"type\":\"float64\",\"nullable\":false}]]}}},"
    "{\"id\":3,\"uid\":\"cheap\",\"parallelism\":1,\"inputs\":[{\"node\":2,\"output\":0}],"
    "\"operator\":{\"sink\":{\"implementation\":{\"function\":\"file\"}}}},"
    "{\"id\":4,\"uid\":\"dear\",\"parallelism\":1,\"inputs\":[{\"node\":2,\"output\":1}],"
    "\"operator\":{\"sink\":{\"implementation\":{\"connector\":{\"name\":\"counter\",\"options\":{}}}}}}]}";

static void release_plan(volley_plan *plan) { plan->json = 0; }

static int32_t make_plan(const volley_pipeline *pipeline, const char *values, uint64_t values_length,
                         volley_plan *plan, volley_error *error) {
  (void)pipeline, (void)values, (void)values_length, (void)error;
  plan->json = plan_text;
  plan->json_length = sizeof plan_text - 1;
  plan->create = create_function;
  plan->release = release_plan;
  return VOLLEY_OK;
}

static const volley_pipeline the_pipeline = {
    VOLLEY_HEADER(volley_pipeline), "museum", "1.0.0", "Taxes orders and splits them by their total.", parameter,
    make_plan};

static const volley_pipeline *pipeline(uint32_t index) { return index == 0 ? &the_pipeline : 0; }

// MARK: The connectors

static const volley_parameter count_option = {
    VOLLEY_HEADER(volley_parameter), "count", "int", "3", "How many ticks there are."};

static const volley_parameter *no_option(const volley_connector *connector, uint32_t index) {
  (void)connector, (void)index;
  return 0;
}

static const volley_parameter *ticks_option(const volley_connector *connector, uint32_t index) {
  (void)connector;
  return index == 0 ? &count_option : 0;
}

static const volley_connector connectors[] = {
    {VOLLEY_HEADER(volley_connector), "counter", "1.0.0", "Counts rows.", VOLLEY_CONNECTOR_SINK, 0, no_option,
     create_connector},
    {VOLLEY_HEADER(volley_connector), "ticks", "1.0.0", "Counts up.", VOLLEY_CONNECTOR_SOURCE, 0, ticks_option,
     create_connector},
};

static const volley_connector *connector(uint32_t index) { return index < 2 ? &connectors[index] : 0; }

// MARK: The root

static const volley_plugin root = {
    VOLLEY_HEADER(volley_plugin), "museum-0.1", "1.0.0", "Every kind of user code in plain C.", pipeline, connector};

__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void) { return &root; }
