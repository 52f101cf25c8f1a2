/// A regular expression as instructions over bytes: a nondeterministic automaton (Thompson, "Regular expression search
/// algorithm", 1968; Cox, "Regular expression matching in the wild", 2010).
final class RegexProgram: @unchecked Sendable {  // Nobody writes to it after `init`.
  struct Instruction {
    enum Kind: UInt8 {
      /// Takes a byte from `low` to `high` and goes on at `next`.
      case byte
      /// Goes on at `next`, or else at `other`.
      case split
      /// Goes on at `next` where the conditions `low` (a `RegexLook`) hold.
      case look
      /// Notes the place in slot `other` and goes on at `next`.
      case note
      case match
      /// Never goes on.
      case fail
    }

    var kind: Kind
    var low: UInt8 = 0
    var high: UInt8 = 0
    var next: UInt32 = 0
    var other: UInt32 = 0
  }

  let instructions: UnsafePointer<Instruction>
  let count: Int
  /// Where a match that begins at the place begins.
  let anchored: UInt32
  /// Where a match that begins at the place or anywhere after it begins.
  let unanchored: UInt32
  /// All conditions that are asked for somewhere.
  let looks: RegexLook
  /// The class of each byte: bytes of one class are never told apart.
  let classes: UnsafePointer<UInt8>
  /// How many there are, at most 256.
  let classCount: Int

  init(_ source: [Instruction], anchored: UInt32, unanchored: UInt32) {
    let copy = UnsafeMutablePointer<Instruction>.allocate(capacity: source.count)
    copy.initialize(from: source, count: source.count)
    instructions = UnsafePointer(copy)
    count = source.count
    self.anchored = anchored
    self.unanchored = unanchored
    looks = source.reduce(into: RegexLook()) { looks, instruction in
      if instruction.kind == .look { looks.formUnion(RegexLook(rawValue: instruction.low)) }
    }
    let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
    classCount = Self.classify(source, looks, into: table)
    classes = UnsafePointer(table)
  }

  deinit {
    instructions.deallocate()
    classes.deallocate()
  }

  private static func classify(
    _ source: [Instruction], _ looks: RegexLook, into table: UnsafeMutablePointer<UInt8>
  ) -> Int {
    // A class begins at each byte where some instruction begins or has ended.
    var begins = [Bool](repeating: false, count: 257)
    for instruction in source where instruction.kind == .byte {
      begins[Int(instruction.low)] = true
      begins[Int(instruction.high) + 1] = true
    }
    if !looks.isDisjoint(with: [.lineStart, .lineEnd]) {
      begins[0x0A] = true
      begins[0x0B] = true
    }
    if !looks.isDisjoint(with: [.wordBoundary, .noWordBoundary]) {
      for byte in 1...255 where RegexLook.isWordByte(UInt8(byte)) != RegexLook.isWordByte(UInt8(byte - 1)) {
        begins[byte] = true
      }
      begins[0x80] = true
      begins[0xC0] = true
    }
    var current = 0
    for byte in 0..<256 {
      if byte > 0, begins[byte] { current += 1 }
      table[byte] = UInt8(current)
    }
    return current + 1
  }
}
