import Arrow
import Base
import Dataflow
import DurabilityTestSupport
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

/// A job of one sink that takes epochs, some of which are not complete in time, and that is killed at any step: what readers see must be
/// exactly the rows of the complete epochs.
struct KilledSink {
  static let fields = [Field("id", .int64), Field("text", .utf8)]

  private let folder: TemporaryFolder
  private let make: () throws -> SinkFactory
  /// A file that appears at the end, or a folder.
  let isFile: Bool
  /// Every epoch that was complete.
  private var past: [Past] = []
  /// Written, and of no complete epoch.
  private var open: Set<Int64> = []
  private var nextID: Int64 = 0
  private var epoch: UInt64 = 0
  /// When it is there, the power fails instead of the process, and rows that are not as they must be are counted.
  var power: PowerLoss?
  private(set) var wrong = 0
  /// Where it was killed.
  private(set) var kills: [String: Int] = [:]

  private struct Past {
    var transactions: [SinkTransaction]
    /// Its rows and those of the epochs before it.
    var rows: Set<Int64>
    /// It cannot be gone on from any more.
    var isDamaged = false
  }
  /// What is gone on from.
  private var whole: Past? { past.last { !$0.isDamaged } }
  /// What the last epoch that is whole has.
  private var manifest: [SinkTransaction]? { whole?.transactions }
  private var complete: Set<Int64> { (isKept ? past.last : whole)?.rows ?? [] }
  /// Whether the rows of damaged epochs do not come again, and are to be shown as if those were whole.
  private var isKept = false
  /// What those behind it have shown.
  private var lost: [SinkTransaction] {
    let behind = past.reversed().prefix { $0.isDamaged }
    return behind.reversed().flatMap(\.transactions).filter { !(manifest ?? []).contains($0) }
  }

  /// The seed of whatever kills it, for messages.
  private let seed: String

  init(
    _ folder: TemporaryFolder, isFile: Bool, _ generator: SeededGenerator, make: @escaping () throws -> SinkFactory
  ) {
    self.folder = folder
    seed = "\(generator)"
    self.isFile = isFile
    self.make = make
  }

  /// One process's life. It ends by itself when `steps` is nil, else it is killed.
  mutating func live(_ generator: inout SeededGenerator, parallelism: Int, steps: Int?, writes: Bool = true) throws {
    damage(&generator)
    let factory = try make()
    try JobFiles([factory.files]).prepare()
    var sinks: [any TransactionalSink] = []
    for index in 0..<parallelism {
      sinks.append(try #require(try factory.make(subtask(index, of: parallelism)) as? any TransactionalSink))
    }
    var own = [[SinkTransaction]](repeating: [], count: parallelism)
    for transaction in manifest ?? [] { own[.random(in: 0..<parallelism, using: &generator)].append(transaction) }
    if isFile { own = [manifest ?? []] }
    for (index, sink) in sinks.enumerated() {
      try sink.useEpochs()
      power?.phase = "take back"
      if isKept { try sink.keep(lost) } else if !lost.isEmpty { _ = try sink.takeBack(lost) }
      if steps != nil, Int.random(in: 0..<20, using: &generator) == 0 { return kill(&sinks, "in recovery", &generator) }
      power?.phase = "recovery"
      try sink.recover(own: own[index], all: manifest ?? [])
      if steps != nil, Int.random(in: 0..<20, using: &generator) == 0 { return kill(&sinks, "in recovery", &generator) }
    }
    if !isFile { check("after recovery") }
    power?.phase = "open"
    for sink in sinks { try sink.open() }
    open = []
    var prepared = [[SinkTransaction]](repeating: [], count: parallelism)
    for _ in 0..<(steps ?? Int.random(in: 0...10, using: &generator)) {
      if writes, Int.random(in: 0..<3, using: &generator) > 0 {
        try write(to: sinks, &generator)
        continue
      }
      if try takeEpoch(&sinks, &prepared, &generator, mayDie: steps != nil) { return }
    }
    if steps != nil { return kill(&sinks, "while rows flow", &generator) }
    for sink in sinks { try sink.flush() }
    try prepare(sinks, &prepared)
    publish(prepared)
    power?.phase = "commit"
    for (index, sink) in sinks.enumerated() { try sink.commit(prepared[index]) }
    power?.phase = "close"
    for sink in sinks { try sink.close(complete: true) }
    check("at the end")
  }

  /// The newest epoch that is whole may be damaged before the next life, when there is another one.
  private mutating func damage(_ generator: inout SeededGenerator) {
    let whole = past.indices.filter { !past[$0].isDamaged }
    guard whole.count > 1, let newest = whole.last else { return }
    // Whether the rows of all come again is asked for each start; here the same is true until an epoch is whole again.
    let isFirst = newest == past.count - 1
    if isFirst { isKept = isFile || Bool.random(using: &generator) }
    past[newest].isDamaged = Int.random(in: 0..<3, using: &generator) == 0
  }

  private mutating func write(to sinks: [any TransactionalSink], _ generator: inout SeededGenerator) throws {
    let rows = (0..<Int64.random(in: 1...200, using: &generator)).map { nextID + $0 }
    nextID += Int64(rows.count)
    open.formUnion(rows)
    let sink = try #require(sinks.randomElement(using: &generator))
    power?.phase = "write"
    try sink.write(batch(Self.fields, rows.map { [.int64($0), .utf8("t\($0 % 3)")] }))
    if Bool.random(using: &generator) { try sink.flush() }
  }

  private mutating func prepare(_ sinks: [any TransactionalSink], _ prepared: inout [[SinkTransaction]]) throws {
    epoch += 1
    power?.phase = "prepare"
    for (index, sink) in sinks.enumerated() { prepared[index] += try sink.prepare(Epoch(epoch)) }
  }

  /// That is the moment: what was written is there for good.
  private mutating func publish(_ prepared: [[SinkTransaction]]) {
    past.append(Past(transactions: prepared.flatMap { $0 }, rows: complete.union(open)))
    open = []
  }

  /// Whether it was killed.
  private mutating func takeEpoch(
    _ sinks: inout [any TransactionalSink], _ prepared: inout [[SinkTransaction]], _ generator: inout SeededGenerator,
    mayDie: Bool
  ) throws -> Bool {
    func dies() -> Bool { mayDie && Int.random(in: 0..<6, using: &generator) == 0 }
    try prepare(sinks, &prepared)
    if dies() {
      kill(&sinks, "in the snapshot", &generator)
      return true
    }
    // Not complete in time: its rows are the next one's.
    if Int.random(in: 0..<4, using: &generator) == 0 { return false }
    let before = open
    publish(prepared)
    // Rows of the next epoch are written before this one is committed.
    if Bool.random(using: &generator) { try write(to: sinks, &generator) }
    for index in sinks.indices {
      if dies() {
        kill(&sinks, "between manifest and commit", &generator)
        return true
      }
      power?.phase = "commit"
      try sinks[index].commit(prepared[index])
      if Bool.random(using: &generator) { try sinks[index].commit(prepared[index]) }
      prepared[index] = []
    }
    if !isFile, Int.random(in: 0..<3, using: &generator) == 0 { check("after the commit of \(before.count) rows") }
    return false
  }

  /// As SIGKILL leaves it: the files stay, also those that were being written.
  mutating func kill(
    _ sinks: inout [any TransactionalSink], _ phase: String, _ generator: inout SeededGenerator
  ) {
    kills[phase, default: 0] += 1
    let (out, kept) = (folder.file("out"), folder.file("kept"))
    power?.phase = "death"
    _ = TestProcess.run(["rm", "-rf", kept])
    _ = TestProcess.run(["cp", "-al", out, kept])
    sinks = []
    _ = TestProcess.run(["rm", "-rf", out])
    rename(kept, out)
    power?.fail([.everything, .random].randomElement(using: &generator) ?? .everything, &generator)
  }

  /// What readers see, as Python and pyarrow read it.
  mutating func check(_ moment: String) {
    let program = """
      import os, glob
      rows = []
      for folder, _, names in os.walk(sys.argv[1]):
          for name in names:
              p = os.path.join(folder, name)
              if name.startswith('.'): continue
              if name.endswith('.toy'):
                  whole, data, out = b'', open(p, 'rb').read(), b''
                  while data:
                      assert data[:3] == b'TOY', p
                      data = data[3:]
                      while data[0]:
                          out += bytes(~b & 255 for b in data[1:1 + data[0]])
                          data = data[1 + data[0]:]
                      data = data[2:]
                  text, kind = out.decode(), name[:-4]
              else: text, kind = None, name
              if kind.endswith('.csv'):
                  rows += [int(r['id']) for r in csv.DictReader(io.StringIO(text) if text is not None else open(p, newline=''))]
              elif kind.endswith('.jsonl'):
                  rows += [json.loads(l)['id'] for l in (text.splitlines() if text is not None else open(p))]
              else:
                  import pyarrow as pa
                  file = pa.ipc.open_file(p) if kind.endswith('.arrow') else pa.ipc.open_stream(p)
                  rows += file.read_all()['id'].to_pylist()
      print(' '.join(map(str, sorted(rows))))
      """
    let peer = TestProcess.python(canonicalPython + program, arguments: [folder.file("out")])
    if power != nil, peer.status != 0 {
      // A file that is not whole.
      wrong += 1
      return
    }
    #expect(peer.status == 0, "\(peer.errors)")
    let found = peer.output.split { $0.isWhitespace }.compactMap { Int64($0) }
    if power == nil {
      #expect(found == complete.sorted(), "\(moment), \(seed)")
    } else if found != complete.sorted() {
      wrong += 1
    }
  }

  /// Names of hidden files.
  var hidden: [String] {
    TestProcess.run(["find", folder.file("out"), "-name", ".*", "-type", "f"]).output.split(separator: "\n").map {
      String($0)
    }
  }
}
