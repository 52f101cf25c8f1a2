#include "CRocksMemory.h"

#include <memory>
#include <rocksdb/cache.h>
#include <rocksdb/options.h>
#include <rocksdb/write_buffer_manager.h>

// What the C interface's pointers point to, as RocksDB's db/c.cc has it since its first version.
struct CacheOfC {
  std::shared_ptr<rocksdb::Cache> rep;
};
struct OptionsOfC {
  rocksdb::Options rep;
};

using Buffers = std::shared_ptr<rocksdb::WriteBufferManager>;

void *rocks_write_buffers_make(size_t bytes, void *cache) {
  return new Buffers(new rocksdb::WriteBufferManager(bytes, static_cast<CacheOfC *>(cache)->rep));
}

void rocks_write_buffers_free(void *buffers) { delete static_cast<Buffers *>(buffers); }

size_t rocks_write_buffers_bytes(void *buffers) { return (*static_cast<Buffers *>(buffers))->memory_usage(); }

void rocks_options_use_write_buffers(void *options, void *buffers) {
  auto &rep = static_cast<OptionsOfC *>(options)->rep;
  rep.write_buffer_manager = *static_cast<Buffers *>(buffers);
  rep.avoid_flush_during_shutdown = true;
}
