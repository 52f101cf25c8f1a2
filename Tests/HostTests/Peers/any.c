// A plugin whose one pipeline is whatever plan a file holds, with one batch function that does what a test asks for.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "volley.h"

VOLLEY_DEFINE_NOTE("0.1.0", "a C compiler");

static int32_t fail(volley_error *error, uint32_t domain, const char *message) {
  uint32_t length = (uint32_t)strlen(message);
  if (length > error->message_capacity) length = error->message_capacity;
  memcpy(error->message, message, length);
  error->message_length = length;
  error->domain = domain;
  return VOLLEY_FAILED;
}

// The text of a member of a flat JSON object of strings without escapes.
static int member(const char *json, const char *name, char *value, size_t capacity) {
  char key[64];
  snprintf(key, sizeof key, "\"%s\":\"", name);
  const char *start = strstr(json, key);
  if (!start) return 0;
  start += strlen(key);
  const char *end = strchr(start, '"');
  if (!end || (size_t)(end - start) >= capacity) return 0;
  memcpy(value, start, (size_t)(end - start));
  value[end - start] = 0;
  return 1;
}

static char deed[32];

static __attribute__((noinline)) int dig(volatile int *depth) {
  volatile char room[4096];
  room[0] = (char)++*depth;
  return *depth < 0 ? 0 : dig(depth) + room[0];
}

static void act(void) {
  static volatile int zero;
  if (strcmp(deed, "trap") == 0) __builtin_trap();
  if (strcmp(deed, "abort") == 0) abort();
  if (strcmp(deed, "shortage") == 0) {
    void *volatile block = malloc((size_t)1 << 47);
    if (!block) abort();
  }
  if (strcmp(deed, "segv") == 0) *(volatile int *)(intptr_t)zero = 1;
  if (strcmp(deed, "divide") == 0) zero = 1 / zero;
  if (strcmp(deed, "overflow") == 0) dig(&zero);
  if (strcmp(deed, "exit") == 0) exit(0);
  if (strcmp(deed, "kill") == 0) raise(SIGKILL);
}

// Says so, and never returns: the host has blocked the signals that it takes.
static void hang(void) {
  fprintf(stderr, "hanging\n");
  for (;;) pause();
}

typedef struct instance {
  const volley_host *host;
  const volley_emit *emit;
} instance;

static int32_t nothing(void *self, volley_error *error) {
  (void)self, (void)error;
  return VOLLEY_OK;
}

static int32_t open_function(void *self, volley_error *error) {
  (void)self, (void)error;
  if (strcmp(deed, "hang-in-open") == 0) hang();
  return VOLLEY_OK;
}

static int32_t process(void *state, uint32_t input, struct ArrowArray *batch, volley_error *error) {
  (void)input;
  instance *self = state;
  if (strcmp(deed, "fail") == 0) return fail(error, VOLLEY_DOMAIN_USER, "the price is negative");
  if (strcmp(deed, "ugly") == 0) return fail(error, VOLLEY_DOMAIN_USER, "the price\nis \x1b[31mnegative\t");
  if (strcmp(deed, "hang-in-process") == 0) hang();
  if (strcmp(deed, "print") == 0) printf("printed by the plugin\n"), fflush(stdout), system("echo printed by a program");
  act();
  return self->emit->emit(self->host, 0, batch, error);
}

static const volley_batch_function table = {
    VOLLEY_HEADER(volley_batch_function), open_function, nothing, free, process, nothing};

static int32_t open_source(void *self, volley_error *error) {
  (void)self, (void)error;
  if (strcmp(deed, "hang-in-source-open") == 0) hang();
  return VOLLEY_OK;
}

static int32_t read_rows(void *self, uint64_t max_rows, uint64_t timeout, struct ArrowArray *batch, uint32_t *outcome,
                         volley_error *error) {
  (void)self, (void)max_rows, (void)timeout, (void)batch, (void)error;
  if (strcmp(deed, "hang-in-read") == 0) hang();
  *outcome = VOLLEY_READ_END;
  return VOLLEY_OK;
}

static void stop_source(void *self) {
  (void)self;
  if (strcmp(deed, "hang-in-stop") == 0) hang();
}

static int32_t idle(void *self, uint64_t max_rows, uint64_t timeout, struct ArrowArray *batch, uint32_t *outcome,
                    volley_error *error) {
  (void)self, (void)max_rows, (void)batch, (void)error;
  usleep((useconds_t)(timeout / 1000));
  *outcome = VOLLEY_READ_IDLE;
  return VOLLEY_OK;
}

// Sources without rows: one that ends or hangs, one that goes on.
static const volley_source source_table = {
    VOLLEY_HEADER(volley_source), open_source, nothing, free, read_rows, stop_source, NULL, NULL};
static const volley_source idle_table = {
    VOLLEY_HEADER(volley_source), open_source, nothing, free, idle, stop_source, NULL, NULL};

static int32_t create(const volley_plan *plan, const volley_host *host, uint32_t kind, const volley_context *place,
                      volley_instance *made, volley_error *error) {
  (void)plan;
  if (kind == VOLLEY_KIND_SOURCE) {
    made->self = calloc(1, 1);
    made->table = strcmp(place->function, "idle") == 0 ? &idle_table : &source_table;
    return VOLLEY_OK;
  }
  if (kind != VOLLEY_KIND_BATCH_FUNCTION || strcmp(place->function, "act") != 0)
    return fail(error, VOLLEY_DOMAIN_USER, "there is only the batch function 'act'");
  instance *self = calloc(1, sizeof *self);
  self->host = host;
  self->emit = host->interface(host, VOLLEY_INTERFACE_EMIT);
  made->self = self;
  made->table = &table;
  return VOLLEY_OK;
}

static void release(volley_plan *plan) { free((void *)plan->json); }

static int32_t make_plan(const volley_pipeline *pipeline, const char *values, uint64_t length, volley_plan *plan,
                         volley_error *error) {
  (void)pipeline;
  char json[4096], path[1024];
  snprintf(json, sizeof json, "%.*s", (int)length, values);
  if (!member(json, "plan", path, sizeof path)) return fail(error, VOLLEY_DOMAIN_USER, "there is no plan");
  member(json, "deed", deed, sizeof deed);
  if (strcmp(deed, "trap-in-plan") == 0) __builtin_trap();
  if (strcmp(deed, "hang-in-plan") == 0) hang();
  FILE *file = fopen(path, "r");
  if (!file) return fail(error, VOLLEY_DOMAIN_USER, "the plan's file is missing");
  char *text = calloc(1, 1 << 20);
  plan->json_length = fread(text, 1, (1 << 20) - 1, file);
  fclose(file);
  plan->json = text;
  plan->create = create;
  plan->release = release;
  return VOLLEY_OK;
}

static const volley_parameter parameters[] = {
    {VOLLEY_HEADER(volley_parameter), "plan", "string", 0, "the file that holds the plan"},
    {VOLLEY_HEADER(volley_parameter), "deed", "string", "\"none\"", "what the batch function does"},
    {VOLLEY_HEADER(volley_parameter), "limit", "int", "5", 0},
};

static const volley_parameter *parameter(const volley_pipeline *pipeline, uint32_t index) {
  (void)pipeline;
  return index < sizeof parameters / sizeof *parameters ? &parameters[index] : 0;
}

static const volley_pipeline any = {
    VOLLEY_HEADER(volley_pipeline), "any", "1.2.3", "whatever the file says", parameter, make_plan};

static const volley_pipeline *pipeline(uint32_t index) { return index == 0 ? &any : 0; }
static const volley_connector *connector(uint32_t index) { return (void)index, (const volley_connector *)0; }

static const volley_plugin plugin = {
    VOLLEY_HEADER(volley_plugin), "peer", "0.9.0", "for tests of the host", pipeline, connector, NULL};

__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void) { return &plugin; }
