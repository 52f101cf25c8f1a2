#define _GNU_SOURCE
#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>

int platform_affinity_count(void) {
  // The kernel refuses a mask that is smaller than its own.
  for (int cores = 1024; cores <= 1 << 20; cores *= 2) {
    cpu_set_t *mask = CPU_ALLOC(cores);
    if (!mask) return -1;
    size_t size = CPU_ALLOC_SIZE(cores);
    int status = sched_getaffinity(0, size, mask);
    int count = status == 0 ? CPU_COUNT_S(size, mask) : -1;
    int reason = errno;
    CPU_FREE(mask);
    errno = reason;
    if (status == 0 || errno != EINVAL) return count;
  }
  return -1;
}

int platform_exchange_paths(const char *left, const char *right) {
  return renameat2(AT_FDCWD, left, AT_FDCWD, right, RENAME_EXCHANGE);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)status, (void)kind, (void)place;
  return remove(path);
}

int platform_remove_tree(const char *path) { return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS); }
