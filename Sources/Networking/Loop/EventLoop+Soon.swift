extension EventLoop {
  enum SoonTask {
    case closure(() -> Void)
    case member(LoopMember)
  }

  /// Runs `body` later in this turn or in the next one, after the caller's callers have returned. On the loop's thread.
  public func runSoon(_ body: @escaping () -> Void) {
    assertCurrent()
    soon.append(.closure(body))
  }

  /// Calls the member's ``LoopMember/turn()`` in the next turn, once however often this is called before it. Allocates nothing.
  func turnAgain(_ member: LoopMember) {
    guard !member.isQueued else { return }
    member.isQueued = true
    soon.append(.member(member))
  }
}
