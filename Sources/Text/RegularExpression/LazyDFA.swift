/// A program's deterministic automaton, made state by state as texts ask for them (Cox, "Regular expression matching in the
/// wild", 2010, as in RE2).
///
/// Forward it finds the match that comes first in the expression's order, as Perl's would; backward the longest. A state is
/// the list of instructions that a match may go on from. What it takes for a match is known one byte late, when the
/// byte after it has told the conditions on the place. Its memory is bounded: when there are too many states all are
/// forgotten but the one at hand, so that time stays linear in the text. One thread at a time.
final class LazyDFA {
  /// A state's place in `transitions`, with a bit for a match; two values are no states.
  typealias Entry = UInt32

  private static let unknown: Entry = 0xFFFF_FFFF
  private static let dead: Entry = 0x7FFF_FFFF
  private static let matchBit: Entry = 0x8000_0000
  /// Set in all entries that a loop must look at: matches, dead and unknown ones.
  private static let special: Entry = 0xC000_0000
  /// Bytes that states may take.
  private static let maximumBytes = 2 << 20

  /// What a state is, beside its instructions.
  private struct Flags {
    /// Conditions that are known to hold at the state's place.
    var held: RegexLook = []
    /// Some condition is open until the byte after the place is known. Only then the instructions are followed: a condition
    /// that holds may lead to places that others come to later, and the first to come counts.
    var waits = false
    /// The byte before the place is a word's.
    var afterWord = false
    /// The byte before the place does not begin a character. Reversed programs only.
    var afterContinuation = false
    /// There is a match that ends before the byte before the place.
    var match = false

    var bits: UInt32 {
      UInt32(held.rawValue) | (waits ? 1 << 15 : 0) | (afterWord ? 1 << 16 : 0) | (match ? 1 << 17 : 0)
        | (afterContinuation ? 1 << 18 : 0)
    }
  }

  private struct State {
    var flags: Flags
    /// In `lists`.
    var start: Int
    var count: Int
  }

  private let program: RegexProgram
  private let isReversed: Bool
  /// Entries a state: one a class and one for the end of the text.
  private let stride: Int
  private var transitions: UnsafeMutablePointer<Entry>
  private var capacity: Int  // In states.
  private var states: [State] = []
  private var lists: [UInt32] = []
  private var known: [UInt64: [Int]] = [:]
  private var starts: [Entry]
  /// How often the states were forgotten.
  private var generation = 0
  private var current: SparseSet
  /// Where a byte led, before anything is followed.
  private var seeds: SparseSet
  private var stack: [UInt32] = []
  private var scratch: [UInt32] = []

  /// - Parameter isReversed: whether the program reads texts from their end: for `matchStart`, which wants the longest match.
  init(_ program: RegexProgram, isReversed: Bool) {
    self.program = program
    self.isReversed = isReversed
    stride = program.classCount + 1
    capacity = 16
    transitions = .allocate(capacity: capacity * stride)
    current = SparseSet(capacity: program.count)
    seeds = SparseSet(capacity: program.count)
    starts = Array(repeating: Self.unknown, count: Start.allCases.count * 2)
  }

  deinit { transitions.deallocate() }
}

// Searching.
extension LazyDFA {
  /// Where the match ends that begins at `start`, or, unanchored, anywhere from there on; -1 when there is none.
  ///
  /// - Parameters:
  ///   - anyEnd: whether any match will do, wherever it ends: then this stops at the first.
  ///   - prefix: what every match begins with, to skip over what cannot begin one; unanchored only.
  func matchEnd(
    in text: TextBytes, from start: Int, anchored: Bool, anyEnd: Bool, prefix: SubstringSearcher? = nil
  ) -> Int {
    guard let base = text.baseAddress else { return emptyMatch(anchored: anchored) ? 0 : -1 }
    let classes = program.classes
    var last = -1
    var place = start
    if let prefix {
      place = prefix.firstOffset(in: text, from: start)
      guard place >= 0 else { return -1 }
      // So that coming back to it is seen; nothing is asked of the place before a prefix.
      _ = startState(.other, anchored: false)
    }
    var state = startState(place == 0 ? .text : context(after: base[place &- 1]), anchored: anchored)
    if state == Self.dead { return -1 }
    while place < text.count {
      let slot = Int(state) &+ Int(classes[Int(base[place])])
      var entry = transitions[slot]
      place &+= 1
      if entry & Self.special != 0 {
        if entry == Self.unknown { entry = step(&state, byte: base[place &- 1]) }
        if entry == Self.dead { return last }
        if entry & Self.matchBit != 0 {
          last = place &- 1
          if anyEnd { return last }
          entry &= ~Self.matchBit
        }
      }
      state = entry
      // Back at the start: nothing begun so far can become a match.
      if let prefix, last < 0, state == starts[Start.other.rawValue * 2] {
        place = prefix.firstOffset(in: text, from: place)
        guard place >= 0 else { return -1 }
      }
    }
    return atEnd(&state) ? text.count : last
  }

  /// Where the longest match begins that ends at `end`, at `bound` or after it; -1 when there is none. For a reversed
  /// program.
  ///
  /// - Parameter anyStart: whether any match will do, wherever it begins: then this stops at the first that it meets.
  func matchStart(in text: TextBytes, endingAt end: Int, notBefore bound: Int, anyStart: Bool = false) -> Int {
    guard let base = text.baseAddress else { return emptyMatch(anchored: true) ? 0 : -1 }
    let classes = program.classes
    var last = -1
    var place = end
    // Read from the end, the byte after the place is the one before it.
    var state = startState(end == text.count ? .text : context(after: base[end]), anchored: true)
    if state == Self.dead { return -1 }
    // The byte before the bound is read too, since it tells the conditions at the bound.
    let stop = max(bound &- 1, 0)
    while place > stop {
      place &-= 1
      let slot = Int(state) &+ Int(classes[Int(base[place])])
      var entry = transitions[slot]
      if entry & Self.special != 0 {
        if entry == Self.unknown { entry = step(&state, byte: base[place]) }
        if entry == Self.dead { return last }
        if entry & Self.matchBit != 0 {
          last = place &+ 1
          if anyStart { return last }
          entry &= ~Self.matchBit
        }
      }
      state = entry
    }
    return bound == 0 && atEnd(&state) ? 0 : last
  }

  /// Whether a match ends at the end of the text, which the state has reached.
  private func atEnd(_ state: inout Entry) -> Bool {
    var entry = transitions[Int(state) &+ stride &- 1]
    if entry == Self.unknown { entry = step(&state, byte: nil) }
    return entry != Self.dead && entry & Self.matchBit != 0
  }

  private func emptyMatch(anchored: Bool) -> Bool {
    var state = startState(.text, anchored: anchored)
    return state != Self.dead && atEnd(&state)
  }
}

// States.
extension LazyDFA {
  /// What stands before the place where a search starts.
  private enum Start: Int, CaseIterable {
    case text, line, word, continuation, other
  }

  private func context(after byte: UInt8) -> Start {
    if program.looks.isEmpty { return .other }
    if byte == 0x0A { return .line }
    if isReversed, byte & 0xC0 == 0x80 { return .continuation }
    return RegexLook.isWordByte(byte) ? .word : .other
  }

  private func startState(_ start: Start, anchored: Bool) -> Entry {
    let index = start.rawValue * 2 + (anchored ? 1 : 0)
    if starts[index] != Self.unknown { return starts[index] }
    var flags = Flags(afterWord: start == .word, afterContinuation: start == .continuation)
    if start == .text { flags.held = [.textStart, .lineStart] }
    if start == .line { flags.held = .lineStart }
    seeds.removeAll()
    _ = seeds.insert(anchored ? program.anchored : program.unanchored)
    let entry = stateOfSeeds(flags)
    starts[index] = entry
    return entry
  }

  /// The state after `state` and a byte, nil for the end of the text. Notes it, unless all states were forgotten over it.
  @inline(never)
  private func step(_ state: inout Entry, byte: UInt8?) -> Entry {
    let from = states[Int(state) / stride]
    var before = from.flags.held
    var after: RegexLook = []
    if byte == 0x0A {
      before.insert(.lineEnd)
      after.insert(.lineStart)
    }
    if byte == nil { before.formUnion([.lineEnd, .textEnd]) }
    let word = byte.map(RegexLook.isWordByte) ?? false
    let continues = byte.map { $0 & 0xC0 == 0x80 } ?? false
    if word != from.flags.afterWord {
      before.insert(.wordBoundary)
    } else if !(isReversed ? from.flags.afterContinuation : continues) {
      before.insert(.noWordBoundary)
    }
    current.removeAll()
    for index in from.start..<(from.start + from.count) {
      if from.flags.waits { follow(lists[index], before, into: &current) } else { _ = current.insert(lists[index]) }
    }
    seeds.removeAll()
    var match = false
    loop: for index in 0..<current.count {
      let instruction = program.instructions[Int(current[index])]
      switch instruction.kind {
      case .byte:
        if let byte, byte >= instruction.low, byte <= instruction.high { _ = seeds.insert(instruction.next) }
      case .match:
        match = true
        if !isReversed { break loop }
      case .split, .look, .note, .fail: break
      }
    }
    let slot = Int(state) + (byte.map { Int(program.classes[Int($0)]) } ?? stride - 1)
    let generation = generation
    let entry = stateOfSeeds(
      Flags(held: after, afterWord: word, afterContinuation: isReversed && continues, match: match))
    if self.generation == generation { transitions[slot] = entry }  // Else `slot` is another state's now.
    return entry
  }

  /// Adds what can be reached from the instruction without a byte, in the order of preference.
  private func follow(_ instruction: UInt32, _ held: RegexLook, into set: inout SparseSet) {
    stack.append(instruction)
    while let place = stack.popLast() {
      guard set.insert(place) else { continue }
      let instruction = program.instructions[Int(place)]
      switch instruction.kind {
      case .byte, .match, .fail: break
      case .note: stack.append(instruction.next)
      case .split:
        stack.append(instruction.other)
        stack.append(instruction.next)
      case .look:
        if RegexLook(rawValue: instruction.low).isSubset(of: held) { stack.append(instruction.next) }
      }
    }
  }

  /// The state of what can be reached from `seeds`, found or made.
  private func stateOfSeeds(_ flags: Flags) -> Entry {
    current.removeAll()
    for index in 0..<seeds.count { follow(seeds[index], flags.held, into: &current) }
    scratch.removeAll(keepingCapacity: true)
    var flags = flags
    loop: for index in 0..<current.count {
      switch program.instructions[Int(current[index])].kind {
      case .byte: scratch.append(current[index])
      case .look: flags.waits = true
      case .match:
        scratch.append(current[index])
        // What comes after a match is preferred less.
        if !isReversed { break loop }
      case .split, .note, .fail: break
      }
    }
    if flags.waits {
      scratch.removeAll(keepingCapacity: true)
      for index in 0..<seeds.count { scratch.append(seeds[index]) }
    } else {
      // What no instruction asks for makes no states of its own.
      flags = Flags(match: flags.match)
    }
    if scratch.isEmpty, !flags.match { return Self.dead }
    if isReversed { scratch.sort() }
    return intern(flags)
  }

  /// The state of the instructions in `scratch`.
  private func intern(_ flags: Flags) -> Entry {
    var hash = UInt64(flags.bits) &+ 0x9E37_79B9_7F4A_7C15
    for place in scratch { hash = (hash ^ UInt64(place)) &* 0x0000_0100_0000_01B3 }
    for candidate in known[hash] ?? [] where states[candidate].flags.bits == flags.bits {
      let state = states[candidate]
      if state.count == scratch.count, lists[state.start..<(state.start + state.count)].elementsEqual(scratch) {
        return entry(candidate, flags)
      }
    }
    let bytes = (states.count + 1) * (stride * 4 + 96) + (lists.count + scratch.count) * 4
    if bytes > Self.maximumBytes, !states.isEmpty { forget() }
    let index = states.count
    states.append(State(flags: flags, start: lists.count, count: scratch.count))
    lists += scratch
    known[hash, default: []].append(index)
    if index >= capacity {
      let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity * 2 * stride)
      larger.update(from: transitions, count: capacity * stride)
      transitions.deallocate()
      transitions = larger
      capacity *= 2
    }
    (transitions + index * stride).update(repeating: Self.unknown, count: stride)
    return entry(index, flags)
  }

  private func entry(_ state: Int, _ flags: Flags) -> Entry {
    Entry(state * stride) | (flags.match ? Self.matchBit : 0)
  }

  private func forget() {
    generation += 1
    states.removeAll(keepingCapacity: true)
    lists.removeAll(keepingCapacity: true)
    known.removeAll(keepingCapacity: true)
    for index in 0..<starts.count { starts[index] = Self.unknown }
  }
}
