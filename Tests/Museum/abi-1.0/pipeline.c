// All of 0.5 against the header of 1.0, which promises the same for good, and the macros that came with it.
#include "volley.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define WITHOUT_ROOT_OF_0_5
#include "../abi-0.5/pipeline.c"

// Asks what the host's structs cover before it makes a plan.
static int32_t make_plan_of_1_0(const volley_pipeline *pipeline, const char *values, uint64_t values_length,
                                volley_plan *plan, volley_error *error) {
  if (!VOLLEY_COVERS(plan, release) || plan->header.major != VOLLEY_ABI_MAJOR)
    return fail(error, VOLLEY_DOMAIN_INTERNAL, "this is no host of 1.0");
  return make_plan_of_0_5(pipeline, values, values_length, plan, error);
}

static const volley_pipeline pipeline_of_1_0 =
    VOLLEY_TABLE(volley_pipeline, .name = "museum", .version = "1.0.0",
                 .description = "Taxes orders and splits them by their total.", .parameter = parameter, .plan = make_plan_of_1_0);

static const volley_pipeline *pipeline_of_1_0_at(uint32_t index) { return index == 0 ? &pipeline_of_1_0 : 0; }

// MARK: The root

static const volley_plugin root_of_1_0 =
    VOLLEY_TABLE(volley_plugin, .name = "museum-1.0", .version = "1.0.0", .description = "Every kind of user code in plain C.",
                 .pipeline = pipeline_of_1_0_at, .connector = connector, .codec = codec);

VOLLEY_EXPORT const volley_plugin *volley_plugin_root(void);

VOLLEY_EXPORT const volley_plugin *volley_plugin_root(void) { return &root_of_1_0; }
