#include "CRocksMemory.h"

#include <cstring>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/sst_file_writer.h>

// As in memory.cpp: what RocksDB's db/c.cc has.
struct FileOptionsOfC {
  rocksdb::Options rep;
};
struct WriterOfC {
  rocksdb::SstFileWriter *rep;
};

void *rocks_writer_make(void *options) {
  const auto &rep = static_cast<FileOptionsOfC *>(options)->rep;
  auto *writer = new WriterOfC;
  writer->rep = new rocksdb::SstFileWriter(rocksdb::EnvOptions(rep), rep, nullptr, false);
  return writer;
}

namespace {

// Keys and values lie in the order in which they were told, which has nothing to do with that of the keys: without asking for them
// ahead, each entry waits three times for memory.
constexpr size_t entriesAhead = 32;
constexpr size_t bytesAhead = 16;

inline void fetch(const rocks_entry *entries, const rocks_place *places, size_t place, size_t end) {
  if (place + entriesAhead < end) __builtin_prefetch(entries + places[place + entriesAhead].entry);
  if (place + bytesAhead < end) {
    const rocks_entry &next = entries[places[place + bytesAhead].entry];
    __builtin_prefetch(next.key);
    if (next.value) __builtin_prefetch(next.value);
  }
}

inline bool hasKeyOf(const rocks_entry &left, const rocks_entry &right) {
  return left.key_bytes == right.key_bytes && std::memcmp(left.key, right.key, left.key_bytes) == 0;
}

}  // namespace

size_t rocks_writer_put(void *writer, const rocks_entry *entries, const rocks_place *places, size_t first, size_t end,
                        size_t limit, char **error) {
  auto *file = static_cast<WriterOfC *>(writer)->rep;
  size_t bytes = 0;
  for (size_t place = first; place < end; place++) {
    fetch(entries, places, place, end);
    const rocks_entry &entry = entries[places[place].entry];
    if (place + 1 < end && places[place].high == places[place + 1].high && places[place].low == places[place + 1].low &&
        hasKeyOf(entry, entries[places[place + 1].entry])) {
      continue;
    }
    const rocksdb::Slice key(static_cast<const char *>(entry.key), entry.key_bytes);
    const rocksdb::Status status =
        entry.value ? file->Put(key, rocksdb::Slice(static_cast<const char *>(entry.value), entry.value_bytes))
                    : file->Delete(key);
    if (!status.ok()) {
      *error = strdup(status.ToString().c_str());
      return place;
    }
    bytes += entry.key_bytes + entry.value_bytes + 8;
    if (bytes >= limit) return place + 1;
  }
  return end;
}
