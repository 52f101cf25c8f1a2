/// The SDK's files, carried inside the host so that `volley-host new` needs no checkout.
#ifndef VOLLEY_SDK_ARCHIVE_H
#define VOLLEY_SDK_ARCHIVE_H

#include <stddef.h>

/// One file.
typedef struct sdk_archive_file {
  /// Relative to `sdk/`.
  const char *path;
  /// Not 0: a script.
  int executable;
  /// Immortal, `size` bytes with a NUL behind them.
  const unsigned char *bytes;
  size_t size;
} sdk_archive_file;

/// The files in the order of their paths.
extern const sdk_archive_file *const sdk_archive_files;
extern const size_t sdk_archive_count;

#endif
