// A sink in plain C: 'tally' writes the numbers of one int64 column to files of a folder, a line each, that appear with the
// checkpoint that they belong to: `<subtask>-<epoch>.txt`, until then with a dot in front. Without checkpoints a subtask writes one
// file, `<subtask>-0.txt`, which appears at the end.
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plain.h"

struct tally {
  char folder[1024];
  uint32_t subtask;
  /// What is being written; NULL when nothing was since the last checkpoint.
  FILE *file;
  /// What `prepare` gave last.
  char transactions[64];
};

static void path_of(const struct tally *tally, const char *name, char *path, size_t size) {
  snprintf(path, size, "%s/%s", tally->folder, name);
}

/// The file that is written has a name of its own, and gets that of its epoch when the epoch comes.
static void open_name(const struct tally *tally, char *name, size_t size) {
  snprintf(name, size, ".%" PRIu32 "-open", tally->subtask);
}

static int32_t failed(volley_error *error, const char *what) {
  char message[256];
  snprintf(message, sizeof message, "%s: %s", what, strerror(errno));
  return fail(error, VOLLEY_DOMAIN_EXTERNAL, message);
}

/// What the folder lists is on the disk.
static int32_t sync_folder(const struct tally *tally, volley_error *error) {
  int folder = open(tally->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int status = folder < 0 ? -1 : fsync(folder);
  if (folder >= 0) close(folder);
  return status == 0 ? VOLLEY_OK : failed(error, "the folder cannot be synced");
}

static int32_t tally_write(void *self, struct ArrowArray *batch, volley_error *error) {
  struct tally *tally = self;
  int32_t status = VOLLEY_OK;
  if (tally->file == NULL) {
    char name[64], path[1200];
    open_name(tally, name, sizeof name);
    path_of(tally, name, path, sizeof path);
    tally->file = fopen(path, "we");
    if (tally->file == NULL) status = failed(error, "a file cannot be opened");
  }
  const struct ArrowArray *column = batch->children[0];
  const uint8_t *valid = column->buffers[0];
  const int64_t *values = column->buffers[1];
  // A batch's own offset counts for its children too.
  for (int64_t row = 0; status == VOLLEY_OK && row < batch->length; row++) {
    int64_t at = batch->offset + column->offset + row;
    int size = valid != NULL && (valid[at / 8] >> (at % 8) & 1) == 0 ? fprintf(tally->file, "null\n")
                                                                     : fprintf(tally->file, "%" PRId64 "\n", values[at]);
    if (size < 0) status = failed(error, "a file cannot be written");
  }
  batch->release(batch);
  return status;
}

static int32_t tally_flush(void *self, volley_error *error) {
  struct tally *tally = self;
  return tally->file == NULL || fflush(tally->file) == 0 ? VOLLEY_OK : failed(error, "a file cannot be written");
}

/// Puts what was written on the disk and gives it a name.
static int32_t complete(struct tally *tally, const char *name, volley_error *error) {
  char open_path[1200], path[1200], unnamed[64];
  open_name(tally, unnamed, sizeof unnamed);
  path_of(tally, unnamed, open_path, sizeof open_path);
  path_of(tally, name, path, sizeof path);
  int status = fflush(tally->file) != 0 || fsync(fileno(tally->file)) != 0;
  if (fclose(tally->file) != 0) status = 1;
  tally->file = NULL;
  if (status != 0 || rename(open_path, path) != 0) return failed(error, "a file cannot be completed");
  return sync_folder(tally, error);
}

static int32_t prepare(void *self, uint64_t epoch, const char **json, uint64_t *length, volley_error *error) {
  struct tally *tally = self;
  int size = snprintf(tally->transactions, sizeof tally->transactions, "[]");
  int32_t status = VOLLEY_OK;
  if (tally->file != NULL) {
    char name[64];
    snprintf(name, sizeof name, ".%" PRIu32 "-%" PRIu64 ".txt", tally->subtask, epoch);
    status = complete(tally, name, error);
    size = snprintf(tally->transactions, sizeof tally->transactions, "[\"%s\"]", name + 1);
  }
  *json = tally->transactions;
  *length = (uint64_t)size;
  return status;
}

/// The names in an array of texts without escapes: copies the next one, and gives what follows it; NULL when there is none.
static const char *next_name(const char *json, const char *end, char *name, size_t size) {
  while (json < end && *json != '"') json++;
  if (json == end) return NULL;
  size_t count = 0;
  for (json++; json < end && *json != '"'; json++) {
    if (count + 1 < size) name[count++] = *json;
  }
  name[count] = 0;
  return json < end ? json + 1 : NULL;
}

static int32_t commit(void *self, const char *json, uint64_t length, volley_error *error) {
  struct tally *tally = self;
  char name[64], hidden_name[80], hidden[1200], path[1200];
  const char *end = json + length;
  while ((json = next_name(json, end, name, sizeof name)) != NULL) {
    snprintf(hidden_name, sizeof hidden_name, ".%s", name);
    path_of(tally, hidden_name, hidden, sizeof hidden);
    path_of(tally, name, path, sizeof path);
    // One that is not there was committed before.
    if (rename(hidden, path) != 0 && errno != ENOENT) return failed(error, "a file cannot be given its name");
  }
  return sync_folder(tally, error);
}

static int32_t recover(void *self, const char *own, uint64_t own_length, const char *all, uint64_t all_length,
                       volley_error *error) {
  struct tally *tally = self;
  int32_t status = commit(self, own, own_length, error);
  if (status != VOLLEY_OK || tally->subtask != 0) return status;
  DIR *folder = opendir(tally->folder);
  if (folder == NULL) return failed(error, "the folder cannot be read");
  struct dirent *entry;
  while ((entry = readdir(folder)) != NULL) {
    uint32_t subtask;
    int is_open = 0;
    sscanf(entry->d_name, ".%" SCNu32 "-open%n", &subtask, &is_open);
    int is_spared = 0;
    uint64_t epoch;
    int is_hidden = 0;
    sscanf(entry->d_name, ".%" SCNu32 "-%" SCNu64 ".txt%n", &subtask, &epoch, &is_hidden);
    char name[64];
    const char *json = all;
    while (is_hidden && (json = next_name(json, all + all_length, name, sizeof name)) != NULL) {
      if (strcmp(name, entry->d_name + 1) == 0) is_spared = 1;
    }
    if (is_open || (is_hidden && !is_spared)) unlinkat(dirfd(folder), entry->d_name, 0);
  }
  closedir(folder);
  return VOLLEY_OK;
}

static int32_t finish(void *self, volley_error *error) {
  struct tally *tally = self;
  char name[64];
  snprintf(name, sizeof name, "%" PRIu32 "-0.txt", tally->subtask);
  return tally->file == NULL ? VOLLEY_OK : complete(tally, name, error);
}

static int32_t tally_close(void *self, volley_error *error) {
  (void)error;
  struct tally *tally = self;
  if (tally->file != NULL) {
    // The job has failed.
    char name[64], path[1200];
    open_name(tally, name, sizeof name);
    path_of(tally, name, path, sizeof path);
    fclose(tally->file);
    unlink(path);
    tally->file = NULL;
  }
  return VOLLEY_OK;
}

static const volley_sink tally_table =
    VOLLEY_TABLE(volley_sink, .open = nothing, .close = tally_close, .destroy = free, .write = tally_write,
                 .flush = tally_flush, .finish = finish, .prepare = prepare, .commit = commit, .recover = recover);

static int32_t create(const volley_connector *connector, const volley_host *host, uint32_t kind,
                      const volley_context *place, volley_instance *instance, volley_error *error) {
  (void)connector, (void)host;
  if (kind != VOLLEY_KIND_SINK) return fail(error, VOLLEY_DOMAIN_USER, "connector 'tally' is no source");
  const struct ArrowSchema *schema = place->inputs[0];
  if (schema->n_children != 1 || strcmp(schema->children[0]->format, "l") != 0) {
    return fail(error, VOLLEY_DOMAIN_USER, "connector 'tally' writes one int64 column: give it rows of one");
  }
  struct tally *tally = calloc(1, sizeof *tally);
  if (tally == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "no memory for a sink");
  static const char start[] = "{\"folder\":";
  tally->subtask = place->subtask;
  if (place->options_length < sizeof start || memcmp(place->options, start, sizeof start - 1) != 0 ||
      memchr(place->options, '\\', place->options_length) != NULL ||
      next_name(place->options + sizeof start - 1, place->options + place->options_length, tally->folder,
                sizeof tally->folder) == NULL) {
    free(tally);
    return fail(error, VOLLEY_DOMAIN_USER, "option 'folder' of connector 'tally' is no plain path: give it a folder that is there");
  }
  instance->self = tally;
  instance->table = &tally_table;
  return VOLLEY_OK;
}

static const volley_parameter folder_option = VOLLEY_TABLE(
    volley_parameter, .name = "folder", .type = "string", .description = "Where the files go");

static const volley_parameter *option(const volley_connector *connector, uint32_t index) {
  (void)connector;
  return index == 0 ? &folder_option : NULL;
}

const volley_connector tally_connector =
    VOLLEY_TABLE(volley_connector, .name = "tally", .version = "0.1.0",
                 .description = "numbers to files that appear by checkpoints, in plain C", .kinds = VOLLEY_CONNECTOR_SINK,
                 .option = option, .create = create);
