/// Who was running when the process died. The worker notes in a thread-local word which plugin call a thread is in; a
/// signal handler copies that site into memory shared with the supervisor, which makes a sentence of it.
#ifndef VOLLEY_PLATFORM_CRASH_H
#define VOLLEY_PLATFORM_CRASH_H

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

/// What the supervisor reads after its worker died of a signal. Lives in shared memory; `ready` is written last.
typedef struct platform_crash_report {
  uint32_t ready;
  int32_t signal;
  uint64_t address;
  /// Empty when the thread was in no plugin call.
  char plugin[128];
  char function[128];
  char call[64];
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

/// In the worker: maps the report behind `descriptor` and installs handlers for SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS
/// and SIGFPE that fill it in and die of the same signal. Returns 0, or -1 with errno.
int platform_install_crash_handlers(int descriptor);

/// Gives the calling thread an alternate signal stack, so that a stack overflow is reported too. Returns 0, or -1 with
/// errno. The stack is freed when the thread ends.
int platform_use_crash_stack(void);

#endif
