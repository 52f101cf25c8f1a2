#ifndef VOLLEY_PLATFORM_SPAWN_CHILD_H
#define VOLLEY_PLATFORM_SPAWN_CHILD_H

#include <sys/types.h>

/// Starts `path` in a process of its own that is killed when the calling thread ends (PR_SET_PDEATHSIG before exec; the
/// child checks its parent after it with `platform_parent_is`). Signals are unblocked and reset to their defaults.
/// Returns the pid, or -1 with errno, also when exec failed.
pid_t platform_spawn_child(const char *path, char *const arguments[], char *const environment[]);

/// Whether the parent is still the process that spawned this one.
int platform_parent_is(pid_t expected);

#endif
