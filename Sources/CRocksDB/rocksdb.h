// RocksDB's C interface, of Debian's librocksdb-dev.
#include <rocksdb/c.h>
