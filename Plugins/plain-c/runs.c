// A codec: "RUN", a pair of count (1 to 255) and byte for each run of equal bytes, and a count of 0.
#include <stdlib.h>
#include <string.h>

#include "plain.h"

struct coder {
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
};

static const uint8_t runs_magic[3] = {'R', 'U', 'N'};

static int32_t open_coder(void *state, volley_error *error) {
  struct coder *self = state;
  if (self->longest < 1 || self->longest > 255) return fail(error, VOLLEY_DOMAIN_USER, "the longest run is 1 to 255");
  if (self->log != NULL && VOLLEY_HAS(self->log, log)) self->log->log(self->host, VOLLEY_LOG_INFO, "runs", 4);
  return VOLLEY_OK;
}

static int32_t bound_runs(void *state, uint64_t size, uint64_t *bound, volley_error *error) {
  (void)state;
  if (size > UINT64_MAX / 2 - 4) return fail(error, VOLLEY_DOMAIN_USER, "that is too much");
  *bound = 2 * size + 4;
  return VOLLEY_OK;
}

static int32_t begin_runs(void *state, uint32_t direction, volley_error *error) {
  struct coder *self = state;
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

static void end_run(struct coder *self) {
  if (self->run == 0) return;
  self->waiting[self->waiting_count++] = (uint8_t)self->run;
  self->waiting[self->waiting_count++] = self->byte;
  self->run = 0;
}

static int32_t step_compress(struct coder *self, volley_codec_step *step) {
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

static int32_t step_decompress(struct coder *self, volley_codec_step *step, volley_error *error) {
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
  struct coder *self = state;
  return self->direction == VOLLEY_CODEC_COMPRESS ? step_compress(self, step) : step_decompress(self, step, error);
}

// All of a buffer: streams until the input is used up.
static int32_t run_whole(void *state, uint32_t direction, const void *input, uint64_t input_size, void *output,
                         uint64_t output_capacity, uint64_t *output_size, volley_error *error) {
  uint64_t used = 0, given = 0;
  do {
    int32_t status = begin_runs(state, direction, error);
    volley_codec_step step = VOLLEY_TABLE(
        volley_codec_step, .input = (const uint8_t *)input + used, .input_size = input_size - used,
        .output = (uint8_t *)output + given, .output_capacity = output_capacity - given, .is_last = 1);
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

static const volley_coder runs_table =
    VOLLEY_TABLE(volley_coder, .open = open_coder, .close = nothing, .destroy = free, .bound = bound_runs,
                 .compress = compress_runs, .decompress = decompress_runs, .begin = begin_runs, .step = step_runs);

static const volley_parameter longest_option =
    VOLLEY_TABLE(volley_parameter, .name = "longest", .type = "int", .default_value = "255",
                 .description = "The longest run.");

static const volley_parameter *runs_option(const volley_codec *codec, uint32_t index) {
  (void)codec;
  return index == 0 ? &longest_option : 0;
}

static int32_t create_coder(const volley_codec *codec, const volley_host *host, uint32_t kind,
                            const volley_context *place, volley_instance *instance, volley_error *error) {
  (void)codec;
  if (kind != VOLLEY_KIND_CODEC) return fail(error, VOLLEY_DOMAIN_INTERNAL, "a codec makes coders");
  struct coder *self = calloc(1, sizeof *self);
  if (self == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for a coder");
  self->host = host;
  self->log = host->interface(host, VOLLEY_INTERFACE_LOG);
  // The host has checked the options and filled in defaults: {"longest":255}.
  const char *longest;
  size_t size;
  if (find_member(place->options, place->options_length, "longest", &longest, &size)) self->longest = strtoll(longest, NULL, 10);
  instance->self = self;
  instance->table = &runs_table;
  return VOLLEY_OK;
}

const volley_codec runs_codec =
    VOLLEY_TABLE(volley_codec, .name = "runs", .version = "1.0.0", .description = "Counts equal bytes.", .suffix = ".run",
                 .magic = runs_magic, .magic_length = sizeof runs_magic, .arrow_id = VOLLEY_CODEC_NOT_IN_ARROW,
                 .option = runs_option, .create = create_coder);
