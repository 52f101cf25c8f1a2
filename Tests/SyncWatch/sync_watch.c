#define _GNU_SOURCE
#include "sync_watch.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic(sync_watch_hook) current;

void sync_watch_set(sync_watch_hook hook) { atomic_store(&current, hook); }

// Stands before the C library's in the test program, whose rooms are linked into it.
int fsync(int descriptor) {
  sync_watch_hook hook = atomic_load(&current);
  if (hook != NULL) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length > 0) {
      path[length] = 0;
      if (hook(descriptor, path) != 0) return 0;
    }
  }
  return (int)syscall(SYS_fsync, descriptor);
}
