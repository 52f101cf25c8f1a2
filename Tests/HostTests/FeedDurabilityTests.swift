import Base
import Checkpointing
import DurabilityTestSupport
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Host

/// Requests of the verb 'quarantine feed' on a disk that forgets.
@Suite("Requests to feed on a disk that forgets") struct FeedDurabilityTests {
  private let records = (1...3).map { number in
    QuarantinedRecord(
      id: "map-1/part-0.0.jsonl:\(number)", uid: "map-1", line: .object([.init("epoch", .int(Int64(number)))]),
      record: Array(#"{"a":\#(number)}"#.utf8)[...])
  }

  private func place(_ seed: UInt64) throws -> (ForgetfulStorage, QuarantineFolder) {
    let storage = ForgetfulStorage(seed: seed)
    // As `lock` makes them.
    try storage.makeFolder("/quarantine", in: "/")
    try storage.makeFolder("/quarantine/_feed", in: "/quarantine")
    storage.restart(.everything)
    return (storage, QuarantineFolder(path: "/quarantine", storage: storage))
  }

  /// Every request is whole, and none asks for what another does.
  private func requested(_ quarantine: QuarantineFolder) throws -> Set<String> {
    var found: Set<String> = []
    for request in try quarantine.requests.all() {
      let lines = try quarantine.storage.read(request.path).split(separator: 10).map { Array($0) }
      let asked = records.filter { request.ids.contains($0.id) }
      #expect(request.ids.count == asked.count && lines == asked.map { Array($0.record) })
      #expect(found.isDisjoint(with: request.ids))
      found.formUnion(request.ids)
    }
    return found
  }

  @Test("the power may fail at any step: a request is whole or not there, and stays when the verb has told of it")
  func powerFails() throws {
    var generator = SeededGenerator()
    let (counted, other) = try place(1)
    try other.requests.ask(for: [records[0]])
    for crash in 0...counted.steps {
      for loss in [ForgetfulStorage.Loss.everything, .nothing] + Array(repeating: .random, count: 20) {
        let seed = generator.next()
        let (storage, quarantine) = try place(seed)
        storage.crashAt = crash
        let isTold = (try? quarantine.requests.ask(for: [records[0], records[1]])) != nil
        #expect(isTold == (crash == counted.steps), "\(generator)")
        storage.restart(loss)
        let first = try requested(quarantine)
        #expect(first == (isTold ? [records[0].id, records[1].id] : first) && [0, 2].contains(first.count))
        // The one who asks next, after a crash or behind a process that was killed, is not forgotten either.
        try quarantine.requests.ask(for: records.filter { !first.contains($0.id) })
        storage.restart(.everything)
        #expect(try requested(quarantine) == Set(records.map(\.id)), "step \(crash), \(loss), \(generator)")
      }
    }
  }

  @Test("a number that another has taken meanwhile is not taken from it")
  func race() throws {
    let (storage, quarantine) = try place(1)
    storage.beforeStep = { path in
      guard path == "/quarantine/_feed/map-1/1.ids" else { return }
      storage.beforeStep = nil
      try? quarantine.requests.ask(for: [records[0]])
    }
    #expect(throws: Failure.self) { try quarantine.requests.ask(for: [records[1]]) }
    #expect(try requested(quarantine) == [records[0].id])
  }
}
