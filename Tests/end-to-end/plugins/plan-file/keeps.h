// 'keep': a keyed process function of a key of int64 over rows of one column of int64, an amount. It keeps of each key a value, the sum
// of its amounts; a list, the amounts; a map, by the remainder by 4 how many amounts there were. Of each row it emits (key, sum, sum
// of the list, sum of the map).
enum { KEPT_SUM, KEPT_LIST, KEPT_MAP };
enum { KEPT_COLUMNS = 4, KEPT_PAGE = 256 };

typedef struct keep {
  const volley_host *host;
  const volley_emit *emit;
  const volley_keyed_state *state;
} keep;

static const int64_t *kept_numbers(const struct ArrowArray *rows, int64_t column) {
  return (const int64_t *)rows->children[column]->buffers[1] + rows->offset + rows->children[column]->offset;
}

static int is_kept(const struct ArrowArray *values) {
  const uint8_t *valid = values->buffers[0];
  return valid == NULL || (valid[values->offset / 8] >> (values->offset % 8) & 1);
}

// One number as a struct array, lent.
typedef struct kept_number {
  struct ArrowArray array, column, *children[1];
  const void *buffers[1], *column_buffers[2];
} kept_number;

static const struct ArrowArray *lend_number(kept_number *memory, const int64_t *number) {
  memory->buffers[0] = NULL;
  memory->column_buffers[0] = NULL;
  memory->column_buffers[1] = number;
  memory->column = (struct ArrowArray){.length = 1, .n_buffers = 2, .buffers = memory->column_buffers};
  memory->children[0] = &memory->column;
  memory->array = (struct ArrowArray){
      .length = 1, .n_buffers = 1, .n_children = 1, .buffers = memory->buffers, .children = memory->children};
  return &memory->array;
}

static int32_t sum_list(keep *self, uint32_t key, int64_t *sum, volley_error *error) {
  const struct ArrowArray *items;
  uint64_t first = 0;
  *sum = 0;
  do {
    if (self->state->list_read(self->host, KEPT_LIST, key, first, KEPT_PAGE, &items, error) != VOLLEY_OK) return VOLLEY_FAILED;
    for (int64_t item = 0; item < items->length; item++) *sum += kept_numbers(items, 0)[item];
    first += KEPT_PAGE;
  } while (items->length == KEPT_PAGE);
  return VOLLEY_OK;
}

static int32_t sum_map(keep *self, uint32_t key, int64_t *sum, volley_error *error) {
  const struct ArrowArray *names, *counts;
  uint64_t cursor = 0;
  *sum = 0;
  do {
    if (self->state->map_page(self->host, KEPT_MAP, key, KEPT_PAGE, &cursor, &names, &counts, error) != VOLLEY_OK) {
      return VOLLEY_FAILED;
    }
    for (int64_t entry = 0; entry < counts->length; entry++) *sum += kept_numbers(counts, 0)[entry];
  } while (cursor != 0);
  return VOLLEY_OK;
}

/// Keeps an amount; gives the three sums.
static int32_t keep_amount(keep *self, uint32_t key, int64_t amount, int64_t *sums, volley_error *error) {
  const struct ArrowArray *former;
  kept_number value, item, name, count;
  if (self->state->read(self->host, KEPT_SUM, &key, 1, &former, error) != VOLLEY_OK) return VOLLEY_FAILED;
  sums[0] = (is_kept(former) ? kept_numbers(former, 0)[0] : 0) + amount;
  if (self->state->write(self->host, KEPT_SUM, &key, 1, lend_number(&value, &sums[0]), error) != VOLLEY_OK ||
      self->state->list_append(self->host, KEPT_LIST, &key, 1, lend_number(&item, &amount), error) != VOLLEY_OK) {
    return VOLLEY_FAILED;
  }
  int64_t remainder = amount % 4;
  lend_number(&name, &remainder);
  if (self->state->map_get_many(self->host, KEPT_MAP, &key, 1, &name.array, &former, error) != VOLLEY_OK) return VOLLEY_FAILED;
  int64_t counted = 1 + (is_kept(former) ? kept_numbers(former, 0)[0] : 0);
  if (self->state->map_put(self->host, KEPT_MAP, &key, 1, &name.array, lend_number(&count, &counted), error) != VOLLEY_OK ||
      sum_list(self, key, &sums[1], error) != VOLLEY_OK) {
    return VOLLEY_FAILED;
  }
  return sum_map(self, key, &sums[2], error);
}

// A batch that is emitted, its columns behind it in one block.
typedef struct kept_batch {
  struct ArrowArray columns[KEPT_COLUMNS], *children[KEPT_COLUMNS];
  const void *buffers[1], *column_buffers[KEPT_COLUMNS][2];
  int64_t values[];
} kept_batch;

static void release_kept_column(struct ArrowArray *array) { array->release = NULL; }

static void release_kept_batch(struct ArrowArray *array) {
  for (int64_t column = 0; column < array->n_children; column++) {
    if (array->children[column]->release != NULL) array->children[column]->release(array->children[column]);
  }
  free(array->private_data);
  array->release = NULL;
}

static int32_t process_keep(void *state, const volley_keyed_call *call, volley_error *error) {
  keep *self = state;
  size_t rows = call->row_count;
  kept_batch *batch = malloc(sizeof *batch + KEPT_COLUMNS * rows * sizeof *batch->values);
  if (batch == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for rows");
  batch->buffers[0] = NULL;
  for (int column = 0; column < KEPT_COLUMNS; column++) {
    batch->column_buffers[column][0] = NULL;
    batch->column_buffers[column][1] = batch->values + (size_t)column * rows;
    batch->columns[column] = (struct ArrowArray){
        .length = (int64_t)rows, .n_buffers = 2, .buffers = batch->column_buffers[column], .release = release_kept_column};
    batch->children[column] = &batch->columns[column];
  }
  struct ArrowArray array = {
      .length = (int64_t)rows, .n_buffers = 1, .n_children = KEPT_COLUMNS, .buffers = batch->buffers,
      .children = batch->children, .release = release_kept_batch, .private_data = batch};
  for (size_t row = 0; row < rows; row++) {
    int64_t sums[3];
    if (keep_amount(self, call->row_keys[row], kept_numbers(call->rows, 0)[row], sums, error) != VOLLEY_OK) {
      return release_kept_batch(&array), VOLLEY_FAILED;
    }
    batch->values[row] = kept_numbers(call->keys, 0)[call->row_keys[row]];
    for (size_t sum = 0; sum < 3; sum++) batch->values[(sum + 1) * rows + row] = sums[sum];
  }
  return self->emit->emit(self->host, 0, &array, error);
}

static int32_t fire_keep(void *state, uint32_t clock, const volley_keyed_call *call, volley_error *error) {
  (void)state, (void)clock, (void)call, (void)error;
  return VOLLEY_OK;
}

static const volley_keyed_process keep_table = {
    VOLLEY_HEADER(volley_keyed_process), nothing, nothing, free, process_keep, fire_keep, nothing};

static int32_t make_keep(const volley_host *host, volley_instance *instance, volley_error *error) {
  keep *self = calloc(1, sizeof *self);
  if (self == NULL) return fail(error, VOLLEY_DOMAIN_EXTERNAL, "there is no memory for the function");
  *self = (keep){host, host->interface(host, VOLLEY_INTERFACE_EMIT), host->interface(host, VOLLEY_INTERFACE_KEYED_STATE)};
  instance->self = self;
  instance->table = &keep_table;
  return VOLLEY_OK;
}
