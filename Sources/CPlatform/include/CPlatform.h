/// What Swift cannot say on Linux: thread-local words, prefetch, masks of byte blocks, crash sites, spawning with a
/// parent-death signal.
#ifndef VOLLEY_PLATFORM_H
#define VOLLEY_PLATFORM_H

#include <stdbool.h>

#include "byte_blocks.h"
#include "code_owner.h"
#include "crash.h"
#include "linux.h"
#include "loaded_library.h"
#include "readiness.h"
#include "spawn_child.h"
#include "thread_local.h"
#include "thread_name.h"
#include "trial.h"
#include "watched_file.h"

/// Asks for the line at `address` of memory that is larger than the caches, to be read or written soon: for the second cache. Never faults.
///
/// More of its misses are under way at a time than of the first one's: in a row of random lines of much memory one costs 7.5 ns against
/// 10.4.
static inline void platform_prefetch(const void *address) { __builtin_prefetch(address, 0, 2); }

/// The same for memory that may fit the second cache, and then is asked for into the first one.
static inline void platform_prefetch_of(const void *address, bool isLarge) {
  if (isLarge) {
    __builtin_prefetch(address, 0, 2);
  } else {
    __builtin_prefetch(address, 1, 3);
  }
}

#endif
