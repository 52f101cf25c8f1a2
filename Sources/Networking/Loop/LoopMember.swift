import Base
import CPlatform
import Glibc

/// Who has a descriptor in an event loop. All is called on the loop's thread, which is what makes it `Sendable`.
public class LoopMember: @unchecked Sendable {
  /// Whether it is in the loop's list of those who go on soon.
  final var isQueued = false
  /// Its place in the loop's table; nil while it has no descriptor there.
  final fileprivate(set) var tag: UInt64?

  init() {}

  /// The descriptor's state changed: `events` are `PLATFORM_READABLE` and so on. Told once for each change (edge-triggered), so who does
  /// not use it now has to remember it.
  func ready(_ events: UInt32) {}

  /// The turn that was asked for with `turnAgain`.
  func turn() {}

  /// The loop ends: give the descriptor back.
  func loopEnds() {}
}

/// The members of a loop by the tag that epoll returns.
struct LoopMembers {
  static let wakeupTag = UInt64.max

  private struct Slot {
    var member: LoopMember?
    /// Counts the members that the slot has had, so that an event for a former one finds nobody.
    var generation: UInt32 = 0
  }

  private var slots: [Slot] = []
  private var free: [Int] = []
  private(set) var count = 0

  subscript(tag: UInt64) -> LoopMember? {
    let index = Int(UInt32(truncatingIfNeeded: tag))
    guard index < slots.count, slots[index].generation == UInt32(truncatingIfNeeded: tag >> 32) else { return nil }
    return slots[index].member
  }

  var all: [LoopMember] { slots.compactMap(\.member) }

  fileprivate mutating func add(_ member: LoopMember) -> UInt64 {
    if free.isEmpty {
      free.append(slots.count)
      slots.append(Slot())
    }
    let index = free.removeLast()
    slots[index].member = member
    count += 1
    return UInt64(slots[index].generation) << 32 | UInt64(index)
  }

  fileprivate mutating func remove(_ tag: UInt64) {
    let index = Int(UInt32(truncatingIfNeeded: tag))
    slots[index].member = nil
    slots[index].generation &+= 1
    free.append(index)
    count -= 1
  }
}

extension EventLoop {
  /// Watches a descriptor for a member that has none yet.
  func add(_ member: LoopMember, _ descriptor: Int32) throws(Failure) {
    assertCurrent()
    precondition(member.tag == nil, "a member of an event loop has one descriptor at a time")
    let tag = members.add(member)
    guard platform_epoll_add(epoll, descriptor, tag) == 0 else {
      let code = errno
      members.remove(tag)
      throw Failure(
        .io, retryable: true,
        "the event loop '\(name)' cannot watch one more connection (\(systemText(code))); raise fs.epoll.max_user_watches"
      )
    }
    member.tag = tag
  }

  /// Stops watching the member's descriptor, which is still open.
  func remove(_ member: LoopMember, _ descriptor: Int32) {
    assertCurrent()
    guard let tag = member.tag else { return }
    // It cannot fail for a descriptor that was added, and closing it would do.
    _ = platform_epoll_remove(epoll, descriptor)
    members.remove(tag)
    member.tag = nil
  }

  /// Descriptors that are watched, the loop's own one not among them. On the loop's thread.
  var descriptorCount: Int { members.count }

  /// Timers that are set. On the loop's thread.
  var timerCount: Int { timers.count }
}
