/// The Volley plugin boundary.
///
/// A plugin is a shared object that exports one symbol, `volley_plugin_root`, and carries one ELF note in the section
/// `.note.volley`. Host and plugin share this header and nothing else at run time: no Swift type, no C++ type and no
/// allocator crosses. The rules that hold for every declaration below:
///
/// - Every table, and every struct passed by pointer, begins with a `volley_header`. Its `size` is the size the *maker*
///   compiled with; a reader looks at a slot only after `VOLLEY_HAS` says that it is there.
/// - Tables only grow at their end. A slot is never reordered, retyped, reused or set to NULL in a later version.
/// - Every call that can fail returns an `int32_t` status (`VOLLEY_OK`, `VOLLEY_FAILED`); any other value is an internal
///   error and ends the task. Details go to the error struct, which the *caller* owns.
/// - Data crosses as Arrow C data interface structs that are *moved*: the receiver copies the struct and sets the
///   source's `release` to NULL. Whoever holds a struct with a release callback must call it exactly once.
///   A struct that a call moves but whose `release` is still set when the call returns has not been taken: it is the
///   caller's again, who releases it. What a plugin moved in it releases before its instance's `destroy` returns. What
///   it moved out is released later, on any thread, possibly after `destroy`; a struct that is moved out with `release`
///   NULL is a mistake that stops the job.
/// - Thread tags. `[task]`: one thread at a time per instance, not always the same one. `[control]`: one thread at a
///   time per plugin; `[task]` calls of instances may run beside it. `[any]`: any thread at any time.
/// - No pointer argument is NULL unless its declaration says so.
/// - Strings are UTF-8. A `const char *` ends in NUL; text with a length beside it need not.
#ifndef VOLLEY_H
#define VOLLEY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// MARK: Arrow C data interface (https://arrow.apache.org/docs/format/CDataInterface.html)

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
  const char *format;
  const char *name;
  const char *metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema **children;
  struct ArrowSchema *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void **buffers;
  struct ArrowArray **children;
  struct ArrowArray *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
};

#endif

// MARK: Versions

/// The major version. Host and plugin must have the same one.
#define VOLLEY_ABI_MAJOR 0
/// The minor version of this header. A host runs plugins that need its own minor or a lower one.
#define VOLLEY_ABI_MINOR 5
/// The lowest minor of this major that a host of this minor still runs plugins of. While the major is 0, a break raises
/// both minors; from 1 on this stays 0.
#define VOLLEY_ABI_OLDEST_MINOR 1
/// The lowest host minor that a plugin needs. Define it before the header to promise that the plugin asks with
/// `VOLLEY_HAS` before it uses what is newer.
#ifndef VOLLEY_HOST_MINOR_MIN
#define VOLLEY_HOST_MINOR_MIN VOLLEY_ABI_MINOR
#endif

/// First member of every table and of every struct passed by pointer.
typedef struct volley_header {
  /// `sizeof` of the whole struct, as its maker compiled it, in bytes.
  uint32_t size;
  uint16_t major;
  uint16_t minor;
} volley_header;

/// Initialises the header of a struct of type `type`.
#define VOLLEY_HEADER(type) {(uint32_t)sizeof(type), VOLLEY_ABI_MAJOR, VOLLEY_ABI_MINOR}

/// Whether the slot is there: the maker's size covers it and it is not NULL. Both sides ask before every first use.
#define VOLLEY_HAS(table, slot)                                                                               \
  ((table)->header.size >= offsetof(__typeof__(*(table)), slot) + sizeof((table)->slot) && (table)->slot != 0)

// MARK: The note

/// The magic at the start of the note's descriptor: "VLLY", little endian.
#define VOLLEY_NOTE_MAGIC 0x594C4C56u
/// The type of the ELF note.
#define VOLLEY_NOTE_TYPE 1u

/// The ELF note in the section `.note.volley`. The host reads it from the file before `dlopen`, so that nothing of an
/// unfit plugin runs. Layout: ELF note header (System V ABI, "Note Section"), owner "Volley", descriptor.
typedef struct volley_note {
  uint32_t name_size;
  uint32_t descriptor_size;
  uint32_t type;
  char name[8];
  uint32_t magic;
  uint16_t abi_major;
  /// The minor of the header that the plugin was compiled with.
  uint16_t abi_minor;
  /// The lowest host minor that can run the plugin.
  uint16_t host_minor_min;
  uint16_t reserved;
  /// Version of the SDK, NUL padded.
  char sdk_version[16];
  /// The compiler as it calls itself, NUL padded.
  char compiler[96];
} volley_note;

/// Defines the plugin's note. Use it once in a plugin; the Swift SDK does it for its users.
#define VOLLEY_DEFINE_NOTE(sdk_version_text, compiler_text)                                                   \
  __attribute__((section(".note.volley"), used, retain, aligned(4))) static const volley_note                 \
      volley_plugin_note = {7,                                                                                \
                            (uint32_t)(sizeof(volley_note) - offsetof(volley_note, magic)),                    \
                            VOLLEY_NOTE_TYPE,                                                                 \
                            "Volley",                                                                         \
                            VOLLEY_NOTE_MAGIC,                                                                \
                            VOLLEY_ABI_MAJOR,                                                                 \
                            VOLLEY_ABI_MINOR,                                                                 \
                            VOLLEY_HOST_MINOR_MIN,                                                            \
                            0,                                                                                \
                            sdk_version_text,                                                                 \
                            compiler_text}

// MARK: Status and errors

/// The call did what was asked.
#define VOLLEY_OK 0
/// The call failed; the error struct tells why.
///
/// Code that gets no memory and cannot fail its call aborts with errno ENOMEM, as the Swift runtime does by itself: the
/// host then tells of the shortage, and not of a plugin that is wrong.
#define VOLLEY_FAILED 1

/// The author's code or data is at fault.
#define VOLLEY_DOMAIN_USER 1u
/// Something outside is at fault: a broker, a disk, a network.
#define VOLLEY_DOMAIN_EXTERNAL 2u
/// Volley or the SDK is at fault.
#define VOLLEY_DOMAIN_INTERNAL 3u

/// Trying again will not help.
#define VOLLEY_RETRY_NEVER 0u
/// Trying again later may help.
#define VOLLEY_RETRY_LATER 1u

/// Where a failing call says why. The caller owns it and the message's memory.
typedef struct volley_error {
  volley_header header;
  /// Free for the callee; printed beside the message when it is not 0.
  int32_t code;
  /// One of `VOLLEY_DOMAIN_…`.
  uint32_t domain;
  /// One of `VOLLEY_RETRY_…`.
  uint32_t retry;
  /// Bytes of the message that were written. The callee sets it, at most `message_capacity`.
  uint32_t message_length;
  /// Bytes that `message` has room for. The caller sets it.
  uint32_t message_capacity;
  uint32_t reserved;
  /// The message, UTF-8, without NUL. The caller's memory.
  char *message;
} volley_error;

// MARK: What the host offers

typedef struct volley_host volley_host;

/// The host, as one instance sees it: the pointer given to `create` is valid until that instance's `destroy` returned.
struct volley_host {
  volley_header header;
  /// The host's own; a plugin hands it back by passing `host`.
  void *context;
  /// [any] The interface of that id and revision ("emit/1"), or NULL when this host lacks it. The table lives as long as
  /// the process.
  const void *(*interface)(const volley_host *host, const char *id);
};

/// `emit/1`: numbered outputs of a batch function, and of a keyed process function.
#define VOLLEY_INTERFACE_EMIT "emit/1"
typedef struct volley_emit {
  volley_header header;
  /// [task] Moves `batch` (a struct array of the output's columns) out of the plugin. Legal only inside `process`, `timers`
  /// and `flush` of the instance that `host` was given to. On failure the batch has been released all the same.
  /// What a keyed process function emits in a call that fails goes nowhere.
  int32_t (*emit)(const volley_host *host, uint32_t output, struct ArrowArray *batch, volley_error *error);
} volley_emit;

#define VOLLEY_LOG_DEBUG 0u
#define VOLLEY_LOG_INFO 1u
#define VOLLEY_LOG_WARNING 2u
#define VOLLEY_LOG_ERROR 3u

/// `log/1`: lines in the host's log, marked with plugin and uid.
#define VOLLEY_INTERFACE_LOG "log/1"
typedef struct volley_log {
  volley_header header;
  /// [any] Logs one event. `level` is one of `VOLLEY_LOG_…`.
  void (*log)(const volley_host *host, uint32_t level, const char *text, uint64_t length);
} volley_log;

/// `metrics/1`: counters of the author's own, reported with the instance's stage.
#define VOLLEY_INTERFACE_METRICS "metrics/1"
typedef struct volley_metrics {
  volley_header header;
  /// [any] Adds `delta` to the counter of that name; the first call makes it. At most 64 names an instance, of at most
  /// 128 bytes each: others are refused.
  int32_t (*add)(const volley_host *host, const char *name, uint64_t delta, volley_error *error);
} volley_metrics;

/// `parameters/1`: the values of the pipeline's parameters as they were when the plan was made.
#define VOLLEY_INTERFACE_PARAMETERS "parameters/1"
typedef struct volley_parameters {
  volley_header header;
  /// [any] The value's JSON text, or NULL when there is no parameter of that name. Valid until the instance's `destroy`.
  const char *(*value)(const volley_host *host, const char *name);
} volley_parameters;

/// `state.keyed/1`: what a keyed process function keeps of each key, for the keys of the call in progress. Since 0.3.
///
/// Legal only inside `process` and `timers` of the instance that `host` was given to, and on the thread of that call. A
/// state is named by its place in the plan's list, a key by its row in the call's `keys`. Each call sees what those before it
/// wrote. When the plugin's call fails, all that it wrote is undone.
///
/// All arrays are *lent*, in both directions: their `release` is not called, and nothing of them is moved. Those that the
/// plugin lends are read before the call returns. Those that the host lends are valid until the next call for the same
/// state, or the end of the plugin's call.
///
/// Values, items and entries are struct arrays of the columns that the plan declares for the state, none of whose rows is null as
/// a whole but where a declaration says so.
#define VOLLEY_INTERFACE_KEYED_STATE "state.keyed/1"
typedef struct volley_keyed_state {
  volley_header header;
  /// [task] Value, accumulator: lends the values of `count` keys; a row that is null as a whole says that the key has none.
  /// `keys` may be NULL: keys 0 to `count` - 1.
  int32_t (*read)(const volley_host *host, uint32_t state, const uint32_t *keys, uint64_t count,
                  const struct ArrowArray **values, volley_error *error);
  /// [task] Value, accumulator: row i of `values` becomes the value of key `keys[i]`. Of several for one key the last one counts.
  int32_t (*write)(const volley_host *host, uint32_t state, const uint32_t *keys, uint64_t count,
                   const struct ArrowArray *values, volley_error *error);
  /// [task] Any kind: removes the value, all items or all entries of keys.
  int32_t (*clear)(const volley_host *host, uint32_t state, const uint32_t *keys, uint64_t count, volley_error *error);
  /// [task] List: lends at most `limit` items of a key, from number `first` on, which counts from 0; fewer only at the end.
  int32_t (*list_read)(const volley_host *host, uint32_t state, uint32_t key, uint64_t first, uint64_t limit,
                       const struct ArrowArray **items, volley_error *error);
  /// [task] List: row i of `items` becomes the last item of key `keys[i]`.
  int32_t (*list_append)(const volley_host *host, uint32_t state, const uint32_t *keys, uint64_t count,
                         const struct ArrowArray *items, volley_error *error);
  /// [task] Map: lends the values of `count` entries; a row that is null as a whole says that there is no such entry. Row i of
  /// `map_keys`, a struct array of the one column, tells which entry of key `keys[i]`.
  int32_t (*map_get_many)(const volley_host *host, uint32_t state, const uint32_t *keys, uint64_t count,
                          const struct ArrowArray *map_keys, const struct ArrowArray **values, volley_error *error);
  /// [task] Map: row i of `values` becomes the value of that entry of key `keys[i]`.
  int32_t (*map_put)(const volley_host *host, uint32_t state, const uint32_t *keys, uint64_t count,
                     const struct ArrowArray *map_keys, const struct ArrowArray *values, volley_error *error);
  /// [task] Map: removes entries; those that are not there do no harm.
  int32_t (*map_remove)(const volley_host *host, uint32_t state, const uint32_t *keys, uint64_t count,
                        const struct ArrowArray *map_keys, volley_error *error);
  /// [task] Map: lends the next entries of a key, at most `limit`, in the order in which they were first put. `*cursor` is 0 for the
  /// first page and 0 again when no page follows. Entries may be put and removed between two pages of one call: those that were
  /// put may come or not.
  int32_t (*map_page)(const volley_host *host, uint32_t state, uint32_t key, uint64_t limit, uint64_t *cursor,
                      const struct ArrowArray **map_keys, const struct ArrowArray **values, volley_error *error);
} volley_keyed_state;

/// Event time: microseconds since 1970-01-01T00:00:00Z, driven by watermarks.
#define VOLLEY_CLOCK_EVENT 1u
/// Processing time: microseconds since 1970-01-01T00:00:00Z of the job's clock.
#define VOLLEY_CLOCK_PROCESSING 2u

/// `timers/1`: when a keyed process function wants to be called for a key. Legal where `state.keyed/1` is. Since 0.3.
///
/// A key has at most one timer for each time of a clock. Timers are set and removed when the plugin's call has succeeded, in the
/// order of these calls; when it fails, none is.
#define VOLLEY_INTERFACE_TIMERS "timers/1"
typedef struct volley_timers {
  volley_header header;
  /// [task] Sets a timer of key `keys[i]` for `times[i]`. One for a time that has come fires right after the call.
  int32_t (*set)(const volley_host *host, uint32_t clock, const uint32_t *keys, const int64_t *times, uint64_t count,
                 volley_error *error);
  /// [task] Removes timers; those that are not set do no harm.
  int32_t (*remove)(const volley_host *host, uint32_t clock, const uint32_t *keys, const int64_t *times, uint64_t count,
                    volley_error *error);
} volley_timers;

/// `async/1`: the answers of an asynchronous function. Since 0.4.
#define VOLLEY_INTERFACE_ASYNC "async/1"
typedef struct volley_async {
  volley_header header;
  /// [any] Answers what `start` was given with that token, once: `results`, a struct array of the output's columns, is moved to the
  /// host; NULL says that there is no row. With `failure`, which may be NULL, the rows have failed and the job ends. An answer to a
  /// token that was cancelled, or after `close`, is dropped. Not to be called once `destroy` has returned.
  int32_t (*complete)(const volley_host *host, uint64_t token, struct ArrowArray *results, const volley_error *failure,
                      volley_error *error);
} volley_async;

/// `clock/1`: processing time. Since 0.5.
#define VOLLEY_INTERFACE_CLOCK "clock/1"
typedef struct volley_clock {
  volley_header header;
  /// [any] Microseconds since 1970-01-01T00:00:00Z on the job's clock: the machine's, which may be set back, or the one that a
  /// run under test is given, by which two runs of the same data have the same times. Until `destroy`.
  int64_t (*now)(const volley_host *host);
} volley_clock;

/// `random/1`: random numbers that come again when a run goes on from an epoch. Since 0.5.
///
/// An instance's numbers follow from its uid, its subtask and the epoch that it has reached last: behind each barrier another
/// series begins. What a call that failed has taken is given again to the call that follows.
#define VOLLEY_INTERFACE_RANDOM "random/1"
typedef struct volley_random {
  volley_header header;
  /// [task] The next number: all 64 bits are random. Not for secrets: the series is SplitMix64.
  uint64_t (*next)(const volley_host *host);
} volley_random;

// MARK: Instances of user code

/// Kinds of user code; `create` is told which one the plan asks for.
#define VOLLEY_KIND_SCALAR_FUNCTION 1u
#define VOLLEY_KIND_BATCH_FUNCTION 2u
#define VOLLEY_KIND_SOURCE 3u
#define VOLLEY_KIND_SINK 4u
#define VOLLEY_KIND_CODEC 5u
/// Since 0.3.
#define VOLLEY_KIND_KEYED_PROCESS 6u
/// Since 0.4.
#define VOLLEY_KIND_AGGREGATE 7u
#define VOLLEY_KIND_WINDOW_FUNCTION 8u
#define VOLLEY_KIND_WATERMARK_ASSIGNER 9u
#define VOLLEY_KIND_ASYNC_FUNCTION 10u

/// What `create` is told about the place in the execution graph. Borrowed: all of it is valid until `create` returns.
typedef struct volley_context {
  volley_header header;
  /// The operator's uid, or a name made from its place in the plan.
  const char *uid;
  /// The function's id in the plan, or the name of the connector or codec.
  const char *function;
  /// Index of this subtask, from 0.
  uint32_t subtask;
  /// How many subtasks there are.
  uint32_t parallelism;
  /// One struct schema an input (scalar function: one, whose children are the arguments; source and codec: none).
  uint32_t input_count;
  /// One struct schema an output (scalar function: one, whose only child is the result; sink and codec: none).
  uint32_t output_count;
  const struct ArrowSchema *const *inputs;
  const struct ArrowSchema *const *outputs;
  /// JSON: the options of a connector or codec; an empty object for a function.
  const char *options;
  uint64_t options_length;
} volley_context;

/// An instance and its table.
typedef struct volley_instance {
  volley_header header;
  void *self;
  /// The table of the kind asked for: `volley_scalar_function`, `volley_batch_function`, `volley_source`, `volley_sink`,
  /// `volley_coder`, `volley_keyed_process`, `volley_aggregate`, `volley_window_function`, `volley_watermark_assigner`,
  /// `volley_async_function`.
  const void *table;
} volley_instance;

/// Columns to a column. Legal order: open, call…, close, destroy.
///
/// Of a scalar, batch, keyed process or asynchronous function: where the run sets records aside (`--quarantine`), a call with
/// rows that fails in the domain `VOLLEY_DOMAIN_USER` may be followed by calls with parts of those rows, until it is found
/// which of them fail alone; then the instance goes on without those. What was emitted, written and set in a call that fails
/// goes nowhere; what an instance keeps by itself must be as it was before such a call.
typedef struct volley_scalar_function {
  volley_header header;
  /// [task] Once, before the first call.
  int32_t (*open)(void *self, volley_error *error);
  /// [task] Once, after the last call; also after a failed one, `open` included.
  int32_t (*close)(void *self, volley_error *error);
  /// [task] Frees the instance, also one that was never opened. No call follows.
  void (*destroy)(void *self);
  /// [task] `arguments` is a struct array, one child an argument, moved to the plugin. `result` receives an array of the
  /// declared type with exactly `arguments->length` rows.
  int32_t (*call)(void *self, struct ArrowArray *arguments, struct ArrowArray *result, volley_error *error);
} volley_scalar_function;

/// Batch to batches, on numbered outputs through `emit/1`. Legal order: open, process…, flush, close, destroy.
typedef struct volley_batch_function {
  volley_header header;
  /// [task] Once, before the first call.
  int32_t (*open)(void *self, volley_error *error);
  /// [task] Once, after the last call; also after a failed one, `open` included.
  int32_t (*close)(void *self, volley_error *error);
  /// [task] Frees the instance, also one that was never opened. No call follows.
  void (*destroy)(void *self);
  /// [task] One batch of input `input`, a struct array of its columns, moved to the plugin.
  int32_t (*process)(void *self, uint32_t input, struct ArrowArray *batch, volley_error *error);
  /// [task] Once, at the end of all inputs: emits what was held back.
  int32_t (*flush)(void *self, volley_error *error);
} volley_batch_function;

/// The rows or timers of one call of a keyed process function, and their keys. The host makes it; it is valid until the call
/// returns. Since 0.3.
typedef struct volley_keyed_call {
  volley_header header;
  /// A struct array of the key's columns, each distinct key of the call once; moved to the plugin.
  struct ArrowArray *keys;
  /// Rows of `keys`.
  uint64_t key_count;
  /// A struct array of the function's columns, moved to the plugin. NULL where the call is about timers.
  struct ArrowArray *rows;
  /// Rows, or timers.
  uint64_t row_count;
  /// By row or timer: its key, as a row of `keys`.
  const uint32_t *row_keys;
  /// By row: its event time; NULL when the rows have none. By timer: the time that it was set for.
  const int64_t *times;
  /// No row before this event time follows, but for late ones: INT64_MIN before the first watermark, INT64_MAX at the end.
  int64_t watermark;
  /// The time on the job's clock, the same for the whole call.
  int64_t processing_time;
} volley_keyed_call;

/// Rows by key, with state (`state.keyed/1`), timers (`timers/1`) and numbered outputs (`emit/1`). Legal order: open, process and
/// timers…, flush, close, destroy. The place has two inputs: the function's columns, then the key's. Since 0.3.
typedef struct volley_keyed_process {
  volley_header header;
  /// [task] Once, before the first call.
  int32_t (*open)(void *self, volley_error *error);
  /// [task] Once, after the last call; also after a failed one, `open` included.
  int32_t (*close)(void *self, volley_error *error);
  /// [task] Frees the instance, also one that was never opened. No call follows.
  void (*destroy)(void *self);
  /// [task] One batch of rows, in the order in which they came.
  int32_t (*process)(void *self, const volley_keyed_call *call, volley_error *error);
  /// [task] Timers of one clock (`VOLLEY_CLOCK_…`) that have fired, by their times; at most one of a key. An event timer fires when
  /// the watermark has reached its time, and at the end of the input; those that are set for a later time while the end's fire
  /// are dropped, and so are processing-time timers at the end.
  int32_t (*timers)(void *self, uint32_t clock, const volley_keyed_call *call, volley_error *error);
  /// [task] Once, at the end of the input, when all timers have fired: emits what was held back.
  int32_t (*flush)(void *self, volley_error *error);
} volley_keyed_process;

/// An aggregate: rows go into accumulators, and accumulators come to results. The plugin keeps the accumulators, each in a slot of a
/// store; a store has those that come and go together, such as those of one window. The host numbers stores as it likes, and the
/// slots of each from 0. Legal order: open; the calls for stores, however many; close, destroy. Since 0.4.
///
/// The place has two inputs, the columns that rows have and those that accumulators have outside of the plugin, and one output of one
/// column, the result. `slots` has `count` slots that `grow` has made; one may come several times but where it says so.
typedef struct volley_aggregate {
  volley_header header;
  /// [task] Once, before the first call.
  int32_t (*open)(void *self, volley_error *error);
  /// [task] Once, after the last call; also after a failed one, `open` included.
  int32_t (*close)(void *self, volley_error *error);
  /// [task] Frees the instance, also one that was never opened. No call follows.
  void (*destroy)(void *self);
  /// [task] Makes slots up to `slot_count`, and the store when it is a new one. New slots have accumulators of no rows.
  int32_t (*grow)(void *self, uint32_t store, uint64_t slot_count, volley_error *error);
  /// [task] Row i of `rows`, a struct array that is moved to the plugin, goes into slot `slots[i]`.
  int32_t (*accumulate)(void *self, uint32_t store, const uint32_t *slots, uint64_t count, struct ArrowArray *rows,
                        volley_error *error);
  /// [task] The same; `results` receives the result of each row's slot right after that row.
  int32_t (*accumulate_running)(void *self, uint32_t store, const uint32_t *slots, uint64_t count,
                                struct ArrowArray *rows, struct ArrowArray *results, volley_error *error);
  /// [task] Row i of `accumulators`, a struct array that is moved to the plugin, is merged into slot `slots[i]`, whose rows come
  /// before. Into a slot of no rows it is as if it were put there.
  int32_t (*merge)(void *self, uint32_t store, const uint32_t *slots, uint64_t count, struct ArrowArray *accumulators,
                   volley_error *error);
  /// [task] `results` receives an array of the result's type, the results of the slots in this order. The slots go on.
  int32_t (*finish)(void *self, uint32_t store, const uint32_t *slots, uint64_t count, struct ArrowArray *results,
                    volley_error *error);
  /// [task] `accumulators` receives a struct array, the accumulators of the slots in this order. The slots go on.
  int32_t (*encode)(void *self, uint32_t store, const uint32_t *slots, uint64_t count, struct ArrowArray *accumulators,
                    volley_error *error);
  /// [task] Makes these slots, each of which comes once, accumulators of no rows again.
  int32_t (*reset)(void *self, uint32_t store, const uint32_t *slots, uint64_t count, volley_error *error);
  /// [task] Forgets the store and its slots.
  void (*drop)(void *self, uint32_t store);
  /// [task] Bytes of memory that the store holds.
  uint64_t (*memory)(void *self, uint32_t store);
} volley_aggregate;

/// The windows of one call of a window function, and their rows. The host makes it; it is valid until the call returns.
/// Since 0.4.
typedef struct volley_window_call {
  volley_header header;
  /// A struct array of the key's columns, one row a window, moved to the plugin. Of windows of all rows it has no columns.
  struct ArrowArray *keys;
  uint64_t window_count;
  /// By window: its start, and its end, which is not in it. NULL for windows of a number of rows.
  const int64_t *starts;
  const int64_t *ends;
  /// A struct array of the function's columns, moved to the plugin: the rows of the first window as they came, those of the
  /// second one, and so on.
  struct ArrowArray *rows;
  uint64_t row_count;
  /// By window: how many rows there are up to its last one.
  const uint64_t *row_ends;
  /// INT64_MIN before the first watermark, INT64_MAX at the end.
  int64_t watermark;
} volley_window_call;

/// All rows of a window at once, with numbered outputs (`emit/1`). Legal order: open, process…, flush, close, destroy. The place has
/// two inputs: the function's columns, then the key's. Since 0.4.
typedef struct volley_window_function {
  volley_header header;
  /// [task] Once, before the first call.
  int32_t (*open)(void *self, volley_error *error);
  /// [task] Once, after the last call; also after a failed one, `open` included.
  int32_t (*close)(void *self, volley_error *error);
  /// [task] Frees the instance, also one that was never opened. No call follows.
  void (*destroy)(void *self);
  /// [task] Windows that have closed, each with at least one row.
  int32_t (*process)(void *self, const volley_window_call *call, volley_error *error);
  /// [task] Once, at the end of the input, when all windows have closed: emits what was held back.
  int32_t (*flush)(void *self, volley_error *error);
} volley_window_function;

/// What a watermark assigner writes for a row that has no event time, or for no watermark.
#define VOLLEY_NO_TIME INT64_MIN

/// Rows, of one split, whose event times are wanted. The host makes it; it is valid until the call returns. Since 0.4.
typedef struct volley_watermark_call {
  volley_header header;
  /// A struct array of the function's columns, moved to the plugin.
  struct ArrowArray *rows;
  uint64_t row_count;
  /// The split of the source that the rows are of; 0 where the source does not tell.
  uint64_t split;
  /// The time on the job's clock.
  int64_t processing_time;
  /// The plugin writes the event time of each row, in microseconds, or `VOLLEY_NO_TIME`.
  int64_t *times;
  /// The plugin writes: no row of the split before this event time follows, but for late ones. It was set to
  /// `VOLLEY_NO_TIME`, which says nothing new.
  int64_t watermark;
} volley_watermark_call;

/// Event times of rows, and watermarks of splits. The stream's watermark is the least of its splits'. Legal order: open, assign and
/// advance…, close, destroy. The place has one input. Since 0.4.
typedef struct volley_watermark_assigner {
  volley_header header;
  /// [task] Once, before the first call.
  int32_t (*open)(void *self, volley_error *error);
  /// [task] Once, after the last call; also after a failed one, `open` included.
  int32_t (*close)(void *self, volley_error *error);
  /// [task] Frees the instance, also one that was never opened. No call follows.
  void (*destroy)(void *self);
  /// [task] Times of rows.
  int32_t (*assign)(void *self, volley_watermark_call *call, volley_error *error);
  /// [task] Called from time to time, with or without rows, for a split that has given rows: writes to `watermark` as `assign`
  /// does.
  int32_t (*advance)(void *self, uint64_t split, int64_t processing_time, int64_t *watermark, volley_error *error);
  /// [task] The split is not read any more.
  void (*end_split)(void *self, uint64_t split);
} volley_watermark_assigner;

/// Rows that are answered later, through `async/1`. Legal order: open, start and cancel…, close, destroy. The place has one input and
/// one output. Since 0.4.
typedef struct volley_async_function {
  volley_header header;
  /// [task] Once, before the first call.
  int32_t (*open)(void *self, volley_error *error);
  /// [task] Once, after the last call; also after a failed one, `open` included. Nobody waits for what still runs.
  int32_t (*close)(void *self, volley_error *error);
  /// [task] Frees the instance, also one that was never opened. No call follows, in either direction.
  void (*destroy)(void *self);
  /// [task] Begins with rows, a struct array of the input's columns that is moved to the plugin, and returns soon. The answer may come
  /// before it returns. The host bounds what is under way.
  int32_t (*start)(void *self, uint64_t token, struct ArrowArray *rows, volley_error *error);
  /// [task] Nobody waits for the token any more.
  void (*cancel)(void *self, uint64_t token);
} volley_async_function;

/// `read` gave a batch.
#define VOLLEY_READ_BATCH 1u
/// `read` gave nothing within its time; it is called again.
#define VOLLEY_READ_IDLE 2u
/// The source has ended; `read` is not called again.
#define VOLLEY_READ_END 3u

/// Rows from outside. It has a thread of its own and may block. Legal order: open, read…, close, destroy; `resume` before `open`,
/// `positions` between two reads and after the last one.
typedef struct volley_source {
  volley_header header;
  /// [task] Once, before the first call.
  int32_t (*open)(void *self, volley_error *error);
  /// [task] Once, after the last call; also after a failed one, `open` included.
  int32_t (*close)(void *self, volley_error *error);
  /// [task] Frees the instance, also one that was never opened. No call follows.
  void (*destroy)(void *self);
  /// [task] Waits at most `timeout_ns` for rows and gives at most `max_rows` of them. `outcome` receives one of
  /// `VOLLEY_READ_…`; `batch` is written for `VOLLEY_READ_BATCH` only.
  int32_t (*read)(void *self, uint64_t max_rows, uint64_t timeout_ns, struct ArrowArray *batch, uint32_t *outcome,
                  volley_error *error);
  /// [any] The job stops: a `read` in progress should return soon. Called at most once, after `open` returned and before
  /// `close` is called, possibly beside `read`.
  void (*stop)(void *self);
  /// [task] Writes to `json` how far the splits of this subtask are read, those that are done with included: all that `read` gave lies
  /// before that, and nothing else. An array of objects: `{"split": "a name that is unique in the source and the same after a restart",
  /// "position": what resume needs, any JSON}`, `length` bytes without NUL; the plugin's memory, valid until the next call of this
  /// instance. A split that was not begun may be left out.
  ///
  /// The slot may be absent or NULL, and `resume` with it: then a restart loses the rows since the last checkpoint. Since 0.5.
  int32_t (*positions)(void *self, const char **json, uint64_t *length, volley_error *error);
  /// [task] At most once, before `open`: the job goes on from a checkpoint. `json` is an array as `positions` gives it, of what all
  /// subtasks gave then, however many they were: each instance takes its share of the splits by the same rule. Borrowed. When it
  /// fails only `destroy` follows. Since 0.5.
  int32_t (*resume)(void *self, const char *json, uint64_t length, volley_error *error);
} volley_source;

/// Rows to the outside. It has a thread of its own and may block. Legal order: open, write and flush…, finish, close,
/// destroy; without `finish` when the job failed. With checkpoints `recover` comes before `open`, and `prepare` and `commit` between
/// open and finish.
typedef struct volley_sink {
  volley_header header;
  /// [task] Once, before the first call.
  int32_t (*open)(void *self, volley_error *error);
  /// [task] Once, after the last call; also after a failed one, `open` included.
  int32_t (*close)(void *self, volley_error *error);
  /// [task] Frees the instance, also one that was never opened. No call follows.
  void (*destroy)(void *self);
  /// [task] One batch, a struct array of the sink's columns, moved to the plugin.
  int32_t (*write)(void *self, struct ArrowArray *batch, volley_error *error);
  /// [task] What was written must be where it belongs when this returns. Called when the input pauses, and at its end.
  int32_t (*flush)(void *self, volley_error *error);
  /// [task] Once, at the end of a job that did not fail: what was written is complete. Where it is not called, nothing
  /// half-written may look whole.
  int32_t (*finish)(void *self, volley_error *error);
  /// [task] What was written since the last call, or since `open`, belongs to checkpoint `epoch`, which is above that of every call
  /// before: it must be durable when this returns, and nobody may see it. Writes to `json` an array of transactions, `length` bytes
  /// without NUL: any JSON that names what was written to whoever commits it, maybe another process; the plugin's memory, valid until
  /// the next call of this instance.
  ///
  /// The slot may be absent or NULL, and `commit` and `recover` with it: then rows show at once, and come again after a restart.
  /// Since 0.5.
  int32_t (*prepare)(void *self, uint64_t epoch, const char **json, uint64_t *length, volley_error *error);
  /// [task] The checkpoint of these transactions, an array, is complete: shows them, in this order. It may be done already, by this
  /// process or by an earlier one: then it does nothing. More may have been written and prepared in the meantime. Since 0.5.
  int32_t (*commit)(void *self, const char *json, uint64_t length, volley_error *error);
  /// [task] Once, before `open`, when checkpoints are taken: commits `own`, what the checkpoint that the job goes on from has for this
  /// subtask, and removes what no checkpoint has; `all` is what it has for all subtasks. Both are arrays of transactions, empty when
  /// the job begins anew. When it fails only `destroy` follows. Since 0.5.
  int32_t (*recover)(void *self, const char *own, uint64_t own_length, const char *all, uint64_t all_length,
                     volley_error *error);
} volley_sink;

/// What `begin` is told: the stream compresses.
#define VOLLEY_CODEC_COMPRESS 1u
/// What `begin` is told: the stream decompresses.
#define VOLLEY_CODEC_DECOMPRESS 2u

/// What one step of a stream has to work with, and what it did. The host makes it; all of it is valid until `step` returns.
typedef struct volley_codec_step {
  volley_header header;
  /// `input_size` bytes; NULL only when there are none.
  const void *input;
  uint64_t input_size;
  /// Room for `output_capacity` bytes, which is at least 1; nothing is written behind it.
  void *output;
  uint64_t output_capacity;
  /// 1 when no input follows these bytes, else 0.
  uint32_t is_last;
  /// The plugin writes 1 when the stream has ended, else leaves 0.
  uint32_t has_ended;
  /// The plugin writes how many bytes of the input it took, from the first one on.
  uint64_t input_used;
  /// The plugin writes how many bytes of output it gave.
  uint64_t output_used;
} volley_codec_step;

/// Bytes to bytes, compressed or decompressed; whole buffers, or a stream in steps. Legal order: open; compress, decompress,
/// bound and streams, one after the other, however many; close, destroy. A stream is `begin` and then `step`… to its end;
/// it may be left at any time. After a call that failed the instance is good for another whole buffer or stream.
///
/// What is decompressed may come from anybody: damaged input is a failure with `VOLLEY_DOMAIN_USER`, and memory that a call takes
/// of its own must not depend on what the input says, but for a fixed bound.
typedef struct volley_coder {
  volley_header header;
  /// [task] Once, before the first call.
  int32_t (*open)(void *self, volley_error *error);
  /// [task] Once, after the last call; also after a failed one, `open` included.
  int32_t (*close)(void *self, volley_error *error);
  /// [task] Frees the instance, also one that was never opened. No call follows.
  void (*destroy)(void *self);
  /// [task] Writes to `bound` how many bytes of output suffice to compress any `size` bytes of input, with `compress`.
  int32_t (*bound)(void *self, uint64_t size, uint64_t *bound, volley_error *error);
  /// [task] Compresses `input_size` bytes as one whole into at most `output_capacity` bytes, and writes to `output_size` how
  /// many it took. `input` is NULL only when there are none. Fails when there is no room for all of it.
  int32_t (*compress)(void *self, const void *input, uint64_t input_size, void *output, uint64_t output_capacity,
                      uint64_t *output_size, volley_error *error);
  /// [task] Decompresses `input_size` bytes, one whole or several in a row, in the same way. Fails when the input is damaged,
  /// ends early, or decompresses to more than `output_capacity` bytes, of which nothing is written behind the last.
  int32_t (*decompress)(void *self, const void *input, uint64_t input_size, void *output, uint64_t output_capacity,
                        uint64_t *output_size, volley_error *error);
  /// [task] Begins a stream of one whole; `direction` is `VOLLEY_CODEC_COMPRESS` or `VOLLEY_CODEC_DECOMPRESS`. A stream that was
  /// not at its end is forgotten.
  int32_t (*begin)(void *self, uint32_t direction, volley_error *error);
  /// [task] Takes input and gives output, as much of both as it can. It makes do with any amount of either: a step that has input,
  /// or was told `is_last`, takes some, gives some or ends. One that does none of these wants more input.
  ///
  /// Compressing, the stream ends when `is_last` was said, all input was taken and all output given. Decompressing, it ends
  /// where the whole ends, and takes nothing behind that, which may be the next one; it fails when `is_last` was said and
  /// the whole goes on behind the input. A stream that has ended takes no step.
  int32_t (*step)(void *self, volley_codec_step *step, volley_error *error);
} volley_coder;

// MARK: The root

/// A declared parameter of a pipeline, or option of a connector or codec.
typedef struct volley_parameter {
  volley_header header;
  const char *name;
  /// "string", "int", "double", "bool" or "duration".
  const char *type;
  /// JSON text of the default value ("null" when there is no value unless one is given), or NULL when one must be given.
  const char *default_value;
  /// May be NULL.
  const char *description;
} volley_parameter;

typedef struct volley_plan volley_plan;

/// A pipeline built with one set of parameters: its plan, and the user code that the plan names.
struct volley_plan {
  volley_header header;
  /// The plan, JSON, in the schema of `VolleyPlan`.
  const char *json;
  uint64_t json_length;
  /// The plugin's own.
  void *context;
  /// [control] Makes an instance of the user code that `place->function` names. `host` is valid until the instance's
  /// `destroy` returned. `instance->header` is the host's; the plugin writes `self` (which may be NULL) and `table`,
  /// which lives as long as the process. A failed call leaves nothing behind: `destroy` does not follow.
  int32_t (*create)(const volley_plan *plan, const volley_host *host, uint32_t kind, const volley_context *place,
                    volley_instance *instance, volley_error *error);
  /// [control] Frees the plan, after every instance was destroyed.
  void (*release)(volley_plan *plan);
};

typedef struct volley_pipeline volley_pipeline;

struct volley_pipeline {
  volley_header header;
  const char *name;
  const char *version;
  /// May be NULL.
  const char *description;
  /// [control] The parameter of that index, or NULL past the last one.
  const volley_parameter *(*parameter)(const volley_pipeline *pipeline, uint32_t index);
  /// [control] Builds the plan. `values` is a JSON object, parameter name to value; a name that is absent keeps its
  /// default. `plan->header` is the host's; the plugin writes the rest. A failed call leaves nothing behind: `release`
  /// does not follow.
  int32_t (*plan)(const volley_pipeline *pipeline, const char *values, uint64_t values_length, volley_plan *plan,
                  volley_error *error);
};

/// A connector's `kinds`: it can be a source.
#define VOLLEY_CONNECTOR_SOURCE 1u
/// A connector's `kinds`: it can be a sink.
#define VOLLEY_CONNECTOR_SINK 2u

typedef struct volley_connector volley_connector;

/// A source, a sink or both, for the pipelines of other plugins.
struct volley_connector {
  volley_header header;
  const char *name;
  const char *version;
  /// May be NULL.
  const char *description;
  /// `VOLLEY_CONNECTOR_…`, or-ed.
  uint32_t kinds;
  uint32_t reserved;
  /// [control] The option of that index, or NULL past the last one.
  const volley_parameter *(*option)(const volley_connector *connector, uint32_t index);
  /// [control] As `volley_plan.create`; `kind` is `VOLLEY_KIND_SOURCE` or `VOLLEY_KIND_SINK`.
  int32_t (*create)(const volley_connector *connector, const volley_host *host, uint32_t kind,
                    const volley_context *place, volley_instance *instance, volley_error *error);
};

/// A codec's `magic` has at most so many bytes.
#define VOLLEY_CODEC_MAGIC_LIMIT 16u
/// A codec's `arrow_id` when Arrow has no number for it.
#define VOLLEY_CODEC_NOT_IN_ARROW (-1)

typedef struct volley_codec volley_codec;

/// A way to compress, for files and for Arrow's buffers, whosever they are.
struct volley_codec {
  volley_header header;
  /// What options and messages call it: "gzip", "lz4_frame", "zstd".
  const char *name;
  const char *version;
  /// May be NULL.
  const char *description;
  /// How the names of files end that it wrote: ".gz". May be NULL.
  const char *suffix;
  /// The bytes that its output begins with, `magic_length` of them; NULL when there are none.
  const uint8_t *magic;
  uint32_t magic_length;
  /// Its number in Arrow's IPC metadata (`CompressionType` of format/Message.fbs: 0 is LZ4_FRAME, 1 is ZSTD), or
  /// `VOLLEY_CODEC_NOT_IN_ARROW`.
  int32_t arrow_id;
  /// [control] The option of that index, or NULL past the last one.
  const volley_parameter *(*option)(const volley_codec *codec, uint32_t index);
  /// [control] As `volley_plan.create`; `kind` is `VOLLEY_KIND_CODEC`.
  int32_t (*create)(const volley_codec *codec, const volley_host *host, uint32_t kind, const volley_context *place,
                    volley_instance *instance, volley_error *error);
};

/// What `volley_plugin_root` returns. It and all that it points to live as long as the process.
typedef struct volley_plugin {
  volley_header header;
  const char *name;
  const char *version;
  /// May be NULL.
  const char *description;
  /// [control] The pipeline of that index, or NULL past the last one.
  const volley_pipeline *(*pipeline)(uint32_t index);
  /// [control] The connector of that index, or NULL past the last one.
  const volley_connector *(*connector)(uint32_t index);
  /// [control] The codec of that index, or NULL past the last one. The slot may be absent or NULL: no codec. Since 0.2.
  const volley_codec *(*codec)(uint32_t index);
} volley_plugin;

/// The type of the exported symbol `volley_plugin_root`. [control]
typedef const volley_plugin *(*volley_plugin_root_function)(void);

// MARK: Layout

#ifdef __cplusplus
#define VOLLEY_ASSERT(condition, sentence) static_assert(condition, sentence)
#else
#define VOLLEY_ASSERT(condition, sentence) _Static_assert(condition, sentence)
#endif

VOLLEY_ASSERT(sizeof(void *) == 8, "the boundary is for 64-bit machines");
VOLLEY_ASSERT(sizeof(volley_header) == 8, "the header never changes");
VOLLEY_ASSERT(offsetof(volley_note, magic) == 20, "the note never changes");
VOLLEY_ASSERT(sizeof(volley_note) == 144, "the note never changes");
VOLLEY_ASSERT(offsetof(volley_error, message) == 32, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_host, interface) == 16, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_emit, emit) == 8, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_clock, now) == 8, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_random, next) == 8, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_log, log) == 8, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_metrics, add) == 8, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_parameters, value) == 8, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_context, options) == 56, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_context, options_length) == 64, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_instance, table) == 16, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_scalar_function, call) == 32, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_batch_function, process) == 32, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_batch_function, flush) == 40, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_keyed_state, map_page) == 72, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_timers, remove) == 16, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_keyed_call, processing_time) == 64, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_keyed_process, process) == 32, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_keyed_process, flush) == 48, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_aggregate, grow) == 32, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_aggregate, memory) == 96, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_window_call, watermark) == 64, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_window_function, flush) == 40, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_watermark_call, watermark) == 48, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_watermark_assigner, end_split) == 48, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_async, complete) == 8, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_async_function, cancel) == 40, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_source, read) == 32, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_source, stop) == 40, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_source, resume) == 56, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_sink, write) == 32, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_sink, flush) == 40, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_sink, finish) == 48, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_sink, recover) == 72, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_codec_step, is_last) == 40, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_codec_step, output_used) == 56, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_coder, compress) == 40, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_coder, step) == 64, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_parameter, description) == 32, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_plan, create) == 32, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_plan, release) == 40, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_pipeline, plan) == 40, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_connector, kinds) == 32, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_connector, create) == 48, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_codec, arrow_id) == 52, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_codec, create) == 64, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_plugin, connector) == 40, "slots keep their place");
VOLLEY_ASSERT(offsetof(volley_plugin, codec) == 48, "slots keep their place");

#undef VOLLEY_ASSERT

#ifdef __cplusplus
}
#endif

#endif
