// The plugin of the museum of checkpoints: its plan is in the file that the parameter "plan" names, and may name the functions of
// ../abi-0.4: the keyed process function "tally" with a value, a list, a map and timers, and the aggregate "squares"; and the batch
// function "pace", which hands on what it is given, and waits before, as many microseconds as MUSEUM_PACE says: so whoever writes a checkpoint
// has time to stop the job; and, since 0.5, those of ends.h: a source and a sink that take part in checkpoints. It is built against the
// header of each version that has them.
#include <volley.h>

#include <stdio.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#define WITHOUT_ROOT_OF_0_4
#include "../abi-0.4/pipeline.c"

#if VOLLEY_ABI_MAJOR > 0 || VOLLEY_ABI_MINOR >= 5
#include "ends.h"
#endif

typedef struct pace {
  const volley_host *host;
  const volley_emit *emit;
  useconds_t microseconds;
} pace;

static int32_t process_pace(void *state, uint32_t input, struct ArrowArray *batch, volley_error *error) {
  (void)input;
  pace *self = state;
  if (self->microseconds > 0) usleep(self->microseconds);
  return self->emit->emit(self->host, 0, batch, error);
}

static const volley_batch_function pace_table = {
    VOLLEY_HEADER(volley_batch_function), open_nothing, close_nothing, destroy, process_pace, flush_nothing};

static int32_t create_of_job(const volley_plan *plan, const volley_host *host, uint32_t kind, const volley_context *place,
                             volley_instance *made, volley_error *error) {
#if VOLLEY_ABI_MAJOR > 0 || VOLLEY_ABI_MINOR >= 5
  if (kind == VOLLEY_KIND_SOURCE || kind == VOLLEY_KIND_SINK) return create_end(kind, made, error);
#endif
  if (strcmp(place->function, "pace") != 0) return create_function_of_0_4(plan, host, kind, place, made, error);
  pace *self = calloc(1, sizeof *self);
  if (!self) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "out of memory");
  const char *wish = getenv("MUSEUM_PACE");
  *self = (pace){host, host->interface(host, VOLLEY_INTERFACE_EMIT), wish ? (useconds_t)strtoul(wish, 0, 10) : 0};
  made->self = self;
  made->table = &pace_table;
  return VOLLEY_OK;
}

static void release_job(volley_plan *plan) { free(plan->context); }

static int32_t make_plan_of_job(const volley_pipeline *pipeline, const char *values, uint64_t values_length,
                                volley_plan *plan, volley_error *error) {
  (void)pipeline;
  // {"plan":"…"}, a path without escapes.
  char path[1024] = {0};
  if (values_length >= sizeof path) return fail(error, VOLLEY_DOMAIN_USER, "the path is too long");
  memcpy(path, values, values_length);
  char *start = strchr(path, ':');
  start = start ? strchr(start, '"') : 0;
  char *end = start ? strchr(start + 1, '"') : 0;
  if (!end) return fail(error, VOLLEY_DOMAIN_USER, "there is no plan");
  *end = 0;
  FILE *file = fopen(start + 1, "rb");
  char *json = malloc(1 << 20);
  if (!file || !json) return fail(error, VOLLEY_DOMAIN_USER, "the plan cannot be read");
  plan->json_length = fread(json, 1, 1 << 20, file);
  fclose(file);
  plan->json = plan->context = json;
  plan->create = create_of_job;
  plan->release = release_job;
  return VOLLEY_OK;
}

static const volley_parameter plan_of_job = {VOLLEY_HEADER(volley_parameter), "plan", "string", 0, "The file of the plan"};

static const volley_parameter *parameter_of_job(const volley_pipeline *pipeline, uint32_t index) {
  (void)pipeline;
  return index == 0 ? &plan_of_job : 0;
}

static const volley_pipeline pipeline_of_job = {
    VOLLEY_HEADER(volley_pipeline), "museum-job", "1.0.0", 0, parameter_of_job, make_plan_of_job};

static const volley_pipeline *pipeline_of_job_at(uint32_t index) { return index == 0 ? &pipeline_of_job : 0; }

static const volley_plugin root_of_job = {VOLLEY_HEADER(volley_plugin), "museum-job", "1.0.0", 0, pipeline_of_job_at, connector};

__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void);

__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void) { return &root_of_job; }
