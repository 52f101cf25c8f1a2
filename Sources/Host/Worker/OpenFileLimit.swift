import Glibc

/// How many files a process may have open. The soft limit that most systems give, 1024, is there for programs that call select(2);
/// a job may have a file for each of thousands of partitions.
enum OpenFileLimit {
  /// Raises the soft limit to the hard one. What cannot be raised stays: who needs more is told when it runs out.
  static func raise() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max else {
      return
    }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
