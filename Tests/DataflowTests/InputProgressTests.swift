import Base
import TestSupport
import Testing

@testable import Dataflow

private func time(_ value: Int64) -> EventTime { EventTime(microseconds: value) }

private func moved(_ value: Int64) -> TimeSignal { TimeSignal(watermark: time(value)) }

struct WatermarkMinimumTests {
  @Test("a side input's event time does not count, and an awaited one is read before the others")
  func sides() {
    var live = InputProgress(channels: 2, sides: [nil, .live])
    #expect(live.isReadable(0) && live.isReadable(1))
    #expect(live.watermark(EventTime(microseconds: 5), from: 1) == .init())
    #expect(live.watermark(EventTime(microseconds: 3), from: 0).time.watermark == EventTime(microseconds: 3))
    #expect(live.idle(1) == .init())
    #expect(!live.end(0).ended)
    #expect(live.end(1).ended)

    var awaited = InputProgress(channels: 3, sides: [nil, .awaited, .awaited])
    #expect(!awaited.isReadable(0) && awaited.isReadable(1) && awaited.isReadable(2))
    #expect(!awaited.end(1).ended)
    #expect(!awaited.isReadable(0))
    #expect(!awaited.end(2).ended)
    #expect(awaited.isReadable(0))
    #expect(awaited.watermark(EventTime(microseconds: 3), from: 0).time.watermark == EventTime(microseconds: 3))
    #expect(awaited.end(0).ended)
  }

  @Test("one channel's watermarks are the minimum, and none goes back")
  func one() {
    var minimum = WatermarkMinimum(channels: 1)
    #expect(minimum.current == .earliest)
    #expect(minimum.advance(0, to: time(5)) == moved(5))
    #expect(minimum.advance(0, to: time(5)) == .nothing)
    #expect(minimum.advance(0, to: time(3)) == .nothing)
    #expect(minimum.advance(0, to: time(6)) == moved(6))
    #expect(minimum.end(0) == .nothing && minimum.current == time(6))
  }

  @Test("a channel without a watermark holds the minimum back until it has one, goes idle or ends")
  func silent() {
    var minimum = WatermarkMinimum(channels: 3)
    #expect(minimum.advance(0, to: time(5)) == .nothing)
    #expect(minimum.advance(1, to: time(7)) == .nothing)
    var (other, idle) = (minimum, minimum)
    #expect(minimum.advance(2, to: time(6)) == moved(5))
    #expect(idle.idle(2) == moved(5))
    #expect(other.end(2) == moved(5))
    #expect(other.end(0) == moved(7))
    #expect(other.end(1) == .nothing)
  }

  @Test(
    "when the last active channel goes idle it is said once, and the next watermark makes it active, with its time again"
  )
  func idle() {
    var minimum = WatermarkMinimum(channels: 2)
    #expect(minimum.idle(0) == .nothing && minimum.idle(0) == .nothing)
    #expect(minimum.advance(1, to: time(5)) == moved(5))
    #expect(minimum.idle(1) == TimeSignal(idle: true) && minimum.isIdle)
    #expect(minimum.idle(1) == .nothing)
    // The first one was never further than the start: it holds the minimum where it is.
    #expect(minimum.advance(0, to: time(3)) == moved(5) && !minimum.isIdle)
    #expect(minimum.advance(1, to: time(9)) == .nothing)
    #expect(minimum.advance(0, to: time(8)) == moved(8))
    #expect(minimum.idle(0) == moved(9))
    #expect(minimum.end(1) == TimeSignal(idle: true))
    #expect(minimum.end(0) == .nothing)
  }

  @Test("one that was idle from the start is active with a watermark though it has none yet")
  func idleFromTheStart() {
    var minimum = WatermarkMinimum(channels: 1)
    #expect(minimum.idle(0) == TimeSignal(idle: true))
    #expect(minimum.advance(0, to: .earliest) == TimeSignal(watermark: .earliest))
  }

  @Test("it does not matter in which order channels go idle: the last one lets the watermark go to the highest of them")
  func idleOrder() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
      var minimum = WatermarkMinimum(channels: 3)
      for channel in 0..<3 { _ = minimum.advance(channel, to: time(Int64(channel) + 1)) }
      let signals = order.map { minimum.idle($0) }
      #expect(minimum.current == time(3) && signals.map(\.idle) == [false, false, true], "\(order)")
    }
  }

  @Test("one that has ended lets the watermark go as far as it had come once all others are idle")
  func endedAmongIdle() {
    for endsFirst in [true, false] {
      var minimum = WatermarkMinimum(channels: 2)
      #expect(minimum.advance(0, to: time(7)) == .nothing)
      if endsFirst {
        #expect(minimum.end(0) == .nothing)
        #expect(minimum.idle(1) == TimeSignal(watermark: time(7), idle: true))
      } else {
        #expect(minimum.idle(1) == moved(7))
        #expect(minimum.end(0) == TimeSignal(idle: true))
      }
      #expect(minimum.advance(1, to: time(3)) == moved(7))
      #expect(minimum.advance(1, to: time(8)) == moved(8))
    }
  }

  /// What a plain search over all channels gives.
  private struct Model {
    enum Channel {
      case active(Int64)
      case idle(Int64)
      case ended(Int64)
    }
    var channels: [Channel]
    var current = Int64.min
    var isIdle = false

    mutating func settle() -> TimeSignal {
      let active = channels.compactMap { if case .active(let time) = $0 { time } else { nil } }
      let idle = channels.compactMap { if case .idle(let time) = $0 { time } else { nil } }
      if active.isEmpty && idle.isEmpty { return .nothing }
      let ended = channels.compactMap { if case .ended(let time) = $0 { time } else { nil } }
      let reached = max(current, active.min() ?? (idle + ended).max() ?? .min)
      defer { (current, isIdle) = (reached, active.isEmpty) }
      let isSaid = reached > current || (isIdle && !active.isEmpty)
      return TimeSignal(watermark: isSaid ? time(reached) : nil, idle: active.isEmpty && !isIdle)
    }
  }

  @Test("random watermarks, pauses and ends give what a plain search over all channels gives")
  func random() {
    var generator = SeededGenerator()
    for round in 0..<500 {
      let count = 1 + round % 5
      var minimum = WatermarkMinimum(channels: count)
      var model = Model(channels: [Model.Channel](repeating: .active(.min), count: count))
      for _ in 0..<60 {
        let open = model.channels.indices.filter { if case .ended = model.channels[$0] { false } else { true } }
        guard let channel = open.randomElement(using: &generator) else { break }
        var last = Int64.min
        if case .active(let time) = model.channels[channel] { last = time }
        if case .idle(let time) = model.channels[channel] { last = time }
        let signal: TimeSignal
        switch Int.random(in: 0..<40, using: &generator) {
        case 0:
          model.channels[channel] = .ended(last)
          signal = minimum.end(channel)
        case 1..<12:
          model.channels[channel] = .idle(last)
          signal = minimum.idle(channel)
        default:
          let value = Int64.random(in: 0..<20, using: &generator)
          model.channels[channel] = .active(max(last, value))
          signal = minimum.advance(channel, to: time(value))
        }
        #expect(signal == model.settle(), "\(generator)")
        #expect(minimum.current.microseconds == model.current && minimum.isIdle == model.isIdle, "\(generator)")
      }
    }
  }
}

struct InputProgressTests {
  private enum Signal {
    case watermark(Int64)
    case idle
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
      case .idle: advance = progress.idle(channel)
      case .barrier(let number): advance = progress.barrier(Epoch(number), from: channel)
      case .end: advance = progress.end(channel)
      }
      position[channel] += 1
      if advance.epochs != [.begin(Epoch(1))], advance != InputProgress.Advance() { advances.append(advance) }
    }
    return advances
  }

  @Test("in every order of two watermarks, a barrier and the end over two channels each comes out once, none too early")
  func twoChannels() throws {
    let script: [Signal] = [.watermark(1), .barrier(1), .watermark(2), .end]
    for order in Interleavings.all([4, 4]) {
      let advances = try play([script, script], order)
      #expect(advances.compactMap(\.time.watermark) == [time(1), time(2)], "\(order)")
      #expect(advances.compactMap(\.barrier) == [Epoch(1)], "\(order)")
      #expect(advances.map(\.ended).filter { $0 }.count == 1 && advances.last?.ended == true, "\(order)")
      let barrier = try #require(advances.firstIndex { $0.barrier != nil })
      #expect(advances[..<barrier].compactMap(\.time.watermark) == [time(1)], "\(order)")
    }
  }

  @Test("the same over three channels, one of which ends before its barrier")
  func threeChannels() throws {
    let full: [Signal] = [.watermark(1), .barrier(1), .end]
    let short: [Signal] = [.watermark(1), .end]
    for order in Interleavings.all([3, 3, 2]) {
      let advances = try play([full, full, short], order)
      #expect(advances.compactMap(\.time.watermark) == [time(1)], "\(order)")
      #expect(advances.compactMap(\.barrier) == [Epoch(1)], "\(order)")
      #expect(advances.last?.ended == true, "\(order)")
    }
  }

  @Test("an end that lets the watermark go and completes a barrier gives both")
  func both() throws {
    var progress = InputProgress(channels: 2)
    _ = progress.watermark(time(4), from: 0)
    _ = progress.barrier(Epoch(1), from: 0)
    #expect(progress.end(1) == InputProgress.Advance(time: moved(4), epochs: [.complete(Epoch(1))], ended: false))
    #expect(progress.end(0) == InputProgress.Advance(time: .nothing, epochs: [], ended: true))
  }

  @Test(
    "idle channels, barriers and ends over three channels, in every order: nothing is lost, said twice or too early")
  func idleInEveryOrder() throws {
    let scripts: [[Signal]] = [
      [.watermark(2), .idle, .barrier(1), .end],
      [.watermark(1), .barrier(1), .watermark(4), .end],
      [.idle, .barrier(1), .watermark(3), .end],
    ]
    for order in Interleavings.all(scripts.map(\.count)) {
      let advances = try play(scripts, order)
      #expect(advances.compactMap(\.barrier) == [Epoch(1)], "\(order)")
      #expect(advances.map(\.ended).filter { $0 }.count == 1 && advances.last?.ended == true, "\(order)")
      // No watermark goes back, and none is said again but by one that was idle.
      var last = EventTime.earliest
      var isIdle = false
      for advance in advances {
        if let time = advance.time.watermark {
          #expect(time > last || (isIdle && time == last), "\(order)")
          (last, isIdle) = (time, false)
        }
        if advance.time.idle {
          #expect(!isIdle, "\(order)")
          isIdle = true
        }
      }
      // Before the barrier the second channel is active unless it has not spoken: nobody gets further than it.
      let barrier = try #require(advances.firstIndex { $0.barrier != nil })
      let before = advances[..<barrier].compactMap(\.time.watermark)
      #expect(before.allSatisfy { $0 <= time(2) } && before.contains(time(1)), "\(order)")
      #expect(last >= time(2), "\(order)")
    }
  }
}
