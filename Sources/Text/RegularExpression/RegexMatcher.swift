/// Searches with a regular expression: its automata, as far as texts have asked for them, at most some megabytes. One thread
/// at a time; see `RegularExpression.withMatcher`.
public final class RegexMatcher {
  private let expression: Parts
  private let forward: LazyDFA
  private let backward: LazyDFA
  /// For the groups of short matches; nil when the program is too large for it.
  private lazy var backtracker = Backtracker(expression.noting, slotCount: slotCount)
  private lazy var machine = PikeMachine(expression.noting, slotCount: slotCount)
  /// Where groups begin (2 * group) and end (2 * group + 1) in the last match; -1 for a group that took no part.
  private let slots: UnsafeMutablePointer<Int32>
  private var slotCount: Int { 2 * expression.groupCount + 2 }

  /// What an expression is made of, without itself, which keeps its matchers.
  private struct Parts {
    var literal: SubstringSearcher?
    var prefix: SubstringSearcher?
    var required: SubstringSearcher?
    var startsText: Bool
    var readsFromEnd: Bool
    var noting: RegexProgram
    var groupCount: Int
  }

  init(_ expression: RegularExpression) {
    self.expression = Parts(
      literal: expression.literal, prefix: expression.startsText ? nil : expression.prefix,
      required: expression.required,
      startsText: expression.startsText, readsFromEnd: expression.readsFromEnd, noting: expression.noting,
      groupCount: expression.captureNames.count)
    forward = LazyDFA(expression.forward, isReversed: false)
    backward = LazyDFA(expression.backward, isReversed: true)
    let count = 2 * expression.captureNames.count + 2
    slots = .allocate(capacity: count)
    slots.initialize(repeating: -1, count: count)
  }

  deinit { slots.deallocate() }

  /// Whether there is a match anywhere in the text.
  public func matches(_ text: TextBytes) -> Bool {
    if let literal = expression.literal { return literal.firstOffset(in: text) >= 0 }
    if let required = expression.required, required.firstOffset(in: text) < 0 { return false }
    if expression.readsFromEnd {
      return backward.matchStart(in: text, endingAt: text.count, notBefore: 0, anyStart: true) >= 0
    }
    return forward.matchEnd(
      in: text, from: 0, anchored: expression.startsText, anyEnd: true, prefix: expression.prefix) >= 0
  }

  /// The bytes of the first match that begins at byte `start` or after it. What stands before `start` counts for `^` and `\b`.
  public func firstMatch(in text: TextBytes, from start: Int = 0) -> Range<Int>? {
    if let literal = expression.literal {
      let found = literal.firstOffset(in: text, from: start)
      return found < 0 ? nil : found..<(found &+ literal.bytes.count)
    }
    if expression.startsText {
      guard start == 0 else { return nil }
      let end = forward.matchEnd(in: text, from: 0, anchored: true, anyEnd: false)
      return end < 0 ? nil : 0..<end
    }
    if start == 0, let required = expression.required, required.firstOffset(in: text) < 0 { return nil }
    if expression.readsFromEnd {
      // All matches end at the same place, so the longest is the one that begins first.
      let first = backward.matchStart(in: text, endingAt: text.count, notBefore: start)
      return first < 0 ? nil : first..<text.count
    }
    let end = forward.matchEnd(in: text, from: start, anchored: false, anyEnd: false, prefix: expression.prefix)
    guard end >= 0 else { return nil }
    let first = backward.matchStart(in: text, endingAt: end, notBefore: start)
    precondition(first >= start, "a match that was found forward has no start backward")
    return first..<end
  }

  /// Finds the groups of a match that `firstMatch` gave, for `group`. A text has at most 2 GiB.
  public func findGroups(in text: TextBytes, of match: Range<Int>) {
    if let backtracker, backtracker.findGroups(in: text, of: match, into: slots) { return }
    machine.findGroups(in: text, of: match, into: slots)
  }

  /// The bytes of a group, 0 for the whole match, in the last match that `findGroups` was given; nil for a group that took
  /// no part in it.
  public func group(_ index: Int) -> Range<Int>? {
    precondition(index >= 0 && index <= expression.groupCount, "the expression has no group \(index)")
    guard slots[2 * index] >= 0, slots[2 * index + 1] >= 0 else { return nil }
    return Int(slots[2 * index])..<Int(slots[2 * index + 1])
  }
}
