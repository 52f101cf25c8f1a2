/// Where a library of this process came from.
#ifndef VOLLEY_PLATFORM_LOADED_LIBRARY_H
#define VOLLEY_PLATFORM_LOADED_LIBRARY_H

#include <stddef.h>

/// Writes the path of the loaded library of that name (its soname or path), NUL terminated, to `path` and returns 1; returns
/// 0 when the process holds no such library, or when its path is longer than `capacity`. Loads nothing, runs no code of it.
int platform_loaded_library(const char *name, char *path, size_t capacity);

#endif
