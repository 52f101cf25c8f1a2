// A source and a sink of the museum's job that take part in checkpoints, as plugins do since the boundary's version 0.5.
#include <dirent.h>

// MARK: Source: the numbers from 0 to 299, in two splits, the even ones and the odd ones

enum { COUNTED = 300 };

typedef struct counted {
  int64_t next[2];
  char json[128];
} counted;

static int32_t read_counted(void *state, uint64_t max_rows, uint64_t timeout_ns, struct ArrowArray *batch, uint32_t *outcome,
                            volley_error *error) {
  (void)max_rows, (void)timeout_ns, (void)error;
  counted *self = state;
  int64_t *next = self->next + (self->next[1] < self->next[0]);
  *outcome = *next >= COUNTED ? VOLLEY_READ_END : VOLLEY_READ_BATCH;
  if (*next >= COUNTED) return VOLLEY_OK;
  make_array(batch, 1, 1, 1);
  int64_t *values = make_column(batch->children[0], 1);
  values[0] = *next;
  *next += 2;
  return VOLLEY_OK;
}

static void stop_counted(void *state) { (void)state; }

static int32_t positions_of_counted(void *state, const char **json, uint64_t *length, volley_error *error) {
  (void)error;
  counted *self = state;
  *length = (uint64_t)snprintf(self->json, sizeof self->json,
                               "[{\"split\":\"even\",\"position\":%lld},{\"split\":\"odd\",\"position\":%lld}]",
                               (long long)self->next[0], (long long)self->next[1]);
  *json = self->json;
  return VOLLEY_OK;
}

static int32_t resume_counted(void *state, const char *json, uint64_t length, volley_error *error) {
  counted *self = state;
  char text[256] = {0};
  if (length >= sizeof text) return fail(error, VOLLEY_DOMAIN_USER, "there are too many splits");
  memcpy(text, json, length);
  for (char *object = strtok(text, "{"); object; object = strtok(0, "{")) {
    const char *position = strstr(object, "\"position\":");
    if (position) self->next[strstr(object, "odd") != 0] = strtoll(position + 11, 0, 10);
  }
  return VOLLEY_OK;
}

static const volley_source counted_table = {
    VOLLEY_HEADER(volley_source), open_nothing, close_nothing, destroy, read_counted, stop_counted, positions_of_counted,
    resume_counted};

// MARK: Sink: ledger, which writes an epoch's numbers to "out/ledger/<epoch>.jsonl", hidden until they are committed

typedef struct ledger {
  int64_t rows[COUNTED];
  uint64_t count;
  char json[64];
} ledger;

static int32_t write_ledger(void *state, struct ArrowArray *batch, volley_error *error) {
  ledger *self = state;
  if (self->count + (uint64_t)batch->length > COUNTED) return fail(error, VOLLEY_DOMAIN_USER, "there are too many rows");
  const int64_t *values = integers(batch->children[0]) + batch->offset;
  for (int64_t row = 0; row < batch->length; row++) self->rows[self->count++] = values[row];
  batch->release(batch);
  return VOLLEY_OK;
}

static int32_t save_ledger(ledger *self, const char *name, volley_error *error) {
  FILE *file = fopen(name, "w");
  int is_written = file != 0;
  for (uint64_t row = 0; is_written && row < self->count; row++)
    is_written = fprintf(file, "{\"n\": %lld}\n", (long long)self->rows[row]) > 0;
  if (file && (fflush(file) != 0 || fsync(fileno(file)) != 0)) is_written = 0;
  if (file) fclose(file);
  self->count = 0;
  return is_written ? VOLLEY_OK : fail(error, VOLLEY_DOMAIN_EXTERNAL, "the ledger cannot be written");
}

static int32_t prepare_ledger(void *state, uint64_t epoch, const char **json, uint64_t *length, volley_error *error) {
  ledger *self = state;
  char name[64];
  snprintf(name, sizeof name, "out/ledger/.%llu.jsonl", (unsigned long long)epoch);
  *length = (uint64_t)snprintf(self->json, sizeof self->json, self->count ? "[%llu]" : "[]", (unsigned long long)epoch);
  *json = self->json;
  return self->count ? save_ledger(self, name, error) : VOLLEY_OK;
}

// Whether an array of numbers has one.
static int is_listed(const char *json, uint64_t length, long long number) {
  for (const char *end = json + length; json < end; json++) {
    char *next = 0;
    if (*json >= '0' && *json <= '9' && strtoll(json, &next, 10) == number) return 1;
    if (next) json = next - 1;
  }
  return 0;
}

// Gives the hidden files their names that are of these epochs, and removes those that are of none of `all`, when it is there.
static int32_t show_ledger(const char *own, uint64_t own_length, const char *all, uint64_t all_length, volley_error *error) {
  DIR *folder = opendir("out/ledger");
  if (!folder) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "the ledger is not there");
  for (struct dirent *entry; (entry = readdir(folder));) {
    char hidden[320], shown[320];
    if (entry->d_name[0] != '.' || !strstr(entry->d_name, ".jsonl")) continue;
    const long long epoch = strtoll(entry->d_name + 1, 0, 10);
    snprintf(hidden, sizeof hidden, "out/ledger/%s", entry->d_name);
    snprintf(shown, sizeof shown, "out/ledger/%s", entry->d_name + 1);
    if (is_listed(own, own_length, epoch)) rename(hidden, shown);
    else if (all && !is_listed(all, all_length, epoch)) remove(hidden);
  }
  closedir(folder);
  return VOLLEY_OK;
}

static int32_t commit_ledger(void *state, const char *json, uint64_t length, volley_error *error) {
  (void)state;
  return show_ledger(json, length, 0, 0, error);
}

static int32_t recover_ledger(void *state, const char *own, uint64_t own_length, const char *all, uint64_t all_length,
                              volley_error *error) {
  (void)state;
  return show_ledger(own, own_length, all, all_length, error);
}

static int32_t finish_ledger(void *state, volley_error *error) {
  ledger *self = state;
  // With checkpoints all is of an epoch.
  return self->count ? save_ledger(self, "out/ledger/0.jsonl", error) : VOLLEY_OK;
}

static const volley_sink ledger_table = {
    VOLLEY_HEADER(volley_sink), open_nothing, close_nothing, destroy, write_ledger, flush_nothing, finish_ledger, prepare_ledger,
    commit_ledger, recover_ledger};

static int32_t create_end(uint32_t kind, volley_instance *made, volley_error *error) {
  made->self = kind == VOLLEY_KIND_SOURCE ? calloc(1, sizeof(counted)) : calloc(1, sizeof(ledger));
  if (!made->self) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "out of memory");
  if (kind == VOLLEY_KIND_SOURCE) {
    ((counted *)made->self)->next[1] = 1;
    made->table = &counted_table;
  } else {
    made->table = &ledger_table;
  }
  return VOLLEY_OK;
}
