#ifndef SYNC_WATCH_H
#define SYNC_WATCH_H

/// Called with the path of what is to be synced, by the thread that syncs. Not 0: it was taken care of, and nothing is synced.
typedef int (*sync_watch_hook)(int descriptor, const char *path);

/// Asks the hook before every `fsync` of the whole test program.
void sync_watch_set(sync_watch_hook hook);

#endif
