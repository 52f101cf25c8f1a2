import CPlatform
import State

/// The open sessions of each key: their bounds, and the slots of their aggregates.
///
/// A key's latest session lies with the key, so that a row that goes on with it costs one access; others, of rows that
/// came out of order or are waited for, hang behind it. One thread at a time.
final class SessionTable {
  struct Session {
    /// The times of the first and of the last row.
    var first: Int64 = 0
    var last: Int64 = 0
    /// Of the aggregates; `none` where a key has no session.
    var slot = SessionTable.none
    /// The key's next session, plus 1; 0 for none.
    var next: UInt32 = 0
  }

  /// Rows that joined sessions: the aggregates of one go over to another.
  struct Merge {
    var from: UInt32
    var to: UInt32
  }

  static let none = UInt32.max

  /// Microseconds.
  private let gap: Int64
  /// By key.
  private let latest = SlotColumn(initial: Session())
  /// By number: the sessions behind the latest ones.
  private let others = SlotColumn(initial: Session())
  private var otherNumbers = SlotList()
  private var slots = SlotList()
  /// By slot of aggregates.
  private let keyOfSlot = SlotColumn<UInt32>(initial: SessionTable.none)
  /// Sessions that the rows in hand have begun, by slot, and those that they have joined.
  private(set) var begun: [UInt32] = []
  private(set) var merges: [Merge] = []

  /// Far enough for a miss to memory, near enough that the lines are still in the first cache.
  private static let ahead = 20

  init(gap: Int64) { self.gap = gap }

  deinit {
    otherNumbers.deallocate()
    slots.deallocate()
  }

  /// Bytes of memory that it holds.
  var byteCount: Int {
    latest.byteCount + others.byteCount + keyOfSlot.byteCount + otherNumbers.byteCount + slots.byteCount
  }

  /// Bytes beyond those that so many keys, and a session for each row, take at worst.
  func growth(to keyCount: Int, rows: Int) -> Int {
    let wanted = slots.end(adding: rows)
    return latest.growth(to: keyCount) + others.growth(to: otherNumbers.end(adding: rows))
      + keyOfSlot.growth(to: wanted)
  }

  /// Slots of aggregates are `0..<slotCount`.
  var slotCount: Int { slots.end }

  /// Puts rows into sessions, begins those that there are not, and joins those that a row lies between.
  ///
  /// - Parameters:
  ///   - keys: by row.
  ///   - keyCount: all keys are below it.
  ///   - closed: a row whose session alone would end at or before it is late: it gets the slot `none`.
  ///   - target: by row: the slot of its aggregates, from before all merges.
  /// - Returns: how many rows are late.
  func assign(
    _ times: UnsafePointer<Int64>, keys: UnsafePointer<UInt32>, count: Int, keyCount: Int, closed: Int64,
    to target: UnsafeMutablePointer<UInt32>
  ) -> Int {
    begun.removeAll(keepingCapacity: true)
    merges.removeAll(keepingCapacity: true)
    latest.grow(to: keyCount)
    let sessions = latest.values
    let gap = gap
    var lateCount = 0
    for row in 0..<min(Self.ahead, count) { platform_prefetch(sessions + Int(keys[row])) }
    for row in 0..<count {
      if row &+ Self.ahead < count { platform_prefetch(sessions + Int(keys[row &+ Self.ahead])) }
      let session = sessions + Int(keys[row])
      let time = times[row]
      if session.pointee.next == 0, session.pointee.slot != Self.none, time > session.pointee.first &- gap,
        time < session.pointee.last &+ gap
      {
        if time > session.pointee.last { session.pointee.last = time }
        if time < session.pointee.first { session.pointee.first = time }
        target[row] = session.pointee.slot
        continue
      }
      let slot = place(time, session, keys[row], closed)
      target[row] = slot
      lateCount &+= slot == Self.none ? 1 : 0
    }
    return lateCount
  }

  /// A row that does not simply go on with the key's only session.
  @inline(never)
  private func place(
    _ time: Int64, _ latest: UnsafeMutablePointer<Session>, _ key: UInt32, _ closed: Int64
  ) -> UInt32 {
    var merged = Session(first: time, last: time)
    var joined = 0
    // Those that the row touches leave the list, and become one.
    var kept: [Session] = []
    forEach(of: latest) { session in
      guard time > session.first - gap, time < session.last + gap else {
        kept.append(session)
        return
      }
      joined += 1
      if joined == 1 {
        merged.slot = session.slot
      } else if session.first < merged.first {
        // The earliest one takes the others in, so that what they have comes behind its own.
        merges.append(Merge(from: merged.slot, to: session.slot))
        merged.slot = session.slot
      } else {
        merges.append(Merge(from: session.slot, to: merged.slot))
      }
      merged.first = min(merged.first, session.first)
      merged.last = max(merged.last, session.last)
    }
    if joined == 0 {
      if time + gap <= closed { return Self.none }
      merged.slot = slots.take()
      keyOfSlot.grow(to: slots.end)
      keyOfSlot.values[Int(merged.slot)] = key
      begun.append(merged.slot)
    }
    replace(latest, with: merged, kept)
    return merged.slot
  }

  private func forEach(of latest: UnsafeMutablePointer<Session>, _ body: (Session) -> Void) {
    guard latest.pointee.slot != Self.none else { return }
    body(latest.pointee)
    var next = latest.pointee.next
    while next != 0 {
      let session = others.values[Int(next - 1)]
      body(session)
      next = session.next
    }
  }

  /// The key's sessions become these.
  private func replace(_ latest: UnsafeMutablePointer<Session>, with first: Session, _ rest: [Session]) {
    var next = latest.pointee.slot == Self.none ? 0 : latest.pointee.next
    while next != 0 {
      var number = next - 1
      next = others.values[Int(number)].next
      otherNumbers.giveBack(&number, count: 1)
    }
    latest.pointee = first
    latest.pointee.next = 0
    for session in rest {
      let number = otherNumbers.take()
      others.grow(to: otherNumbers.end)
      others.values[Int(number)] = session
      others.values[Int(number)].next = latest.pointee.next
      latest.pointee.next = number + 1
    }
  }

  /// The key of a slot.
  func key(of slot: UInt32) -> UInt32 { keyOfSlot.values[Int(slot)] }

  /// Asks for the memory of a slot's session.
  @inline(__always)  // A part of a loop over slots.
  func prefetch(_ slot: UInt32) { platform_prefetch(latest.values + Int(keyOfSlot.values[Int(slot)])) }

  /// The session with that slot.
  func session(of slot: UInt32) -> Session {
    let latest = latest.values + Int(key(of: slot))
    if latest.pointee.slot == slot { return latest.pointee }
    var found = Session()
    forEach(of: latest) { session in if session.slot == slot { found = session } }
    precondition(found.slot == slot, "a slot that is taken has a session")
    return found
  }

  /// Whether a slot that was begun still is a session of its own, and was not joined to another.
  func isOpen(_ slot: UInt32) -> Bool {
    var found = false
    forEach(of: latest.values + Int(key(of: slot))) { session in found = found || session.slot == slot }
    return found
  }

  /// Ends a session. Its slot stays taken.
  ///
  /// - Returns: whether the key has no other one.
  func end(_ slot: UInt32) -> Bool {
    let latest = latest.values + Int(key(of: slot))
    if latest.pointee.slot == slot, latest.pointee.next == 0 {
      latest.pointee = Session()
      return true
    }
    var kept: [Session] = []
    forEach(of: latest) { session in if session.slot != slot { kept.append(session) } }
    replace(latest, with: kept[0], Array(kept.dropFirst()))
    return false
  }

  /// Whether a key has a session.
  func hasSession(_ key: UInt32) -> Bool { latest.values[Int(key)].slot != Self.none }

  /// Slots whose aggregates are as of no rows again.
  func giveBack(_ given: UnsafePointer<UInt32>, count: Int) {
    slots.giveBack(given, count: count)
    guard slots.takenCount == 0 else { return }
    keyOfSlot.removeAll()
    others.removeAll()
    otherNumbers.removeAll()
  }

  /// No key is left.
  func removeAllKeys() { latest.removeAll() }
}
