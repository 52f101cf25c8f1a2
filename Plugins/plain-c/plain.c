// A plugin in plain C. This file has its root, and the pipeline 'plain-c': a scalar function that caps a price, and a batch function that hands on what it gets and says at
// the end how many rows that were. It stands here to show that the boundary needs no Swift, and how it looks from below.
#include <stdlib.h>
#include <string.h>

#include "plain.h"

VOLLEY_DEFINE_NOTE("plain C", VOLLEY_COMPILER);

int32_t fail(volley_error *error, uint32_t domain, const char *message) {
  error->code = 0;
  error->domain = domain;
  error->retry = VOLLEY_RETRY_NEVER;
  size_t length = strlen(message);
  if (length > error->message_capacity) length = error->message_capacity;
  if (VOLLEY_HAS(error, message)) memcpy(error->message, message, length);
  error->message_length = (uint32_t)length;
  return VOLLEY_FAILED;
}

int32_t nothing(void *self, volley_error *error) {
  (void)self, (void)error;
  return VOLLEY_OK;
}

// The scalar function: cap(price, limit), the smaller of two float64.

struct column {
  const void *buffers[2];
  // One block: the values, then the bits of validity.
  double *values;
};

static void release_column(struct ArrowArray *array) {
  struct column *column = array->private_data;
  free(column->values);
  free(column);
  array->release = NULL;
}

static int is_valid(const struct ArrowArray *array, int64_t row) {
  const uint8_t *bits = array->buffers[0];
  return bits == NULL || (bits[row >> 3] >> (row & 7) & 1);
}

static int32_t cap_call(void *self, struct ArrowArray *arguments, struct ArrowArray *result, volley_error *error) {
  (void)self;
  int64_t rows = arguments->length;
  size_t value_bytes = ((size_t)rows * sizeof(double) + 63) / 64 * 64 + 64;
  size_t bytes = value_bytes + ((size_t)rows / 8 + 64) / 64 * 64;
  struct column *column = malloc(sizeof *column);
  double *values = column == NULL ? NULL : aligned_alloc(64, bytes);
  if (values == NULL) {
    free(column);
    arguments->release(arguments);
    return fail(error, VOLLEY_DOMAIN_EXTERNAL, "no memory for a column");
  }
  uint8_t *bits = (uint8_t *)values + value_bytes;
  memset(bits, 0, bytes - value_bytes);
  const struct ArrowArray *price = arguments->children[0], *limit = arguments->children[1];
  const double *prices = price->buffers[1], *limits = limit->buffers[1];
  int64_t price_start = price->offset + arguments->offset, limit_start = limit->offset + arguments->offset;
  int64_t nulls = 0;
  for (int64_t row = 0; row < rows; row++) {
    if (is_valid(price, price_start + row) && is_valid(limit, limit_start + row)) {
      double a = prices[price_start + row], b = limits[limit_start + row];
      values[row] = a < b ? a : b;
      bits[row >> 3] |= (uint8_t)(1 << (row & 7));
    } else {
      values[row] = 0;
      nulls++;
    }
  }
  arguments->release(arguments);
  *column = (struct column){{nulls == 0 ? NULL : bits, values}, values};
  *result = (struct ArrowArray){
      .length = rows,
      .null_count = nulls,
      .n_buffers = 2,
      .buffers = column->buffers,
      .release = release_column,
      .private_data = column,
  };
  return VOLLEY_OK;
}

static void cap_destroy(void *self) { (void)self; }

static const volley_scalar_function cap =
    VOLLEY_TABLE(volley_scalar_function, .open = nothing, .close = nothing, .destroy = cap_destroy, .call = cap_call);

// The batch function.

struct counter {
  const volley_host *host;
  const volley_emit *emit;
  uint64_t rows;
};

static int32_t counter_process(void *self, uint32_t input, struct ArrowArray *batch, volley_error *error) {
  (void)input;
  struct counter *counter = self;
  counter->rows += (uint64_t)batch->length;
  return counter->emit->emit(counter->host, 0, batch, error);
}

static int32_t counter_flush(void *self, volley_error *error) {
  (void)error;
  struct counter *counter = self;
  const volley_log *log = counter->host->interface(counter->host, VOLLEY_INTERFACE_LOG);
  if (log != NULL && VOLLEY_HAS(log, log)) {
    char digits[32] = " rows from C";
    char *text = digits;
    char number[20];
    size_t count = 0;
    uint64_t rows = counter->rows;
    do {
      number[count++] = (char)('0' + rows % 10);
      rows /= 10;
    } while (rows > 0);
    memmove(text + count, text, strlen(text) + 1);
    for (size_t index = 0; index < count; index++) text[index] = number[count - 1 - index];
    log->log(counter->host, VOLLEY_LOG_INFO, text, strlen(text));
  }
  return VOLLEY_OK;
}

static const volley_batch_function counter_table =
    VOLLEY_TABLE(volley_batch_function, .open = nothing, .close = nothing, .destroy = free, .process = counter_process,
                 .flush = counter_flush);

// The plan.

static const char plan_start[] =
    "{\"version\":{\"major\":0,\"minor\":1},\"name\":\"plain-c\",\"nodes\":["
    "{\"id\":0,\"uid\":\"prices\",\"inputs\":[],\"operator\":{\"source\":{\"implementation\":{\"connector\":"
    "{\"name\":\"csv\",\"options\":{\"path\":";
static const char plan_end[] =
    "}}},\"schema\":[{\"name\":\"item\",\"type\":\"utf8\",\"nullable\":true},"
    "{\"name\":\"price\",\"type\":\"float64\",\"nullable\":true},"
    "{\"name\":\"limit\",\"type\":\"float64\",\"nullable\":true}],\"badRecords\":{\"stop\":{}}}}},"
    "{\"id\":1,\"inputs\":[{\"node\":0,\"output\":0}],\"operator\":{\"select\":{\"columns\":["
    "{\"name\":\"item\",\"expression\":{\"column\":\"item\"}},"
    "{\"name\":\"capped\",\"expression\":{\"userFunction\":{\"function\":\"cap\",\"arguments\":["
    "{\"column\":\"price\"},{\"column\":\"limit\"}],\"parameterTypes\":[\"float64\",\"float64\"],"
    "\"resultType\":\"float64\",\"acceptsNulls\":true}}}]}}},"
    "{\"id\":2,\"inputs\":[{\"node\":1,\"output\":0}],\"operator\":{\"batchFunction\":{\"function\":\"counter\","
    "\"label\":\"counter\",\"outputs\":[[{\"name\":\"item\",\"type\":\"utf8\",\"nullable\":true},"
    "{\"name\":\"capped\",\"type\":\"float64\",\"nullable\":true}]]}}},"
    "{\"id\":3,\"uid\":\"out\",\"inputs\":[{\"node\":2,\"output\":0}],\"operator\":{\"sink\":{\"implementation\":"
    "{\"connector\":{\"name\":\"stdout\",\"options\":{\"format\":\"csv\"}}}}}}]}";

static int32_t create(const volley_plan *plan, const volley_host *host, uint32_t kind, const volley_context *place,
                      volley_instance *instance, volley_error *error) {
  (void)plan;
  if (kind == VOLLEY_KIND_SCALAR_FUNCTION && strcmp(place->function, "cap") == 0) {
    instance->self = NULL;
    instance->table = &cap;
    return VOLLEY_OK;
  }
  if (kind == VOLLEY_KIND_BATCH_FUNCTION && strcmp(place->function, "counter") == 0) {
    const volley_emit *emit = host->interface(host, VOLLEY_INTERFACE_EMIT);
    if (emit == NULL || !VOLLEY_HAS(emit, emit)) {
      return fail(error, VOLLEY_DOMAIN_USER, "this host lacks emit/1: use a newer host");
    }
    struct counter *counter = malloc(sizeof *counter);
    if (counter == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "no memory for a function");
    *counter = (struct counter){host, emit, 0};
    instance->self = counter;
    instance->table = &counter_table;
    return VOLLEY_OK;
  }
  return fail(error, VOLLEY_DOMAIN_INTERNAL, "the plan names no such function");
}

static void release_plan(volley_plan *plan) { free(plan->context); }

static const volley_parameter input =
    VOLLEY_TABLE(volley_parameter, .name = "input", .type = "string", .default_value = "\"data/prices.csv\"",
                 .description = "The CSV file to read, with item, price and limit");

static const volley_parameter *parameter(const volley_pipeline *pipeline, uint32_t index) {
  (void)pipeline;
  return index == 0 ? &input : NULL;
}

/// Behind a JSON value, which is well-formed: the host wrote it.
static const char *skip_value(const char *at, const char *end) {
  if (at < end && *at == '"') {
    for (at++; at < end && *at != '"'; at++) {
      if (*at == '\\') at++;
    }
    return at < end ? at + 1 : end;
  }
  while (at < end && *at != ',' && *at != '}') at++;
  return at;
}

static const char *skip_to(const char *at, const char *end, const char *what) {
  while (at < end && strchr(what, *at) == NULL) at++;
  return at;
}

int find_member(const char *object, size_t length, const char *name, const char **text, size_t *size) {
  const char *end = object + length;
  for (const char *at = skip_to(object, end, "\""); at < end; at = skip_to(at, end, "\"")) {
    const char *key = at + 1;
    at = skip_value(at, end);
    const int is_it = (size_t)(at - key) == strlen(name) + 1 && memcmp(key, name, strlen(name)) == 0;
    at = skip_to(at, end, ":");
    while (at < end && (*at == ':' || *at == ' ' || *at == '\n')) at++;
    const char *value = at;
    at = skip_value(at, end);
    if (!is_it) continue;
    *text = value;
    *size = (size_t)(at - value);
    return 1;
  }
  return 0;
}

static int32_t make_plan(const volley_pipeline *pipeline, const char *values, uint64_t length, volley_plan *plan,
                         volley_error *error) {
  (void)pipeline;
  const char *path = input.default_value;
  size_t size = strlen(path);
  find_member(values, length, "input", &path, &size);
  size_t start = sizeof plan_start - 1, end = sizeof plan_end - 1;
  char *json = malloc(start + size + end);
  if (json == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "no memory for a plan");
  memcpy(json, plan_start, start);
  memcpy(json + start, path, size);
  memcpy(json + start + size, plan_end, end);
  plan->json = json;
  plan->json_length = start + size + end;
  plan->context = json;
  plan->create = create;
  plan->release = release_plan;
  return VOLLEY_OK;
}

static const volley_pipeline cap_pipeline =
    VOLLEY_TABLE(volley_pipeline, .name = "plain-c", .version = "0.1.0", .description = "caps prices, in plain C",
                 .parameter = parameter, .plan = make_plan);

static const volley_pipeline *pipeline(uint32_t index) {
  return index == 0 ? &cap_pipeline : index == 1 ? &meters_pipeline : NULL;
}

static const volley_connector *connector(uint32_t index) {
  return index == 0 ? &ramp_connector : index == 1 ? &tally_connector : NULL;
}

static const volley_codec *codec(uint32_t index) { return index == 0 ? &runs_codec : NULL; }

static const volley_plugin plugin =
    VOLLEY_TABLE(volley_plugin, .name = "plain-c", .version = "0.1.0",
                 .description = "pipelines, a source, a sink and a codec in plain C", .pipeline = pipeline,
                 .connector = connector, .codec = codec);

VOLLEY_EXPORT const volley_plugin *volley_plugin_root(void);

VOLLEY_EXPORT const volley_plugin *volley_plugin_root(void) { return &plugin; }
