// The batch function 'pace-N': it hands on each batch as it is, and lets N rows a second through in each subtask, so that a job
// of few rows is long enough to be killed, stopped and looked at. It counts them in the counter 'let "through"'.
typedef struct pace {
  const volley_host *host;
  const volley_emit *emit;
  const volley_metrics *metrics;
  double rows_per_second;
  /// When the rows so far may be through.
  struct timespec due;
} pace;

static int32_t process_pace(void *state, uint32_t input, struct ArrowArray *batch, volley_error *error) {
  (void)input;
  pace *self = state;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  // Time that passed without rows is no credit.
  if (now.tv_sec > self->due.tv_sec || (now.tv_sec == self->due.tv_sec && now.tv_nsec > self->due.tv_nsec)) self->due = now;
  int64_t wait = (int64_t)((double)batch->length / self->rows_per_second * 1e9) + self->due.tv_nsec;
  self->due.tv_sec += wait / 1000000000;
  self->due.tv_nsec = wait % 1000000000;
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &self->due, NULL) == EINTR) continue;
  if (self->metrics->add(self->host, "let \"through\"", (uint64_t)batch->length, error) != VOLLEY_OK) return VOLLEY_FAILED;
  return self->emit->emit(self->host, 0, batch, error);
}

static const volley_batch_function pace_table = {
    VOLLEY_HEADER(volley_batch_function), nothing, nothing, free, process_pace, nothing};

static int is_pace(const char *function) { return strncmp(function, "pace-", 5) == 0 && atof(function + 5) > 0; }

static int32_t make_pace(const char *function, const volley_host *host, volley_instance *instance, volley_error *error) {
  pace *self = malloc(sizeof *self);
  if (self == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for the function");
  *self = (pace){
      host, host->interface(host, VOLLEY_INTERFACE_EMIT), host->interface(host, VOLLEY_INTERFACE_METRICS), atof(function + 5), {0, 0}};
  instance->self = self;
  instance->table = &pace_table;
  return VOLLEY_OK;
}
