import Arrow
import Base
import State
import VolleyPlan

/// Timers that have come and gone, as entries of their table.
struct ProcessTimerChanges {
  let table: StateTable
  let timers = TimerChanges()
  var gone: GoneEntries

  init(_ table: StateTable) {
    self.table = table
    gone = GoneEntries(table)
  }
}

extension ProcessTimers {
  /// An entry a timer, which is all address.
  static func table(keys: [Field]) -> StateTable {
    StateTable(
      "(timers)", key: keys,
      namespace: [
        Field("clock", .utf8, nullable: false), Field("time", .timestamp(.microsecond, timezone: nil), nullable: false),
      ], value: [])
  }

  static func name(_ clock: TimerClock) -> String { clock == .event ? "event" : "processing" }

  func trackChanges(_ keys: [Field]) { changes = ProcessTimerChanges(Self.table(keys: keys)) }

  /// Reads the keys of timers that are gone: before a key is.
  func settle(_ keys: any KeyTable) throws(Failure) {
    guard let gone = changes?.timers.takeGone(), !gone.isEmpty else { return }
    try forEachPart(gone, keys) { changes?.gone.add($0, count: $1) }
  }

  func takeChanges(into taken: inout StateChanges, table: Int, _ keys: any KeyTable) throws(Failure) {
    try takeGone(into: &taken, table: table, keys)
    guard let changes else { return }
    try forEachPart(changes.timers.takeNew(), keys) { columns, count in
      taken.put(RecordBatch(schema: changes.table.entry, columns: columns, length: count), table: table)
    }
  }

  func takeGone(into taken: inout StateChanges, table: Int, _ keys: any KeyTable) throws(Failure) {
    try settle(keys)
    try changes?.gone.take(into: &taken, table: table)
  }

  // MARK: What leaves memory

  /// The timers of some slots.
  func timers(of slots: Selection) -> [State.Timer] {
    guard count > 0 else { return [] }
    let records = states.timedRecords
    var (found, others): ([State.Timer], Set<UInt32>) = ([], [])
    for index in 0..<slots.count {
      let slot = slots.rows[index]
      let times = records.times[slot]
      times.pointee.visit { found.append(State.Timer(time: $0, slot: slot, tag: $1)) }
      if times.pointee.hasOthers { others.insert(slot) }
    }
    if others.isEmpty { return found }
    for clock in [TimerClock.event, .processing] {
      found += queue(clock).timersBesideRecords.filter { others.contains($0.slot) }
    }
    return found
  }

  /// Gives the entries of those timers that were not taken yet, which are told with this.
  func putNew(
    of timers: [State.Timer], _ keys: any KeyTable, _ put: (RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {
    guard let changes else { return }
    try forEachPart(changes.timers.takeNew(of: timers), keys) { columns, count throws(Failure) in
      try put(RecordBatch(schema: changes.table.entry, columns: columns, length: count))
    }
  }

  /// These timers are in the database, and here no more.
  func forget(_ timers: [State.Timer]) {
    if timers.isEmpty { return }
    let records = states.timedRecords
    for clock in [TimerClock.event, .processing] {
      let own = timers.filter { $0.tag == clock.tag }
      queue(clock).delete(own, count: own.count, in: records.times)
    }
  }

  /// - Parameter body: is given key, clock and time of each.
  func forEachPart(
    _ timers: [State.Timer], _ keys: any KeyTable, _ body: ([Column], Int) throws(Failure) -> Void
  ) throws(Failure) {
    for first in stride(from: 0, to: timers.count, by: StateStore.blockRows) {
      let part = timers[first..<min(timers.count, first + StateStore.blockRows)]
      let clocks = Utf8Builder(capacity: part.count)
      let times = FixedBuilder<Int64>(.timestamp)
      for timer in part {
        clocks.append(Self.name(timer.tag == TimerClock.event.tag ? .event : .processing))
        times.append(timer.time)
      }
      let columns = try keys.keys(of: part.map(\.slot), count: part.count) + [clocks.finish(), times.finish()]
      try body(columns, part.count)
    }
  }

  /// Timers come back, of these slots.
  ///
  /// - Parameter namespace: clocks and times.
  func restore(_ namespace: [Column], _ slots: UnsafePointer<UInt32>, count: Int) {
    let (flags, records) = (flags(count), states.timedRecords)
    for clock in [TimerClock.event, .processing] {
      let name = Array(Self.name(clock).utf8)
      let timers = (0..<count).filter { namespace[0].bytes(at: $0).elementsEqual(name) }.map {
        State.Timer(time: namespace[1].values(Int64.self)[$0], slot: slots[$0], tag: clock.tag)
      }
      queue(clock).register(timers, count: timers.count, in: records.times, isNew: flags)
      for (index, timer) in timers.enumerated() where flags[index] { records[timer.slot].pointee.references += 1 }
    }
    withExtendedLifetime(namespace) {}
  }
}
