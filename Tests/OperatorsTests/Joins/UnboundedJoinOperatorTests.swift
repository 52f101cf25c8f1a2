import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("An unbounded join")
struct UnboundedJoinOperatorTests {
  private func run(
    _ kind: Plan.JoinKind, timeToLive: Int64? = nil, condition: Expression? = nil, memory: Int = .max
  ) throws(Failure) -> JoinRun {
    try JoinRun(
      Plan.Join(kind: kind, bounds: .unbounded(.init(timeToLive: timeToLive)), condition: condition), memory: memory)
  }

  @Test("tells a row without a partner at once, and takes it back with the first partner")
  func outer() throws {
    let left = try run(.left)
    try left.rows(0, (1, 10, 0), (nil, 11, 0))
    #expect(left.takeRows() == ["+I null 11 0 null null", "+I 1 10 0 null null"])
    try left.rows(1, (1, 20, 5), (1, 21, 6), (nil, 22, 7), (2, 23, 8))
    #expect(left.takeRows() == ["-D 1 10 0 null null", "+I 1 10 0 20 5", "+I 1 10 0 21 6"])
    try left.rows(1, (1, 24, 9))
    #expect(left.takeRows() == ["+I 1 10 0 24 9"])
    try left.rows(0, (2, 12, 1))
    #expect(left.takeRows() == ["+I 2 12 1 23 8"])
    try left.rows(1, (2, 25, 2))
    #expect(left.takeRows() == ["+I 2 12 1 25 2"])

    let full = try run(.full)
    try full.rows(0, (1, 10, 0))
    try full.rows(1, (2, 20, 0), (nil, 21, 0))
    #expect(full.takeRows() == ["+I 1 10 0 null null", "+I null null null 21 0", "+I 2 null null 20 0"])
    try full.rows(1, (1, 22, 0))
    try full.rows(0, (2, 11, 0))
    #expect(
      full.takeRows() == ["-D 1 10 0 null null", "+I 1 10 0 22 0", "-D 2 null null 20 0", "+I 2 11 0 20 0"])
  }

  @Test("by existence gives each left row once")
  func existence() throws {
    let semi = try run(.semi)
    try semi.rows(0, (1, 10, 0), (2, 11, 0), (nil, 12, 0))
    #expect(semi.takeRows() == [])
    try semi.rows(1, (1, 0, 0), (1, 1, 0))
    #expect(semi.takeRows() == ["1 10 0"])
    try semi.rows(1, (1, 2, 0))
    #expect(semi.takeRows() == [])
    try semi.rows(0, (1, 13, 0), (1, 14, 0))
    #expect(semi.takeRows() == ["1 13 0", "1 14 0"])

    let anti = try run(.anti)
    try anti.rows(0, (1, 10, 0), (2, 11, 0), (nil, 12, 0))
    #expect(anti.takeRows() == ["+I null 12 0", "+I 1 10 0", "+I 2 11 0"])
    try anti.rows(1, (1, 0, 0), (1, 1, 0))
    #expect(anti.takeRows() == ["-D 1 10 0"])
    try anti.rows(0, (1, 13, 0))
    try anti.rows(1, (2, 1, 0))
    #expect(anti.takeRows() == ["-D 2 11 0"])
  }

  @Test("forgets a row when its time to live is over, exactly then, also without input")
  func timeToLive() throws {
    let inner = try run(.inner, timeToLive: 100)
    try inner.rows(0, (1, 10, 0))
    try inner.clock(99)
    try inner.rows(1, (1, 20, 0))
    #expect(inner.takeRows() == ["1 10 0 20 0"])
    try inner.clock(100)
    try inner.rows(1, (1, 21, 0))
    #expect(inner.takeRows() == [])
    let held = inner.memory.usedBytes
    // The rows of 99 and 100 are gone; one look a second finds them.
    try inner.clock(1_000_000 + 300)
    #expect(inner.operation.wakeTime == nil)
    #expect(inner.memory.usedBytes <= held)
    try inner.rows(0, (1, 11, 0))
    #expect(inner.takeRows() == [])

    // A later row of the same key keeps the key alive where keys alone matter.
    let semi = try run(.semi, timeToLive: 100)
    try semi.rows(1, (1, 0, 0))
    try semi.clock(60)
    try semi.rows(1, (1, 0, 0))
    try semi.clock(120)
    try semi.rows(0, (1, 10, 0))
    #expect(semi.takeRows() == ["1 10 0"])
    try semi.clock(160)
    try semi.rows(0, (1, 11, 0))
    #expect(semi.takeRows() == [])
  }

  @Test("with a time to live gives what a search through all rows gives", arguments: Plan.JoinKind.allCases)
  func reference(kind: Plan.JoinKind) throws {
    var random = SeededGenerator()
    let condition: Expression? =
      Bool.random(using: &random) ? .call("less_than", [.column("v0"), .column("v1")]) : nil
    let life: Int64? = Bool.random(using: &random) ? 50 : nil
    let run = try run(kind, timeToLive: life, condition: condition)
    var reference = JoinReference(kind: kind, timeToLive: life, hasCondition: condition != nil)
    for step in 0..<120 {
      let now = Int64(step * Int.random(in: 5...12, using: &random) / 2)
      try run.clock(max(now, reference.now))
      reference.now = max(now, reference.now)
      let input = Int.random(in: 0...1, using: &random)
      let rows = (0..<Int.random(in: 1...12, using: &random)).map { _ -> JoinRun.Row in
        let key = Int64.random(in: -1...5, using: &random)
        return (key < 0 ? nil : key, Int64.random(in: 0...9, using: &random), Int64(step))
      }
      try run.process(rows, input)
      #expect(run.takeRows().sorted() == reference.process(rows, input).sorted(), "step \(step), \(random)")
    }
  }

  @Test("that outgrows the memory ends with a sentence")
  func memory() throws {
    let run = try run(.inner, memory: 1 << 20)
    do {
      for step in 0..<10_000 { try run.rows(0, (Int64(step), 1, 1)) }
      Issue.record("a million bytes held ten thousand rows")
    } catch {
      #expect(error.message.contains("--memory-limit"))
    }
  }
}

/// A join that looks at every row that there is.
private struct JoinReference {
  private struct Kept {
    var row: JoinRun.Row
    var time: Int64
    var hasPartner: Bool
  }

  let kind: Plan.JoinKind
  let timeToLive: Int64?
  let hasCondition: Bool
  var now: Int64 = 0
  private var kept: [[Kept]] = [[], []]

  init(kind: Plan.JoinKind, timeToLive: Int64?, hasCondition: Bool) {
    self.kind = kind
    self.timeToLive = timeToLive
    self.hasCondition = hasCondition
  }

  private func matches(_ left: JoinRun.Row, _ right: JoinRun.Row) -> Bool {
    guard let key = left.k, key == right.k else { return false }
    return !hasCondition || (left.v ?? 0) < (right.v ?? 0)
  }

  private func text(_ left: JoinRun.Row?, _ right: JoinRun.Row?) -> String {
    func number(_ value: Int64?) -> String { value.map { "\($0)" } ?? "null" }
    let row = "\(number(left?.k ?? right?.k)) \(number(left?.v)) \(number(left?.t))"
    return kind == .semi || kind == .anti ? row : row + " \(number(right?.v)) \(number(right?.t))"
  }

  mutating func process(_ rows: [JoinRun.Row], _ input: Int) -> [String] {
    var told: [String] = []
    if let timeToLive {
      let now = now
      for side in 0...1 { kept[side].removeAll { $0.time + timeToLive <= now } }
    }
    let isChangelog = kind != .inner && kind != .semi
    func tell(_ kind: String, _ left: JoinRun.Row?, _ right: JoinRun.Row?) {
      told.append(isChangelog ? "\(kind) \(text(left, right))" : text(left, right))
    }
    let (keepsLeft, keepsRight) = (kind == .left || kind == .full, kind == .right || kind == .full)
    // Rows of a batch come together: none of them meets another.
    for row in rows {
      var found = false
      for index in kept[1 - input].indices {
        let other = kept[1 - input][index]
        let (left, right) = input == 0 ? (row, other.row) : (other.row, row)
        guard matches(left, right) else { continue }
        found = true
        switch kind {
        case .semi: if input == 1, !other.hasPartner { tell("+I", left, nil) }
        case .anti: if input == 1, !other.hasPartner { tell("-D", left, nil) }
        default:
          if input == 0 ? keepsRight : keepsLeft, !other.hasPartner {
            tell("-D", input == 0 ? nil : left, input == 0 ? right : nil)
          }
          tell("+I", left, right)
        }
        kept[1 - input][index].hasPartner = true
      }
      if input == 0, kind == .semi, found { tell("+I", row, nil) }
      if input == 0, kind == .anti, !found { tell("+I", row, nil) }
      if input == 0 ? keepsLeft : keepsRight, !found { tell("+I", input == 0 ? row : nil, input == 0 ? nil : row) }
      kept[input].append(Kept(row: row, time: now, hasPartner: found))
    }
    return told
  }
}
