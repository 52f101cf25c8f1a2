import Base
import Synchronization
import TestSupport
import Testing

@testable import Dataflow

/// Counts how often it is told of a change.
private final class Bell: ChannelListener {
  let rings = Atomic<Int>(0)
  func channelChanged() { rings.add(1, ordering: .sequentiallyConsistent) }
  var count: Int { rings.load(ordering: .sequentiallyConsistent) }
}

/// Batches and bytes that lie on it.
private func queued(_ channel: LocalChannel) -> [Int] { [channel.fill.batches, channel.fill.bytes] }

struct LocalChannelTests {
  private static func item(_ number: UInt64, bytes: Int = 0) -> ChannelItem {
    ChannelItem(.barrier(Epoch(number)), byteCount: bytes, since: MonotonicTime(nanoseconds: 0))
  }

  private static func number(_ item: ChannelItem?) -> UInt64? {
    guard case .barrier(let epoch) = item?.element else { return nil }
    return epoch.number
  }

  @Test("an empty channel gives nothing and is drained")
  func empty() {
    let channel = LocalChannel(elementLimit: 1, byteLimit: 1)
    #expect(channel.take() == nil && channel.isDrained && queued(channel) == [0, 0])
  }

  @Test("elements come out in their order, for every limit and every number of them", arguments: 1...9)
  func order(limit: Int) {
    let channel = LocalChannel(elementLimit: limit, byteLimit: 1000)
    var next: UInt64 = 0
    for count in 1...limit {
      for offset in 0..<count { #expect(channel.offer(LocalChannelTests.item(next + UInt64(offset)))) }
      #expect(channel.fill.batches == count && !channel.isDrained)
      #expect(channel.offer(LocalChannelTests.item(99)) == (count < limit))
      if count < limit { next += 0 }
      for offset in 0..<count {
        #expect(LocalChannelTests.number(channel.take()) == next + UInt64(offset))
      }
      if count < limit { #expect(LocalChannelTests.number(channel.take()) == 99) }
      #expect(channel.take() == nil)
      next += UInt64(count)
    }
  }

  @Test("bytes are bounded, and an element larger than the bound passes alone")
  func bytes() {
    let channel = LocalChannel(elementLimit: 10, byteLimit: 100)
    #expect(channel.offer(LocalChannelTests.item(0, bytes: 60)))
    #expect(channel.offer(LocalChannelTests.item(1, bytes: 40)))
    #expect(!channel.offer(LocalChannelTests.item(2, bytes: 1)))
    #expect(channel.offer(LocalChannelTests.item(2, bytes: 0)))
    #expect(queued(channel) == [3, 100])
    #expect(channel.fill.batchLimit == 10 && channel.fill.byteLimit == 100)
    _ = channel.take()
    #expect(!channel.offer(LocalChannelTests.item(3, bytes: 500)))
    _ = channel.take()
    #expect(!channel.offer(LocalChannelTests.item(3, bytes: 500)), "a signal still lies before it")
    _ = channel.take()
    #expect(channel.offer(LocalChannelTests.item(3, bytes: 500)))
    #expect(!channel.offer(LocalChannelTests.item(4, bytes: 1)))
    #expect(channel.peakBytes == 500)
    #expect(LocalChannelTests.number(channel.take()) == 3 && queued(channel) == [0, 0])
  }

  @Test("the reader is told of each element, the writer of room only when it was refused")
  func listeners() {
    let channel = LocalChannel(elementLimit: 1, byteLimit: 100)
    let (reader, writer) = (Bell(), Bell())
    channel.attachReader(reader)
    channel.attachWriter(writer)
    #expect(channel.offer(LocalChannelTests.item(0)) && reader.count == 1)
    _ = channel.take()
    #expect(writer.count == 0)
    _ = channel.offer(LocalChannelTests.item(1))
    #expect(!channel.offer(LocalChannelTests.item(2)) && reader.count == 2)
    _ = channel.take()
    #expect(writer.count == 1)
    _ = channel.offer(LocalChannelTests.item(2))
    _ = channel.take()
    #expect(writer.count == 1)
  }

  @Test("a channel frees what nobody took")
  func frees() {
    final class Owner {}
    weak var kept: Owner?
    do {
      let channel = LocalChannel(elementLimit: 4, byteLimit: 1000)
      let owner = Owner()
      kept = owner
      channel.offerForeign(owner)
    }
    #expect(kept == nil)
  }

  @Test("between two threads nothing is lost, doubled or reordered, no bound is broken and no wake-up is lost")
  func twoThreads() throws {
    var generator = SeededGenerator()
    for (elements, bytes) in [(1, 1), (1, 1000), (2, 100), (16, 300), (64, 100_000)] {
      let seed = generator.next()
      let count: UInt64 = 20_000
      let channel = LocalChannel(elementLimit: elements, byteLimit: bytes)
      let (readerParker, writerParker) = (ThreadParker(), ThreadParker())
      channel.attachReader(readerParker)
      channel.attachWriter(writerParker)
      let writer = try OSThread(name: "writer") {
        var generator = SeededGenerator(seed: seed)
        for number in 0..<count {
          let item = LocalChannelTests.item(number, bytes: Int.random(in: 0...80, using: &generator))
          while !channel.offer(item) { writerParker.park() }
        }
      }
      var expected: UInt64 = 0
      while expected < count {
        guard let item = channel.take() else {
          readerParker.park()
          continue
        }
        #expect(LocalChannelTests.number(item) == expected, "\(generator)")
        expected += 1
      }
      writer.join()
      #expect(queued(channel) == [0, 0], "\(generator)")
      #expect(channel.peakBytes <= max(bytes, 80), "\(generator)")
    }
  }
}

extension LocalChannel {
  /// Puts a batch on it whose memory belongs to `owner`.
  fileprivate func offerForeign(_ owner: AnyObject) {
    let batch = Rows.foreignBatch(owner: owner)
    #expect(offer(ChannelItem(.batch(batch), byteCount: 8, since: .now)))
  }
}
