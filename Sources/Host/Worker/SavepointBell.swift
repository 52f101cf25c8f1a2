import Base

/// Rung when somebody asks for a savepoint, at any time in a worker's life.
final class SavepointBell: Sendable {
  private struct State {
    var answer: (@Sendable () -> Void)?
    /// Rung before anybody could answer.
    var isWaiting = false
  }

  private let state = Monitor(State())

  /// From any thread. Rings that nobody could answer yet are one.
  func ring() {
    let answer = state.withLock { state in
      state.isWaiting = state.answer == nil
      return state.answer
    }
    answer?()
  }

  /// What to do from now on, at once if it was rung before.
  func answer(_ answer: @escaping @Sendable () -> Void) {
    let isWaiting = state.withLock { state in
      defer { state.isWaiting = false }
      state.answer = answer
      return state.isWaiting
    }
    if isWaiting { answer() }
  }
}
