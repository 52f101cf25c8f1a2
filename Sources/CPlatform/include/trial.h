/// Code that may trap, tried in a child first. The child is a copy of the process with the calling thread only, and ends
/// with the try: what it does to memory is nobody's.
#ifndef VOLLEY_PLATFORM_TRIAL_H
#define VOLLEY_PLATFORM_TRIAL_H

#include <stdint.h>

/// `platform_trial.outcome`: it returned, it died, it had not returned in time and was killed, there was no child or it
/// was killed from outside, it stood still and was killed.
#define PLATFORM_TRIAL_LIVED 0u
#define PLATFORM_TRIAL_DIED 1u
#define PLATFORM_TRIAL_LATE 2u
#define PLATFORM_TRIAL_NONE 3u
#define PLATFORM_TRIAL_STILL 4u

/// What became of a try.
typedef struct platform_trial {
  /// One of `PLATFORM_TRIAL_…`.
  uint32_t outcome;
  /// Of a child that died: its signal; 0: a call of `exit`.
  int32_t signal;
  /// Without a child: errno; 0: it was killed or had no memory.
  int32_t reason;
  /// Of a child that died: the plugin call that it was in; empty when it was in none.
  char plugin[128];
  char function[128];
  char call[64];
  /// Of a child that died: the end of what it wrote to standard output and standard error, which nobody else sees.
  char told[1024];
} platform_trial;

/// Runs `body(argument)` in a copy of this process. From any thread, one after the other.
///
/// Locks that other threads hold at that moment stay held in the copy, so `body` may wait there for ever, and so it
/// does for threads, of which there are none: `PLATFORM_TRIAL_LATE` and `PLATFORM_TRIAL_STILL` prove nothing, and another copy,
/// made when the lock is free, may return.
///
/// `milliseconds` is how long the copy may take, `still_milliseconds` for how much of it in a row it may do nothing but wait.
void platform_try(
    void (*body)(void *argument), void *argument, int64_t milliseconds, int64_t still_milliseconds, platform_trial *trial);

#endif
