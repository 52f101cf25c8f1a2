/// What a watcher of files has to know of one that `stat` does not tell.
#ifndef VOLLEY_PLATFORM_WATCHED_FILE_H
#define VOLLEY_PLATFORM_WATCHED_FILE_H

#include <stdint.h>

/// When the file behind `path` was made, in nanoseconds since 1970; 0 where the file system does not say. With its inode it tells a
/// file from a later one that was given the same inode.
int64_t platform_file_birth(const char *path);

/// Whether any process has the file behind `descriptor`, which is open for reading, open for writing: 1 or 0; -1 where the file
/// system, or the file's owner, does not let one know.
int platform_is_being_written(int descriptor);

#endif
