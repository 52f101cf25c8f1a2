/// What Swift cannot say on Linux: thread-local words, prefetch, masks of byte blocks, crash sites, spawning with a
/// parent-death signal.
#ifndef VOLLEY_PLATFORM_H
#define VOLLEY_PLATFORM_H

#include "byte_blocks.h"
#include "code_owner.h"
#include "crash.h"
#include "linux.h"
#include "loaded_library.h"
#include "spawn_child.h"
#include "thread_local.h"
#include "thread_name.h"
#include "watched_file.h"

/// Asks the cache for the line at `address`, to be read or written soon. Never faults.
static inline void platform_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

#endif
