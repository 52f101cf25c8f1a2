/// How a process ended, from the status that wait(2) gives. Linux: the low seven bits are the signal, 0 for an exit whose
/// code is in the next byte, 0x7f for a process that is only stopped.
enum WaitStatus: Sendable, Hashable {
  case exited(Int32)
  case killed(SignalName)

  /// Nil for a process that has not ended.
  init?(_ raw: Int32) {
    switch raw & 0x7f {
    case 0: self = .exited((raw >> 8) & 0xff)
    case 0x7f: return nil
    case let signal: self = .killed(SignalName(signal))
    }
  }
}
