import Base

/// `--memory-limit`: bytes, or a share of what the machine allows.
enum MemoryLimit: Sendable, Hashable {
  case bytes(Int)
  /// 1 to 100.
  case percent(Int)

  /// Below this not even small channels have room.
  static let smallest = 64 << 20

  /// "2GiB" or "80%"; nil when the text is neither, or out of range.
  init?(_ text: String) {
    if text.hasSuffix("%") {
      let digits = text.dropLast()
      guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let share = Int(digits), (1...100).contains(share)
      else { return nil }
      self = .percent(share)
    } else {
      guard let bytes = byteSize(from: text), bytes >= Self.smallest else { return nil }
      self = .bytes(bytes)
    }
  }

  /// The limit on a machine, and how it came about, for the log.
  func resolved(on machine: MachineResources) -> (bytes: Int, source: String) {
    switch self {
    case .bytes(let bytes): (bytes, "--memory-limit")
    case .percent(let share):
      (
        max(Self.smallest, machine.memory / 100 * share),
        "\(share)% of \(byteSizeText(machine.memory)), \(machine.memorySource)"
      )
    }
  }
}
