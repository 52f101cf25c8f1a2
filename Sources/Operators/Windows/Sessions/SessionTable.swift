import CPlatform
import State

/// The open sessions of each key: their bounds, and the slots of their aggregates.
///
/// A key's latest session lies with the key, so that a row that goes on with it costs one access; earlier ones, of rows
/// that came out of order or are waited for, hang behind it, in the order of their times. One thread at a time.
final class SessionTable {
  struct Session {
    /// The times of the first and of the last row.
    var first: Int64 = 0
    var last: Int64 = 0
    /// Of the aggregates; `none` where a key has no session.
    var slot = SessionTable.none
    /// The place of the key's session before it; 0 for none.
    var earlier: UInt32 = 0
    /// The time of the timer that looks at the session; the last time of all when there is none. With it the session
    /// takes half a line of the cache: no row's session lies in two.
    var scheduled = Int64.max

    init(first: Int64 = 0, last: Int64 = 0, slot: UInt32 = SessionTable.none) {
      self.first = first
      self.last = last
      self.slot = slot
    }
  }

  /// Rows that joined sessions: the aggregates of one go over to another.
  struct Merge {
    var from: UInt32
    var to: UInt32
  }

  /// A session that is not its key's latest one.
  private struct Link {
    var session = Session()
    /// The place of the key's session after it; 0 for the latest one.
    var later: UInt32 = 0
  }

  /// Where the session of a slot is.
  struct Owner {
    var key: UInt32 = 0
    /// Of the session: 0 for the key's latest one, a number of `links` plus 1, or `none` when it is not open any more.
    var place = SessionTable.none
  }

  static let none = UInt32.max

  /// Microseconds.
  private let gap: Int64
  /// By key.
  let latest = SlotColumn(initial: Session())
  private let links = SlotColumn(initial: Link())
  private var linkNumbers = SlotList()
  private var slots = SlotList()
  /// By slot of aggregates.
  let owners = SlotColumn(initial: Owner())
  /// Sessions that the rows in hand have begun, by slot, and those that they have joined.
  private(set) var begun: [UInt32] = []
  private(set) var merges: [Merge] = []

  /// Far enough for a miss to memory, near enough that the lines are still in the second cache.
  private static let ahead = 40

  init(gap: Int64) { self.gap = gap }

  deinit {
    linkNumbers.deallocate()
    slots.deallocate()
  }

  /// Bytes of memory that it holds.
  var byteCount: Int {
    latest.byteCount + links.byteCount + owners.byteCount + linkNumbers.byteCount + slots.byteCount
  }

  /// Bytes beyond those that so many keys, and a session for each row, take at worst.
  func growth(to keyCount: Int, rows: Int) -> Int {
    latest.growth(to: keyCount) + links.growth(to: linkNumbers.end(adding: rows))
      + owners.growth(to: slots.end(adding: rows))
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
      // A row before the session's first one may reach an earlier one as well.
      if session.pointee.slot != Self.none, time < session.pointee.last &+ gap,
        time >= session.pointee.first || session.pointee.earlier == 0 && time > session.pointee.first &- gap
      {
        if time > session.pointee.last { session.pointee.last = time }
        if time < session.pointee.first { session.pointee.first = time }
        target[row] = session.pointee.slot
        continue
      }
      let slot = place(time, keys[row], closed)
      target[row] = slot
      lateCount &+= slot == Self.none ? 1 : 0
    }
    return lateCount
  }

  /// A row that does not simply go on with the key's latest session.
  ///
  /// Sessions are a gap or more apart, so a row reaches two at most: the last one that begins before it, and the next.
  @inline(never)
  private func place(_ time: Int64, _ key: UInt32, _ closed: Int64) -> UInt32 {
    // The places of both; `none` where there is none.
    var (before, after) = (Self.none, Self.none)
    if hasSession(key) {
      before = 0
      while before != Self.none, session(key, before).pointee.first > time {
        after = before
        let earlier = session(key, before).pointee.earlier
        before = earlier == 0 ? Self.none : earlier
      }
    }
    let reachesBefore = before != Self.none && time < session(key, before).pointee.last + gap
    let reachesAfter = after != Self.none && time > session(key, after).pointee.first - gap
    switch (reachesBefore, reachesAfter) {
    case (true, true):
      let (from, to) = (session(key, after).pointee, session(key, before))
      to.pointee.last = from.last
      let slot = to.pointee.slot
      // The earlier one takes the later one in, so that what that has comes behind its own.
      merges.append(Merge(from: from.slot, to: slot))
      remove(key, after)
      return slot
    case (true, false):
      let session = session(key, before)
      session.pointee.last = max(session.pointee.last, time)
      return session.pointee.slot
    case (false, true):
      let session = session(key, after)
      session.pointee.first = time
      return session.pointee.slot
    case (false, false):
      if time + gap <= closed { return Self.none }
      return begin(time, key, before: before, after: after)
    }
  }

  /// Begins a session behind all others of its key.
  ///
  /// - Parameter keyCount: all keys are below it.
  func restore(first: Int64, last: Int64, key: UInt32, keyCount: Int) -> UInt32 {
    latest.grow(to: keyCount)
    let slot = begin(first, key, before: hasSession(key) ? 0 : Self.none, after: Self.none)
    latest.values[Int(key)].last = last
    begun.removeAll(keepingCapacity: true)
    return slot
  }

  func session(_ key: UInt32, _ place: UInt32) -> UnsafeMutablePointer<Session> {
    if place == 0 { return latest.values + Int(key) }
    return UnsafeMutableRawPointer(links.values + Int(place - 1)).assumingMemoryBound(to: Session.self)
  }

  /// Begins a session between two others of its key.
  private func begin(_ time: Int64, _ key: UInt32, before: UInt32, after: UInt32) -> UInt32 {
    var session = Session(first: time, last: time, slot: slots.take())
    owners.grow(to: slots.end)
    begun.append(session.slot)
    if after == Self.none {
      if before != Self.none { session.earlier = link(latest.values[Int(key)], later: 0) }
      latest.values[Int(key)] = session
      owners.values[Int(session.slot)] = Owner(key: key, place: 0)
    } else {
      session.earlier = before == Self.none ? 0 : before
      owners.values[Int(session.slot)].key = key
      let place = link(session, later: after)
      self.session(key, after).pointee.earlier = place
    }
    return session.slot
  }

  /// Puts a session that has an owner behind another one, which is to be told its place.
  private func link(_ session: Session, later: UInt32) -> UInt32 {
    let number = linkNumbers.take()
    links.grow(to: linkNumbers.end)
    links.values[Int(number)] = Link(session: session, later: later)
    let place = number + 1
    owners.values[Int(session.slot)].place = place
    if session.earlier != 0 { links.values[Int(session.earlier - 1)].later = place }
    return place
  }

  /// Takes a session from its key. Its slot stays taken.
  private func remove(_ key: UInt32, _ place: UInt32) {
    let gone = session(key, place).pointee
    owners.values[Int(gone.slot)].place = Self.none
    var freed = place
    if place != 0 {
      let later = links.values[Int(place - 1)].later
      session(key, later).pointee.earlier = gone.earlier
      if gone.earlier != 0 { links.values[Int(gone.earlier - 1)].later = later }
    } else if gone.earlier == 0 {
      latest.values[Int(key)] = Session()
    } else {
      freed = gone.earlier
      let session = links.values[Int(freed - 1)].session
      latest.values[Int(key)] = session
      owners.values[Int(session.slot)].place = 0
      if session.earlier != 0 { links.values[Int(session.earlier - 1)].later = 0 }
    }
    if freed == 0 { return }
    var number = freed - 1
    linkNumbers.giveBack(&number, count: 1)
  }

  /// The key of a slot.
  func key(of slot: UInt32) -> UInt32 { owners.values[Int(slot)].key }

  /// Asks for what `key(of:)` and `session(of:)` read first.
  @inline(__always)  // A part of a loop over timers.
  func prefetchOwner(_ slot: UInt32) { platform_prefetch(owners.values + Int(slot)) }

  /// The session with that slot.
  func session(of slot: UInt32) -> Session {
    let owner = owners.values[Int(slot)]
    precondition(owner.place != Self.none, "a slot whose session is asked for has one that is open")
    return session(owner.key, owner.place).pointee
  }

  /// Sessions that are open, and slots of those that were and are not given back.
  var takenCount: Int { slots.takenCount }

  /// Whether a slot that was begun still is a session of its own, and was not joined to another.
  func isOpen(_ slot: UInt32) -> Bool { owners.values[Int(slot)].place != Self.none }

  /// Ends a session. Its slot stays taken.
  ///
  /// - Returns: whether the key has no other one.
  func end(_ slot: UInt32) -> Bool {
    let owner = owners.values[Int(slot)]
    remove(owner.key, owner.place)
    return !hasSession(owner.key)
  }

  /// Whether a key has a session.
  func hasSession(_ key: UInt32) -> Bool { latest.values[Int(key)].slot != Self.none }

  /// Slots whose aggregates are as of no rows again.
  func giveBack(_ given: UnsafePointer<UInt32>, count: Int) {
    slots.giveBack(given, count: count)
    guard slots.takenCount == 0 else { return }
    owners.removeAll()
    links.removeAll()
    linkNumbers.removeAll()
  }

  /// No key is left.
  func removeAllKeys() { latest.removeAll() }

  /// Traps when what belongs together does not agree; for tests.
  func checkInvariants() {
    var (openCount, linkCount) = (0, 0)
    for key in 0..<UInt32(latest.count) where hasSession(key) {
      var (place, later) = (UInt32(0), Session?.none)
      while true {
        let own = session(key, place).pointee
        let owner = owners.values[Int(own.slot)]
        precondition(owner.key == key && owner.place == place, "a session is where its slot's owner says")
        precondition(own.first <= own.last, "a session begins before it ends")
        if let later { precondition(own.last + gap <= later.first, "sessions are a gap apart, the later ones first") }
        openCount += 1
        if own.earlier == 0 { break }
        precondition(links.values[Int(own.earlier - 1)].later == place, "links agree")
        linkCount += 1
        (place, later) = (own.earlier, own)
      }
    }
    precondition(linkCount == linkNumbers.takenCount, "a link that is taken is some key's")
    precondition((0..<UInt32(owners.count)).count { isOpen($0) } == openCount, "an open slot is some key's")
  }
}
