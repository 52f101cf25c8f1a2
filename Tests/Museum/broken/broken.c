// One tiny plugin per rule of the boundary, each breaking just that rule: FAULT says which (-DFAULT='"trap call"').
//
//   numbers (source) -> doubled = twice(value) -> pass (batch function) -> drop (sink)
//
// and the codec "chunk".
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "volley.h"

#ifndef FAULT
#define FAULT "none"
#endif
static const char fault[] = FAULT;

// The one comparison in this file: compilers fold it.
static int is(const char *name) { return strcmp(fault, name) == 0; }

// MARK: The note

#ifndef BREAK_NO_NOTE
#ifndef NOTE_MAGIC
#define NOTE_MAGIC VOLLEY_NOTE_MAGIC
#endif
#ifndef NOTE_MAJOR
#define NOTE_MAJOR VOLLEY_ABI_MAJOR
#endif
#ifndef NOTE_MINOR
#define NOTE_MINOR VOLLEY_ABI_MINOR
#endif
#ifndef NOTE_HOST_MINOR
#define NOTE_HOST_MINOR VOLLEY_ABI_MINOR
#endif
#define NOTE(variable, sdk)                                                                                   \
  __attribute__((section(".note.volley"), used, retain, aligned(4))) static const volley_note variable = {     \
      7,  (uint32_t)(sizeof(volley_note) - offsetof(volley_note, magic)),                                       \
      VOLLEY_NOTE_TYPE, "Volley",   NOTE_MAGIC,                                                                \
      NOTE_MAJOR, NOTE_MINOR, NOTE_HOST_MINOR, 0, sdk, "a C compiler"}
NOTE(note, "0.9.0");
#ifdef BREAK_TWO_NOTES
NOTE(other_note, "0.8.0");
#endif
#endif

// MARK: What the faults do

// On a thread of the plugin's own, which the host has not called.
__attribute__((noinline)) static void *run_by_itself(void *unused) {
  if (is("own trap")) __builtin_trap();
  // In code of the C library that this code calls: where it fails has to be found by the frames.
  static char *volatile nowhere = (char *)8;
  static volatile size_t much = 100000;
  if (is("own segv")) memset(nowhere, 1, much);
  return unused;
}

__attribute__((noinline)) static void *start_by_itself(void *unused) {
  void *volatile result = run_by_itself(unused);
  return result;
}

static void trap_by_itself(void) {
  pthread_t thread;
  if (pthread_create(&thread, 0, start_by_itself, 0) == 0) pthread_join(thread, 0);
}

// Fails or traps in the slot of that name, when the fault says so.
static int32_t misbehave(const char *slot, volley_error *error) {
  if (strncmp(fault, "trap ", 5) == 0 && strcmp(fault + 5, slot) == 0) __builtin_trap();
  if (strncmp(fault, "abort ", 6) == 0 && strcmp(fault + 6, slot) == 0) abort();
  if (strncmp(fault, "segv ", 5) == 0 && strcmp(fault + 5, slot) == 0) *(volatile int *)8 = 1;
  if (strncmp(fault, "own ", 4) == 0 && strcmp(slot, "call") == 0) trap_by_itself();
  if (strncmp(fault, "status ", 7) == 0 && strcmp(fault + 7, slot) == 0) return 7;
  if (strncmp(fault, "fail ", 5) != 0 || strcmp(fault + 5, slot) != 0 || !error) return VOLLEY_OK;
  static const char message[] = "the moon is full";
  memcpy(error->message, message, sizeof message - 1);
  error->message_length = sizeof message - 1;
  error->domain = VOLLEY_DOMAIN_USER;
  error->code = 42;
  if (is("fail write")) error->domain = VOLLEY_DOMAIN_EXTERNAL, error->retry = VOLLEY_RETRY_LATER;
  if (is("fail flush")) error->domain = VOLLEY_DOMAIN_INTERNAL, error->code = 0;
  if (is("fail open")) error->message_length = UINT32_MAX;  // Far beyond its capacity.
  if (is("fail process")) error->message[4] = (char)0xff;   // No UTF-8.
  if (is("fail read")) error->message_length = 0;
  if (is("fail close")) error->domain = 99;
  return VOLLEY_FAILED;
}

// MARK: Arrays

static void release_array(struct ArrowArray *array) {
  misbehave("release", 0);
  for (int64_t i = 0; i < array->n_children; i++) {
    if (array->children[i] && array->children[i]->release) array->children[i]->release(array->children[i]);
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

static int64_t *make_column(struct ArrowArray *array, int64_t length) {
  make_array(array, length, 2, 0);
  array->buffers[1] = calloc((size_t)length + 8, 8);
  return (int64_t *)(uintptr_t)array->buffers[1];
}

// A batch of one column, 0 to `length` - 1, with the faults that results can have.
static void make_batch(struct ArrowArray *batch, int64_t length, int64_t first) {
  make_array(batch, length, 1, is("child count") ? 2 : 1);
  int64_t *values = make_column(batch->children[0], is("short column") ? length - 1 : length);
  for (int64_t i = 0; i < length; i++) values[i] = first + i;
  if (is("child count")) make_column(batch->children[1], length);
  if (is("released column")) release_array(batch->children[0]);
  if (is("buffer count")) free((void *)(uintptr_t)batch->children[0]->buffers[1]), batch->children[0]->n_buffers = 1;
  if (is("null buffer")) free((void *)(uintptr_t)batch->children[0]->buffers[1]), batch->children[0]->buffers[1] = 0;
  if (is("null count")) batch->children[0]->null_count = length + 1;
  if (is("negative length")) batch->length = -5;
  if (is("negative offset")) batch->children[0]->offset = -1;
}

// MARK: Instances

typedef struct instance {
  const volley_host *host;
  const volley_emit *emit;
  int64_t next;
} instance;

// What "leaked array" keeps for good. It can be found from here, so that a sanitizer does not count it as lost memory.
__attribute__((used)) static struct ArrowArray kept[4];
static int kept_count;

// With "aloud" an instance says what is called, and does not open.
static void say(const instance *self, const char *slot) {
  const volley_log *log = is("aloud") ? self->host->interface(self->host, VOLLEY_INTERFACE_LOG) : 0;
  if (log) log->log(self->host, VOLLEY_LOG_INFO, slot, strlen(slot));
}

static int32_t open_it(void *self, volley_error *error) {
  instance *it = self;
  say(it, "open");
  if (is("aloud")) return VOLLEY_FAILED;
  if (is("emit outside") && it->emit) {
    struct ArrowArray batch;
    make_batch(&batch, 3, 0);
    it->emit->emit(it->host, 0, &batch, error);  // Refused; that the status is dropped does not help.
  }
  return misbehave("open", error);
}

static int32_t close_it(void *self, volley_error *error) {
  say(self, "close");
  return misbehave("close", error);
}

static void destroy_it(void *self) {
  say(self, "destroy");
  misbehave("destroy", 0);
  free(self);
}

// MARK: Scalar function

static int32_t call_it(void *self, struct ArrowArray *arguments, struct ArrowArray *result, volley_error *error) {
  (void)self;
  int32_t status = misbehave("call", error);
  if (status != VOLLEY_OK) return status;
  if (is("no result")) return VOLLEY_OK;
  int64_t rows = is("short result") ? arguments->length - 1 : arguments->length;
  int64_t *twice = make_column(result, rows);
  const struct ArrowArray *column = arguments->children[0];
  const int64_t *value = (const int64_t *)column->buffers[1] + column->offset + arguments->offset;
  for (int64_t i = 0; i < rows; i++) twice[i] = 2 * value[i];
  if (is("result child count")) {
    result->n_children = 1;
    result->children = calloc(1, sizeof *result->children);
    result->children[0] = calloc(1, sizeof **result->children);
  }
  return VOLLEY_OK;
}

static const volley_scalar_function scalar_function = {
    VOLLEY_HEADER(volley_scalar_function), open_it, close_it, destroy_it, call_it};

// MARK: Batch function

static int32_t process_it(void *self, uint32_t input, struct ArrowArray *given, volley_error *error) {
  (void)input;
  instance *it = self;
  int32_t status = misbehave("process", error);
  if (status != VOLLEY_OK) return status;
  if (is("leaked array") && kept_count < 4) {
    kept[kept_count++] = *given;
    given->release = 0;
    return VOLLEY_OK;
  }
  struct ArrowArray batch;
  make_batch(&batch, given->length, 0);
  if (is("output index")) return it->emit->emit(it->host, 3, &batch, error);
  if (is("released batch")) {
    batch.release(&batch);
    return it->emit->emit(it->host, 0, &batch, error);
  }
  status = it->emit->emit(it->host, 0, &batch, error);
  // The host took the batch: to emit it again is to use what is gone.
  if (is("emitted twice")) status = it->emit->emit(it->host, 0, &batch, error);
  if (is("dropped status")) status = it->emit->emit(it->host, 3, &batch, error), status = VOLLEY_OK;
  return status;
}

static int32_t flush_it(void *self, volley_error *error) {
  (void)self;
  return misbehave("flush", error);
}

static const volley_batch_function batch_function = {
    VOLLEY_HEADER(volley_batch_function), open_it, close_it, destroy_it, process_it, flush_it};

// MARK: Source

static int32_t read_it(void *self, uint64_t max_rows, uint64_t timeout_ns, struct ArrowArray *batch, uint32_t *outcome,
                       volley_error *error) {
  (void)timeout_ns;
  instance *it = self;
  int32_t status = misbehave("read", error);
  if (status != VOLLEY_OK) return status;
  *outcome = it->next < 8 ? VOLLEY_READ_BATCH : VOLLEY_READ_END;
  if (is("read outcome")) *outcome = 9;
  if (is("read nothing")) return VOLLEY_OK;
  if (is("read with end")) {
    make_batch(batch, 4, 0);
    *outcome = VOLLEY_READ_END;
    return VOLLEY_OK;
  }
  if (*outcome != VOLLEY_READ_BATCH) return VOLLEY_OK;
  int64_t rows = is("read too much") ? (int64_t)max_rows + 1 : 4;
  make_batch(batch, rows, it->next);
  it->next += rows;
  return VOLLEY_OK;
}

static void stop_it(void *self) {
  (void)self;
  misbehave("stop", 0);
}

/// What a fault's own call gives instead of what it should; NULL with text NULL.
static int32_t answer(const char *call, const char *text, const char **json, uint64_t *length, volley_error *error) {
  size_t size = strlen(call);
  if (strncmp(fault, call, size) == 0 && fault[size] == ' ') {
    const char *what = fault + size + 1;
    text = strcmp(what, "nothing") == 0   ? 0
           : strcmp(what, "no json") == 0 ? "[{"
           : strcmp(what, "object") == 0  ? "{}"
           : strcmp(what, "number") == 0  ? "[7]"
           : strcmp(what, "twice") == 0 ? "[{\"split\":\"all\",\"position\":1},{\"split\":\"all\",\"position\":2}]"
                                        : text;
  }
  *json = text;
  *length = text ? strlen(text) : 0;
  if (strncmp(fault, call, size) == 0 && strcmp(fault + size, " huge") == 0) *length = UINT64_MAX / 2;
  return misbehave(call, error);
}

static int32_t positions_it(void *self, const char **json, uint64_t *length, volley_error *error) {
  static char text[] = "[{\"split\":\"all\",\"position\":0}]";
  instance *it = self;
  text[sizeof text - 4] = (char)('0' + it->next);
  return answer("positions", text, json, length, error);
}

static int32_t resume_it(void *self, const char *json, uint64_t length, volley_error *error) {
  instance *it = self;
  if (length > 3) it->next = json[length - 3] - '0';
  return misbehave("resume", error);
}

static const volley_source source = {VOLLEY_HEADER(volley_source), open_it, close_it,     destroy_it,
                                     read_it,                      stop_it, positions_it, resume_it};

// MARK: Sink

static int32_t write_it(void *self, struct ArrowArray *batch, volley_error *error) {
  (void)self, (void)batch;
  return misbehave("write", error);
}

static int32_t finish_it(void *self, volley_error *error) {
  (void)self;
  return misbehave("finish", error);
}

static int32_t prepare_it(void *self, uint64_t epoch, const char **json, uint64_t *length, volley_error *error) {
  (void)self;
  return answer("prepare", epoch == 1 ? "[\"one\",{\"two\":2}]" : "[]", json, length, error);
}

static int32_t commit_it(void *self, const char *json, uint64_t length, volley_error *error) {
  (void)self, (void)json, (void)length;
  return misbehave("commit", error);
}

static int32_t recover_it(void *self, const char *own, uint64_t own_length, const char *all, uint64_t all_length,
                          volley_error *error) {
  (void)self, (void)own, (void)own_length, (void)all, (void)all_length;
  return misbehave("recover", error);
}

static const volley_sink sink = {VOLLEY_HEADER(volley_sink), open_it,   close_it,   destroy_it, write_it, flush_it,
                                 finish_it,                  prepare_it, commit_it, recover_it};
static const volley_source no_resume = {VOLLEY_HEADER(volley_source), open_it, close_it,     destroy_it,
                                        read_it,                      stop_it, positions_it, 0};
static const volley_sink no_commit = {VOLLEY_HEADER(volley_sink), open_it,   close_it, destroy_it, write_it, flush_it,
                                      finish_it,                  prepare_it, 0,       recover_it};
/// As plugins have them that know nothing of checkpoints.
static const volley_source former_source = {
    {48, VOLLEY_ABI_MAJOR, 4}, open_it, close_it, destroy_it, read_it, stop_it, 0, 0};
static const volley_sink former_sink = {
    {56, VOLLEY_ABI_MAJOR, 4}, open_it, close_it, destroy_it, write_it, flush_it, finish_it, 0, 0, 0};

// MARK: Tables that are not what they should be

static const volley_scalar_function short_scalar_function = {
    {24, VOLLEY_ABI_MAJOR, VOLLEY_ABI_MINOR}, open_it, close_it, destroy_it, call_it};
static const volley_scalar_function future_scalar_function = {
    {sizeof(volley_scalar_function), 9, 3}, open_it, close_it, destroy_it, call_it};
static const volley_batch_function hollow_batch_function = {
    VOLLEY_HEADER(volley_batch_function), open_it, close_it, destroy_it, 0, flush_it};
static const volley_source hollow_source = {
    VOLLEY_HEADER(volley_source), open_it, close_it, destroy_it, read_it, 0, 0, 0};
static const volley_sink short_sink = {
    {48, VOLLEY_ABI_MAJOR, VOLLEY_ABI_MINOR}, open_it, close_it, destroy_it, write_it, flush_it, finish_it, 0, 0, 0};

static int32_t create(const volley_plan *plan, const volley_host *host, uint32_t kind, const volley_context *place,
                      volley_instance *made, volley_error *error) {
  (void)plan, (void)place;
  int32_t status = misbehave("create", error);
  if (status != VOLLEY_OK) return status;
  instance *self = calloc(1, sizeof *self);
  self->host = host;
  self->emit = host->interface(host, VOLLEY_INTERFACE_EMIT);
  made->self = self;
  switch (kind) {
    case VOLLEY_KIND_SCALAR_FUNCTION:
      made->table = is("short function table") ? &short_scalar_function
                    : is("function table major") ? &future_scalar_function
                                                 : &scalar_function;
      break;
    case VOLLEY_KIND_BATCH_FUNCTION:
      made->table = is("null process") ? &hollow_batch_function : &batch_function;
      break;
    case VOLLEY_KIND_SOURCE:
      made->table = is("null stop")     ? &hollow_source
                    : is("null resume") ? &no_resume
                    : is("former")      ? &former_source
                                        : &source;
      break;
    default:
      made->table = is("short sink table") ? &short_sink
                    : is("null commit")    ? &no_commit
                    : is("former")         ? &former_sink
                                           : &sink;
  }
  if (is("no instance table")) made->table = 0;
  // A host cannot destroy an instance whose table it cannot read.
  if (made->table == 0 || made->table == &short_scalar_function || made->table == &future_scalar_function) {
    made->self = 0;
    free(self);
  }
  return VOLLEY_OK;
}

// MARK: The plan

static const char plan_text[] =
    "{\"version\":{\"major\":0,\"minor\":1},\"name\":\"broken\",\"nodes\":["
    "{\"id\":0,\"uid\":\"numbers\",\"parallelism\":1,\"inputs\":[],\"operator\":{\"source\":{"
    "\"implementation\":{\"function\":\"numbers\"},\"badRecords\":{\"stop\":{}},\"schema\":["
    "{\"name\":\"value\",\"type\":\"int64\",\"nullable\":false}]}}},"
    "{\"id\":1,\"parallelism\":1,\"inputs\":[{\"node\":0,\"output\":0}],\"operator\":{\"select\":{\"columns\":["
    "{\"name\":\"value\",\"expression\":{\"userFunction\":{\"function\":\"twice\","
    "\"arguments\":[{\"column\":\"value\"}],\"parameterTypes\":[\"int64\"],\"resultType\":\"int64\","
    "\"acceptsNulls\":false}}}]}}},"
    "{\"id\":2,\"uid\":\"pass\",\"parallelism\":1,\"inputs\":[{\"node\":1,\"output\":0}],"
    "\"operator\":{\"batchFunction\":{\"function\":\"pass\",\"label\":\"pass\",\"outputs\":["
    "[{\"name\":\"value\",\"type\":\"int64\",\"nullable\":false}]]}}},"
    "{\"id\":3,\"uid\":\"drop\",\"parallelism\":1,\"inputs\":[{\"node\":2,\"output\":0}],"
    "\"operator\":{\"sink\":{\"implementation\":{\"function\":\"drop\"}}}}]}";
static const char no_json[] = "{\"version\":{\"major\":0,\"minor\":1},\"name\":}";
static const char no_utf8[] = "{\"version\":{\"major\":0,\"minor\":1},\"name\":\"\xff\",\"nodes\":[]}";
static const char newer_plan[] = "{\"version\":{\"major\":0,\"minor\":9},\"name\":\"broken\",\"nodes\":[]}";
static const char other_plan[] = "{\"version\":{\"major\":0,\"minor\":1},\"name\":\"broken\",\"knots\":[]}";

static void release_plan(volley_plan *plan) {
  misbehave("release plan", 0);
  plan->json = 0;
}

static int32_t make_plan(const volley_pipeline *pipeline, const char *values, uint64_t values_length,
                         volley_plan *plan, volley_error *error) {
  (void)pipeline, (void)values, (void)values_length;
  int32_t status = misbehave("plan", error);
  if (status != VOLLEY_OK) return status;
  const char *text = is("plan not json") ? no_json
                     : is("plan not utf8") ? no_utf8
                     : is("newer plan")    ? newer_plan
                     : is("other plan")    ? other_plan
                                           : plan_text;
  plan->json = is("no plan") ? 0 : text;
  plan->json_length = is("huge plan") ? UINT64_C(1) << 40 : strlen(text);
  plan->create = is("null create") ? 0 : create;
  plan->release = release_plan;
  return VOLLEY_OK;
}

// MARK: The root

static const volley_parameter parameters[] = {
    {VOLLEY_HEADER(volley_parameter), "size", "int", "3", 0},
    {VOLLEY_HEADER(volley_parameter), "size", "int", "3", 0},
    {VOLLEY_HEADER(volley_parameter), "size", "matrix", "3", 0},
    {VOLLEY_HEADER(volley_parameter), "size", "int", "{", 0},
    {VOLLEY_HEADER(volley_parameter), "size", "int", "\"three\"", 0},
};

static const volley_parameter *parameter(const volley_pipeline *pipeline, uint32_t index) {
  (void)pipeline;
  misbehave("parameter", 0);
  if (is("endless parameters")) return &parameters[0];
  if (is("same parameters")) return index < 2 ? &parameters[index] : 0;
  if (is("parameter type")) return index == 0 ? &parameters[2] : 0;
  if (is("parameter default")) return index == 0 ? &parameters[3] : 0;
  if (is("parameter default type")) return index == 0 ? &parameters[4] : 0;
  return 0;
}

static const volley_pipeline the_pipeline = {
    VOLLEY_HEADER(volley_pipeline), "broken", "1.0.0", 0, parameter, make_plan};
static const volley_pipeline hollow_pipeline = {
    VOLLEY_HEADER(volley_pipeline), "broken", "1.0.0", 0, parameter, 0};

static const volley_pipeline *pipeline(uint32_t index) {
  misbehave("pipeline", 0);
  if (is("endless pipelines")) return &the_pipeline;
  if (is("same pipelines")) return index < 2 ? &the_pipeline : 0;
  if (is("null plan slot")) return index == 0 ? &hollow_pipeline : 0;
  return index == 0 && !is("nothing offered") ? &the_pipeline : 0;
}

static const volley_parameter *option(const volley_connector *connector, uint32_t index) {
  (void)connector, (void)index;
  return 0;
}

static int32_t create_connector(const volley_connector *connector, const volley_host *host, uint32_t kind,
                                const volley_context *place, volley_instance *made, volley_error *error) {
  (void)connector;
  return create(0, host, kind, place, made, error);
}

static const volley_connector kindless = {
    VOLLEY_HEADER(volley_connector), "kindless", "1.0.0", 0, 0, 0, option, create_connector};

static const volley_connector *connector(uint32_t index) {
  return is("connector kinds") && index == 0 ? &kindless : 0;
}

// MARK: Codec: a magic byte, then the bytes as they are; one chunk of at most 255 a whole, behind its length

typedef struct coder {
  uint32_t direction;
  uint8_t held[258];
  uint32_t count, given;
  int full;
} coder;

static int32_t open_coder(void *self, volley_error *error) {
  (void)self;
  return misbehave("open coder", error);
}

static int32_t close_coder(void *self, volley_error *error) {
  (void)self;
  return misbehave("close coder", error);
}

static void destroy_coder(void *self) {
  misbehave("destroy coder", 0);
  free(self);
}

static int32_t bound_it(void *self, uint64_t size, uint64_t *bound, volley_error *error) {
  (void)self;
  *bound = is("bound too large") ? UINT64_MAX : size + 2;
  return misbehave("bound", error);
}

static int32_t compress_it(void *self, const void *input, uint64_t input_size, void *output, uint64_t output_capacity,
                           uint64_t *output_size, volley_error *error) {
  (void)self;
  int32_t status = misbehave("compress", error);
  if (status != VOLLEY_OK) return status;
  if (output_capacity < input_size + 2) return VOLLEY_FAILED;
  uint8_t *bytes = output;
  bytes[0] = 'B';
  bytes[1] = (uint8_t)input_size;
  if (input_size > 0) memcpy(bytes + 2, input, input_size);
  *output_size = is("compress too long") ? output_capacity + 1 : input_size + 2;
  return VOLLEY_OK;
}

static int32_t decompress_it(void *self, const void *input, uint64_t input_size, void *output, uint64_t output_capacity,
                             uint64_t *output_size, volley_error *error) {
  (void)self;
  int32_t status = misbehave("decompress", error);
  if (status != VOLLEY_OK) return status;
  if (input_size < 2 || output_capacity < input_size - 2) return VOLLEY_FAILED;
  memcpy(output, (const uint8_t *)input + 2, input_size - 2);
  *output_size = is("decompress too long") ? UINT64_MAX : input_size - 2;
  return VOLLEY_OK;
}

static int32_t begin_it(void *self, uint32_t direction, volley_error *error) {
  coder *it = self;
  memset(it, 0, sizeof *it);
  it->direction = direction;
  return misbehave("begin", error);
}

static int32_t step_it(void *self, volley_codec_step *step, volley_error *error) {
  coder *it = self;
  int32_t status = misbehave("step", error);
  if (status != VOLLEY_OK) return status;
  if (is("step stalls")) return VOLLEY_OK;
  if (is("step takes too much")) {
    step->input_used = step->input_size + 1;
    return VOLLEY_OK;
  }
  if (is("step gives too much")) {
    step->output_used = step->output_capacity + 1;
    return VOLLEY_OK;
  }
  // Compressing, the whole input is held before any is given; decompressing, a chunk is given when all of it is there.
  uint64_t start = it->direction == VOLLEY_CODEC_COMPRESS ? 2 : 0;
  while (!it->full && step->input_used < step->input_size) {
    it->held[start + it->count++] = ((const uint8_t *)step->input)[step->input_used++];
    if (start == 0 && it->count > 1 && it->count == 2u + it->held[1]) it->full = 1, it->given = 2;
  }
  if (start == 2 && step->is_last && !it->full) {
    it->held[0] = 'B', it->held[1] = (uint8_t)it->count;
    it->count += 2;
    it->full = 1;
  }
  if (!it->full) return VOLLEY_OK;
  while (it->given < it->count && step->output_used < step->output_capacity)
    ((uint8_t *)step->output)[step->output_used++] = it->held[it->given++];
  step->has_ended = it->given == it->count;
  return VOLLEY_OK;
}

static const volley_coder coder_table = {VOLLEY_HEADER(volley_coder), open_coder,  close_coder,   destroy_coder, bound_it,
                                         compress_it,                 decompress_it, begin_it,    step_it};
static const volley_coder short_coder = {{64, VOLLEY_ABI_MAJOR, VOLLEY_ABI_MINOR}, open_coder,    close_coder, destroy_coder,
                                         bound_it, compress_it, decompress_it, begin_it, step_it};
static const volley_coder hollow_coder = {VOLLEY_HEADER(volley_coder), open_coder, close_coder, destroy_coder, bound_it,
                                          compress_it,                 0,          begin_it,    step_it};
static const volley_coder future_coder = {{sizeof(volley_coder), 9, 3}, open_coder,    close_coder, destroy_coder,
                                          bound_it, compress_it, decompress_it, begin_it, step_it};

static int32_t create_coder(const volley_codec *codec, const volley_host *host, uint32_t kind,
                            const volley_context *place, volley_instance *made, volley_error *error) {
  (void)codec, (void)host, (void)kind, (void)place;
  int32_t status = misbehave("create coder", error);
  if (status != VOLLEY_OK) return status;
  made->table = is("short coder")         ? &short_coder
                : is("null decompress")   ? &hollow_coder
                : is("coder table major") ? &future_coder
                : is("no coder table")    ? 0
                                          : &coder_table;
  // A host cannot destroy an instance whose table it cannot read.
  made->self = made->table == &future_coder || !made->table ? 0 : calloc(1, sizeof(coder));
  return VOLLEY_OK;
}

static const volley_parameter *no_option(const volley_codec *codec, uint32_t index) {
  (void)codec, (void)index;
  misbehave("option", 0);
  return 0;
}

static const uint8_t magic[17] = "B";
static const volley_codec codecs[] = {
    {VOLLEY_HEADER(volley_codec), "chunk", "1.0.0", 0, ".chunk", magic, 1, VOLLEY_CODEC_NOT_IN_ARROW, no_option,
     create_coder},
    {VOLLEY_HEADER(volley_codec), "chunk", "1.0.0", 0, ".chunk", magic, 17, 0, no_option, create_coder},
    {VOLLEY_HEADER(volley_codec), "chunk", "1.0.0", 0, ".chunk", 0, 4, 0, no_option, create_coder},
    {VOLLEY_HEADER(volley_codec), "chunk", "1.0.0", 0, "chunk", magic, 1, 0, no_option, create_coder},
    {{56, VOLLEY_ABI_MAJOR, VOLLEY_ABI_MINOR}, "chunk", "1.0.0", 0, ".chunk", magic, 1, 0, no_option, create_coder},
    {VOLLEY_HEADER(volley_codec), "chunk", "1.0.0", 0, ".chunk", magic, 1, 0, no_option, 0},
    {{sizeof(volley_codec), 9, 3}, "chunk", "1.0.0", 0, ".chunk", magic, 1, 0, no_option, create_coder},
};

static const volley_codec *codec(uint32_t index) {
  misbehave("codec", 0);
  if (is("same codecs")) return index < 2 ? &codecs[0] : 0;
  if (is("endless codecs")) return &codecs[0];
  if (index > 0) return 0;
  return is("nothing offered")     ? 0
         : is("codec magic")       ? &codecs[1]
         : is("codec null magic")  ? &codecs[2]
         : is("codec suffix")      ? &codecs[3]
         : is("short codec")       ? &codecs[4]
         : is("null codec create") ? &codecs[5]
         : is("codec major")       ? &codecs[6]
                                   : &codecs[0];
}

static const char bad_name[] = "bro\xffken";
static const char long_name[] =
    "a name that is far too long to be a name and that goes on and on until there is no more room for it in any report, "
    "and further still";

static const volley_plugin root = {
    VOLLEY_HEADER(volley_plugin), "broken", "1.0.0", 0, pipeline, connector, codec};
static const volley_plugin short_root = {
    {12, VOLLEY_ABI_MAJOR, VOLLEY_ABI_MINOR}, "broken", "1.0.0", 0, pipeline, connector, codec};
static const volley_plugin shorter_root = {
    {36, VOLLEY_ABI_MAJOR, VOLLEY_ABI_MINOR}, "broken", "1.0.0", 0, pipeline, connector, codec};
static const volley_plugin headless_root = {
    {4, VOLLEY_ABI_MAJOR, VOLLEY_ABI_MINOR}, "broken", "1.0.0", 0, pipeline, connector, codec};
static const volley_plugin hollow_root = {VOLLEY_HEADER(volley_plugin), "broken", "1.0.0", 0, 0, connector, codec};
static const volley_plugin future_root = {
    {sizeof(volley_plugin), VOLLEY_ABI_MAJOR + 1, 0}, "broken", "1.0.0", 0, pipeline, connector, codec};
static const volley_plugin misnamed_root = {VOLLEY_HEADER(volley_plugin), bad_name, "1.0.0", 0, pipeline, connector, codec};
static const volley_plugin unnamed_root = {VOLLEY_HEADER(volley_plugin), "", "1.0.0", 0, pipeline, connector, codec};
static const volley_plugin long_root = {VOLLEY_HEADER(volley_plugin), long_name, "1.0.0", 0, pipeline, connector, codec};

#ifdef BREAK_UNDEFINED
int nowhere_to_be_found(void);
#endif

#ifdef BREAK_NO_SYMBOL
__attribute__((visibility("default"))) const volley_plugin *another_symbol(void)
#else
__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void)
#endif
{
#ifdef BREAK_UNDEFINED
  nowhere_to_be_found();
#endif
  misbehave("root", 0);
  if (is("null root")) return 0;
  if (is("short table")) return &short_root;
  if (is("shorter table")) return &shorter_root;
  if (is("no header")) return &headless_root;
  if (is("null slot")) return &hollow_root;
  if (is("table major")) return &future_root;
  if (is("name not utf8")) return &misnamed_root;
  if (is("no name")) return &unnamed_root;
  if (is("long name")) return &long_root;
  return &root;
}
