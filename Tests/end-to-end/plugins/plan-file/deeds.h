// The batch function 'act' of a version of the plugin that is built with PLAN_DEED: it hands on what it is given, until it dies.
#include <unistd.h>

enum { LIVES, TRAPS_AT_ONCE, TRAPS_AT_FIRST_BATCH, TRAPS_WHEN_ASKED, THROWS_AT_FIRST_BATCH };

typedef struct instance {
  const volley_host *host;
  const volley_emit *emit;
} instance;

static int32_t open_function(void *self, volley_error *error) {
  (void)self, (void)error;
  if (PLAN_DEED == TRAPS_AT_ONCE) __builtin_trap();
  return VOLLEY_OK;
}

static int32_t process(void *state, uint32_t input, struct ArrowArray *batch, volley_error *error) {
  (void)input;
  instance *self = state;
  const char *wish = getenv("VOLLEY_TEST_TRAP");
  if (PLAN_DEED == TRAPS_AT_FIRST_BATCH) __builtin_trap();
  if (PLAN_DEED == TRAPS_WHEN_ASKED && wish != NULL && access(wish, F_OK) == 0) __builtin_trap();
  if (PLAN_DEED == THROWS_AT_FIRST_BATCH) return fail(error, VOLLEY_DOMAIN_USER, "the price is negative");
  return self->emit->emit(self->host, 0, batch, error);
}

static const volley_batch_function act = {
    VOLLEY_HEADER(volley_batch_function), open_function, nothing, free, process, nothing};

static int32_t create(const volley_plan *plan, const volley_host *host, uint32_t kind, const volley_context *place,
                      volley_instance *made, volley_error *error) {
  (void)plan;
  if (kind != VOLLEY_KIND_BATCH_FUNCTION || strcmp(place->function, "act") != 0)
    return fail(error, VOLLEY_DOMAIN_USER, "there is only the batch function 'act'");
  instance *self = calloc(1, sizeof *self);
  if (self == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory");
  self->host = host;
  self->emit = host->interface(host, VOLLEY_INTERFACE_EMIT);
  made->self = self;
  made->table = &act;
  return VOLLEY_OK;
}
