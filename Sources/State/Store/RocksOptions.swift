import CRocksDB
import CRocksMemory

/// How databases are laid out.
///
/// Runs of files are merged when several are about equally large ("universal"): a file that an epoch keeps is then
/// written a few times over its life, where levels would write it ten times, and what changes between two epochs stays
/// near what was changed.
final class RocksOptions {
  let pointer: OpaquePointer

  /// - Parameter creating: there is no database yet.
  init(_ memory: StateMemoryShares, creating: Bool) {
    pointer = rocksdb_options_create()
    rocksdb_options_set_create_if_missing(pointer, creating ? 1 : 0)
    rocksdb_options_set_error_if_exists(pointer, creating ? 1 : 0)
    // Epochs are the durability: there is no log, and a database is thrown away when its process is gone.
    rocksdb_options_set_write_buffer_size(pointer, memory.writeBufferBytes)
    rocks_options_use_write_buffers(UnsafeMutableRawPointer(pointer), memory.writeBuffers)
    rocksdb_options_set_compression(pointer, Int32(rocksdb_no_compression))
    // Threads are the process's: one for what is full, one for merging.
    rocksdb_options_set_max_background_jobs(pointer, 2)
    rocksdb_options_set_max_open_files(pointer, -1)
    // Every epoch copies it, and it grows with every epoch: it is begun anew when it has become large.
    rocksdb_options_set_max_manifest_file_size(pointer, 1 << 20)
    rocksdb_options_compaction_readahead_size(pointer, 1 << 20)
    setCompaction()
    setTable(memory)
    setSilence()
  }

  deinit { rocksdb_options_destroy(pointer) }

  private func setCompaction() {
    rocksdb_options_set_compaction_style(pointer, Int32(rocksdb_universal_compaction))
    let universal = rocksdb_universal_compaction_options_create()
    rocksdb_universal_compaction_options_set_size_ratio(universal, 20)
    rocksdb_universal_compaction_options_set_min_merge_width(universal, 2)
    // All is merged into one when what may be out of date takes as much as it.
    rocksdb_universal_compaction_options_set_max_size_amplification_percent(universal, 100)
    rocksdb_options_set_universal_compaction_options(pointer, universal)
    rocksdb_universal_compaction_options_destroy(universal)
    rocksdb_options_set_level0_file_num_compaction_trigger(pointer, 4)
    rocksdb_options_set_level0_slowdown_writes_trigger(pointer, 24)
    rocksdb_options_set_level0_stop_writes_trigger(pointer, 48)
    rocksdb_options_set_target_file_size_base(pointer, 64 << 20)
  }

  private func setTable(_ memory: StateMemoryShares) {
    let table = rocksdb_block_based_options_create()
    rocksdb_block_based_options_set_block_cache(table, memory.cache)
    rocksdb_block_based_options_set_block_size(table, 4096)
    rocksdb_block_based_options_set_format_version(table, 5)
    rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10))
    // Filters and indexes count as memory, and in parts, none of which is too large for the cache.
    rocksdb_block_based_options_set_index_type(
      table, Int32(rocksdb_block_based_table_index_type_two_level_index_search))
    rocksdb_block_based_options_set_partition_filters(table, 1)
    rocksdb_block_based_options_set_metadata_block_size(table, 4096)
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1)
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1)
    rocksdb_block_based_options_set_pin_top_level_index_and_filter(table, 1)
    rocksdb_options_set_block_based_table_factory(pointer, table)
    rocksdb_block_based_options_destroy(table)
  }

  /// Errors come back from calls; a log of its own would only grow.
  private func setSilence() {
    let errorsOnly: Int32 = 3
    rocksdb_options_set_info_log_level(pointer, errorsOnly)
    rocksdb_options_set_keep_log_file_num(pointer, 1)
    rocksdb_options_set_stats_dump_period_sec(pointer, 0)
    rocksdb_options_set_stats_persist_period_sec(pointer, 0)
  }
}
