// Pipeline 'plan-file': its only parameter is the path of a file with the plan, as JSON. So a test has any plan without a
// build. It may name two batch functions, which hand on each batch as it is: 'refuse', whose rows begin with two columns of
// int64, fails when there is a row whose second value 103 divides; 'pace-N' is in pace.h. A keyed process function, 'keep', is in keeps.h.
#define _POSIX_C_SOURCE 200809L  // clock_nanosleep
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "volley.h"

VOLLEY_DEFINE_NOTE("plain C", "C " __VERSION__);

// What tells two builds of it apart.
#ifndef PLAN_VERSION
#define PLAN_VERSION "0.1.0"
#endif

static int32_t fail(volley_error *error, uint32_t domain, const char *message) {
  error->code = 0;
  error->domain = domain;
  error->retry = VOLLEY_RETRY_NEVER;
  size_t length = strlen(message);
  if (length > error->message_capacity) length = error->message_capacity;
  if (VOLLEY_HAS(error, message)) memcpy(error->message, message, length);
  error->message_length = (uint32_t)length;
  return VOLLEY_FAILED;
}

static int32_t nothing(void *self, volley_error *error) {
  (void)self, (void)error;
  return VOLLEY_OK;
}

#ifdef PLAN_DEED
#include "deeds.h"
#elif defined PLAN_FALLS
#include "pace.h"
#include "falls.h"
#else
typedef struct refuse {
  const volley_host *host;
  const volley_emit *emit;
} refuse;

static int32_t process_refuse(void *state, uint32_t input, struct ArrowArray *batch, volley_error *error) {
  (void)input;
  refuse *self = state;
  const int64_t *ids = (const int64_t *)batch->children[0]->buffers[1] + batch->offset + batch->children[0]->offset;
  const int64_t *values = (const int64_t *)batch->children[1]->buffers[1] + batch->offset + batch->children[1]->offset;
  for (int64_t row = 0; row < batch->length; row++) {
    if (values[row] % 103 != 0) continue;
    char text[64];
    snprintf(text, sizeof text, "refuse refuses order %lld", (long long)ids[row]);
    return fail(error, VOLLEY_DOMAIN_USER, text);
  }
  return self->emit->emit(self->host, 0, batch, error);
}

static const volley_batch_function refuse_table = {VOLLEY_HEADER(volley_batch_function), nothing, nothing, free,
                                                   process_refuse, nothing};

#include "keeps.h"
#include "pace.h"

static int32_t create(const volley_plan *plan, const volley_host *host, uint32_t kind, const volley_context *place,
                      volley_instance *instance, volley_error *error) {
  (void)plan;
  if (kind == VOLLEY_KIND_KEYED_PROCESS && strcmp(place->function, "keep") == 0) return make_keep(host, instance, error);
  if (kind == VOLLEY_KIND_BATCH_FUNCTION && is_pace(place->function)) return make_pace(place->function, host, instance, error);
  if (kind != VOLLEY_KIND_BATCH_FUNCTION || strcmp(place->function, "refuse") != 0) {
    return fail(error, VOLLEY_DOMAIN_USER,
                "pipeline 'plan-file' has no user code but the batch functions 'refuse' and 'pace-N' and the process function 'keep', and its plan "
                "names some");
  }
  refuse *self = calloc(1, sizeof *self);
  if (self == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for the function");
  *self = (refuse){host, host->interface(host, VOLLEY_INTERFACE_EMIT)};
  instance->self = self;
  instance->table = &refuse_table;
  return VOLLEY_OK;
}
#endif

static void release_plan(volley_plan *plan) { free(plan->context); }

static const volley_parameter plan_parameter = {VOLLEY_HEADER(volley_parameter), "plan", "string", "\"plan.json\"",
                                                "The path of the plan, in JSON"};

static const volley_parameter *parameter(const volley_pipeline *pipeline, uint32_t index) {
  (void)pipeline;
  return index == 0 ? &plan_parameter : NULL;
}

/// The path within `{"plan": "…"}`; the tests' paths need no escapes, and one that does is not found.
static int find_path(const char *values, size_t length, char *path, size_t capacity) {
  const char *colon = memchr(values, ':', length);
  if (colon == NULL) return -1;
  const char *start = memchr(colon, '"', (size_t)(values + length - colon));
  if (start == NULL) return -1;
  start++;
  const char *end = memchr(start, '"', (size_t)(values + length - start));
  if (end == NULL || (size_t)(end - start) >= capacity) return -1;
  memcpy(path, start, (size_t)(end - start));
  path[end - start] = 0;
  return 0;
}

static int32_t make_plan(const volley_pipeline *pipeline, const char *values, uint64_t length, volley_plan *plan,
                         volley_error *error) {
  (void)pipeline;
  char path[4096];
  if (find_path(values, length, path, sizeof path) != 0) {
    return fail(error, VOLLEY_DOMAIN_USER, "pipeline 'plan-file' has no parameter 'plan'; give the path of a plan in JSON");
  }
  FILE *file = fopen(path, "rb");
  if (file == NULL) return fail(error, VOLLEY_DOMAIN_USER, "the file that parameter 'plan' names cannot be opened");
  size_t capacity = 1 << 20;
  char *json = malloc(capacity);
  size_t size = json == NULL ? 0 : fread(json, 1, capacity, file);
  fclose(file);
  if (json == NULL || size == capacity) {
    free(json);
    return fail(error, VOLLEY_DOMAIN_EXTERNAL, "the plan has more than 1 MiB, or there is no memory for it");
  }
  plan->json = json;
  plan->json_length = size;
  plan->context = json;
  plan->create = create;
  plan->release = release_plan;
  return VOLLEY_OK;
}

static const volley_pipeline only_pipeline = {VOLLEY_HEADER(volley_pipeline), "plan-file", PLAN_VERSION,
                                              "runs the plan in a file", parameter, make_plan};

static const volley_pipeline *pipeline(uint32_t index) { return index == 0 ? &only_pipeline : NULL; }

static const volley_connector *connector(uint32_t index) {
  (void)index;
  return NULL;
}

static const volley_plugin plugin = {VOLLEY_HEADER(volley_plugin), "plan-file", PLAN_VERSION, "any plan, from a file",
                                     pipeline, connector, NULL};

const volley_plugin *volley_plugin_root(void);

const volley_plugin *volley_plugin_root(void) { return &plugin; }
