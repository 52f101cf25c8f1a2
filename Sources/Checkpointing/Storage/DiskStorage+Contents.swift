import Base
import Glibc

extension DiskStorage {
  /// Threads that read at the same time: a gigabyte is checked in the third of a second by one.
  private static let readers = 4

  /// Files are read side by side: how long they take is how long a job that goes on does nothing.
  public func contentNames(_ paths: [String]) -> [Result<ContentName, StorageProblem>] {
    let reading = ContentReading(self, paths)
    let helpers = (1..<max(1, min(paths.count, Self.readers))).map { _ in reading.start() }
    reading.run()
    for helper in helpers {
      // A thread that the kernel refused leaves its part to the others.
      if let helper { pthread_join(helper, nil) }
    }
    return reading.results
  }
}

/// Files that several threads read, each the next one that nobody has.
private final class ContentReading: Sendable {
  private struct State {
    var next = 0
    var found: [Int: Result<ContentName, StorageProblem>] = [:]
  }

  private let storage: DiskStorage
  private let paths: [String]
  private let state = Monitor(State())

  init(_ storage: DiskStorage, _ paths: [String]) {
    self.storage = storage
    self.paths = paths
  }

  /// Of all paths, when every thread has returned.
  var results: [Result<ContentName, StorageProblem>] {
    state.withLock { state in
      paths.indices.map { index in
        guard let result = state.found[index] else { preconditionFailure("every file was read by somebody") }
        return result
      }
    }
  }

  func run() {
    while true {
      let index = state.withLock { state in
        defer { state.next += 1 }
        return state.next
      }
      guard index < paths.count else { return }
      let result = Result { () throws(StorageProblem) in try storage.contentName(paths[index]) }
      state.withLock { $0.found[index] = result }
    }
  }

  /// In a thread that is to be joined; nil when there can be none.
  func start() -> pthread_t? {
    var thread = pthread_t()
    let box = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<ContentReading>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, box.toOpaque())
    guard status == 0 else {
      box.release()
      return nil
    }
    return thread
  }
}
