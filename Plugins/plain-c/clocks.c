// A watermark assigner: a reading (at) was made when its meter says so, and comes at most ten seconds late.
#include "plain.h"

enum { LATENESS = 10000000 };

static int32_t assign(void *self, volley_watermark_call *call, volley_error *error) {
  (void)self;
  // The rows are not released here: so they stay the host's, who does that.
  if (refuse_nulls(call->rows, error) != VOLLEY_OK) return VOLLEY_FAILED;
  const int64_t *at = values_of(call->rows, 0);
  for (uint64_t row = 0; row < call->row_count; row++) {
    call->times[row] = at[row];
    if (at[row] - LATENESS > call->watermark) call->watermark = at[row] - LATENESS;
  }
  return VOLLEY_OK;
}

static int32_t advance(void *self, uint64_t split, int64_t processing_time, int64_t *watermark, volley_error *error) {
  // A meter that says nothing does not tell the time.
  (void)self, (void)split, (void)processing_time, (void)watermark, (void)error;
  return VOLLEY_OK;
}

static void end_split(void *self, uint64_t split) { (void)self, (void)split; }

static void destroy(void *self) { (void)self; }

static const volley_watermark_assigner table = VOLLEY_TABLE(
    volley_watermark_assigner, .open = nothing, .close = nothing, .destroy = destroy, .assign = assign, .advance = advance,
    .end_split = end_split);

int32_t make_clocks(const volley_host *host, volley_instance *instance, volley_error *error) {
  (void)host, (void)error;
  instance->self = NULL;
  instance->table = &table;
  return VOLLEY_OK;
}
