import Base
import TestSupport
import Testing

@testable import Dataflow

private func time(_ value: Int64) -> EventTime { EventTime(microseconds: value) }

struct WatermarkMinimumTests {
  @Test("one channel's watermarks are the minimum, and none goes back")
  func one() {
    var minimum = WatermarkMinimum(channels: 1)
    #expect(minimum.current == .earliest)
    #expect(minimum.advance(0, to: time(5)) == time(5))
    #expect(minimum.advance(0, to: time(5)) == nil)
    #expect(minimum.advance(0, to: time(3)) == nil)
    #expect(minimum.advance(0, to: time(6)) == time(6))
    #expect(minimum.end(0) == nil && minimum.current == time(6))
  }

  @Test("a channel without a watermark holds the minimum back until it has one or ends")
  func silent() {
    var minimum = WatermarkMinimum(channels: 3)
    #expect(minimum.advance(0, to: time(5)) == nil)
    #expect(minimum.advance(1, to: time(7)) == nil)
    var other = minimum
    #expect(minimum.advance(2, to: time(6)) == time(5))
    #expect(other.end(2) == time(5))
    #expect(other.end(0) == time(7))
    #expect(other.end(1) == nil)
  }

  @Test("random watermarks give the minimum that a plain search over all channels gives")
  func random() {
    var generator = SeededGenerator()
    for channels in 1...5 {
      var minimum = WatermarkMinimum(channels: channels)
      var model = [Int64?](repeating: .min, count: channels)
      var reached = Int64.min
      for _ in 0..<300 {
        let open = model.indices.filter { model[$0] != nil }
        guard let channel = open.randomElement(using: &generator) else { break }
        let moved: EventTime?
        if Int.random(in: 0..<60, using: &generator) == 0 {
          model[channel] = nil
          moved = minimum.end(channel)
        } else {
          let value = Int64.random(in: 0..<50, using: &generator) + (reached == .min ? 0 : reached)
          model[channel] = max(model[channel] ?? .min, value)
          moved = minimum.advance(channel, to: time(value))
        }
        let lowest = model.compactMap { $0 }.min() ?? reached
        #expect(moved == (lowest > reached ? time(lowest) : nil), "\(generator)")
        reached = max(reached, lowest)
        #expect(minimum.current.microseconds == reached, "\(generator)")
      }
    }
  }
}

struct BarrierAlignmentTests {
  /// Every order in which `channels` channels can give their scripts.
  static func interleavings(_ lengths: [Int]) -> [[Int]] {
    if lengths.allSatisfy({ $0 == 0 }) { return [[]] }
    return lengths.indices.filter { lengths[$0] > 0 }.flatMap { channel -> [[Int]] in
      var rest = lengths
      rest[channel] -= 1
      return interleavings(rest).map { [channel] + $0 }
    }
  }

  @Test("barriers that contradict each other are refused by their epochs")
  func contradiction() throws {
    var alignment = BarrierAlignment(channels: 2)
    #expect(try alignment.deliver(Epoch(3), from: 0) == nil)
    var other = alignment
    #expect(throws: Failure(.software, "a barrier of epoch 4 came where one of epoch 3 was awaited")) {
      _ = try alignment.deliver(Epoch(4), from: 1)
    }
    #expect(try other.deliver(Epoch(3), from: 1) == Epoch(3))
    #expect(throws: Failure(.software, "a barrier of epoch 3 came after that of epoch 3")) {
      _ = try other.deliver(Epoch(3), from: 1)
    }
  }

  @Test("a channel that has delivered is not read until the others have or have ended")
  func blocked() throws {
    var alignment = BarrierAlignment(channels: 3)
    #expect(try alignment.deliver(Epoch(1), from: 1) == nil)
    #expect(alignment.isReadable(0) && !alignment.isReadable(1) && alignment.isReadable(2))
    #expect(alignment.end(0) == nil)
    #expect(!alignment.isReadable(0))
    #expect(try alignment.deliver(Epoch(1), from: 2) == Epoch(1))
    #expect(!alignment.isReadable(0) && alignment.isReadable(1) && alignment.isReadable(2))
    // One that has ended is not waited for again.
    #expect(try alignment.deliver(Epoch(2), from: 2) == nil)
    #expect(alignment.end(1) == Epoch(2))
  }

  @Test("an end without a barrier in progress completes nothing")
  func ends() {
    var alignment = BarrierAlignment(channels: 2)
    #expect(alignment.end(0) == nil && alignment.end(1) == nil)
  }
}

struct InputProgressTests {
  private enum Signal {
    case watermark(Int64)
    case barrier(UInt64)
    case end
  }

  /// What is to be done when the scripts come in that order; a channel that may not be read comes later.
  private func play(_ scripts: [[Signal]], _ order: [Int]) throws -> [InputProgress.Advance] {
    var progress = InputProgress(channels: scripts.count)
    var position = scripts.map { _ in 0 }
    var pending = order
    var advances: [InputProgress.Advance] = []
    while !pending.isEmpty {
      let readable = try #require(pending.firstIndex { progress.isReadable($0) })
      let channel = pending.remove(at: readable)
      let advance: InputProgress.Advance
      switch scripts[channel][position[channel]] {
      case .watermark(let value): advance = progress.watermark(time(value), from: channel)
      case .barrier(let number): advance = try progress.barrier(Epoch(number), from: channel)
      case .end: advance = progress.end(channel)
      }
      position[channel] += 1
      if advance != InputProgress.Advance() { advances.append(advance) }
    }
    return advances
  }

  @Test("in every order of two watermarks, a barrier and the end over two channels each comes out once, none too early")
  func twoChannels() throws {
    let script: [Signal] = [.watermark(1), .barrier(1), .watermark(2), .end]
    for order in BarrierAlignmentTests.interleavings([4, 4]) {
      let advances = try play([script, script], order)
      #expect(advances.compactMap(\.watermark) == [time(1), time(2)], "\(order)")
      #expect(advances.compactMap(\.barrier) == [Epoch(1)], "\(order)")
      #expect(advances.map(\.ended).filter { $0 }.count == 1 && advances.last?.ended == true, "\(order)")
      let barrier = try #require(advances.firstIndex { $0.barrier != nil })
      #expect(advances[..<barrier].compactMap(\.watermark) == [time(1)], "\(order)")
    }
  }

  @Test("the same over three channels, one of which ends before its barrier")
  func threeChannels() throws {
    let full: [Signal] = [.watermark(1), .barrier(1), .end]
    let short: [Signal] = [.watermark(1), .end]
    for order in BarrierAlignmentTests.interleavings([3, 3, 2]) {
      let advances = try play([full, full, short], order)
      #expect(advances.compactMap(\.watermark) == [time(1)], "\(order)")
      #expect(advances.compactMap(\.barrier) == [Epoch(1)], "\(order)")
      #expect(advances.last?.ended == true, "\(order)")
    }
  }

  @Test("an end that lets the watermark go and completes a barrier gives both")
  func both() throws {
    var progress = InputProgress(channels: 2)
    _ = progress.watermark(time(4), from: 0)
    _ = try progress.barrier(Epoch(1), from: 0)
    #expect(progress.end(1) == InputProgress.Advance(watermark: time(4), barrier: Epoch(1), ended: false))
    #expect(progress.end(0) == InputProgress.Advance(watermark: nil, barrier: nil, ended: true))
  }
}
