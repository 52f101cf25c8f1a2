// An asynchronous function: the price of a kilowatt-hour is asked for at the time of each reading (meter, at, watts), in a thread of its
// own. A real one asks a service.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"

/// Rows that wait for their prices.
struct question {
  struct question *next;
  uint64_t token;
  struct ArrowArray rows;
};

struct tariff {
  const volley_host *host;
  const volley_async *async;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t change;
  /// Under the lock: in the order in which they came.
  struct question *first, **last;
  int is_closing;
  /// The plugin's own.
  int has_thread;
};

static void answer(struct tariff *self, struct question *question) {
  static const int64_t hour = 3600000000;
  char text[64] = "there is no memory for prices";
  volley_error failure = {.header = VOLLEY_HEADER(volley_error), .message_capacity = sizeof text, .message = text};
  struct ArrowArray *rows = &question->rows, priced;
  int32_t status = refuse_nulls(rows, &failure);
  if (status == VOLLEY_OK && make_batch(&priced, rows->length, 4) != 0) {
    status = fail(&failure, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for prices");
  }
  volley_error refusal = {.header = VOLLEY_HEADER(volley_error)};
  if (status != VOLLEY_OK) {
    self->async->complete(self->host, question->token, NULL, &failure, &refusal);
  } else {
    for (uint32_t column = 0; column < 3; column++) {
      memcpy(values_of(&priced, column), values_of(rows, column), (size_t)rows->length * 8);
    }
    const int64_t *at = values_of(rows, 1);
    int64_t *prices = values_of(&priced, 3);
    for (int64_t row = 0; row < rows->length; row++) {
      const int64_t time = at[row] / hour % 24;
      prices[row] = 6 <= time && time < 22 ? 310 : 240;
    }
    // A refusal has nobody to be told to: the host knows it.
    self->async->complete(self->host, question->token, &priced, NULL, &refusal);
    if (priced.release != NULL) priced.release(&priced);
  }
  rows->release(rows);
  free(question);
}

static void *answer_all(void *state) {
  struct tariff *self = state;
  pthread_mutex_lock(&self->lock);
  for (;;) {
    while (self->first == NULL && !self->is_closing) pthread_cond_wait(&self->change, &self->lock);
    struct question *question = self->first;
    if (question == NULL) break;
    self->first = question->next;
    if (self->first == NULL) self->last = &self->first;
    pthread_mutex_unlock(&self->lock);
    answer(self, question);
    pthread_mutex_lock(&self->lock);
  }
  pthread_mutex_unlock(&self->lock);
  return NULL;
}

static int32_t open_tariff(void *state, volley_error *error) {
  struct tariff *self = state;
  if (pthread_create(&self->thread, NULL, answer_all, self) != 0) {
    return fail(error, VOLLEY_DOMAIN_EXTERNAL, "a thread cannot be started");
  }
  self->has_thread = 1;
  return VOLLEY_OK;
}

/// Takes out a question, or all of them.
static void forget(struct tariff *self, int all, uint64_t token) {
  pthread_mutex_lock(&self->lock);
  struct question **link = &self->first;
  while (*link != NULL) {
    struct question *question = *link;
    if (!all && question->token != token) {
      link = &question->next;
      continue;
    }
    *link = question->next;
    question->rows.release(&question->rows);
    free(question);
  }
  self->last = link;
  pthread_mutex_unlock(&self->lock);
}

static int32_t close_tariff(void *state, volley_error *error) {
  (void)error;
  struct tariff *self = state;
  if (!self->has_thread) return VOLLEY_OK;
  forget(self, 1, 0);
  pthread_mutex_lock(&self->lock);
  self->is_closing = 1;
  pthread_cond_signal(&self->change);
  pthread_mutex_unlock(&self->lock);
  pthread_join(self->thread, NULL);
  self->has_thread = 0;
  return VOLLEY_OK;
}

static void destroy(void *state) {
  struct tariff *self = state;
  pthread_cond_destroy(&self->change);
  pthread_mutex_destroy(&self->lock);
  free(self);
}

static int32_t start(void *state, uint64_t token, struct ArrowArray *rows, volley_error *error) {
  struct tariff *self = state;
  struct question *question = malloc(sizeof *question);
  if (question == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for a question");
  *question = (struct question){.token = token, .rows = *rows};
  // Moved: it is this plugin's now.
  rows->release = NULL;
  pthread_mutex_lock(&self->lock);
  *self->last = question;
  self->last = &question->next;
  pthread_cond_signal(&self->change);
  pthread_mutex_unlock(&self->lock);
  return VOLLEY_OK;
}

static void cancel(void *state, uint64_t token) { forget(state, 0, token); }

static const volley_async_function table = VOLLEY_TABLE(
    volley_async_function, .open = open_tariff, .close = close_tariff, .destroy = destroy, .start = start, .cancel = cancel);

int32_t make_tariff(const volley_host *host, volley_instance *instance, volley_error *error) {
  const volley_async *async = host->interface(host, VOLLEY_INTERFACE_ASYNC);
  if (async == NULL || !VOLLEY_HAS(async, complete)) {
    return fail(error, VOLLEY_DOMAIN_USER, "this host lacks async/1: use a newer host");
  }
  struct tariff *self = calloc(1, sizeof *self);
  if (self == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for a function");
  self->host = host;
  self->async = async;
  self->last = &self->first;
  pthread_mutex_init(&self->lock, NULL);
  pthread_cond_init(&self->change, NULL);
  instance->self = self;
  instance->table = &table;
  return VOLLEY_OK;
}
