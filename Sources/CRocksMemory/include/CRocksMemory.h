/// What RocksDB's C interface lacks: one bound for the write buffers of all databases, taken out of the cache that they share; and
/// files of many entries, written in one call.
///
/// Pointers are those of the C interface. Safe from any thread, but for options and writers that somebody else is using.
#ifndef VOLLEY_ROCKS_MEMORY_H
#define VOLLEY_ROCKS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A bound of so many bytes for the write buffers of all databases whose options name it; what they take is taken out of the
/// cache, a `rocksdb_cache_t`. Freed with `rocks_write_buffers_free`, also while databases use it.
void *rocks_write_buffers_make(size_t bytes, void *cache);
void rocks_write_buffers_free(void *buffers);

/// Bytes that they take now.
size_t rocks_write_buffers_bytes(void *buffers);

/// Makes options, a `rocksdb_options_t`, name the bound. What is in memory when a database is closed is not written: it is in no
/// checkpoint.
void rocks_options_use_write_buffers(void *options, void *buffers);

/// An entry's key and value; without a value (null) the key is removed. The memory is the caller's.
typedef struct rocks_entry {
  const void *key;
  const void *value;
  uint32_t key_bytes;
  uint32_t value_bytes;
} rocks_entry;

/// Where an entry comes in the order of keys: the first sixteen bytes of its key, most significant first, and which entry it is.
typedef struct rocks_place {
  uint64_t high;
  uint64_t low;
  uint64_t entry;
} rocks_place;

/// A writer of files that a database takes in whole, a `rocksdb_sstfilewriter_t`, with a `rocksdb_options_t`. What it has written
/// stays in the system's memory: it is read again at once. Freed with `rocksdb_sstfilewriter_destroy`.
void *rocks_writer_make(void *options);

/// Puts entries into the writer's file, in the order of `places[first ..< end]`, which is that of their keys, ascending; of entries
/// with one key, which follow each other up to `end`, the last one. It stops behind about `limit` bytes.
///
/// Returns the place that comes next: `end` when all were put. After a failure `*error` is a text to be freed by `rocksdb_free`.
size_t rocks_writer_put(void *writer, const rocks_entry *entries, const rocks_place *places, size_t first, size_t end,
                        size_t limit, char **error);

#ifdef __cplusplus
}
#endif

#endif
