/// Who was running when the process died. The worker notes in a thread-local word which plugin call a thread is in; a
/// signal handler copies that site into memory shared with the supervisor, which makes a sentence of it.
#ifndef VOLLEY_PLATFORM_CRASH_H
#define VOLLEY_PLATFORM_CRASH_H

#include <stddef.h>
#include <stdint.h>

/// A call into a plugin. The strings live as long as the process.
typedef struct platform_call_site {
  /// The plugin's name.
  const char *plugin;
  /// The function, connector or pipeline.
  const char *function;
  /// The slot: "call", "process", "plan", …
  const char *call;
} platform_call_site;

/// `platform_crash_report.ready`: nothing crashed, a thread is writing, the report is whole.
#define PLATFORM_CRASH_NONE 0u
#define PLATFORM_CRASH_WRITING 1u
#define PLATFORM_CRASH_WRITTEN 2u

/// `platform_crash_report.search`: nobody asked for it; calls are tried in a child first; they were, and are no longer; that
/// is of no use.
#define PLATFORM_SEARCH_NONE 0u
#define PLATFORM_SEARCH_RUNS 1u
#define PLATFORM_SEARCH_OVER 2u
#define PLATFORM_SEARCH_VAIN 3u

/// Memory that could not be had.
typedef struct platform_shortage {
  /// Bytes that were asked for; 0 when who asked did not say.
  uint64_t asked;
  /// What for ("a buffer"); empty when who asked did not say.
  char purpose[48];
  /// Bytes that the process held then, and bytes of addresses that it had.
  uint64_t resident;
  uint64_t mapped;
} platform_shortage;

/// What the supervisor reads after its worker ended. Lives in shared memory.
typedef struct platform_crash_report {
  /// One of `PLATFORM_CRASH_…`; written last.
  uint32_t ready;
  /// 0: a call of `exit`.
  int32_t signal;
  uint64_t address;
  /// Empty when the thread was in no plugin call and ran no plugin's code.
  char plugin[128];
  /// Empty when the thread was in no plugin call: then it is one of the plugin's own.
  char function[128];
  char call[64];
  /// 1: it ended because there was no memory, as `shortage` tells.
  uint32_t ran_short;
  platform_shortage shortage;
  /// 1: the worker ended by itself and has told why. 0: something else made it exit.
  uint32_t goodbye;
  /// 1: the job has started: rows may have been read and written.
  uint32_t started;
  /// Epochs that the worker completed.
  uint32_t epochs;
  /// The newest of them.
  uint64_t newest_epoch;
  /// What the supervisor asks for: calls of functions in which a worker before died are tried in a child first. Their names,
  /// "name\n" each, cut like `function`; written before the worker starts.
  char suspects[1024];
  uint32_t suspects_length;
  /// Complete epochs without such a death after which that ends.
  uint32_t patience;
  /// What the worker makes of it, one of `PLATFORM_SEARCH_…`.
  uint32_t search;
  /// Why the worker ended by itself; cut where there is no room. Empty when it ended well.
  char failure[1024];
  /// Bytes in `plugin_paths`.
  uint32_t plugin_paths_length;
  /// The plugins loaded, "name\tpath\n" each.
  char plugin_paths[7 * 1024];
} platform_crash_report;

extern _Thread_local const platform_call_site *platform_current_call_word;

/// The calling thread enters (or, with the value that this returned, leaves) a plugin call.
static inline const platform_call_site *platform_exchange_call(const platform_call_site *site) {
  const platform_call_site *former = platform_current_call_word;
  platform_current_call_word = site;
  return former;
}

/// Maps a report shared with children: returns its address, or NULL; `descriptor` receives a file descriptor that stays
/// open over exec. errno tells why.
platform_crash_report *platform_make_crash_report(int *descriptor);

/// Unmaps a report. Its address must not be used again.
void platform_drop_crash_report(platform_crash_report *report);

/// In the worker: maps the report behind `descriptor`, closes that, and installs handlers for SIGILL, SIGTRAP, SIGABRT,
/// SIGSEGV, SIGBUS and SIGFPE that fill the report in and die of the same signal, and one for a call of `exit`, which
/// is signal 0 there. Returns 0, or -1 with errno.
///
/// An abort or a trap of a thread whose errno is ENOMEM counts as a shortage of memory: the Swift runtime and C
/// programs abort when `malloc` gives them nothing.
int platform_install_crash_handlers(int descriptor);

/// In the worker: tells the supervisor where a plugin was loaded from. Does nothing without a report or when there is
/// no room left. One thread at a time.
void platform_note_plugin(const char *name, const char *path);

/// In the supervisor: where the worker loaded a plugin from; `path` receives it, cut to `capacity` bytes with its NUL,
/// empty when no plugin of that name was noted. After the worker's end.
void platform_noted_plugin(const platform_crash_report *report, const char *name, char *path, size_t capacity);

/// In the worker: the job starts now. Does nothing without a report.
void platform_note_start(void);

/// In the worker: an epoch is complete. Does nothing without a report. One thread at a time.
void platform_note_epoch(uint64_t epoch);

/// In the worker: the report that its supervisor shares, or NULL.
const platform_crash_report *platform_own_crash_report(void);

/// In the worker: what it makes of `suspects`. Does nothing without a report.
void platform_note_search(uint32_t search);

/// In a copy of the process: deaths are told there from now on.
void platform_use_crash_report(platform_crash_report *report);

/// In the worker: why it is about to exit on its own account; the first call counts. Does nothing without a report.
void platform_note_failure(const char *sentence);

/// In the worker: it is about to exit on its own account. Does nothing without a report.
void platform_say_goodbye(void);

/// Ends the process with `PLATFORM_EXIT_NO_MEMORY`, because `asked` bytes for `purpose` ("a buffer") could not be had
/// and the caller cannot do without. With a report the supervisor tells it; without one a sentence goes to standard
/// error here. Needs no memory.
_Noreturn void platform_end_without_memory(const char *purpose, uint64_t asked);

/// EX_OSERR of sysexits(3).
#define PLATFORM_EXIT_NO_MEMORY 71

/// Gives the calling thread an alternate signal stack, so that a stack overflow is reported too. Returns 0, or -1 with
/// errno. The stack is freed when the thread ends.
int platform_use_crash_stack(void);

#endif
