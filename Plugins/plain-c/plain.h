// What the files of this plugin share.
#ifndef PLAIN_H
#define PLAIN_H

#include "volley.h"

/// Says why a call failed; gives the status to return.
int32_t fail(volley_error *error, uint32_t domain, const char *message);

/// For `open`, `close` and `flush` that have nothing to do.
int32_t nothing(void *self, volley_error *error);

/// The JSON text of a member of a flat object, `size` bytes from `*text` on; 0 when there is no such member.
int find_member(const char *object, size_t length, const char *name, const char **text, size_t *size);

// arrays.c: columns of eight bytes a value, int64, float64 or timestamps, none of which is null.

/// A struct array of such columns, to be moved to the host; -1 when there is no memory. Its `length` and that of its children may be
/// made smaller.
int make_batch(struct ArrowArray *batch, int64_t rows, uint32_t columns);
/// One such column that is no struct; NULL when there is no memory.
void *make_column(struct ArrowArray *column, int64_t rows);
/// The values of a column, of an array that is the plugin's or is lent: a struct's own offset counts for its children too.
void *values_of(const struct ArrowArray *batch, uint32_t column);
/// Fewer rows than the batch was made for.
void cut(struct ArrowArray *batch, int64_t rows);
/// Whether row `row` of a struct array is there as a whole.
int is_present(const struct ArrowArray *array, int64_t row);
/// Fails when one of the columns has nulls.
int32_t refuse_nulls(const struct ArrowArray *batch, volley_error *error);

/// A struct array of one column in the caller's memory, to be lent.
struct lent {
  struct ArrowArray array, child;
  struct ArrowArray *children[1];
  const void *buffers[1], *child_buffers[2];
};
const struct ArrowArray *lend(struct lent *memory, const int64_t *values, uint64_t count);

/// The source that other plugins' pipelines call 'ramp'.
extern const volley_connector ramp_connector;
/// The sink 'tally'.
extern const volley_connector tally_connector;
/// The codec 'runs'.
extern const volley_codec runs_codec;

/// The pipeline 'meters', and what its plan names: each makes an instance, or fails.
extern const volley_pipeline meters_pipeline;
typedef int32_t make_instance(const volley_host *host, volley_instance *instance, volley_error *error);
make_instance make_clocks, make_jumps, make_load, make_spread, make_tariff, make_charge, make_samples;

#endif
