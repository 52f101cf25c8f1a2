// Functions over rows that begin with two columns of int64, an id and an amount, which fall over an amount that 103 divides, but
// with FALLS_MENDED:
//
//   pace-N      batch function of pace.h, which never falls
//   trap        batch function: hands on each batch as it is, and traps
//   in-worker   the same, and traps in the process that made it only: in no copy of that
//   together    traps when it is given more than one row
//   once        traps once, when it finds the file that VOLLEY_TEST_TRAP names, which it removes
//   count-traps, count-throws
//               keyed process function of a key of int64 with one value state, an int64: counts the rows of the key, sets an
//               event timer for the year 2005 and as many microseconds as the amount, adds to the counter 'rows', and emits (id, count); all that before it looks at the
//               amount. Its timers emit (-1 - key, time).
#include <sys/types.h>
#include <unistd.h>

#ifdef FALLS_MENDED
#define IS_DEADLY(amount) 0
#else
#define IS_DEADLY(amount) ((amount) % 103 == 0)
#endif

typedef struct falls {
  const volley_host *host;
  const volley_emit *emit;
  const volley_keyed_state *state;
  const volley_timers *timers;
  const volley_metrics *metrics;
  pid_t maker;
  char name[16];
} falls;

static const int64_t *numbers(const struct ArrowArray *rows, int64_t column) {
  return (const int64_t *)rows->children[column]->buffers[1] + rows->offset + rows->children[column]->offset;
}

static _Noreturn void fall(int64_t id) {
  fprintf(stderr, "falls: order %lld is deadly\n", (long long)id);
  __builtin_trap();
}

// MARK: Batch functions

static int32_t process_batch(void *state, uint32_t input, struct ArrowArray *batch, volley_error *error) {
  (void)input;
  falls *self = state;
  const char *wish = getenv("VOLLEY_TEST_TRAP");
  int may = strcmp(self->name, "trap") == 0 || (strcmp(self->name, "in-worker") == 0 && self->maker == getpid());
  if (strcmp(self->name, "together") == 0 && batch->length > 1) __builtin_trap();
  if (strcmp(self->name, "once") == 0 && wish != NULL && unlink(wish) == 0) __builtin_trap();
  for (int64_t row = 0; may && row < batch->length; row++) {
    if (IS_DEADLY(numbers(batch, 1)[row])) fall(numbers(batch, 0)[row]);
  }
  return self->emit->emit(self->host, 0, batch, error);
}

static const volley_batch_function batch_table = {
    VOLLEY_HEADER(volley_batch_function), nothing, nothing, free, process_batch, nothing};

// MARK: The keyed process function

// One row of int64 columns, in a block of its own.
typedef struct row {
  int64_t values[2];
  const void *buffers[2][2];
  const void *no_buffers[1];
  struct ArrowArray columns[2], *children[2];
} row;

static void release_column(struct ArrowArray *array) { array->release = NULL; }

static void release_row(struct ArrowArray *array) {
  for (int64_t i = 0; i < array->n_children; i++) {
    if (array->children[i]->release != NULL) array->children[i]->release(array->children[i]);
  }
  free(array->private_data);
  array->release = NULL;
}

static void fill(struct ArrowArray *array, row *one, const int64_t *values, int64_t count) {
  memset(array, 0, sizeof *array);
  for (int64_t i = 0; i < count; i++) {
    one->values[i] = values[i];
    one->buffers[i][0] = NULL;
    one->buffers[i][1] = &one->values[i];
    memset(&one->columns[i], 0, sizeof one->columns[i]);
    one->columns[i] = (struct ArrowArray){.length = 1, .n_buffers = 2, .buffers = one->buffers[i], .release = release_column};
    one->children[i] = &one->columns[i];
  }
  one->no_buffers[0] = NULL;
  *array = (struct ArrowArray){.length = 1, .n_buffers = 1, .n_children = count, .buffers = one->no_buffers,
                               .children = one->children, .release = release_row, .private_data = one};
}

static int32_t emit_two(falls *self, int64_t first, int64_t second, volley_error *error) {
  struct ArrowArray batch;
  row *one = malloc(sizeof *one);
  if (one == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory");
  fill(&batch, one, (int64_t[]){first, second}, 2);
  return self->emit->emit(self->host, 0, &batch, error);
}

static int32_t count_row(falls *self, uint32_t key, int64_t id, int64_t amount, volley_error *error) {
  const struct ArrowArray *former = NULL;
  if (self->state->read(self->host, 0, &key, 1, &former, error) != VOLLEY_OK) return VOLLEY_FAILED;
  const uint8_t *valid = former->buffers[0];
  int is_there = valid == NULL || (valid[former->offset / 8] >> (former->offset % 8) & 1);
  int64_t count = is_there ? numbers(former, 0)[0] + 1 : 1;
  struct ArrowArray value;
  row lent;
  fill(&value, &lent, &count, 1);
  if (self->state->write(self->host, 0, &key, 1, &value, error) != VOLLEY_OK) return VOLLEY_FAILED;
  int64_t time = (INT64_C(1) << 50) + amount;
  if (self->timers->set(self->host, VOLLEY_CLOCK_EVENT, &key, &time, 1, error) != VOLLEY_OK) return VOLLEY_FAILED;
  if (self->metrics->add(self->host, "rows", 1, error) != VOLLEY_OK) return VOLLEY_FAILED;
  if (emit_two(self, id, count, error) != VOLLEY_OK) return VOLLEY_FAILED;
  if (!IS_DEADLY(amount)) return VOLLEY_OK;
  if (strcmp(self->name, "count-traps") == 0) fall(id);
  char text[64];
  snprintf(text, sizeof text, "order %lld is deadly", (long long)id);
  return fail(error, VOLLEY_DOMAIN_USER, text);
}

static int32_t process_keyed(void *state, const volley_keyed_call *call, volley_error *error) {
  const int64_t *ids = numbers(call->rows, 0), *amounts = numbers(call->rows, 1);
  for (uint64_t i = 0; i < call->row_count; i++) {
    if (count_row(state, call->row_keys[i], ids[i], amounts[i], error) != VOLLEY_OK) return VOLLEY_FAILED;
  }
  return VOLLEY_OK;
}

static int32_t fire(void *state, uint32_t clock, const volley_keyed_call *call, volley_error *error) {
  (void)clock;
  for (uint64_t i = 0; i < call->row_count; i++) {
    int64_t key = numbers(call->keys, 0)[call->row_keys[i]];
    if (emit_two(state, -1 - key, call->times[i], error) != VOLLEY_OK) return VOLLEY_FAILED;
  }
  return VOLLEY_OK;
}

static const volley_keyed_process keyed_table = {
    VOLLEY_HEADER(volley_keyed_process), nothing, nothing, free, process_keyed, fire, nothing};

static int32_t create(const volley_plan *plan, const volley_host *host, uint32_t kind, const volley_context *place,
                      volley_instance *instance, volley_error *error) {
  (void)plan;
  if (kind == VOLLEY_KIND_BATCH_FUNCTION && is_pace(place->function)) return make_pace(place->function, host, instance, error);
  falls *self = calloc(1, sizeof *self);
  if (self == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory");
  self->host = host;
  self->emit = host->interface(host, VOLLEY_INTERFACE_EMIT);
  self->state = host->interface(host, VOLLEY_INTERFACE_KEYED_STATE);
  self->timers = host->interface(host, VOLLEY_INTERFACE_TIMERS);
  self->metrics = host->interface(host, VOLLEY_INTERFACE_METRICS);
  self->maker = getpid();
  snprintf(self->name, sizeof self->name, "%s", place->function);
  instance->self = self;
  instance->table = kind == VOLLEY_KIND_KEYED_PROCESS ? (const void *)&keyed_table : (const void *)&batch_table;
  return VOLLEY_OK;
}
