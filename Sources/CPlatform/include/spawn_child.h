#ifndef VOLLEY_PLATFORM_SPAWN_CHILD_H
#define VOLLEY_PLATFORM_SPAWN_CHILD_H

#include <sys/types.h>

/// Starts `path` in a process of its own that is killed when the calling thread ends (PR_SET_PDEATHSIG before exec; the
/// child checks its parent after it with `platform_parent_is`).
///
/// The signal mask is inherited, so that a signal sent before the child is ready waits for it; ignored signals stay
/// ignored (nohup). The caller has no signal handlers. Returns the pid, or -1 with errno, also when exec failed.
pid_t platform_spawn_child(const char *path, char *const arguments[], char *const environment[]);

/// Whether the parent is still the process that spawned this one.
int platform_parent_is(pid_t expected);

/// Whether this process ignores a signal, as a program started by nohup does SIGHUP.
int platform_ignores_signal(int signal_number);

#endif
