// What came with the boundary's version 0.2, a codec, beside the pipeline and the connectors of 0.1 against the header of 0.2.
//
// The codec "runs" writes "RUN", a pair of count (1 to 255) and byte for each run of equal bytes, and a count of 0.
#include "volley.h"

// A table of 0.1 initialises fewer slots: the new ones are NULL.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define volley_plugin_root volley_plugin_root_of_0_1
#include "../abi-0.1/pipeline.c"
#undef volley_plugin_root

// MARK: The coder

typedef struct coder {
  const volley_host *host;
  const volley_log *log;
  int64_t longest;
  uint32_t direction;
  // Decompressing: bytes of the magic seen; the rest of the run that is being given.
  uint32_t seen;
  uint32_t left;
  int has_byte;
  // Compressing: the run that grows, and what waits for room.
  uint8_t byte;
  uint32_t run;
  uint8_t waiting[8];
  uint32_t waiting_count;
  int is_ending;
} coder;

static const uint8_t runs_magic[3] = {'R', 'U', 'N'};

static int32_t open_coder(void *state, volley_error *error) {
  coder *self = state;
  if (self->longest < 1 || self->longest > 255) return fail(error, VOLLEY_DOMAIN_USER, "the longest run is 1 to 255");
  if (self->log) self->log->log(self->host, VOLLEY_LOG_INFO, "runs", 4);
  return VOLLEY_OK;
}

static int32_t bound_runs(void *state, uint64_t size, uint64_t *bound, volley_error *error) {
  (void)state;
  if (size > UINT64_MAX / 2 - 4) return fail(error, VOLLEY_DOMAIN_USER, "that is too much");
  *bound = 2 * size + 4;
  return VOLLEY_OK;
}

static int32_t begin_runs(void *state, uint32_t direction, volley_error *error) {
  coder *self = state;
  if (direction != VOLLEY_CODEC_COMPRESS && direction != VOLLEY_CODEC_DECOMPRESS)
    return fail(error, VOLLEY_DOMAIN_INTERNAL, "there is no such direction");
  self->direction = direction;
  self->seen = self->left = self->run = 0;
  self->has_byte = self->is_ending = 0;
  self->waiting_count = 0;
  if (direction == VOLLEY_CODEC_COMPRESS) {
    memcpy(self->waiting, runs_magic, sizeof runs_magic);
    self->waiting_count = sizeof runs_magic;
  }
  return VOLLEY_OK;
}

static void end_run(coder *self) {
  if (self->run == 0) return;
  self->waiting[self->waiting_count++] = (uint8_t)self->run;
  self->waiting[self->waiting_count++] = self->byte;
  self->run = 0;
}

static int32_t step_compress(coder *self, volley_codec_step *step) {
  const uint8_t *input = step->input;
  uint8_t *output = step->output;
  for (;;) {
    while (self->waiting_count > 0) {
      if (step->output_used == step->output_capacity) return VOLLEY_OK;
      output[step->output_used++] = self->waiting[0];
      memmove(self->waiting, self->waiting + 1, --self->waiting_count);
    }
    if (step->input_used < step->input_size) {
      uint8_t byte = input[step->input_used++];
      if (self->run > 0 && (byte != self->byte || self->run == self->longest)) end_run(self);
      self->byte = byte;
      self->run++;
    } else if (step->is_last && !self->is_ending) {
      end_run(self);
      self->waiting[self->waiting_count++] = 0;
      self->is_ending = 1;
    } else {
      step->has_ended = self->is_ending ? 1 : 0;
      return VOLLEY_OK;
    }
  }
}

static int32_t step_decompress(coder *self, volley_codec_step *step, volley_error *error) {
  const uint8_t *input = step->input;
  uint8_t *output = step->output;
  for (;;) {
    while (self->left > 0 && self->has_byte) {
      if (step->output_used == step->output_capacity) return VOLLEY_OK;
      output[step->output_used++] = self->byte;
      if (--self->left == 0) self->has_byte = 0;
    }
    if (step->input_used == step->input_size) break;
    uint8_t byte = input[step->input_used++];
    if (self->seen < sizeof runs_magic) {
      if (byte != runs_magic[self->seen++]) return fail(error, VOLLEY_DOMAIN_USER, "this is no RUN");
    } else if (self->left > 0) {
      self->byte = byte;
      self->has_byte = 1;
    } else if (byte == 0) {
      step->has_ended = 1;
      return VOLLEY_OK;
    } else {
      self->left = byte;
    }
  }
  return step->is_last ? fail(error, VOLLEY_DOMAIN_USER, "the runs end early") : VOLLEY_OK;
}

static int32_t step_runs(void *state, volley_codec_step *step, volley_error *error) {
  coder *self = state;
  return self->direction == VOLLEY_CODEC_COMPRESS ? step_compress(self, step) : step_decompress(self, step, error);
}

// All of a buffer: streams until the input is used up.
static int32_t run_whole(void *state, uint32_t direction, const void *input, uint64_t input_size, void *output,
                         uint64_t output_capacity, uint64_t *output_size, volley_error *error) {
  uint64_t used = 0, given = 0;
  do {
    int32_t status = begin_runs(state, direction, error);
    volley_codec_step step = {VOLLEY_HEADER(volley_codec_step), (const uint8_t *)input + used, input_size - used,
                              (uint8_t *)output + given, output_capacity - given, 1, 0, 0, 0};
    if (status == VOLLEY_OK) status = step_runs(state, &step, error);
    if (status != VOLLEY_OK) return status;
    used += step.input_used;
    given += step.output_used;
    if (!step.has_ended) return fail(error, VOLLEY_DOMAIN_USER, "there is too little room");
  } while (used < input_size);
  *output_size = given;
  return VOLLEY_OK;
}

static int32_t compress_runs(void *state, const void *input, uint64_t input_size, void *output,
                             uint64_t output_capacity, uint64_t *output_size, volley_error *error) {
  return run_whole(state, VOLLEY_CODEC_COMPRESS, input, input_size, output, output_capacity, output_size, error);
}

static int32_t decompress_runs(void *state, const void *input, uint64_t input_size, void *output,
                               uint64_t output_capacity, uint64_t *output_size, volley_error *error) {
  return run_whole(state, VOLLEY_CODEC_DECOMPRESS, input, input_size, output, output_capacity, output_size, error);
}

static const volley_coder runs_table = {
    VOLLEY_HEADER(volley_coder), open_coder, close_nothing, destroy,   bound_runs,
    compress_runs,               decompress_runs, begin_runs,   step_runs};

// MARK: The codec

static const volley_parameter longest_option = {
    VOLLEY_HEADER(volley_parameter), "longest", "int", "255", "The longest run."};

static const volley_parameter *runs_option(const volley_codec *codec, uint32_t index) {
  (void)codec;
  return index == 0 ? &longest_option : 0;
}

static int32_t create_coder(const volley_codec *codec, const volley_host *host, uint32_t kind,
                            const volley_context *place, volley_instance *made, volley_error *error) {
  (void)codec;
  if (kind != VOLLEY_KIND_CODEC) return fail(error, VOLLEY_DOMAIN_INTERNAL, "a codec makes coders");
  coder *self = calloc(1, sizeof *self);
  if (!self) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "out of memory");
  self->host = host;
  self->log = host->interface(host, VOLLEY_INTERFACE_LOG);
  // The host has checked the options and filled in defaults: {"longest":255}.
  const char *colon = strchr(place->options, ':');
  self->longest = colon ? strtoll(colon + 1, 0, 10) : 0;
  made->self = self;
  made->table = &runs_table;
  return VOLLEY_OK;
}

static const volley_codec runs_codec = {
    VOLLEY_HEADER(volley_codec), "runs", "1.0.0", "Counts equal bytes.", ".run", runs_magic, sizeof runs_magic,
    VOLLEY_CODEC_NOT_IN_ARROW,   runs_option, create_coder};

static const volley_codec *codec(uint32_t index) { return index == 0 ? &runs_codec : 0; }

// MARK: The root

// A later version takes all of this and brings its own root.
#ifndef WITHOUT_ROOT

#ifdef ONLY_CODEC
static const volley_pipeline *no_pipeline(uint32_t index) { return (void)index, (const volley_pipeline *)0; }
static const volley_connector *no_connector(uint32_t index) { return (void)index, (const volley_connector *)0; }
static const volley_plugin root_of_0_2 = {
    VOLLEY_HEADER(volley_plugin), "runs-0.2", "1.0.0", 0, no_pipeline, no_connector, codec};
#else
static const volley_plugin root_of_0_2 = {VOLLEY_HEADER(volley_plugin), "museum-0.2", "1.0.0",
                                          "Every kind of user code in plain C.", pipeline, connector, codec};
#endif

__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void);

__attribute__((visibility("default"))) const volley_plugin *volley_plugin_root(void) { return &root_of_0_2; }
#endif
