// Two builds of this file have equal names, ids and symbols but other code: VERSION tells which.
#include <stdlib.h>
#include <string.h>

#include "volley.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

VOLLEY_DEFINE_NOTE("0.1.0", "a C compiler");

// Visible on purpose, and called through the symbol table: with RTLD_LOCAL each plugin finds its own.
__attribute__((visibility("default"))) const char *versions_plan(void) {
  return "{\"version\":{\"major\":0,\"minor\":1},\"name\":\"version " TEXT(VERSION) "\",\"nodes\":[]}";
}

static int32_t create(const volley_plan *plan, const volley_host *host, uint32_t kind, const volley_context *place,
                      volley_instance *made, volley_error *error) {
  (void)plan, (void)host, (void)kind, (void)place, (void)made, (void)error;
  return VOLLEY_FAILED;
}

static void release(volley_plan *plan) { plan->json = 0; }

static int32_t make_plan(const volley_pipeline *pipeline, const char *values, uint64_t values_length,
                         volley_plan *plan, volley_error *error) {
  (void)pipeline, (void)values, (void)values_length, (void)error;
  plan->json = versions_plan();
  plan->json_length = strlen(plan->json);
  plan->create = create;
  plan->release = release;
  return VOLLEY_OK;
}

static const volley_parameter *parameter(const volley_pipeline *pipeline, uint32_t index) {
  (void)pipeline, (void)index;
  return 0;
}

static const volley_pipeline the_pipeline = {
    VOLLEY_HEADER(volley_pipeline), "versions", TEXT(VERSION) ".0.0", 0, parameter, make_plan};

static const volley_pipeline *pipeline(uint32_t index) { return index == 0 ? &the_pipeline : 0; }

#ifdef CONNECTOR
static const volley_parameter *option(const volley_connector *connector, uint32_t index) {
  (void)connector, (void)index;
  return 0;
}

static int32_t create_connector(const volley_connector *connector, const volley_host *host, uint32_t kind,
                                const volley_context *place, volley_instance *made, volley_error *error) {
  (void)connector;
  return create(0, host, kind, place, made, error);
}

static const volley_connector the_connector = {
    VOLLEY_HEADER(volley_connector), CONNECTOR, "1.0.0", 0, VOLLEY_CONNECTOR_SOURCE, 0, option, create_connector};
#endif

static const volley_connector *connector(uint32_t index) {
#ifdef CONNECTOR
  return index == 0 ? &the_connector : 0;
#else
  (void)index;
  return 0;
#endif
}

static const volley_plugin root = {
    VOLLEY_HEADER(volley_plugin), "versions", TEXT(VERSION) ".0.0", 0, pipeline, connector, 0};

__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void) { return &root; }
