import Base
import Testing

@testable import Dataflow

/// What may happen to three inputs: explored in every order, one step at a time, with what was decided so far checked
/// at each.
private struct Exploration {
  enum Element: Hashable {
    case barrier(UInt64)
    case end
  }

  struct Position: Hashable {
    var alignment: EpochAlignment
    /// By channel: how much of its script was read.
    var read: [Int]
    var aborted: UInt64 = 0
    /// What was decided, in order.
    var completed: [UInt64] = []
    var begun: UInt64?
  }

  let scripts: [[Element]]
  /// Epochs that may be aborted, at any time.
  let aborts: UInt64
  private(set) var visited: Set<Position> = []
  private(set) var faults: [String] = []

  init(_ scripts: [[Element]], aborts: UInt64) {
    self.scripts = scripts
    self.aborts = aborts
    visit(Position(alignment: EpochAlignment(channels: scripts.count), read: scripts.map { _ in 0 }))
  }

  private mutating func visit(_ position: Position) {
    guard visited.insert(position).inserted else { return }
    var isStuck = true
    for channel in scripts.indices
    where position.read[channel] < scripts[channel].count && position.alignment.isReadable(channel) {
      isStuck = false
      var next = position
      next.read[channel] += 1
      switch scripts[channel][position.read[channel]] {
      case .barrier(let number): act(next.alignment.apply(.barrier(Epoch(number), channel: channel)), &next)
      case .end: act(next.alignment.apply(.end(channel: channel)), &next)
      }
      visit(next)
    }
    if position.aborted < aborts {
      var next = position
      next.aborted += 1
      act(next.alignment.apply(.abort(Epoch(next.aborted))), &next)
      visit(next)
    }
    if isStuck { checkEnd(position) }
  }

  private mutating func act(_ actions: [EpochAlignment.Action], _ position: inout Position) {
    for action in actions {
      switch action {
      case .begin(let epoch):
        if position.begun != nil { faults.append("begun twice: \(position)") }
        if epoch.number <= position.aborted { faults.append("begun after the abort: \(position)") }
        position.begun = epoch.number
      case .giveUp(let epoch):
        if position.begun != epoch.number { faults.append("given up and not begun: \(position)") }
        position.begun = nil
      case .complete(let epoch):
        if position.begun != epoch.number { faults.append("complete and not begun: \(position)") }
        position.begun = nil
        checkCut(epoch.number, position)
        position.completed.append(epoch.number)
      }
    }
  }

  /// At the barrier every channel was read up to it, or to its end, and none beyond.
  private mutating func checkCut(_ epoch: UInt64, _ position: Position) {
    if epoch <= max(position.aborted, position.completed.last ?? 0) { faults.append("complete too late: \(position)") }
    for (script, read) in zip(scripts, position.read) {
      let seen = script[..<read]
      let isBehind = seen.contains { if case .barrier(let number) = $0 { number > epoch } else { false } }
      if isBehind || !(seen.last == .barrier(epoch) || seen.last == .end) {
        faults.append("no cut at \(epoch): \(position)")
      }
    }
  }

  /// Nothing more can be read: all was, and what could be complete is.
  private mutating func checkEnd(_ position: Position) {
    if position.read != scripts.map(\.count) {
      // Only the word of an abort can help.
      if position.aborted >= aborts { faults.append("stuck: \(position)") }
      return
    }
    let barriers = Set(scripts.joined())
    if barriers.contains(.barrier(2)), position.completed.last != 2 { faults.append("2 is not complete: \(position)") }
    let isSure = aborts == 0 && scripts.allSatisfy { $0.contains(.barrier(1)) || !$0.contains(.barrier(2)) }
    if isSure, barriers.contains(.barrier(1)), position.completed.first != 1 {
      faults.append("1 is not complete: \(position)")
    }
  }
}

struct EpochAlignmentTests {
  @Test("three inputs in every order: each epoch that can be is complete once, at a cut, and nobody waits for ever")
  func everyOrder() {
    // With both barriers; ended before the second, before both; without the first, which was aborted before it came
    // there.
    let scripts: [[Exploration.Element]] = [
      [.barrier(1), .barrier(2), .end], [.barrier(1), .end], [.end], [.barrier(2), .end],
    ]
    var positions = 0
    for first in scripts {
      for second in scripts {
        for third in scripts {
          for aborts: UInt64 in 0...1 {
            let exploration = Exploration([first, second, third], aborts: aborts)
            #expect(exploration.faults == [], "\(first), \(second), \(third), \(aborts)")
            positions += exploration.visited.count
          }
        }
      }
    }
    #expect(positions > 3000)
  }

  @Test("an abort lets go the channels that wait, and its barriers that still come say nothing")
  func abort() {
    var alignment = EpochAlignment(channels: 2)
    #expect(alignment.apply(.barrier(Epoch(1), channel: 0)) == [.begin(Epoch(1))])
    #expect(!alignment.isReadable(0) && alignment.isReadable(1))
    #expect(alignment.apply(.abort(Epoch(1))) == [.giveUp(Epoch(1))])
    #expect(alignment.isReadable(0))
    #expect(alignment.apply(.barrier(Epoch(1), channel: 1)) == [])
    #expect(alignment.apply(.barrier(Epoch(2), channel: 1)) == [.begin(Epoch(2))])
    #expect(alignment.apply(.abort(Epoch(1))) == [])
    #expect(alignment.apply(.end(channel: 0)) == [.complete(Epoch(2))])
  }

  @Test("a newer barrier overtakes an epoch of whose abort nobody has told yet")
  func newer() {
    var alignment = EpochAlignment(channels: 3)
    _ = alignment.apply(.barrier(Epoch(1), channel: 0))
    #expect(alignment.apply(.barrier(Epoch(2), channel: 1)) == [.giveUp(Epoch(1)), .begin(Epoch(2))])
    #expect(alignment.isReadable(0) && !alignment.isReadable(1))
    #expect(alignment.apply(.barrier(Epoch(1), channel: 2)) == [])
    #expect(alignment.apply(.barrier(Epoch(2), channel: 2)) == [])
    #expect(alignment.apply(.barrier(Epoch(2), channel: 0)) == [.complete(Epoch(2))])
    #expect(alignment.last == Epoch(2) && alignment.epoch == nil)
  }

  @Test("ends without a barrier complete nothing")
  func ends() {
    var alignment = EpochAlignment(channels: 2)
    #expect(alignment.apply(.end(channel: 0)) == [] && alignment.apply(.end(channel: 1)) == [])
  }
}
